"""Arrays of images: which axis is what, which value is black, and how they lie in files."""

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Shaped

from gantlet.modalities.base import SourceError
from gantlet.modalities.pictures import (
    BYTES,
    Item,
    PixelRows,
    Scale,
    as_bytes,
    channels_last,
    image_of,
)

SAMPLED = 256  # pictures looked at to tell the range of values


class Stack(NamedTuple):
    """An array in a file that is read from front to back, because it is compressed."""

    open: Callable[[], BufferedIOBase]
    start: int  # bytes before the first picture
    shape: tuple[int, ...]
    dtype: np.dtype


def as_array(source: Any) -> np.ndarray:
    """A torch tensor or array as a NumPy array."""
    if isinstance(source, torch.Tensor):
        whole = source.detach().cpu()
        return (whole.float() if whole.dtype == torch.bfloat16 else whole).numpy()
    return np.asarray(source)


def dtype_of(source: np.ndarray | torch.Tensor) -> np.dtype:
    """The NumPy type that the values will have."""
    return as_array(source[:0]).dtype


def is_stack(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Is this the shape of pictures? Three axes of floats are more often time series."""
    if dtype.kind not in "buif" or 0 in shape:
        return False
    if len(shape) == 4:
        return min(shape[1], shape[3]) <= 4
    return len(shape) == 3 and min(shape[1:]) > 4 and (dtype.itemsize == 1 or shape[1] == shape[2])


def has_channels_first(shape: tuple[int, ...], name: str, likely: bool = False) -> bool:
    """Does the channel axis come before height and width? Says why where nobody can tell.

    Args:
        likely: what to believe of pictures so small that either could be.
    """
    if len(shape) == 3 and min(shape[1:]) > 4:
        return False
    first, last = (shape[1] <= 4, shape[-1] <= 4) if len(shape) == 4 else (False, False)
    if not (first or last) or 0 in shape:
        raise SourceError(
            f"{name}: an array of shape {shape} is no stack of images; give (N, H, W), "
            "(N, H, W, C) or (N, C, H, W) with 1 to 4 channels, one image as array[None]"
        )
    return likely if first and last else first


def scale_of(sample: Shaped[np.ndarray, "..."], name: str) -> Scale:
    """The values of black and white, told from the type and the range that is seen."""
    if sample.dtype == np.uint8:
        return BYTES
    if sample.dtype == np.bool_:
        return Scale(0, 1)
    low, high = float(sample.min()), float(sample.max())
    if sample.dtype.kind == "f":
        for scale in (Scale(0, 1), Scale(-1, 1), BYTES):
            if scale.low <= low and high <= scale.high:
                return scale
    elif low >= 0 and high <= 255:
        return BYTES
    elif sample.dtype == np.uint16:
        return Scale(0, 65535)
    raise SourceError(
        f"{name}: values from {low:g} to {high:g} ({sample.dtype}) have no usual range; "
        "give uint8, or floats in [0, 1] or [-1, 1]"
    )


def stack_rows(array: Shaped[np.ndarray, "n *rest"], name: str, first: bool = False) -> PixelRows:
    """An array as rows of pictures. `first` settles what shapes leave open."""
    channels_first = has_channels_first(array.shape, name, first)
    sample = np.asarray(array[spaced(len(array), SAMPLED)])
    return PixelRows(array, scale_of(sample, name), channels_first)


def spaced(count: int, most: int) -> np.ndarray:
    """At most so many positions, evenly over all."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def row_items(
    rows: PixelRows, labels: np.ndarray | None, positions: Iterable[int]
) -> Iterator[Item]:
    """Rows that have to be fitted like any other image."""
    for index in positions:
        picture = rows[np.array([index])][0]
        label = None if labels is None else int(labels[index])
        yield Item(f"row {index}", partial(image_of, picture), label)


def stack_items(
    stack: Stack, name: str, labels: np.ndarray | None, positions: Iterable[int]
) -> Iterator[Item]:
    """Pictures of a compressed stack at these ascending positions, read from front to back."""
    first = has_channels_first(stack.shape, name)
    size = int(np.prod(stack.shape[1:])) * stack.dtype.itemsize
    scale = scale_of(stack_head(stack, name), name)
    with stack.open() as file:
        for index in positions:
            block = _read(file, stack.start + index * size, size, name)
            array = np.frombuffer(block, stack.dtype).reshape(1, *stack.shape[1:])
            picture = channels_last(as_bytes(array, scale), first)[0]
            label = None if labels is None else int(labels[index])
            yield Item(f"row {index}", partial(image_of, picture), label)


def stack_head(stack: Stack, name: str) -> Shaped[np.ndarray, "m *rest"]:
    """The first pictures of a compressed stack."""
    count = min(SAMPLED, stack.shape[0])
    shape = (count, *stack.shape[1:])
    with stack.open() as file:
        block = _read(file, stack.start, int(np.prod(shape)) * stack.dtype.itemsize, name)
    return np.frombuffer(block, stack.dtype).reshape(shape)


def npz_pictures(path: Path) -> str | None:
    """The name of the images in an .npz file, where it holds any."""
    names = _npz_names(path)
    preferred = [name for name in ("samples", "images", "x", "arr_0") if name in names]
    for name in (*preferred, *names):
        member = npz_stack(path, name)
        if len(member.shape) in (3, 4) and member.dtype.kind in "buif":
            return name
    return None


def npz_stack(path: Path, name: str) -> Stack:
    """One array of an .npz file, its header read."""
    with _npz_open(path, name) as file:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise SourceError(f"{path}: array '{name}' is of a newer .npy version, {version}")
        shape, by_columns, dtype = read(file)
        if by_columns and len(shape) > 1:
            raise SourceError(
                f"{path}: array '{name}' lies in Fortran order; save numpy.ascontiguousarray of it"
            )
        return Stack(partial(_npz_open, path, name), file.tell(), shape, dtype)


def npz_labels(path: Path, count: int) -> np.ndarray | None:
    """The labels in an .npz file: numbers, texts or one column per class."""
    name = next((name for name in ("labels", "y") if name in _npz_names(path)), None)
    if name is None:
        return None
    with np.load(path, allow_pickle=False) as arrays:
        labels = arrays[name]
    if len(labels) != count:
        raise SourceError(f"{path}: {len(labels)} {name} for {count} images")
    return labels.argmax(1) if labels.ndim == 2 else labels


def _npz_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            files = [name for name in archive.namelist() if name.endswith(".npy")]
            return [name.removesuffix(".npy") for name in files]
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(f"{path}: cannot be opened as .npz: {error}") from error


def _npz_open(path: Path, name: str) -> BufferedIOBase:
    return zipfile.ZipFile(path).open(f"{name}.npy")  # pyright: ignore[reportReturnType] # a ZipExtFile


def _read(file: BufferedIOBase, start: int, size: int, name: str) -> bytes:
    try:
        file.seek(start)
        block = file.read(size)
    except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
        raise SourceError(f"{name}: broken: {error}: fetch it again") from error
    if len(block) < size:
        raise SourceError(f"{name}: ends early, {size - len(block)} bytes short: fetch it again")
    return block
