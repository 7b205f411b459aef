"""Pictures → files that other programs read, one function for each suffix."""

import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from gantlet.modalities.base import Writer
from gantlet.modalities.grids import grid_png
from gantlet.modalities.pictures import image_of

Rows = UInt8[np.ndarray, "n h w c"]
Numbers = Int[np.ndarray, "n"]


def write_npz(path: Path, rows: Rows, labels: Numbers | None) -> None:
    """Arrays `samples` and, where there are labels, `labels`."""
    arrays = {"samples": rows} if labels is None else {"samples": rows, "labels": labels}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # pyright: ignore[reportArgumentType] # the stub takes them for allow_pickle
    _write(path, buffer.getbuffer())


def write_npy(path: Path, rows: Rows, labels: Numbers | None) -> None:
    """The pixels alone: an .npy has no place for labels."""
    del labels
    buffer = io.BytesIO()
    np.save(buffer, rows)
    _write(path, buffer.getbuffer())


def write_grid(path: Path, rows: Rows, labels: Numbers | None) -> None:
    """One sheet with all pictures."""
    del labels
    _write(path, grid_png(rows))


def write_folder(path: Path, rows: Rows, labels: Numbers | None) -> None:
    """000000.png and so on, in a folder for each label where there are labels."""
    if path.exists() and any(path.iterdir()):
        raise ValueError(f"{path}: holds files already; give a folder that is new or empty")
    for name, content in _pngs(rows, labels):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)


def write_zip(path: Path, rows: Rows, labels: Numbers | None) -> None:
    """The same files as `write_folder` in one archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # stored: a PNG does not shrink
        for name, content in _pngs(rows, labels):
            archive.writestr(name, content)
    _write(path, buffer.getbuffer())


IMAGE_WRITERS: Mapping[str, Writer] = {
    ".npz": write_npz,
    ".npy": write_npy,
    ".png": write_grid,
    ".zip": write_zip,
    "": write_folder,
}


def _pngs(rows: Rows, labels: Numbers | None) -> Iterator[tuple[str, bytes]]:
    digits = len(str(int(labels.max()))) if labels is not None and len(labels) else 1
    for number, picture in enumerate(rows):
        buffer = io.BytesIO()
        image_of(picture).save(buffer, "PNG")
        folder = "" if labels is None else f"{int(labels[number]):0{digits}d}/"
        yield f"{folder}{number:06d}.png", buffer.getvalue()


def _write(path: Path, content: bytes | memoryview) -> None:
    """Whole or not at all."""
    aside = path.with_name(f"{path.name}.partial")
    aside.write_bytes(content)
    os.replace(aside, path)
