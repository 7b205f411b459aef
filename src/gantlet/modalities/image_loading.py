"""Images of any source → rows of one size: looked at, decoded once, kept where it helps."""

import dataclasses
import hashlib
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from gantlet.config import setting
from gantlet.modalities import packing
from gantlet.modalities.base import Found, Progress, Raw, Read, SourceError, Survey
from gantlet.modalities.base import Source as AnySource
from gantlet.modalities.choosing import Choice, chosen
from gantlet.modalities.memory import numbered
from gantlet.modalities.opening import opened, quick_key
from gantlet.modalities.packing import Pack, PixelFile
from gantlet.modalities.pictures import Pictures, PixelRows
from gantlet.modalities.reading import Content, read_rows, too_many

HASHED_AT_ONCE = 2**24  # bytes


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """How images are read."""

    resolution: str | int | None = setting(
        None, "side in pixels, or WIDTHxHEIGHT; none: found from the images"
    )
    limit: int = setting(64, "largest side that is chosen where resolution is none")
    fit: str = setting(
        "crop", "how other shapes are brought to this size", one_of=("crop", "pad", "stretch")
    )
    channels: int | None = setting(
        None,
        "1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha; none: found from the images",
        one_of=(None, 1, 2, 3, 4),
    )
    labels: bool | None = setting(
        None, "learn classes; none: where folders or the file itself name them"
    )
    bad_share: float = setting(0.1, "share of the images that may be unreadable")
    cache: str | None = setting(None, "folder of decoded images; none: the user's cache folder")
    workers: int | None = setting(None, "threads that decode; none: one for each core")


def survey(source: AnySource, settings: ImageSettings) -> Survey:
    """How many pictures there are and what they would become, from some of their headers."""
    pictures = yield from _pack_or_pictures(source, settings)
    if isinstance(pictures, Pack):
        count, height, width, channels = pictures.header["shape"]
        return Found(
            count=count,
            shape=(channels, height, width),
            classes=tuple(pictures.header["classes"]),
            notes=(*pictures.header["notes"], "They lie decoded in the cache."),
        )
    choice = yield from chosen(pictures, settings)
    height, width, channels, _ = choice.target
    return Found(
        count=pictures.count,
        shape=(channels, height, width),
        classes=pictures.classes,
        notes=(*pictures.notes, *choice.notes),
        cache_bytes=0 if _as_it_is(pictures, choice) else _size(pictures, choice),
    )


def load(source: AnySource, settings: ImageSettings) -> Read:
    """The pictures, decoded into the cache unless they lie there or are an array already."""
    pictures = yield from _pack_or_pictures(source, settings)
    if isinstance(pictures, Pack):
        return _loaded_pack(pictures, settings)
    choice = yield from chosen(pictures, settings)
    if _as_it_is(pictures, choice):
        return (yield from _loaded_rows(pictures, choice))
    place = _place(source, pictures.key or "", settings)
    packing.check_space(place.parent, _size(pictures, choice))
    if pictures.key is None:
        return (yield from _loaded_aside(pictures, choice, settings, place.parent))
    fill = partial(_fill, pictures, choice, settings)
    header = {"classes": pictures.classes, "notes": (*pictures.notes, *choice.notes)}
    pack = yield from packing.made_pack(place, choice.target, fill, header)
    return _loaded_pack(pack, settings)


def _pack_or_pictures(
    source: AnySource, settings: ImageSettings
) -> Generator[Progress, None, Pack | Pictures]:
    """What was decoded before, found without opening a single file, or else what there is."""
    quick = quick_key(source)
    pack = packing.found_pack(_place(source, quick, settings)) if quick else None
    if pack:
        return pack
    pictures = _labelled((yield from opened(source, settings.labels)), source, settings)
    if pictures.key and pictures.key != quick:
        pack = packing.found_pack(_place(source, pictures.key, settings))
    return pack or pictures


def _labelled(pictures: Pictures, source: AnySource, settings: ImageSettings) -> Pictures:
    """The pictures with or without labels, as the settings ask."""
    if settings.labels is False:
        return dataclasses.replace(pictures, labels=None, labelled=False, classes=())
    if settings.labels and not pictures.labelled:
        raise SourceError(
            f"{_name(source)}: data.labels = true, but there are none; put the images into one "
            "folder for each class, or use --set data.labels=false"
        )
    if not pictures.classes:
        return pictures
    first = ", ".join(pictures.classes[:5]) + (", ..." if len(pictures.classes) > 5 else "")
    note = f"{len(pictures.classes)} classes: {first}."
    return dataclasses.replace(pictures, notes=(note, *pictures.notes))


