"""Columns of numbers and of stamps: special values first, then bins; integers stay exact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int, UInt64

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.bins import GRID, Bins, Keys, bins_for, bins_from
from gantlet.modalities.tables.columns import Drawn, Part, Seeds, Split
from gantlet.modalities.tables.digits import digits_for
from gantlet.modalities.tables.stamps import radices_for

SPECIALS = ("null", "nan", "-inf", "inf")
DECIMALS = 6  # of floats that are all kept to so many places, at most
ALL_SORTED = 1 << 22  # rows up to which all values are sorted; beyond, a sample of them
SAMPLED = 1 << 20
EXACT_FLOATS = 2.0**53


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers as bins of one part, or stamps as bins of weeks, days and times of day."""

    type: pa.DataType
    specials: tuple[str, ...]  # those of SPECIALS that were seen: the first choices
    special_rows: tuple[int, ...]  # how often each
    decimals: int | None  # of floats
    low: int  # integers are low + step · ticks
    step: int
    top: int  # the greatest tick
    radices: tuple[int, ...]  # ticks of a week, of a day: each is a part before the last
    bins: tuple[Bins, ...]
    kind: str
    why: str

    is_modelled = True

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return tuple(
            Part(
                digits_for(np.append(self._special_rows(place), bins.weights)),
                bool(bins.is_open.any()),
            )
            for place, bins in enumerate(self.bins)
        )

    def split(self, cells: pa.Array) -> list[Split]:
        special, keys = self._keys(cells)
        splits = []
        for place, bins in enumerate(self.bins):
            radix = self.radices[place] if place < len(self.radices) else None
            part = keys if radix is None else keys // np.uint64(radix)
            keys = keys if radix is None else keys % np.uint64(radix)
            splits.append(_split(bins, part, special, len(self._special_rows(place))))
        return splits

    def join(self, drawn: Sequence[Drawn], seeds: Seeds) -> pa.Array:
        del seeds
        choice = drawn[0].choice
        named = len(self.specials)
        is_special = choice < named
        total = None
        for place, (bins, part) in enumerate(zip(self.bins, drawn, strict=True)):
            keys = _joined(bins, part, len(self._special_rows(place)))
            if place < len(self.radices):
                keys = keys * np.uint64(self.radices[place])
            total = keys if total is None else total + keys
        assert total is not None
        has_null = "null" in self.specials  # as the first choice
        empty = choice == 0 if has_null else np.zeros(len(choice), bool)
        if pa.types.is_floating(self.type):
            values = self._rounded(total)
            for place, name in enumerate(self.specials):
                values[choice == place] = np.nan if name == "null" else float(name)
            return arrays.of_floats(values, empty, self.type)
        total = np.minimum(total, np.uint64(self.top))
        total[is_special] = 0
        ticks = total if self.step == 1 else total * np.uint64(self.step)
        return arrays.of_words(ticks, self.low, empty, self.type)

    def plain(self) -> dict[str, Any]:
        return {
            "specials": list(self.specials),
            "special_rows": list(self.special_rows),
            "decimals": self.decimals,
            "low": self.low,
            "step": self.step,
            "top": self.top,
            "radices": list(self.radices),
            "bins": [bins.plain() for bins in self.bins],
            "kind": self.kind,
            "why": self.why,
        }

    def _special_rows(self, place: int) -> tuple[int, ...]:
        return self.special_rows if place == 0 else ()

    def _keys(self, cells: pa.Array) -> tuple[Int[np.ndarray, "n"], Keys]:
        """The special choice of each cell, or -1, and its value where it has one."""
        special = np.full(len(cells), -1)
        empty = arrays.nulls(cells) if cells.null_count else np.zeros(len(cells), bool)
        if not pa.types.is_floating(self.type):
            self._mark(special, empty, "null")
            return special, self._ticks(cells, empty)
        values = arrays.floats(cells)
        self._mark(special, empty, "null")
        if not np.isfinite(values).all():
            self._mark(special, ~empty & np.isnan(values), "nan")
            self._mark(special, ~empty & (values == -np.inf), "-inf")
            self._mark(special, ~empty & (values == np.inf), "inf")
            ends = (self.bins[0].knots[0], self.bins[0].knots[-1]) if self.bins[0].count else (0, 0)
            values = np.nan_to_num(values, nan=ends[0], neginf=ends[0], posinf=ends[1])
        return special, values

    def _mark(self, special: np.ndarray, rows: Bool[np.ndarray, "n"], name: str) -> None:
        # What was not seen in training has no choice: it stands as the number nearest to it.
        if name in self.specials:
            special[rows] = self.specials.index(name)

    def _ticks(self, cells: pa.Array, empty: Bool[np.ndarray, "n"]) -> UInt64[np.ndarray, "n"]:
        if empty.all():
            return np.zeros(len(cells), np.uint64)
        least, greatest = arrays.bounds(cells)
        high = self.low + self.step * self.top
        if least < self.low or greatest > high:
            cells = _clipped(cells, self.low, high)
        away = arrays.words(cells) - np.uint64(self.low % arrays.WORD)
        away[empty] = 0
        return away if self.step == 1 else away // np.uint64(self.step)

    def _rounded(self, values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        if self.decimals is None or not len(values):
            return values
        limit = EXACT_FLOATS / 10**self.decimals
        if np.abs(values).max() < limit:
            return np.round(values, self.decimals) + 0.0
        return np.where(np.abs(values) < limit, np.round(values, self.decimals) + 0.0, values)


def number_column(kind: pa.DataType, plain: Mapping[str, Any]) -> NumberColumn:
    """The inverse of `NumberColumn.plain`."""
    return NumberColumn(
        type=kind,
        specials=tuple(plain["specials"]),
        special_rows=tuple(plain["special_rows"]),
        decimals=plain["decimals"],
        low=plain["low"],
        step=plain["step"],
        top=plain["top"],
        radices=tuple(plain["radices"]),
        bins=tuple(bins_from(bins) for bins in plain["bins"]),
        kind=plain["kind"],
        why=plain["why"],
    )


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


def _split(bins: Bins, keys: Keys, special: Int[np.ndarray, "n"], named: int) -> Split:
    if not bins.count:
        return Split(np.maximum(special, 0))
    cells = bins.cells(keys)
    choice = cells.bin + named
    if not bins.is_open.any():
        return Split(np.where(special < 0, choice, special) if named else choice)
    alone = ~bins.is_open[cells.bin] | (special >= 0)
    if named:
        choice = np.where(special < 0, choice, special)
    return Split(choice, np.where(alone, 0.0, cells.low), np.where(alone, GRID, cells.width))


def _joined(bins: Bins, part: Drawn, named: int) -> Keys:
    if not bins.count:
        return np.zeros(len(part.choice), bins.knots.dtype)
    choice = np.maximum(part.choice - named, 0) if named else part.choice
    return bins.values(choice, part.place)


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
        place = np.minimum(np.searchsorted(seen, values), len(seen) - 1)
        missed = values[seen[place] != values]
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
            for some in (values[:1_000], values)
        ):
            return decimals
    return None


def _clipped(cells: pa.Array, low: int, high: int) -> pa.Array:
    """The cells with those beyond what was seen brought to its ends; slow, for the few."""
    empty = arrays.nulls(cells)
    signed = not pa.types.is_unsigned_integer(cells.type)
    if cells.type.byte_width <= 8:
        values = arrays.words(cells)
        numbers = (values.view(np.int64) if signed else values).astype(object)
    else:
        numbers = np.array(
            [0 if n is None else int(n.scaleb(cells.type.scale)) for n in cells.to_pylist()], object
        )
    away = (np.clip(numbers, low, high) - low).astype(np.uint64)
    return arrays.of_words(away, low, empty, cells.type)


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
