"""Which of a column's choices may stand for cells that are wanted: never too few of them."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from gantlet.modalities.tables.bins import GRID
from gantlet.modalities.tables.columns import Drawn, Part, Seeds
from gantlet.modalities.tables.digits import offsets
from gantlet.modalities.tables.kinds import Column
from gantlet.modalities.tables.numbers import NumberColumn
from gantlet.modalities.tables.relations import FormulaColumn, LookupColumn


def reach(kind: Column) -> tuple[pa.Array, pa.Array]:
    """Cells between which those of each choice of the column's first part lie."""
    assert not isinstance(kind, (LookupColumn, FormulaColumn)), "what follows has no choices"
    count = kind.parts[0].digits.count
    every = np.arange(count)
    if not isinstance(kind, NumberColumn):
        cells = _cells(kind, every, 0)
        return cells, cells
    named = len(kind.specials)
    is_open = np.append(np.zeros(named, bool), kind.bins[0].is_open)[:count]
    # A bin's values spread half-way to its neighbours' nearest, whose place in theirs is an end.
    low = np.where(is_open & (every > named), every - 1, every)
    high = np.where(is_open & (every < count - 1), every + 1, every)
    return (
        _cells(kind, low, np.where(low < every, GRID - 1, 0)),
        _cells(kind, high, np.where(high > every, 0, GRID - 1), rest_is_last=True),
    )


def spelled(part: Part, choices: Bool[np.ndarray, "k"]) -> list[Bool[np.ndarray, "_"]]:
    """The digits of these choices, block by block; a digit that is read as another is one too."""
    sizes = part.digits.sizes
    if not sizes:
        return []
    digits = np.indices(sizes).reshape(len(sizes), -1)
    digits = digits[:, choices[part.digits.choices(digits.T)]]
    return [np.isin(np.arange(size), place) for size, place in zip(sizes, digits, strict=True)]


def edges_of(kinds: tuple[Column, ...]) -> list[slice]:
    """Where each column's choices stand in a sample."""
    sizes = [sum(sum(part.digits.sizes) for part in kind.parts) for kind in kinds]
    starts = offsets(sizes)
    return [slice(int(a), int(b)) for a, b in pairwise(starts)]


def choices_allowed(kind: Column, choices: Bool[np.ndarray, "k"]) -> Bool[np.ndarray, "_"]:
    """All of the column's blocks: its first part is held to these choices, the rest is free."""
    blocks = [
        block
        for place, part in enumerate(kind.parts)
        for block in spelled(part, np.ones(part.digits.count, bool) if place else choices)
    ]
    return np.concatenate([np.zeros(0, bool), *blocks])


def missing(cells: pa.Array) -> Bool[np.ndarray, "n"]:
    """Cells that are empty or no number."""
    if isinstance(cells, pa.DictionaryArray):
        cells = cells.dictionary_decode()
    return cells.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)


def _cells(
    kind: Column, choice: np.ndarray, place: np.ndarray | int, *, rest_is_last: bool = False
) -> pa.Array:
    assert not isinstance(kind, (LookupColumn, FormulaColumn)), "what follows has no choices"
    count = len(choice)
    drawn = [Drawn(choice, np.broadcast_to(place, count).astype(np.float64))]
    for part in kind.parts[1:]:
        last = part.digits.count - 1
        drawn.append(
            Drawn(
                np.full(count, last if rest_is_last else 0),
                np.full(count, GRID - 1.0 if rest_is_last else 0.0),
            )
        )
    return kind.join(drawn, Seeds(np.arange(count), np.zeros(count, np.uint64)))
