"""Which size and how many channels pictures get, found by looking at some of them."""

import re
from collections import Counter
from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gantlet.config import ConfigError
from gantlet.modalities import decoding
from gantlet.modalities.base import Progress, Skipped, SourceError
from gantlet.modalities.decoding import Target
from gantlet.modalities.listing import Pace
from gantlet.modalities.pictures import Item, Pictures
from gantlet.modalities.stacks import spaced

HEADERS = 500  # pictures whose headers are read
CONTENTS = 64  # pictures that are decoded, to see transparency and colour
SIDES = (16, 32, 64, 128, 256)
SEE_THROUGH = 250  # alpha below this is really transparent
TRANSPARENT_SHARE = 0.25  # of the pictures: more than this and alpha is worth learning
GREY_TOLERANCE = 3  # of 255, between the colours of a pixel


class Look(NamedTuple):
    """What one picture's header says, and, where it was decoded, what is in it."""

    size: tuple[int, int]  # width, height, upright
    grey: bool | None  # None: only decoding would tell
    transparent: bool | None


class Choice(NamedTuple):
    """What every picture becomes, and why."""

    target: Target
    notes: tuple[str, ...]


def chosen(pictures: Pictures, settings: Any) -> Generator[Progress, None, Choice]:
    """The size and channels that the settings ask for, or else that the pictures suggest."""
    looks = yield from _looks(pictures, settings.channels is None and pictures.channels is None)
    width, height, why_size = _size(settings, looks)
    channels, why_channels = _channels(settings, pictures, looks)
    target = Target(height, width, channels, settings.fit)
    return Choice(target, (why_size, why_channels))


def asked_size(resolution: str | int | None) -> tuple[int, int] | None:
    """Width and height of a setting like 64 or "128x96"."""
    if resolution is None:
        return None
    match = re.fullmatch(r"(\d+)(?:[x×](\d+))?", str(resolution).strip().lower())
    if match is None or min(int(side or 4) for side in match.groups()) < 4:
        raise ConfigError(
            f"data.resolution = {resolution!r}: write it as 64 or 128x96 (width x height), "
            "both sides at least 4"
        )
    return int(match[1]), int(match[2] or match[1])


def _looks(pictures: Pictures, inside: bool) -> Generator[Progress, None, list[Look]]:
    """Headers of some pictures, spread evenly; every few of them decoded as well."""
    most = min(HEADERS, pictures.count)
    positions = spaced(pictures.count, HEADERS) if pictures.spread else np.arange(most)
    every, pace = max(1, len(positions) // CONTENTS), Pace()
    looks: list[Look] = []
    failures: list[Skipped] = []
    for number, item in enumerate(pictures.pick(positions.tolist())):
        try:
            looks.append(_look(item, inside and number % every == 0))
        except decoding.DECODER_FAILURES as error:
            failures.append(Skipped(item.name, decoding.reason(error)))
        if pace.due():
            yield Progress(number + 1, len(positions), "looking at images")
    if not looks:
        raise SourceError(
            f"none of the {len(failures)} {pictures.what} looked at is an image that can be read: "
            + "; ".join(f"{name}: {why}" for name, why in failures[:3])
        )
    return looks


def _look(item: Item, inside: bool) -> Look:
    with item.open() as image:
        width, height = image.size
        size = (height, width) if decoding.turned(image) else (width, height)
        sees_through = None if image.has_transparency_data else False
        grey = True if image.mode in ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B") else None
        if inside and (sees_through is None or grey is None):
            image.draft("RGB", (64, 64))
            sees_through, grey = _content(image.convert("RGBA"), grey)
        return Look(size, grey, sees_through)


def _content(image: Image.Image, grey: bool | None) -> tuple[bool, bool]:
    pixels = np.asarray(image).astype(np.int16)
    colours, alpha = pixels[..., :3], pixels[..., 3]
    spread = np.ptp(colours[alpha > 0], axis=-1) if (alpha > 0).any() else np.zeros(1)
    return bool(alpha.min() < SEE_THROUGH), bool(grey or spread.max() <= GREY_TOLERANCE)


def _size(settings: Any, looks: list[Look]) -> tuple[int, int, str]:
    sizes = Counter(look.size for look in looks)
    asked = asked_size(settings.resolution)
    if asked:
        return *asked, f"Pictures become {asked[0]}x{asked[1]} as data.resolution says."
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) == 1 and max(width, height) <= settings.limit:
        return width, height, f"All pictures looked at are {width}x{height}, and stay so."
    smaller = int(np.median([min(look.size) for look in looks]))
    bound = min(settings.limit, smaller)
    side = max((side for side in SIDES if side <= bound), default=SIDES[0])
    were = f"{width}x{height}" if len(sizes) == 1 else f"of {len(sizes)} sizes"
    why = f"their smaller sides are {smaller} at the median, the limit is {settings.limit}"
    how = {"crop": "cropped in the middle", "pad": "padded", "stretch": "stretched"}[settings.fit]
    return side, side, f"Pictures {were} become {side}x{side}, {how}: {why}."


def _channels(settings: Any, pictures: Pictures, looks: list[Look]) -> tuple[int, str]:
    names = {1: "grey", 2: "grey and alpha", 3: "colour", 4: "colour and alpha"}
    if settings.channels is not None:
        return settings.channels, f"Channels: {names[settings.channels]}, as data.channels says."
    if pictures.channels is not None:
        return pictures.channels, f"Channels: {names[pictures.channels]}, as in the array."
    seen = [look.transparent for look in looks if look.transparent is not None]
    transparent = sum(seen) / len(seen) if seen else 0.0
    if transparent > TRANSPARENT_SHARE:
        return 4, f"Channels: colour and alpha, for {transparent:.0%} are transparent in places."
    over = ", transparent places over white" if transparent else ""
    if any(look.grey is False for look in looks) or not any(look.grey for look in looks):
        return 3, f"Channels: colour{over}."
    return 1, f"Channels: grey, as are all pictures looked at{over}."
