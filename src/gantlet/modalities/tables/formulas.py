"""Columns that may be another one's multiple, or the sum of two: guesses from a sample."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.kinds import Column
from gantlet.modalities.tables.numbers import NumberColumn
from gantlet.modalities.tables.relations import FormulaColumn, reals

ROWS = 50  # in which all numbers are there, at least
VALUES = 10  # distinct ones of a column that is derived, at least
SMALL = 2**61  # integers of at most this size are added without overflow
COLUMNS = 1_000
MISSING = 0.05  # share of nulls above which a column is not looked at
ALIKE = 1e-9

Guess = tuple[int, FormulaColumn]


def formulas(
    kinds: Sequence[Column], names: Sequence[str], some: Sequence[pa.Array]
) -> Iterator[Guess]:
    """Formulas that hold on these rows, multiples before sums; all rows are for the caller."""
    for places in _families(kinds):
        family = [p for p in places if some[p].null_count <= MISSING * len(some[p])][:COLUMNS]
        if len(family) < 2:
            continue
        values = np.stack([_finite(some[place]) for place in family], 1)
        values = values[np.isfinite(values).all(1)]
        if len(values) < ROWS:
            continue
        centred = values - values.mean(0)
        for target, sources in [*_lines(centred), *_sums(centred)]:
            guess = _formula(kinds, names, some, family[target], [family[s] for s in sources])
            if guess is not None:
                yield guess


def _families(kinds: Sequence[Column]) -> Iterator[list[int]]:
    """Places of columns that may be added to one another."""
    numbers = {
        place: kind
        for place, kind in enumerate(kinds)
        if isinstance(kind, NumberColumn) and sum(len(b.knots) for b in kind.bins) >= 2
    }
    small = {
        place: kind
        for place, kind in numbers.items()
        if not pa.types.is_floating(kind.type)
        and max(abs(kind.low), abs(kind.low + kind.step * kind.top)) < SMALL
    }
    whole = [place for place, kind in small.items() if not pa.types.is_decimal(kind.type)]
    yield whole
    for scale in {kind.type.scale for kind in small.values() if pa.types.is_decimal(kind.type)}:
        yield [
            place
            for place, kind in small.items()
            if pa.types.is_decimal(kind.type) and kind.type.scale == scale
        ]
    reals_too = [p for p, kind in numbers.items() if pa.types.is_floating(kind.type)]
    counts = [p for p in whole if pa.types.is_integer(numbers[p].type)]
    yield sorted(reals_too + counts)


def _lines(centred: Float[np.ndarray, "n m"]) -> Iterator[tuple[int, list[int]]]:
    """Pairs on one line: the later column and the earlier one, then the other way round."""
    size = np.linalg.norm(centred, axis=0)
    unit = centred / np.where(size > 0, size, 1)
    for one, other in np.argwhere(np.triu(np.abs(unit.T @ unit) > 1 - ALIKE, 1)):
        yield int(other), [int(one)]
        yield int(one), [int(other)]


def _sums(centred: Float[np.ndarray, "n m"]) -> Iterator[tuple[int, list[int]]]:
    """Columns that are two others' sum but for a constant: seen in one random projection."""
    seen = np.random.default_rng(0).normal(size=len(centred)) @ centred
    order = np.argsort(seen)
    ranked = seen[order]
    for first in range(len(seen) - 1):
        rest = np.arange(first + 1, len(seen))
        wanted = seen[first] + seen[rest]
        slack = ALIKE * (np.abs(seen[first]) + np.abs(seen[rest]))
        low = np.searchsorted(ranked, wanted - slack)
        high = np.searchsorted(ranked, wanted + slack, side="right")
        for place in np.flatnonzero(high > low):
            for target in order[low[place] : high[place]]:
                if target not in (first, rest[place]):
                    yield int(target), [first, int(rest[place])]


def _formula(
    kinds: Sequence[Column],
    names: Sequence[str],
    some: Sequence[pa.Array],
    target: int,
    sources: list[int],
) -> Guess | None:
    """The formula with its numbers, where it holds on the sample to the bit."""
    kind = kinds[target]
    assert isinstance(kind, NumberColumn)
    if sum(len(bins.knots) for bins in kind.bins) < VALUES:
        return None
    cells = [some[place] for place in sources]
    there = ~np.logical_or.reduce([arrays.nulls(c) for c in [*cells, some[target]]])
    if pa.types.is_floating(kind.type):
        guesses = _real_numbers(some[target], cells, there)
    else:
        guesses = _whole_numbers(some[target], cells, there)
    for factors, constant in guesses:
        scale = kind.type.scale if pa.types.is_decimal(kind.type) else 0
        why = _words(names, target, sources, factors, constant / 10**scale)
        column = FormulaColumn(kind.type, tuple(sources), factors, constant, kind.decimals, why)
        if arrays.identical(column.worked_out(cells), some[target]):
            return target, column
    return None


def _whole_numbers(
    target: pa.Array, sources: Sequence[pa.Array], there: np.ndarray
) -> Iterator[tuple[tuple[int, ...], int]]:
    total = arrays.words(target).view(np.int64)[there]
    parts = [arrays.words(cells).view(np.int64)[there] for cells in sources]
    if len(parts) == 2:
        yield (1, 1), int(total[0] - parts[0][0] - parts[1][0])
        return
    one, other = _ends(parts[0])
    factor, rest = divmod(int(total[other] - total[one]), int(parts[0][other] - parts[0][one]))
    if not rest and factor:
        yield (factor,), int(total[one]) - factor * int(parts[0][one])


def _real_numbers(
    target: pa.Array, sources: Sequence[pa.Array], there: np.ndarray
) -> Iterator[tuple[tuple[float, ...], float]]:
    total = reals(target)[there]
    parts = [reals(cells)[there] for cells in sources]
    finite = np.isfinite(total) & np.logical_and.reduce([np.isfinite(part) for part in parts])
    total, parts = total[finite], [part[finite] for part in parts]
    if len(parts) == 2:
        factors = (1.0, 1.0)
        for digits in (6, 9, 12):
            yield factors, round(float(np.median(total - parts[0] - parts[1])), digits)
        return
    one, other = _ends(parts[0])
    slope = float((total[other] - total[one]) / (parts[0][other] - parts[0][one]))
    for digits in (4, 6, 9, 12):
        factor = float(f"{slope:.{digits}g}")
        yield (factor,), round(float(np.median(total - factor * parts[0])), digits)


def _ends(values: Float[np.ndarray, "n"] | Int[np.ndarray, "n"]) -> tuple[int, int]:
    return int(values.argmin()), int(values.argmax())


def _finite(cells: pa.Array) -> Float[np.ndarray, "n"]:
    if pa.types.is_floating(cells.type):
        return np.where(arrays.nulls(cells), np.nan, arrays.floats(cells))
    # Differences to one of them: large integers that lie near each other stay apart in float64.
    values = arrays.words(cells).view(np.int64)
    origin = values[~arrays.nulls(cells)][:1]
    away = values - (origin[0] if len(origin) else 0)
    return np.where(arrays.nulls(cells), np.nan, away.astype(np.float64))


def _words(
    names: Sequence[str],
    target: int,
    sources: Sequence[int],
    factors: Sequence[float],
    constant: float,
) -> str:
    terms = [
        f"'{names[source]}'" if factor == 1 else f"{factor:g} · '{names[source]}'"
        for source, factor in zip(sources, factors, strict=True)
    ]
    terms += [f"{constant:g}"] if constant else []
    return f"'{names[target]}' = {' + '.join(terms)}, in every row"
