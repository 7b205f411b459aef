"""A map of samples: dots in SVG, their thumbnails on one sheet.

It is a picture without JavaScript; with it, pointer and arrow keys show one sample at a time.
"""

import math
from collections import Counter

from gantlet.evaluation.figures import Dot, Map
from gantlet.report.marks import WORDS, dot
from gantlet.report.markup import Markup, element, joined, slug
from gantlet.report.pictures import data_uri
from gantlet.report.sprites import sheet
from gantlet.report.tables import grid

WIDTH = 640  # of the drawing, in its own units
LEAST, MOST = 0.5, 0.68  # height as a share of the width
MARGIN = 12
MOST_GROUPS = 30  # words that are counted in the table


def map_of(panel: Map, anchor: str) -> Markup:
    """The map with its legend, its caption and the counts behind it."""
    dots = tuple(one for one in panel.dots if math.isfinite(one.x) and math.isfinite(one.y))
    kinds = list(dict.fromkeys(one.kind for one in dots))
    legend = element(
        "ul",
        *(element("li", dot(kind), _named(kind), data_kind=slug(kind)) for kind in kinds),
        class_="legend",
    )
    return element(
        "figure",
        element("h3", panel.title, id=f"{anchor}-title"),
        element(
            "div",
            element(
                "div",
                _drawing(dots, anchor),
                class_="stage",
                data_title=panel.title,
            ),
            _peek([one.picture for one in dots if one.picture]),
            class_="map",
        ),
        legend,
        element("p", class_="how", hidden=True),
        element("figcaption", panel.words, id=f"{anchor}-words"),
        _counts(dots, kinds, panel.title),
        id=anchor,
        class_="panel wide",
    )


def _named(kind: str) -> str:
    return WORDS.get(kind, kind)


def _drawing(dots: tuple[Dot, ...], anchor: str) -> Markup:
    """Both axes in one scale, for distances to be what they are."""
    xs, ys = [one.x for one in dots] or [0.0], [one.y for one in dots] or [0.0]
    across, up = max(xs) - min(xs) or 1.0, max(ys) - min(ys) or 1.0
    height = WIDTH * min(max(up / across, LEAST), MOST)
    scale = min((WIDTH - 2 * MARGIN) / across, (height - 2 * MARGIN) / up)
    left, top = (WIDTH - scale * across) / 2, (height - scale * up) / 2
    cells, shapes = 0, []
    for one in dots:
        x, y = left + (one.x - min(xs)) * scale, top + (max(ys) - one.y) * scale
        shapes.append(_dot(one, x, y, cells if one.picture else None))
        cells += bool(one.picture)
    return element(
        "svg",
        *shapes,
        viewBox=f"0 0 {WIDTH} {height:.0f}",
        role="img",
        aria_labelledby=f"{anchor}-title",
        aria_describedby=f"{anchor}-words",
    )


def _dot(one: Dot, x: float, y: float, cell: int | None) -> Markup:
    kind = _named(one.kind)
    words = one.words if one.words.startswith(kind) else f"{kind}: {one.words}".removesuffix(": ")
    return element(
        "use",
        element("title", words),
        href=f"#dot-{slug(one.kind)}",
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        class_=f"k-{slug(one.kind)}",
        data_cell=cell,
    )


def _peek(pictures: list[bytes]) -> Markup:
    """What shows one sample: filled and moved by the script."""
    picture = None
    if pictures:
        sprites = sheet(pictures)
        image = element(
            "img",
            src=data_uri(sprites.content, sprites.media_type),
            alt="The sample at the pointer",
            style=f"width:{sprites.side}px;height:{sprites.side}px",
            data_side=sprites.side,
            data_columns=sprites.columns,
        )
        picture = element("span", image, class_="thumb")
    return joined(
        element("div", picture, element("p"), class_="peek", hidden=True),
        element("p", class_="unseen", aria_live="polite"),
    )


def _counts(dots: tuple[Dot, ...], kinds: list[str], title: str) -> Markup:
    """How many of each; by their words too where these are few."""
    counted = Counter((one.words, one.kind) for one in dots)
    words = sorted({one.words for one in dots})
    rows = [("all", *(f"{sum(one.kind == kind for one in dots):,}" for kind in kinds))]
    if 1 < len(words) <= MOST_GROUPS:
        rows += [(word, *(f"{counted[word, kind]:,}" for kind in kinds)) for word in words]
    columns = ("samples", *(_named(kind) for kind in kinds))
    return element(
        "details",
        element("summary", "Numbers behind this map"),
        grid(columns, tuple(rows), f"Numbers behind “{title}”"),
        class_="data",
    )
