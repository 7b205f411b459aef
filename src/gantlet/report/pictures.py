"""Pictures side by side: singles and strips, pairs, galleries."""

import base64
import io
from collections.abc import Sequence

from PIL import Image

from gantlet.evaluation.figures import Picture, Pictures
from gantlet.report.markup import Markup, element

SMALL = 96  # pixels; smaller pictures are enlarged with their pixels kept sharp
FEW = 4  # pictures in a row that leave room for a caption under each


class ReportError(ValueError):
    """Something that a page cannot show; says what, and what it can show."""


def pictures(panel: Pictures, anchor: str) -> Markup:
    """Rows of pictures that belong together, each with its caption."""
    longest = max((len(row) for row in panel.rows), default=0)
    layout = "singles" if longest <= 1 else "pairs" if longest <= FEW else "galleries"
    return element(
        "section",
        element("h3", panel.title, id=f"{anchor}-title"),
        element("p", panel.words, class_="caption") if panel.words else None,
        element(
            "div",
            *(_row(row, layout) for row in panel.rows if row),
            class_=layout,
            style=f"--most:{longest}",
        ),
        id=anchor,
        class_="panel wide",
        aria_labelledby=f"{anchor}-title",
    )


def groups(samples: Sequence[Picture]) -> Markup:
    """Samples under one caption for all that share their words."""
    by_words: dict[str, list[Picture]] = {}
    for sample in samples:
        by_words.setdefault(sample.words, []).append(sample)
    figures = [
        element(
            "figure",
            element("figcaption", words, aria_hidden="true"),
            element("div", *_numbered(several), class_="sheet" if len(several) > 1 else "one"),
        )
        for words, several in by_words.items()
    ]
    return element("div", *figures, class_="groups")


def shown(picture: Picture, alternative: str | None = None) -> Markup:
    """The picture inside the page, at its own shape.

    Raises:
        ReportError: it is not a picture.
    """
    if not picture.media_type.startswith("image/"):
        raise ReportError(
            f"a report shows pictures, not {picture.media_type!r}: give image/png or image/svg+xml"
        )
    width, height = _size(picture)
    return element(
        "img",
        src=data_uri(picture.content, picture.media_type),
        alt=alternative or picture.words or "a sample",
        width=width,
        height=height,
        class_="sharp" if width and max(width, height or 0) <= SMALL else None,
    )


def data_uri(content: bytes, media_type: str) -> str:
    """The content as an address of its own."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _row(row: tuple[Picture, ...], layout: str) -> Markup:
    """One caption where all pictures share their words, else one under each."""
    if len({picture.words for picture in row}) == 1 and len(row) > 1:
        body = [*_numbered(row), element("p", row[0].words, aria_hidden="true")]
    else:
        body = [_captioned(picture) for picture in row]
    return element("div", *body, class_="row", style=f"--n:{len(row)}", role="group")


def _captioned(picture: Picture) -> Markup:
    caption = element("figcaption", picture.words, aria_hidden="true") if picture.words else None
    wide = _is_strip(picture)
    return element("figure", shown(picture), caption, class_="strip" if wide else None)


def _numbered(several: Sequence[Picture]) -> list[Markup]:
    total = len(several)
    if total == 1:
        return [shown(several[0])]
    return [shown(p, f"{p.words}, {k} of {total}") for k, p in enumerate(several, start=1)]


def _is_strip(picture: Picture) -> bool:
    width, height = _size(picture)
    return width is not None and height is not None and width > 3 * height


def _size(picture: Picture) -> tuple[int, int] | tuple[None, None]:
    """Width and height, read from the header; drawings have none of their own."""
    if picture.media_type == "image/svg+xml":
        return None, None
    with Image.open(io.BytesIO(picture.content)) as image:
        return image.size
