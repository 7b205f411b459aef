"""What a column of numbers or stamps is: its special values, grid, and bins."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.bins import Bins, Keys, bins_for
from gantlet.modalities.tables.numbers import EXACT_FLOATS, NumberColumn
from gantlet.modalities.tables.stamps import radices_for

DECIMALS = 6  # of floats that are all kept to so many places, at most
ALL_SORTED = 1 << 22  # rows up to which all values are sorted; beyond, a sample of them
SAMPLED = 1 << 20


def fit_floats(cells: pa.Array, most_knots: int) -> NumberColumn:
    """The column of these floats."""
    values, empty = arrays.floats(cells), arrays.nulls(cells)
    found = {
        "null": empty,
        "nan": ~empty & np.isnan(values),
        "-inf": ~empty & (values == -np.inf),
        "inf": ~empty & (values == np.inf),
    }
    rows = {name: int(mask.sum()) for name, mask in found.items() if mask.any()}
    values = values[~empty & np.isfinite(values)] if rows else values
    bins = _bins(values, most_knots)
    decimals = _decimals(values, cells.type)
    grid = "" if decimals is None else f", {decimals} decimals" if decimals else ", whole"
    return NumberColumn(
        type=cells.type,
        specials=tuple(rows),
        special_rows=tuple(rows.values()),
        decimals=decimals,
        low=0,
        step=1,
        top=0,
        radices=(),
        bins=(bins,),
        kind="number",
        why=_why((bins,), rows, len(cells)) + grid,
    )


def fit_integers(cells: pa.Array, most_knots: int, kind: str = "number") -> NumberColumn | None:
    """The column of these integers, decimals or stamps; none where they lie 2⁶⁴ steps apart."""
    empty = arrays.nulls(cells)
    low, high = arrays.bounds(cells)
    ticks, rows = arrays.words(cells), {"null": int(empty.sum())} if empty.any() else {}
    ticks = ticks[~empty] if rows else ticks
    if high - low >= arrays.WORD:
        return None
    origin, radices = radices_for(cells.type, ticks.view(np.int64), low)
    ticks = ticks - np.uint64(origin % arrays.WORD)
    step = int(np.gcd.reduce(ticks, initial=np.uint64(radices[-1] if radices else 0))) or 1
    ticks = ticks if step == 1 else ticks // np.uint64(step)
    radices = tuple(radix // step for radix in radices)
    bins, rest = [], ticks
    for radix in radices:
        bins.append(_bins(rest // np.uint64(radix), most_knots))
        rest = rest % np.uint64(radix)
    bins = (*bins, _bins(rest, most_knots))
    return NumberColumn(
        type=cells.type,
        specials=tuple(rows),
        special_rows=tuple(rows.values()),
        decimals=None,
        low=origin,
        step=step,
        top=(high - origin) // step,
        radices=radices,
        bins=bins,
        kind=kind,
        why=_why(bins, rows, len(cells)) + (f", steps of {step:,}" if step > 1 else ""),
    )


def _bins(values: Keys, most_knots: int) -> Bins:
    if not len(values):
        nothing = np.zeros(0, np.int64)
        return Bins(values, nothing, nothing, nothing, nothing.astype(bool), False)
    return bins_for(*_distinct(values), most_knots)


def _distinct(values: Keys) -> tuple[Keys, Int[np.ndarray, "v"]]:
    """The distinct values in order, and how often each; of a sample where they are many.

    The least and the greatest are always there, and so is every value where few were sampled.
    """
    if len(values) <= ALL_SORTED:
        return np.unique(values, return_counts=True)
    chosen = np.random.default_rng(0).integers(0, len(values), SAMPLED)
    seen, counts = np.unique(values[chosen], return_counts=True)
    if len(seen) <= SAMPLED // 64:
        missed = np.concatenate([_missed(some, seen) for some in _pieces(values)])
    else:
        missed = np.array([values.min(), values.max()])
        missed = missed[~np.isin(missed, seen)]
    extra, times = np.unique(missed, return_counts=True)
    scaled = np.maximum(1, np.rint(counts * (len(values) / SAMPLED))).astype(np.int64)
    merged = np.concatenate([seen, extra])
    order = np.argsort(merged)
    return merged[order], np.concatenate([scaled, times])[order]


def _decimals(values: Float[np.ndarray, "n"], kind: pa.DataType) -> int | None:
    """The fewest decimals that keep every value as it is; none where DECIMALS do not do."""
    if not len(values) or np.abs(values).max() >= EXACT_FLOATS / 10**DECIMALS:
        return None
    narrow = arrays.FLOATS[kind.byte_width]
    for decimals in range(DECIMALS + 1):
        if all(
            (np.round(some, decimals).astype(narrow) == some).all()
            for some in (values[:1_000], *_pieces(values))
        ):
            return decimals
    return None


def _missed(values: Keys, seen: Keys) -> Keys:
    place = np.minimum(np.searchsorted(seen, values), len(seen) - 1)
    return values[seen[place] != values]


def _pieces(values: Keys) -> list[Keys]:
    """The values a million at a time, so that what is worked out of them stays small."""
    return [values[at : at + SAMPLED] for at in range(0, len(values), SAMPLED)]


def _why(bins: Sequence[Bins], specials: Mapping[str, int], rows: int) -> str:
    words = [f"{name} in {count / rows:.1%}" for name, count in specials.items()]
    if len(bins) == 1 and not bins[0].is_open.any():
        return "; ".join([f"{bins[0].count:,} distinct values", *words])
    alone = [
        f"{part.knots[part.first[place]]:,} alone in {part.weights[place] / rows:.1%}"
        for part in bins[-1:]
        if len(bins) == 1
        for place in np.flatnonzero(~part.is_open)[:3]
    ]
    seen = " × ".join(f"{len(part.knots):,}" for part in bins)
    return "; ".join([f"{seen} distinct values", *alone, *words])
