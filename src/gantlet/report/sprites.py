"""Many small pictures on one sheet: a page holds one picture instead of a thousand."""

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

SIDES = (96, 64, 48, 32, 24, 16)  # pixels of a cell; the largest that the budget allows
BUDGET = 1_200_000  # pixels of a sheet
MOST_BYTES = 600_000  # of a lossless sheet; beyond, a lossy one does for recognising
QUALITY = 82
PAPER = (255, 255, 255)


class Sheet(NamedTuple):
    """A sheet of equal cells, row by row."""

    content: bytes
    media_type: str
    side: int
    columns: int


def sheet(pictures: Sequence[bytes]) -> Sheet:
    """Each picture in the middle of its cell, shrunk where it is larger, never enlarged."""
    side = next((s for s in SIDES if len(pictures) * s * s <= BUDGET), SIDES[-1])
    images = [_thumbnail(content, side) for content in pictures]
    side = max(max(image.size) for image in images)
    columns = math.ceil(math.sqrt(len(images)))
    lines = math.ceil(len(images) / columns)
    mode = "L" if all(image.mode == "L" for image in images) else "RGB"
    paper = Image.new(
        mode, (columns * side, lines * side), PAPER[: len(mode)] if mode == "RGB" else 255
    )
    for k, image in enumerate(images):
        left = k % columns * side + (side - image.width) // 2
        top = k // columns * side + (side - image.height) // 2
        paper.paste(image, (left, top))
    content, media_type = _written(paper)
    return Sheet(content, media_type, side, columns)


def _thumbnail(content: bytes, side: int) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        small = image.copy() if image.mode in ("L", "RGB") else _on_paper(image.convert("RGBA"))
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _on_paper(image: Image.Image) -> Image.Image:
    opaque = Image.new("RGB", image.size, PAPER)
    opaque.paste(image, mask=image.getchannel("A"))
    return opaque


def _written(paper: Image.Image) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    paper.save(buffer, "PNG", optimize=True)
    if buffer.tell() <= MOST_BYTES:
        return buffer.getvalue(), "image/png"
    buffer = io.BytesIO()
    paper.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue(), "image/jpeg"
