"""Series as pictures: each channel a strip, some series drawn in it."""

import io

import numpy as np
from jaxtyping import Float, Int
from PIL import Image, ImageDraw, ImageFont

from gantlet.modalities.base import Preview
from gantlet.modalities.timelines.courses import courses_of
from gantlet.modalities.timelines.spans import Spans

CHANNELS, SERIES = 12, 8  # at most, in a preview
WIDTH, HEIGHT, MARGIN, TITLE = 640, 72, 10, 18  # pixels
SMALL = (160, 96)
SIZE = 12
PAPER, INK, FRAME = "#ffffff", "#1f2430", "#e4e6eb"
COLOURS = (
    "#3b6fb6", "#c8553d", "#4f9d69", "#8a5fbf", "#c59a2f", "#3a9fa8", "#b0578d", "#6b7280",
)  # fmt: skip


def series_preview(rows: Spans) -> Preview:
    """A PNG: below each channel's name the first series, on the scale of those shown."""
    (found,) = courses_of([rows[:SERIES]])
    moving = _moving(found.values)[:CHANNELS]
    shown = found.values[:, :, moving]
    image = Image.new("RGB", (WIDTH, (HEIGHT + TITLE) * shown.shape[2] + MARGIN), PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(SIZE)
    for channel in range(shown.shape[2]):
        top = channel * (HEIGHT + TITLE) + MARGIN
        draw.text((MARGIN, top), found.names[moving[channel]], fill=INK, font=font)
        _strip(draw, shown[:, :, channel], (MARGIN, top + TITLE, WIDTH - MARGIN, top + HEIGHT))
    return Preview("image/png", _png(image))


def series_thumbnail(rows: Spans) -> bytes:
    """A small PNG of one series, each of its first channels on its own scale."""
    (found,) = courses_of([rows[:1]])
    image = Image.new("RGB", SMALL, PAPER)
    draw = ImageDraw.Draw(image)
    for channel in range(min(found.values.shape[2], len(COLOURS))):
        box = (4, 4, SMALL[0] - 4, SMALL[1] - 4)
        _line(draw, found.values[0, :, channel], _range(found.values[0, :, channel]), box, channel)
    return _png(image)


def _moving(values: Float[np.ndarray, "n t c"]) -> Int[np.ndarray, "k"]:
    """Channels that change within some series; all, where none does."""
    steps = np.abs(np.diff(values, axis=1))
    found = np.flatnonzero((np.where(np.isnan(steps), 0, steps) > 0).any((0, 1)))
    return found if len(found) else np.arange(values.shape[2])


def _strip(
    draw: ImageDraw.ImageDraw, values: Float[np.ndarray, "n t"], box: tuple[int, int, int, int]
) -> None:
    draw.rectangle(box, outline=FRAME)
    for number, row in enumerate(values):
        _line(draw, row, _range(values), box, number)


def _range(values: Float[np.ndarray, "*n"]) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _line(
    draw: ImageDraw.ImageDraw,
    row: Float[np.ndarray, "t"],
    span: tuple[float, float],
    box: tuple[int, int, int, int],
    number: int,
) -> None:
    left, top, right, bottom = box
    x = left + (right - left) * np.arange(len(row)) / max(len(row) - 1, 1)
    y = bottom - (bottom - top) * (row - span[0]) / (span[1] - span[0])
    known = np.flatnonzero(np.isfinite(y))
    for piece in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        points = [(float(x[i]), float(y[i])) for i in piece]
        if len(points) > 1:
            draw.line(points, fill=COLOURS[number % len(COLOURS)], width=1)
        elif points:
            draw.point(points, fill=COLOURS[number % len(COLOURS)])


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
