"""Columns of numbers and of stamps: special values first, then bins; integers stay exact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int, UInt64

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.bins import GRID, Bins, Keys, bins_from
from gantlet.modalities.tables.columns import Drawn, Part, Seeds, Split
from gantlet.modalities.tables.digits import digits_for

SPECIALS = ("null", "nan", "-inf", "inf")
EXACT_FLOATS = 2.0**53


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers as bins of one part, or stamps as bins of weeks, days and times of day.

    Numbers beyond what was seen are brought to its ends, and so are null, NaN and infinities where
    none was seen.
    """

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
        away = _within(cells, self.low, self.low + self.step * self.top)
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


def _within(cells: pa.Array, low: int, high: int) -> UInt64[np.ndarray, "n"]:
    """How far above `low` each integer is, those beyond `low` and `high` brought there."""
    if cells.type.byte_width > 8:
        return _decimals_within(cells, low, high)
    values = arrays.words(cells)
    if pa.types.is_unsigned_integer(cells.type):
        return np.clip(values, np.uint64(low), np.uint64(high)) - np.uint64(low)
    signed = np.clip(values.view(np.int64), max(low, -(2**63)), min(high, 2**63 - 1))
    return signed.view(np.uint64) - np.uint64(low % arrays.WORD)


def _decimals_within(cells: pa.Array, low: int, high: int) -> UInt64[np.ndarray, "n"]:
    least, greatest = arrays.bounds(cells)
    if low <= least and greatest <= high:
        return arrays.words(cells) - np.uint64(low % arrays.WORD)
    wholes = [
        0 if cell is None else arrays.unscaled(cell, cells.type.scale) for cell in cells.to_pylist()
    ]
    return np.array([min(max(whole, low), high) - low for whole in wholes], np.uint64)
