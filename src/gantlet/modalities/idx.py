"""The idx format of MNIST and its successors: a big-endian header, then bytes."""

import gzip
import re
import struct
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from gantlet.modalities.base import SourceError

UNSIGNED_BYTES = 8


def is_idx(path: Path) -> bool:
    """Is this the name of an idx file of images?"""
    return re.search(r"idx[34]-ubyte(\.gz)?$", path.name.lower()) is not None


def idx_open(path: Path) -> BufferedIOBase:
    """The file's bytes, unpacked where it is packed."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def idx_shape(path: Path) -> tuple[tuple[int, ...], int]:
    """The array's shape and the number of bytes before it."""
    try:
        with idx_open(path) as file:
            zero, kind, dimensions = struct.unpack(">HBB", file.read(4))
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
    except (struct.error, OSError, EOFError) as error:
        raise SourceError(f"{path}: not an idx file: {error}") from error
    if zero != 0 or kind != UNSIGNED_BYTES:
        raise SourceError(f"{path}: not an idx file of bytes (type {kind:#x}); 0x8 is wanted")
    return shape, 4 + 4 * dimensions


def idx_labels(path: Path, count: int) -> UInt8[np.ndarray, "n"]:
    """The labels in an idx1 file, which must be as many as the images."""
    shape, start = idx_shape(path)
    if shape != (count,):
        raise SourceError(
            f"{path}: {shape} labels for {count} images; these do not belong together"
        )
    with idx_open(path) as file:
        file.seek(start)
        labels = np.frombuffer(file.read(), np.uint8)
    if len(labels) != count:
        raise SourceError(f"{path}: ends after {len(labels)} of {count} labels: fetch it again")
    return labels


def read_idx(path: Path) -> UInt8[np.ndarray, "..."]:
    """The whole array of an idx file, in memory."""
    shape, start = idx_shape(path)
    with idx_open(path) as file:
        file.seek(start)
        values = np.frombuffer(file.read(), np.uint8)
    if len(values) != np.prod(shape):
        raise SourceError(f"{path}: {len(values)} bytes for shape {shape}: fetch it again")
    return values.reshape(shape)


def idx_file(folder: Path, part: str, kind: str) -> Path:
    """The file of a folder whose name holds part and kind, as "train" and "images-idx3-ubyte"."""
    found = sorted(folder.glob(f"*{part}-{kind}*"))
    if not found:
        raise SourceError(f"{folder}: no file named *{part}-{kind} or *{part}-{kind}.gz is here")
    return found[0]


def training_images(folder: Path) -> Path | None:
    """The only idx file of images in a folder, or the only one for training; None: no such one."""
    named: dict[str, Path] = {}
    for file in sorted(folder.glob("*"), reverse=True):
        if is_idx(file):
            named[file.name.removesuffix(".gz")] = file  # the unpacked one, where both are there
    of_training = [name for name in named if "train" in name.lower()]
    chosen = of_training if len(named) > 1 else [*named]
    return named[chosen[0]] if len(chosen) == 1 else None


def labels_beside(path: Path) -> Path | None:
    """The file of labels that belongs to a file of images, where there is one."""
    if "images" not in path.name:
        return None
    name = re.sub(r"idx[34]", "idx1", path.name.replace("images", "labels"))
    bare = name.removesuffix(".gz")
    for candidate in (name, bare, f"{bare}.gz"):
        if (path.parent / candidate).is_file():
            return path.parent / candidate
    return None
