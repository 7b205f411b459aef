"""Images that a program already holds: arrays, tensors, data sets, the built-in digits."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from gantlet.modalities import stacks
from gantlet.modalities.base import SourceError
from gantlet.modalities.pictures import Item, Pictures, PixelRows, Scale, image_of


def array_pictures(source: np.ndarray | torch.Tensor) -> Pictures:
    """An array or a tensor of images; tensors so small that both could be have channels first."""
    likely = isinstance(source, torch.Tensor)
    return rows_pictures(stacks.stack_rows(stacks.as_array(source), "the array", likely))


def rows_pictures(
    rows: PixelRows,
    key: str | None = None,
    labels: np.ndarray | None = None,
    classes: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Pictures:
    """Rows that can be read as they are, or fitted to another size."""
    return Pictures(
        count=len(rows),
        pick=partial(stacks.row_items, rows, labels),
        key=key,
        rows=rows,
        labels=labels,
        channels=rows.shape[2],
        classes=classes,
        labelled=labels is not None,
        what="rows",
        notes=(*rows.notes, *notes),
    )


def digits_pictures() -> Pictures:
    """Scikit-learn's 1,797 handwritten digits, 8×8, values 0 to 16."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 # takes a second that few need

    digits: Any = load_digits()
    rows = PixelRows(np.asarray(digits.images), Scale(0, 16))
    labels, classes = numbered(np.asarray(digits.target))
    return rows_pictures(rows, None, labels, classes)


def numbered(labels: np.ndarray | None) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Labels as 0, 1, ... and the names that these numbers stand for."""
    if labels is None:
        return None, ()
    names, numbers = np.unique(labels, return_inverse=True)
    return numbers.astype(np.int64), tuple(str(name) for name in names)


def dataset_is_pictures(dataset: Dataset) -> bool:
    """Is the first item an image?"""
    return _length(dataset) > 0 and _is_picture(_parts(dataset[0])[0])


def dataset_pictures(dataset: Dataset) -> Pictures:
    """A map-style torch Dataset of images, or of images and labels. It is read in one thread."""
    count = _length(dataset)
    if count == 0:
        raise SourceError("the data set is empty, or has no length: give a map-style Dataset")
    first, label = _parts(dataset[0])
    if not _is_picture(first):
        raise SourceError(
            f"the data set's items are {type(first).__name__}: images are wanted, as PIL images, "
            "tensors or arrays, alone or as (image, label)"
        )
    names = getattr(dataset, "classes", None)  # torchvision's data sets carry their names so
    classes = tuple(map(str, names)) if isinstance(names, (list, tuple)) else ()
    scale = None if isinstance(first, Image.Image) else _scale(dataset, count)
    return Pictures(
        count=count,
        pick=partial(_dataset_items, dataset, scale),
        classes=classes if label is not None else (),
        labelled=label is not None,
        what="items",
    )


def _length(dataset: Any) -> int:
    try:
        return len(dataset)
    except TypeError:  # an iterable-style Dataset
        return 0


def _parts(item: Any) -> tuple[Any, int | None]:
    """An item's image and its label, where that is a whole number."""
    if not isinstance(item, (tuple, list)) or not item:
        return item, None
    image, *rest = item
    label = rest[0] if rest else None
    if isinstance(label, (torch.Tensor, np.ndarray, np.generic)):
        label = label.item() if np.prod(label.shape) == 1 else None
    return image, label if isinstance(label, int) else None


def _is_picture(value: Any) -> bool:
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return len(value.shape) in (2, 3)
    return isinstance(value, Image.Image)


def _scale(dataset: Dataset, count: int) -> Scale:
    sample = [stacks.as_array(_parts(dataset[int(i)])[0]) for i in stacks.spaced(count, 16)]
    return stacks.scale_of(np.concatenate([array.ravel() for array in sample]), "the data set")


def _dataset_items(
    dataset: Dataset, scale: Scale | None, positions: Iterable[int]
) -> Iterator[Item]:
    for index in positions:
        value, label = _parts(dataset[int(index)])
        if scale is None:
            yield Item(f"item {index}", value.copy, label)
            continue
        likely = isinstance(value, torch.Tensor)
        array = stacks.as_array(value)[None]
        first = stacks.has_channels_first(array.shape, f"item {index}", likely)
        picture = PixelRows(array, scale, first)[np.array([0])][0]
        yield Item(f"item {index}", partial(image_of, picture), label)
