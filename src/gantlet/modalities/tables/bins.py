"""Numbers as a choice of bin and a position in it; seen values come back exactly.

The distinct values that were seen are *knots*. A bin is a run of knots of about equal frequency,
or a single value of its own (a choice). In a bin each knot has a cell as wide as its share of the
rows, so that a uniform position gives the right marginal: a value seen m times keeps m - 1 parts
of its cell, and the last part spreads half-way to its neighbours, where new values lie.

A real row stands somewhere in its value's cell, at a place that is a multiple of 1/GRID; such a
place always means the knot itself. A uniformly drawn one almost never is such a multiple.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from gantlet.modalities.tables.packing import packed, unpacked

GRID = 1 << 15  # places in a bin that mean exactly a knot; float32 in [-1, 1] holds them
FINE = 1 << 10  # steps of a position in float32 from one place to the next
SLOT = 1 << 7  # places that are looked up together
BINS = 512
FEW, REPEATS = 256, 4.0  # at most so many distinct values, so often each: every one is a choice
MANY, MANY_REPEATS = 2_304, 32.0  # the same for more values, seen more often
POINT_SHARE, POINT_EXCESS = 0.01, 5.0  # of all rows; times as often as the values around it
AROUND = 5  # neighbours on each side that a point mass is held against
CELLS = GRID // 2  # knots in a bin, at most

Keys = Shaped[np.ndarray, "_"]  # float64, or uint64 where integers must stay exact


class Cells(NamedTuple):
    """Where values lie: their bin, and from where and how wide the cell is, in places."""

    bin: Int[np.ndarray, "n"]
    low: Float[np.ndarray, "n"]
    width: Int[np.ndarray, "n"]  # 0: exactly at `low`


@dataclass(frozen=True, eq=False)
class Bins:
    """What was seen of a number: its knots, how often each, and the bins they form."""

    knots: Keys  # m, strictly increasing
    mass: Int[np.ndarray, "m"]  # rows nearest to each knot
    exact: Int[np.ndarray, "m"]  # rows exactly there
    first: Int[np.ndarray, "b"]  # the first knot of each bin
    is_open: Bool[np.ndarray, "b"]  # values lie in it; else it is one value
    spreads: bool  # to values between the seen ones

    @property
    def count(self) -> int:
        """Bins, choices of one value included."""
        return len(self.first)

    @cached_property
    def weights(self) -> Int[np.ndarray, "b"]:
        """Rows in each bin."""
        return np.add.reduceat(self.mass, self.first) if self.count else self.mass

    def cells(self, keys: Keys) -> Cells:
        """Where each value lies; values that were not seen lie between, or at the nearest end."""
        knot = nearest(self.knots, keys)
        bins = self._bin_of[knot]
        width = self._width[knot]
        low = self._start[knot].astype(np.float64)
        unseen = np.flatnonzero((self.knots[knot] != keys) & self.is_open[bins])
        if len(unseen):
            ends = low[unseen] + width[unseen]
            low[unseen] += width[unseen] * self._shares_below(keys[unseen], knot[unseen])
            # As fine as a float32 of [-1, 1] is, and never a place that means the knot.
            between = np.rint(low[unseen] * FINE) / FINE
            between = np.minimum(between, ends - 1 / FINE)
            low[unseen] = between + np.where(between % 1 == 0, 1 / FINE, 0)
            width[unseen] = 0
        return Cells(bins, low, width)

    def values(self, bins: Int[np.ndarray, "n"], places: Float[np.ndarray, "n"] | None) -> Keys:
        """The values at these places (0 to GRID) of these bins: the inverse of `cells`."""
        if places is None or not self.is_open.any():
            return self.knots[self.first[bins]]
        whole = np.clip(places, 0, GRID - 1).astype(np.int64)
        knot = self._knots_at(bins * GRID + whole)
        values = self.knots[knot]
        if self.spreads:
            part = np.minimum((places - self._start[knot]) / self._width[knot], 1.0)
            moved = np.flatnonzero(
                (places != whole) & (part > self._kept[knot]) & (self._reach[knot] > 0)
            )
            knot = knot[moved]
            part = (part[moved] - self._kept[knot]) / (1 - self._kept[knot])
            step = part * self._reach[knot] - self._below[knot]
            values[moved] = _shifted(values[moved], step)
        return values

    def plain(self) -> dict[str, Any]:
        """As JSON; the inverse is `bins_from`."""
        return {
            "knots": packed(self.knots),
            "mass": packed(self.mass),
            "exact": packed(self.exact),
            "first": packed(self.first),
            "is_open": packed(self.is_open),
            "spreads": self.spreads,
        }

    @cached_property
    def _bin_of(self) -> Int[np.ndarray, "m"]:
        sizes = np.diff(self.first, append=len(self.knots))
        return np.repeat(np.arange(self.count), sizes)

    @cached_property
    def _start(self) -> Int[np.ndarray, "m"]:
        sizes = np.diff(self.first, append=len(self.knots))
        before = np.cumsum(self.mass) - self.mass
        local = np.arange(len(self.knots)) - self.first[self._bin_of]
        share = (before - before[self.first][self._bin_of]) / self.weights[self._bin_of]
        return local + (share * (GRID - sizes[self._bin_of])).astype(np.int64)

    @cached_property
    def _width(self) -> Int[np.ndarray, "m"]:
        ends = np.append(self._start[1:], GRID)
        ends[self.first[1:] - 1] = GRID
        return ends - self._start

    @cached_property
    def _ends(self) -> Int[np.ndarray, "m"]:
        """Where each knot's cell ends, all bins one after the other."""
        return np.append((self._bin_of * GRID + self._start)[1:], self.count * GRID)

    @cached_property
    def _slots(self) -> Int[np.ndarray, "_"]:
        """The first knot with a place in each slot: a search for all slots, done once."""
        return np.searchsorted(self._ends, np.arange(0, self.count * GRID, SLOT), side="right")

    def _knots_at(self, places: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
        """The knot whose cell holds each place, counted over all bins; most in one step or two."""
        knot = self._slots[places // SLOT]
        knot += self._ends[knot] <= places
        knot += self._ends[knot] <= places
        late = np.flatnonzero(self._ends[knot] <= places)
        knot[late] = np.searchsorted(self._ends, places[late], side="right")
        return knot

    @cached_property
    def _kept(self) -> Float[np.ndarray, "m"]:
        """The part of each cell that means the knot itself."""
        return np.maximum(self.exact - 1, 0) / self.mass

    @cached_property
    def _below(self) -> Float[np.ndarray, "m"]:
        """Half the way to the knot before, where no choice stands in between."""
        touching = self.is_open[self._bin_of]
        touching[1:] &= touching[:-1]
        return np.where(touching, np.append(0.0, _gaps(self.knots)), 0.0)

    @cached_property
    def _reach(self) -> Float[np.ndarray, "m"]:
        return self._below + np.append(self._below[1:], 0.0)

    def _shares_below(self, keys: Keys, knot: Int[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """How much of its nearest knot's cell lies before each value."""
        reach = np.where(self._reach[knot] > 0, self._reach[knot], 1.0)
        if not self.spreads:
            return np.full(len(keys), 0.5)
        kept, away = self._kept[knot], self._away(keys, knot)
        low, high = -self._below[knot], reach - self._below[knot]
        if keys.dtype != np.float64:  # the middle of all that is rounded to the integer
            away = (np.maximum(away - 0.5, low) + np.minimum(away + 0.5, high)) / 2
        away = np.clip(away, low, high)
        return kept + (1 - kept) * (away + self._below[knot]) / reach

    def _away(self, keys: Keys, knot: Int[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        knots = self.knots[knot]
        above = keys > knots
        with np.errstate(over="ignore"):
            size = (np.where(above, keys, knots) - np.where(above, knots, keys)).astype(np.float64)
        return np.where(above, size, -size)


def bins_from(plain: Mapping[str, Any]) -> Bins:
    """The inverse of `Bins.plain`."""
    return Bins(
        knots=unpacked(plain["knots"]),
        mass=unpacked(plain["mass"]),
        exact=unpacked(plain["exact"]),
        first=unpacked(plain["first"]),
        is_open=unpacked(plain["is_open"]),
        spreads=bool(plain["spreads"]),
    )


def nearest(knots: Keys, keys: Keys) -> Int[np.ndarray, "n"]:
    """The knot nearest to each value; of two as near, the greater."""
    after = np.clip(np.searchsorted(knots, keys), 0, len(knots) - 1)
    before = np.maximum(after - 1, 0)
    inside = (keys > knots[before]) & (keys < knots[after])
    with np.errstate(over="ignore", invalid="ignore"):
        closer = inside & (keys - knots[before] < knots[after] - keys)
    # Below the first knot `before` is the first one too.
    return np.where(closer, before, after)


def is_choice(distinct: int, rows: int) -> bool:
    """Whether so many distinct values in so many rows are a choice each."""
    repeats = rows / max(distinct, 1)
    few = distinct <= FEW and repeats >= REPEATS
    return distinct <= 1 or few or (distinct <= MANY and repeats >= MANY_REPEATS)


def bins_for(values: Keys, counts: Int[np.ndarray, "v"], most_knots: int) -> Bins:
    """Bins of the distinct values, in order, that were seen so often."""
    if is_choice(len(values), int(counts.sum())):
        first = np.arange(len(values))
        return Bins(values, counts, counts, first, np.zeros(len(values), bool), False)
    knots, mass, exact = _thinned(values, counts, most_knots)
    alone = _point_masses(mass, exact)
    rows = np.where(alone, 0, mass)
    wanted = min(BINS, max(1, int(2 * np.sqrt(rows.sum()))))
    middle = np.cumsum(rows) - rows / 2
    label = np.floor(wanted * middle / max(rows.sum(), 1))
    starts = alone | np.append(True, alone[:-1] | (np.diff(label) > 0))
    starts[::CELLS] = True
    first = np.flatnonzero(starts)
    repeats = rows.sum() / max(int((~alone).sum()), 1)
    spreads = bool(repeats < REPEATS or len(knots) < len(values))
    return Bins(knots, mass, exact, first, ~alone[first], spreads)


def _thinned(values: Keys, counts: np.ndarray, most: int) -> tuple[Keys, np.ndarray, np.ndarray]:
    """At most `most` of the values at even quantiles, with the rows nearest to each."""
    if len(values) <= most:
        return values, counts, counts
    below = np.cumsum(counts) - counts / 2
    wanted = np.linspace(0, counts.sum(), most)
    kept = np.unique(np.clip(np.searchsorted(below, wanted), 0, len(values) - 1))
    kept = np.unique(np.concatenate([[0], kept, [len(values) - 1]]))
    knots = values[kept]
    mass = np.bincount(nearest(knots, values), weights=counts, minlength=len(knots))
    return knots, mass.astype(np.int64), counts[kept]


def _point_masses(mass: np.ndarray, exact: np.ndarray) -> Bool[np.ndarray, "m"]:
    """Values seen far more often than those around them: zero, a cap, a sentinel."""
    total = mass.sum()
    alone = np.zeros(len(mass), bool)
    for place in np.flatnonzero(exact >= max(POINT_SHARE * total, POINT_EXCESS)):
        around = mass[max(place - AROUND, 0) : place + AROUND + 1]
        alone[place] = exact[place] >= POINT_EXCESS * np.median(around)
    return alone


def _gaps(knots: Keys) -> Float[np.ndarray, "_"]:
    """Half of each distance between neighbours, without overflow."""
    if knots.dtype == np.float64:
        return knots[1:] / 2 - knots[:-1] / 2
    return np.diff(knots).astype(np.float64) / 2


def _shifted(values: Keys, step: Float[np.ndarray, "n"]) -> Keys:
    if values.dtype == np.float64:
        return values + step
    # Two's complement: a negative step wraps around to the right value.
    return values + np.clip(np.rint(step), -(2.0**62), 2.0**62).astype(np.int64).view(np.uint64)
