"""Series given as one array: samples × steps × channels."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gantlet.modalities.base import Source, SourceError

ARRAYS = (".npy", ".npz")
DIMENSIONS = 3


def is_stack(source: Source) -> bool:
    """Is this an array of three dimensions, in memory or in a file?"""
    if isinstance(source, (str, Path)):
        path = Path(source).expanduser()
        return path.is_file() and path.suffix in ARRAYS and _array(path).ndim == DIMENSIONS
    return len(tuple(getattr(source, "shape", ()))) == DIMENSIONS


def stacked(source: Source) -> tuple[pa.Table, int]:
    """All steps one below the other, a column for each channel; and the steps of a series."""
    name = str(source) if isinstance(source, (str, Path)) else "the array"
    values = _array(Path(source)) if isinstance(source, (str, Path)) else _in_memory(source)
    if values.dtype.kind not in "fiub":
        raise SourceError(f"{name}: holds {values.dtype}; series are arrays of numbers")
    if 0 in values.shape or values.shape[1] < 2:
        raise SourceError(
            f"{name}: shape {values.shape}; wanted are samples × steps × channels, at least 2 steps"
        )
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    flat = values.reshape(-1, values.shape[2])
    columns = [pa.array(np.ascontiguousarray(flat[:, i])) for i in range(flat.shape[1])]
    return pa.Table.from_arrays(columns, [str(i) for i in range(len(columns))]), values.shape[1]


def _in_memory(source: Any) -> np.ndarray:
    return np.asarray(source.cpu() if hasattr(source, "cpu") else source)


def _array(path: Path) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with np.load(path, allow_pickle=False) as archive:
            return archive["samples" if "samples" in archive else archive.files[0]]
    except (ValueError, OSError, EOFError, IndexError) as error:
        raise SourceError(f"{path}: not a readable NumPy file ({error})") from error
