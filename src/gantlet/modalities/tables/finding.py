"""Relations between columns: guessed on a sample of rows, and confirmed on all of them.

What a small table shows by chance is not taken for a rule: as many rows as would break it, were
the columns independent, have to be there and keep it.
"""

from collections.abc import Callable, Iterator, Sequence
from math import log

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, UInt64

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.formulas import formulas
from gantlet.modalities.tables.hashing import row_hashes
from gantlet.modalities.tables.kinds import Column
from gantlet.modalities.tables.numbers import NumberColumn
from gantlet.modalities.tables.relations import FormulaColumn, LookupColumn, Order, reals

SAMPLE = 2_000  # rows in which relations are guessed, and fewer where columns are many
CELLS = 400_000
EVIDENCE = 20.0  # rows that would break a relation by chance, at least; more for more columns
PER_KEY = 10  # rows for each choice that another column is looked up by
KEYS = 10_000
IN_ORDER = 200  # rows in which both of an ordered pair have a value

Cells = Callable[[int], pa.Array]  # all cells of a column, in simple form


def related(
    kinds: Sequence[Column],
    names: Sequence[str],
    cells: Cells,
    rows: int,
    evidence: float = EVIDENCE,
) -> tuple[list[Column], list[Order]]:
    """The kinds, with those that follow from others derived, and the pairs that are in order.

    Args:
        evidence: rows that would break a relation by chance, at least, where columns are few
    """
    kinds = list(kinds)
    size = min(SAMPLE, rows, max(200, CELLS // len(kinds)))
    sample = np.sort(np.random.default_rng(0).permutation(rows)[:size])
    some = [cells(place).take(pa.array(sample)) for place in range(len(kinds))]
    evidence *= 1 + 2 * log(len(kinds)) / EVIDENCE
    used = set()
    for place, column in formulas(tuple(kinds), names, some):
        if place in used or kinds[place].kind == "derived":
            continue
        if any(kinds[source].kind == "derived" for source in column.sources):
            continue
        if arrays.identical(column.worked_out([*map(cells, column.sources)]), cells(place)):
            kinds[place] = column
            used.update(column.sources)
    for place, column in _lookups(kinds, names, some, cells, evidence, used):
        kinds[place] = column
        used.add(column.source)
    sources = {kind.source for kind in kinds if isinstance(kind, LookupColumn)}
    return kinds, _orders(kinds, sources, some, cells, evidence)


def _lookups(
    kinds: list[Column],
    names: Sequence[str],
    some: Sequence[pa.Array],
    cells: Cells,
    evidence: float,
    used: set[int],
) -> Iterator[tuple[int, LookupColumn]]:
    """Columns that follow from another's choice, most choices first; `kinds` changes meanwhile."""
    identity = np.stack([_identities(kind, c) for kind, c in zip(kinds, some, strict=True)], 1)
    keys = [place for place, kind in enumerate(kinds) if 2 <= _choices(kind) <= KEYS]
    for source in sorted(keys, key=lambda place: -_choices(kinds[place])):
        key = kinds[source]
        spare = len(cells(source)) - _choices(key)  # rows whose choice was seen before
        if spare < (PER_KEY - 1) * _choices(key) or isinstance(key, (LookupColumn, FormulaColumn)):
            continue
        _, first, same = np.unique(identity[:, source], return_index=True, return_inverse=True)
        for place in map(int, np.flatnonzero((identity[first[same]] == identity).all(0))):
            if place == source or place in used or not _is_drawn(kinds[place]):
                continue
            _, seen = np.unique(identity[:, place], return_counts=True)
            if spare * (1 - np.square(seen / seen.sum()).sum()) < evidence:
                continue
            choice = key.split(cells(source))[0].choice
            _, rows = np.unique(choice, return_index=True)
            values = cells(place).take(pa.array(rows))
            if arrays.identical(values.take(pa.array(choice)), cells(place)):
                why = f"follows from '{names[source]}': {len(rows):,} pairs, without exception"
                yield place, LookupColumn(cells(place).type, source, values, why)


def _orders(
    kinds: Sequence[Column],
    sources: set[int],
    some: Sequence[pa.Array],
    cells: Cells,
    evidence: float,
) -> list[Order]:
    """Pairs of one type whose first is never above the second, without those that follow."""
    places = [
        place
        for place, kind in enumerate(kinds)
        if isinstance(kind, NumberColumn) and place not in sources and _compares(kind.type)
    ]
    if not places:
        return []
    values = np.stack([_measured(some[place]) for place in places], 1)
    with np.errstate(all="ignore"):
        least, greatest = (
            np.nanmin(values, 0, initial=np.inf),
            np.nanmax(values, 0, initial=-np.inf),
        )
    found = np.zeros((len(kinds), len(kinds)), bool)
    for low, place in enumerate(places):
        holds = ~(values[:, low, None] > values).any(0) & (greatest[low] > least)
        for high in np.flatnonzero(holds):
            other = places[high]
            if other == place or kinds[other].type != kinds[place].type:
                continue
            expected = _would_break(values[:, low], values[:, high]) * len(cells(place))
            if expected >= evidence:
                broken = pc.call_function("greater", [cells(place), cells(other)])
                found[place, other] = not broken.fill_null(False).true_count
    follows = (found.astype(np.float32) @ found.astype(np.float32)) > 0
    return [(int(low), int(high)) for low, high in np.argwhere(found & ~follows)]


def _would_break(low: Float[np.ndarray, "n"], high: Float[np.ndarray, "n"]) -> float:
    """The share of rows that would be out of order if they were shuffled; 0 where they are few."""
    both = np.isfinite(low) & np.isfinite(high)
    if both.sum() < IN_ORDER:
        return 0.0
    low, high = low[both], high[both]
    broken = [(low > np.roll(high, shift)).mean() for shift in (1, 7, 31, 101)]
    return float(np.mean(broken) * both.mean())


def _compares(kind: pa.DataType) -> bool:
    return kind != pa.float16() and kind.byte_width <= 8


def _measured(cells: pa.Array) -> Float[np.ndarray, "n"]:
    return np.where(arrays.nulls(cells), np.nan, reals(cells))


def _is_drawn(kind: Column) -> bool:
    return kind.is_modelled and any(part.digits.sizes for part in kind.parts)


def _choices(kind: Column) -> int:
    """Choices of a column that is one choice and nothing else; 0 for any other."""
    if len(kind.parts) != 1 or kind.parts[0].positioned or not kind.is_modelled:
        return 0
    return kind.parts[0].digits.count


def _identities(kind: Column, cells: pa.Array) -> UInt64[np.ndarray, "n"]:
    """Equal for equal cells, and hardly ever else."""
    if isinstance(kind, (LookupColumn, FormulaColumn)):
        return np.zeros(len(cells), np.uint64)
    splits = kind.split(cells)
    places = [split.low for split in splits if split.low is not None]
    return row_hashes(len(cells), [split.choice for split in splits] + places)
