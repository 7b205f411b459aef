"""Pictures → files that other programs read, one writer for each suffix."""

import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from gantlet.modalities.base import Writer
from gantlet.modalities.grids import grid_png
from gantlet.modalities.pictures import image_of
from gantlet.modalities.writing import (
    Writing,
    file_aside,
    folder_aside,
    gathered,
    write_npy,
    write_npz,
)

Rows = UInt8[np.ndarray, "b h w c"]
Numbers = Int[np.ndarray, "b"]


@contextmanager
def write_grid(path: Path, count: int, classes: int) -> Writing:
    """One sheet with all pictures."""
    del classes
    with file_aside(path) as file, gathered(path, count) as (put, parts):
        yield put
        file.write(grid_png(np.concatenate(parts)))


@contextmanager
def write_folder(path: Path, count: int, classes: int) -> Writing:
    """000000.png and so on, in a folder for each label where there are labels."""
    with folder_aside(path) as folder:
        written = 0

        def put(rows: Rows, labels: Numbers | None) -> None:
            nonlocal written
            for name, content in _pngs(rows, labels, written, classes):
                # Texts, not Paths: a Path interns its name, and millions of names are memory.
                place = os.path.join(folder, name)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "xb") as file:
                    file.write(content)
            written += len(rows)

        yield put


@contextmanager
def write_zip(path: Path, count: int, classes: int) -> Writing:
    """The same files as `write_folder` in one archive."""
    with file_aside(path) as file, zipfile.ZipFile(file, "w") as archive:
        written = 0

        def put(rows: Rows, labels: Numbers | None) -> None:
            nonlocal written
            for name, content in _pngs(rows, labels, written, classes):
                # Stored: a PNG does not shrink. Undated: the same samples are the same file.
                archive.writestr(zipfile.ZipInfo(name), content)
            written += len(rows)

        yield put


IMAGE_WRITERS: Mapping[str, Writer] = {
    ".npz": write_npz,
    ".npy": write_npy,
    ".png": write_grid,
    ".zip": write_zip,
    "": write_folder,
}


def _pngs(
    rows: Rows, labels: Numbers | None, first: int, classes: int
) -> Iterator[tuple[str, bytes]]:
    digits = len(str(max(classes - 1, 0)))
    for index, picture in enumerate(rows):
        buffer = io.BytesIO()
        image_of(picture).save(buffer, "PNG")
        folder = "" if labels is None else f"{int(labels[index]):0{digits}d}/"
        yield f"{folder}{first + index:06d}.png", buffer.getvalue()
