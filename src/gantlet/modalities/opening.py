"""Any source of images → `Pictures`: one function for each way that images are stored."""

import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from gantlet.modalities import decoding, stacks
from gantlet.modalities.archives import archive_items, archive_listing, is_archive, peek
from gantlet.modalities.base import Progress, SourceError
from gantlet.modalities.idx import (
    idx_labels,
    idx_open,
    idx_shape,
    is_idx,
    labels_beside,
    training_images,
)
from gantlet.modalities.listing import (
    Listing,
    class_folders,
    file_key,
    folder_listing,
    is_image_name,
)
from gantlet.modalities.memory import (
    array_pictures,
    dataset_is_pictures,
    dataset_pictures,
    digits_pictures,
    numbered,
    rows_pictures,
)
from gantlet.modalities.pictures import Item, Pictures

DIGITS = "digits"
GLANCE = 2_000  # directory entries looked at to tell whether a folder holds images


def recognises(source: Any) -> bool:
    """Are these images, from names and shapes alone?

    Arrays of three axes count where they hold bytes or are square: others may be time series.
    """
    if isinstance(source, (np.ndarray, torch.Tensor)):
        return stacks.is_stack(tuple(source.shape), stacks.dtype_of(source))
    if isinstance(source, Dataset):
        return dataset_is_pictures(source)
    if not isinstance(source, (str, Path)):
        return False
    return source == DIGITS or _is_images(Path(source).expanduser())


def quick_key(source: Any) -> str | None:
    """What tells a single file's content from another without opening it; None: list it first."""
    if not isinstance(source, (str, Path)) or source == DIGITS:
        return None
    path = Path(source).expanduser()
    if not path.is_file():
        return None
    beside = labels_beside(path) if is_idx(path) else None
    return file_key(path) + (file_key(beside) if beside else "")


def opened(source: Any, labels: bool | None) -> Generator[Progress, None, Pictures]:
    """What a source holds. Nothing is decoded yet; folders and archives are listed.

    Args:
        labels: True asks for them also where they lie in a file of their own.
    """
    if isinstance(source, (np.ndarray, torch.Tensor)):
        return array_pictures(source)
    if isinstance(source, Dataset):
        return dataset_pictures(source)
    if source == DIGITS:
        return digits_pictures()
    path = Path(source).expanduser()
    if path.is_dir() or is_archive(path):
        listing = yield from _listing(path)
        inside = None if listing.names else training_images(path)
        if inside is None:
            return _listed(path, listing)
        pictures = _file_pictures(inside, labels)
        return replace(pictures, notes=(*pictures.notes, f"Pictures come from {inside.name}."))
    return _file_pictures(path, labels)


def _is_images(path: Path) -> bool:
    if path.is_dir():
        return any(is_image_name(name) or is_idx(Path(name)) for name in _glance(path))
    if not path.is_file():
        return False
    if path.suffix.lower() == ".npy":
        array = _mapped(path)
        return stacks.is_stack(array.shape, array.dtype)
    if path.suffix.lower() == ".npz":
        return stacks.npz_pictures(path) is not None
    return is_image_name(path.name) or is_idx(path) or (is_archive(path) and peek(path))


def _glance(folder: Path) -> Iterator[str]:
    """The first names below a folder, in no order."""
    left = GLANCE
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from files[:left]
        left -= len(files) + len(folders)
        if left <= 0:
            return


def _listing(path: Path) -> Generator[Progress, None, Listing]:
    if not path.exists():
        raise SourceError(f"{path}: there is no such file or folder")
    return (yield from archive_listing(path) if is_archive(path) else folder_listing(path))


def _file_pictures(path: Path, labels: bool | None) -> Pictures:
    if not path.is_file():
        raise SourceError(f"{path}: there is no such file or folder")
    if is_idx(path):
        return _idx_pictures(path, labels)
    read: Callable[[Path], Pictures] | None = {".npy": _npy_pictures, ".npz": _npz_pictures}.get(
        path.suffix.lower(), _single_picture if is_image_name(path.name) else None
    )
    if read is None:
        raise SourceError(
            f"{path}: not a source of images; give a folder, a .zip, .tar or .tar.gz, "
            "an idx file, .npy, .npz or an image"
        )
    return read(path)


