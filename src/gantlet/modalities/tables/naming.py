"""Names of columns, made unique inside and given back as they were."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables.marks import LABEL, as_json, json_mark, marked


def named(fields: Sequence[pa.Field], labels: Sequence[Hashable]) -> list[pa.Field]:
    """The fields under unique texts, each with its label beside it where that differs."""
    texts = ["index" if label is None else str(label) for label in labels]
    return [
        marked(field, {} if name == label else {LABEL: as_json(_plain(label))}).with_name(name)
        for field, name, label in zip(fields, unique(texts), labels, strict=True)
    ]


def unique(texts: Sequence[str]) -> Iterator[str]:
    """A second one of the same text gets .2 after it, and so on."""
    taken = set(texts)
    seen: set[str] = set()
    for text in texts:
        name, number = text, 2
        while name in seen or (name != text and name in taken):
            name, number = f"{text}.{number}", number + 1
        seen.add(name)
        yield name


def label_of(field: pa.Field) -> Any:
    """The name that the column had."""
    if LABEL not in (field.metadata or {}):
        return field.name
    return _tuples(json_mark(field, LABEL))


def _plain(label: Any) -> Any:
    """As JSON keeps it."""
    if isinstance(label, tuple):
        return [_plain(part) for part in label]
    if isinstance(label, np.generic):
        label = label.item()
    if label is None or isinstance(label, (str, int, float, bool)):
        return label
    raise SourceError(
        f"column {label!r}: names that are {type(label).__name__} cannot be kept; rename the "
        "columns to texts, e.g. df.columns = df.columns.astype(str)"
    )


def _tuples(label: Any) -> Any:
    return tuple(map(_tuples, label)) if isinstance(label, list) else label
