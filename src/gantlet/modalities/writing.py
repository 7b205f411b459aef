"""Samples → files, a part at a time: whole or not at all, in bounded memory.

A writer is a context that takes parts. What it writes lies aside until the context is left; an
error or an interruption within leaves nothing behind.
"""

import os
import secrets
import shutil
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Int, Shaped

from gantlet.config import ConfigError
from gantlet.files import explained
from gantlet.modalities.base import Put

MOST_GATHERED = 2**29  # bytes of samples that a single picture may be made of

Numbers = Int[np.ndarray, "n"]
Writing = Generator[Put, None, None]


@contextmanager
def file_aside(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its place when the context is left without an error."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.aside")
    with explained(path):
        try:
            with aside.open("xb") as file:
                yield file
            os.replace(aside, path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """A folder that takes its place when the context is left without an error."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ConfigError(f"{path}: holds files already; give a folder that is new or empty")
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.aside")
    with explained(path):
        try:
            aside.mkdir()
            yield aside
            if path.is_dir():
                path.rmdir()  # Windows renames nothing onto a folder, not even an empty one
            os.rename(aside, path)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise


@contextmanager
def write_npy(path: Path, count: int, classes: int) -> Writing:
    """The samples alone: an .npy has no place for labels."""
    del classes
    with file_aside(path) as file:
        written = 0

        def put(rows: Shaped[np.ndarray, "b ..."], _: Numbers | None) -> None:
            nonlocal written
            written += _array_part(file, rows, count, is_first=written == 0)

        yield put
        _require_all(written, count)


@contextmanager
def write_npz(path: Path, count: int, classes: int) -> Writing:
    """Arrays `samples` and, where there are labels, `labels`, as `numpy.savez` writes them."""
    del classes
    labels: list[Numbers] = []  # eight bytes a row: nothing beside the samples
    with file_aside(path) as file, zipfile.ZipFile(file, "w") as archive:
        with archive.open("samples.npy", "w", force_zip64=True) as samples:
            written = 0

            def put(rows: Shaped[np.ndarray, "b ..."], numbers: Numbers | None) -> None:
                nonlocal written
                written += _array_part(samples, rows, count, is_first=written == 0)
                if numbers is not None:
                    labels.append(numbers)

            yield put
            _require_all(written, count)
        if labels:
            with archive.open("labels.npy", "w", force_zip64=True) as beside:
                np.lib.format.write_array(beside, np.concatenate(labels), allow_pickle=False)


@contextmanager
def gathered(path: Path, count: int) -> Iterator[tuple[Put, list[np.ndarray]]]:
    """Parts in memory, for what shows all samples at once.

    Raises:
        ConfigError: at the first part, where all of them would not fit.
    """
    parts: list[np.ndarray] = []

    def put(rows: Shaped[np.ndarray, "b ..."], _: Numbers | None) -> None:
        if rows.nbytes // len(rows) * count > MOST_GATHERED:
            raise ConfigError(
                f"{path}: {count:,} samples are too many for one picture; ask for fewer, or "
                "write an .npz, an .npy or a folder"
            )
        parts.append(rows)

    yield put, parts


def _array_part(file: Any, rows: np.ndarray, count: int, is_first: bool) -> int:
    """Adds rows to an .npy whose header tells of all of them; how many they were."""
    if is_first:
        header = np.lib.format.header_data_from_array_1_0(
            np.empty((0, *rows.shape[1:]), rows.dtype)
        )
        header["shape"] = (count, *rows.shape[1:])
        np.lib.format.write_array_header_1_0(file, header)
    file.write(np.ascontiguousarray(rows).data)
    return len(rows)


def _require_all(written: int, count: int) -> None:
    assert written == count, f"{written} of {count} rows were put: the header would not be true"
