"""Pictures as a PNG: a near-square sheet of them, or a single small one."""

import io
import math

import numpy as np
from jaxtyping import UInt8
from PIL import Image

LEAST_WIDTH = 512  # pixels
SQUARE = 8  # pixels, of the checkerboard that shows through
LIGHT, DARK = 232, 200
MOST_SIDE = 96  # pixels of a thumbnail


def grid_png(rows: UInt8[np.ndarray, "n h w c"]) -> bytes:
    """The pictures side by side, 1 pixel apart, small ones enlarged by a whole number."""
    buffer = io.BytesIO()
    Image.fromarray(grid(rows)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def thumbnail(picture: UInt8[np.ndarray, "h w c"]) -> bytes:
    """One picture as a PNG, at most 96 pixels a side."""
    image = Image.fromarray(_shown(picture))
    image.thumbnail((MOST_SIDE, MOST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def grid(rows: UInt8[np.ndarray, "n h w c"]) -> UInt8[np.ndarray, "height width 3"]:
    """The sheet itself, in colour, transparent places over a checkerboard."""
    count, height, width, _ = rows.shape
    if count == 0:
        raise ValueError("0 pictures make no grid: give at least one")
    columns = min(count, math.ceil(math.sqrt(count * height / width)))
    lines = math.ceil(count / columns)
    factor = max(1, math.ceil((LEAST_WIDTH - columns - 1) / (columns * width)))
    down, across = height * factor + 1, width * factor + 1
    sheet = np.full((lines * down + 1, columns * across + 1, 3), 24, np.uint8)
    for number, picture in enumerate(rows):
        large = picture.repeat(factor, 0).repeat(factor, 1)
        top, left = number // columns * down + 1, number % columns * across + 1
        sheet[top : top + down - 1, left : left + across - 1] = _shown(large)
    return sheet


def _shown(picture: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
    channels = picture.shape[2]
    colours = np.broadcast_to(picture[..., : 3 if channels >= 3 else 1], (*picture.shape[:2], 3))
    if channels in (1, 3):
        return colours
    alpha = picture[..., -1:] / 255
    down, across = np.indices(picture.shape[:2]) // SQUARE
    board = np.where((down + across) % 2, DARK, LIGHT)[..., None]
    return np.rint(alpha * colours + (1 - alpha) * board).astype(np.uint8)