def _listed(path: Path, listing: Listing) -> Pictures:
    """A folder or an archive, its folders as classes."""
    if not len(listing.names):
        inside = f"{listing.ignored} other files" if listing.ignored else "nothing"
        idx = next((file for file in path.glob("*") if is_idx(file)), None)
        way_out = f"; give {idx} itself" if idx else ", no file named like an image"
        raise SourceError(f"{path}: holds {inside}{way_out}")
    classes, labels, notes = class_folders(listing.names)
    if listing.ignored:
        notes += (f"{listing.ignored} files that are no images by their name were passed over.",)
    items = archive_items if is_archive(path) else _folder_items

    def pick(positions: Any) -> Iterator[Item]:
        positions = list(positions) if not isinstance(positions, range) else positions
        for item, index in zip(items(path, listing, positions), positions, strict=True):
            yield item if labels is None else item._replace(label=int(labels[index]))

    return Pictures(
        count=len(listing.names),
        pick=pick,
        key=listing.key,
        classes=classes,
        labelled=labels is not None,
        notes=notes,
        skipped=tuple(listing.unreadable),
    )


def _folder_items(path: Path, listing: Listing, positions: Any) -> Iterator[Item]:
    for index in positions:
        name = listing.names[index]
        yield Item(name, partial(decoding.opened, path / name))


def _single_picture(path: Path) -> Pictures:
    listing = Listing(key=file_key(path))
    listing.names.append(path.name)
    return _listed(path.parent, listing)


def _npy_pictures(path: Path) -> Pictures:
    return rows_pictures(stacks.stack_rows(_mapped(path), str(path)), file_key(path))


def _mapped(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise SourceError(f"{path}: cannot be read as .npy: {error}") from error


def _npz_pictures(path: Path) -> Pictures:
    name = stacks.npz_pictures(path)
    if name is None:
        raise SourceError(
            f"{path}: holds no array of images; "
            "save them as numpy.savez(path, samples=uint8 array of N x H x W x C)"
        )
    stack = stacks.npz_stack(path, name)
    labels, classes = numbered(stacks.npz_labels(path, stack.shape[0]))
    return _stack_pictures(path, stack, labels, classes)


def _idx_pictures(path: Path, asked: bool | None) -> Pictures:
    shape, start = idx_shape(path)
    beside = labels_beside(path)
    labels, classes, notes = None, (), ()
    if beside and asked:
        labels, classes = numbered(idx_labels(beside, shape[0]))
        notes = (f"Labels come from {beside.name}.",)
    elif beside and asked is None:
        notes = (f"{beside.name} holds labels; --set data.labels=true uses them.",)
    if path.name.endswith(".gz"):
        stack = stacks.Stack(partial(idx_open, path), start, shape, np.dtype(np.uint8))
        return _stack_pictures(path, stack, labels, classes, notes)
    try:
        array = np.memmap(path, np.uint8, "r", start, shape)
    except ValueError as error:
        raise SourceError(f"{path}: shorter than its header says: fetch it again") from error
    return rows_pictures(
        stacks.stack_rows(array, str(path)), quick_key(path), labels, classes, notes
    )


def _stack_pictures(
    path: Path,
    stack: stacks.Stack,
    labels: np.ndarray | None,
    classes: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> Pictures:
    head = stacks.stack_rows(stacks.stack_head(stack, str(path)), str(path))
    return Pictures(
        count=stack.shape[0],
        pick=partial(stacks.stack_items, stack, str(path), labels),
        key=quick_key(path),
        channels=head.shape[2],
        spread=False,
        classes=classes,
        labelled=labels is not None,
        what="rows",
        notes=(*head.notes, *notes),
    )