def _name(source: AnySource) -> str:
    return str(source) if isinstance(source, (str, Path)) else f"the {type(source).__name__}"


def _place(source: AnySource, key: str, settings: ImageSettings) -> Path:
    """Where these pictures lie, or will lie, decoded."""
    root = Path(settings.cache or platformdirs.user_cache_dir("gantlet")).expanduser().resolve()
    if isinstance(source, (str, Path)):
        data = Path(source).expanduser().resolve()
        if data.is_dir() and root.is_relative_to(data):
            raise SourceError(
                f"{root}: the cache would lie inside the data; give data.cache another folder"
            )
    return root / "images" / packing.pack_key(key, settings)


def _as_it_is(pictures: Pictures, choice: Choice) -> bool:
    return pictures.rows is not None and pictures.rows.shape == choice.target[:3]


def _size(pictures: Pictures, choice: Choice) -> int:
    height, width, channels, _ = choice.target
    return pictures.count * height * width * channels


def _fill(
    pictures: Pictures, choice: Choice, settings: ImageSettings, sheet: PixelFile
) -> Generator[Progress, None, Content]:
    share, workers = settings.bad_share, settings.workers
    return (yield from read_rows(pictures, choice.target, sheet.append, share, workers))


def _loaded_pack(pack: Pack, settings: ImageSettings) -> Raw:
    skipped = pack.skipped
    if len(skipped) > settings.bad_share * (len(skipped) + len(pack.pixels)):
        total = len(skipped) + len(pack.pixels)
        raise SourceError(too_many(skipped, total, settings.bad_share))
    return Raw(
        rows=PixelRows(pack.pixels, fit=settings.fit),
        labels=pack.labels,
        classes=tuple(pack.header["classes"]),
        fingerprint=pack.header["fingerprint"],
        notes=(*pack.header["notes"], *_skip_note(skipped)),
        skipped=skipped,
        # Packs of earlier versions say neither.
        formats=pack.header.get("formats", {}),
        resized=pack.header.get("resized", 0),
    )


def _skip_note(skipped: tuple[Any, ...]) -> tuple[str, ...]:
    return (f"{len(skipped)} images could not be read and are left out.",) if skipped else ()


def _loaded_rows(pictures: Pictures, choice: Choice) -> Read:
    """An array used where it lies; it is read once, for its fingerprint."""
    assert pictures.rows is not None
    rows = dataclasses.replace(pictures.rows, fit=choice.target.fit)
    sha = hashlib.sha256()
    step = max(1, HASHED_AT_ONCE // int(np.prod(rows.shape)))
    for start in range(0, len(rows), step):
        sha.update(rows[np.arange(start, min(start + step, len(rows)))].tobytes())
        yield Progress(start, len(rows), "reading the array")
    shape = (len(rows), *rows.shape)
    return Raw(
        rows=rows,
        labels=pictures.labels,
        classes=pictures.classes,
        fingerprint=packing.fingerprint(sha.hexdigest(), shape, pictures.labels, pictures.classes),
        notes=(*pictures.notes, *choice.notes),
    )


def _loaded_aside(
    pictures: Pictures, choice: Choice, settings: ImageSettings, folder: Path
) -> Read:
    """Pictures that a program holds, fitted into a nameless file that ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        sheet = PixelFile(file, choice.target)
        content = yield from _fill(pictures, choice, settings, sheet)
        sha = sheet.finish()
        shape = (sheet.count, *choice.target[:3])
        pixels = np.memmap(file, np.uint8, "r", sheet.start, shape)
    labels, classes = content.labels, pictures.classes
    if not classes:
        labels, classes = numbered(labels)
    return Raw(
        rows=PixelRows(pixels, fit=settings.fit),
        labels=labels,
        classes=classes,
        fingerprint=packing.fingerprint(sha, shape, labels, classes),
        notes=(*pictures.notes, *choice.notes, *_skip_note(content.skipped)),
        skipped=content.skipped,
        formats=content.formats,
        resized=content.resized,
    )
