"""Reading images in tests: a source and settings in, what was read out."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gantlet.modalities.base import Found, Raw, finished
from gantlet.modalities.image import IMAGE, ImageSettings


def read(source: Any, cache: Path, **settings: Any) -> Raw:
    """The source's pictures, decoded into this cache."""
    return finished(IMAGE.load(source, ImageSettings(cache=str(cache), **settings)))


def looked(source: Any, cache: Path, **settings: Any) -> Found:
    """What a survey of the source finds."""
    return finished(IMAGE.survey(source, ImageSettings(cache=str(cache), **settings)))


def all_rows(raw: Raw) -> np.ndarray:
    """Every picture at once."""
    return np.asarray(raw.rows[np.arange(len(raw.rows))])


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Random bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(folder: Path, name: str, pixels: np.ndarray, **options: Any) -> Path:
    """One image file, in a folder that is made where it is not there."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def some_images(folder: Path, count: int, side: int = 16) -> Path:
    """A folder with so many colour PNGs."""
    for number in range(count):
        save(folder, f"{number:03d}.png", noise(side, side, 3, seed=number))
    return folder


def written(path: Path, rows: np.ndarray, labels: np.ndarray | None) -> None:
    """The pictures as the path's ending says, in two parts."""
    classes = 0 if labels is None else int(labels.max()) + 1
    with IMAGE.writers[path.suffix](path, len(rows), classes) as put:
        for part in (slice(0, 2), slice(2, None)):
            put(rows[part], None if labels is None else labels[part])
