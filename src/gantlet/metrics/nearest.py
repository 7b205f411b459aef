"""Distances one tile at a time: what they leave undecided is decided from direct differences.

A tile is one matrix product in the features' own precision, whose rounding is bounded: of each
pair it gives a squared distance that is certainly not too large, and one that is not too small.
Only pairs whose comparison falls between the two are computed again, in float64, from x − y.
That number depends on the two rows alone, so that no result depends on block size or row order.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

BLOCK = 2048  # rows of either set in a tile
SPARE = 11  # more neighbours kept than asked for, so that rounding rarely makes a row uncertain
_PAIRS = 1 << 22  # numbers held at once where pairs are computed directly


class Cloud(NamedTuple):
    """A set of rows seen from an origin; shifted and widened only block by block."""

    features: Float[np.ndarray, "n d"]
    origin: Float[np.ndarray, "d"]
    norms: Float64[np.ndarray, "n"]  # squared, of the shifted rows

    @property
    def band(self) -> float:
        """b: a tile's squared distances err by less than b (‖x‖² + ‖y‖²).

        Higham 2002, section 3.1: d units of roundoff for a product of d terms in any order, and
        a few for the shift (2), the norms and their sums.
        """
        d = len(self.origin)
        return (d + 16) * float(np.finfo(self.origin.dtype).eps) / 2


class Nearest(NamedTuple):
    """For each row its nearest others, from near to far."""

    squared: Float64[np.ndarray, "n k"]  # distances, from direct differences
    which: Int[np.ndarray, "n k"]


def clouds(*sets: Float[np.ndarray, "_ d"], block: int = BLOCK) -> list[Cloud]:
    """The sets about one origin, in float32 if they all come so and its range suffices."""
    first = sets[0]
    # A median of many rows: the smaller the norms, the less is rounded; any origin is right.
    middle = np.median(first[:: max(1, len(first) // 512)], 0)
    single = all(x.dtype == np.float32 for x in sets)
    made = [_cloud(x, middle.astype(np.float32 if single else np.float64), block) for x in sets]
    largest = float(np.max([c.norms.max() for c in made]))  # NaN if any is
    if not np.isfinite(largest):  # norms are float64: float32 rows cannot overflow them
        raise ValueError("features hold infinite numbers or NaN: no distance can be taken")
    if single and not 1e-20 < largest < 1e30:  # squares would leave the range of float32
        return [_cloud(x, middle.astype(np.float64), block) for x in sets]
    return made


def lower_bounds(
    x: Float[np.ndarray, "m d"],
    x_norms: Float64[np.ndarray, "m"],
    y: Float[np.ndarray, "n d"],
    y_norms: Float64[np.ndarray, "n"],
    band: float,
) -> Float[np.ndarray, "m n"]:
    """(1 − b)‖x‖² + (1 − b)‖y‖² − 2 x·y, certainly not above ‖x − y‖²; in place, being large."""
    tile = x @ y.T
    tile *= -2
    tile += ((1 - band) * x_norms).astype(x.dtype)[:, None]
    tile += ((1 - band) * y_norms).astype(y.dtype)
    return tile


def blocks(cloud: Cloud, block: int) -> Iterator[tuple[slice, Float[np.ndarray, "b d"]]]:
    """The rows of a cloud, shifted, a block at a time."""
    for start in range(0, len(cloud.features), block):
        rows = slice(start, min(start + block, len(cloud.features)))
        yield rows, shifted(cloud, rows)


def shifted(cloud: Cloud, rows: slice | Int[np.ndarray, "b"]) -> Float[np.ndarray, "b d"]:
    """Rows seen from the origin, in the precision of the origin."""
    return np.subtract(cloud.features[rows], cloud.origin, dtype=cloud.origin.dtype)


def rounded_up(x: Float64[np.ndarray, "n"], dtype: np.dtype) -> Float[np.ndarray, "n"]:
    """Bounds in the precision of a tile, none of them lowered by rounding."""
    narrow = x.astype(dtype)
    return np.where(narrow < x, np.nextafter(narrow, dtype.type(np.inf)), narrow)


def squared_distances(
    x: Float[np.ndarray, "m d"],
    i: Int[np.ndarray, "p"],
    y: Float[np.ndarray, "n d"],
    j: Int[np.ndarray, "p"],
) -> Float64[np.ndarray, "p"]:
    """‖xᵢ − yⱼ‖² of single pairs, in float64 from their differences."""
    squared = np.empty(len(i))
    step = max(1, _PAIRS // x.shape[1])
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        gaps = np.subtract(x[i[part]], y[j[part]], dtype=np.float64)
        squared[part] = np.square(gaps, out=gaps).sum(1)
    return squared


class Smallest:
    """The smallest `count` values offered to each of n rows, and who offered them."""

    def __init__(self, n: int, count: int) -> None:
        self.values = np.full((n, count), np.inf)
        self.index = np.full((n, count), -1, np.int64)
        self.worst = np.full(n, np.inf)  # the largest value kept: only smaller ones are of use

    def offer(
        self,
        row: Int[np.ndarray, "p"],
        index: Int[np.ndarray, "p"],
        value: Float[np.ndarray, "p"],
    ) -> None:
        """Single values for rows in any order."""
        if not len(row):
            return
        count = self.values.shape[1]
        order = np.lexsort((value, row))
        row, index, value = row[order], index[order], value[order]
        rows, starts, sizes = np.unique(row, return_index=True, return_counts=True)
        place = np.arange(len(row)) - np.repeat(starts, sizes)
        kept = place < count
        at = np.repeat(np.arange(len(rows)), sizes)[kept], place[kept]
        fresh = np.full((len(rows), count), np.inf)
        fresh_index = np.full((len(rows), count), -1, np.int64)
        fresh[at], fresh_index[at] = value[kept], index[kept]
        values = np.concatenate([self.values[rows], fresh], 1)
        indices = np.concatenate([self.index[rows], fresh_index], 1)
        best = np.argpartition(values, count - 1, axis=1)[:, :count]
        self.values[rows] = np.take_along_axis(values, best, 1)
        self.index[rows] = np.take_along_axis(indices, best, 1)
        self.worst[rows] = self.values[rows].max(1)

    def offer_rows(self, rows: slice, tile: Float[np.ndarray, "b c"], columns: slice) -> None:
        """A tile whose rows these are."""
        count = min(self.values.shape[1], tile.shape[1])
        if np.isfinite(self.worst[rows]).all():
            row, column = np.nonzero(tile < self._limit(rows, tile.dtype)[:, None])
        else:  # all would be of use: the tile's own smallest are enough
            column = np.argpartition(tile, count - 1, axis=1)[:, :count]
            row, column = np.repeat(np.arange(len(tile)), count), column.ravel()
        self.offer(row + rows.start, column + columns.start, tile[row, column])

    def offer_columns(self, columns: slice, tile: Float[np.ndarray, "b c"], rows: slice) -> None:
        """A tile whose columns are the rows here."""
        if np.isfinite(self.worst[columns]).all():
            row, column = np.nonzero(tile < self._limit(columns, tile.dtype))
            self.offer(column + columns.start, row + rows.start, tile[row, column])
        else:
            self.offer_rows(columns, np.ascontiguousarray(tile.T), rows)

    def _limit(self, rows: slice, dtype: np.dtype) -> Float[np.ndarray, "b"]:
        return rounded_up(self.worst[rows], dtype)


def nearest_within(cloud: Cloud, count: int, certain: int, block: int = BLOCK) -> Nearest:
    """The `count` nearest other rows of each row; the distances of the first `certain` are exact.

    Each pair of blocks is multiplied once, for the rows of both. Of the rest some may, within
    the rounding of a tile, stand in for one that is nearer.
    """
    n = len(cloud.features)
    best = Smallest(n, min(count + SPARE, n - 1))
    for rows, x in blocks(cloud, block):
        tile = lower_bounds(x, cloud.norms[rows], x, cloud.norms[rows], cloud.band)
        np.fill_diagonal(tile, np.inf)
        best.offer_rows(rows, tile, rows)
    for rows, x in blocks(cloud, block):
        for start in range(rows.stop, n, block):
            others = slice(start, min(start + block, n))
            y = shifted(cloud, others)
            tile = lower_bounds(x, cloud.norms[rows], y, cloud.norms[others], cloud.band)
            best.offer_rows(rows, tile, others)
            best.offer_columns(others, tile, rows)
    return _decided(cloud, cloud, best, certain, count, block)


def nearest_between(
    points: Cloud, centres: Cloud, count: int, certain: int = 1, block: int = BLOCK
) -> Nearest:
    """The `count` nearest centres of each point; the distances of the first `certain` are exact."""
    best = Smallest(len(points.features), min(count + SPARE, len(centres.features)))
    for others, y in blocks(centres, block):
        for rows, x in blocks(points, block):
            tile = lower_bounds(x, points.norms[rows], y, centres.norms[others], points.band)
            best.offer_rows(rows, tile, others)
    return _decided(points, centres, best, certain, count, block)


def _cloud(features: Float[np.ndarray, "n d"], origin: np.ndarray, block: int) -> Cloud:
    cloud = Cloud(features, origin, np.empty(len(features)))
    for rows, x in blocks(cloud, block):
        cloud.norms[rows] = np.einsum("nd,nd->n", x, x, dtype=np.float64)
    return cloud


def _decided(
    points: Cloud, centres: Cloud, best: Smallest, certain: int, count: int, block: int
) -> Nearest:
    """Direct distances of what was kept; rows that might miss a neighbour are looked at again."""
    _measure(points, centres, best, np.arange(len(points.features)))
    certain = min(certain, best.values.shape[1])
    # Who is not kept lies at `worst` at least.
    uncertain = np.flatnonzero(best.values[:, certain - 1] > best.worst)
    for start in range(0, len(uncertain), block):
        _settle(points, centres, best, uncertain[start : start + block], certain, block)
    return Nearest(best.values[:, :count], best.index[:, :count])


def _measure(points: Cloud, centres: Cloud, best: Smallest, rows: Int[np.ndarray, "r"]) -> None:
    """Direct distances in place of bounds, sorted."""
    index = best.index[rows]
    owner = np.repeat(rows, index.shape[1])
    values = squared_distances(points.features, owner, centres.features, index.ravel())
    values = np.where(index < 0, np.inf, values.reshape(index.shape))
    order = np.argsort(values, axis=1, kind="stable")
    best.values[rows] = np.take_along_axis(values, order, 1)
    best.index[rows] = np.take_along_axis(index, order, 1)


def _settle(
    points: Cloud,
    centres: Cloud,
    best: Smallest,
    rows: Int[np.ndarray, "r"],
    certain: int,
    block: int,
) -> None:
    """Every centre that may be among the `certain` nearest of these rows, computed directly."""
    wide, wide_centres = (c._replace(origin=c.origin.astype(np.float64)) for c in (points, centres))
    x = shifted(wide, rows)
    norms = np.square(x).sum(1)
    limit = best.values[rows, certain - 1]
    again = Smallest(len(rows), best.values.shape[1])
    for others, y in blocks(wide_centres, block):
        tile = lower_bounds(x, norms, y, np.square(y).sum(1), wide.band)
        if points is centres:
            own = np.flatnonzero((rows >= others.start) & (rows < others.stop))
            tile[own, rows[own] - others.start] = np.inf
        row, column = np.nonzero(tile <= limit[:, None])
        column += others.start
        squared = squared_distances(points.features, rows[row], centres.features, column)
        again.offer(row, column, squared)
    # Found again are all within the limit; what was kept beyond it still ranks behind them.
    row, place = np.nonzero(best.values[rows] > limit[:, None])
    again.offer(row, best.index[rows][row, place], best.values[rows][row, place])
    order = np.argsort(again.values, axis=1, kind="stable")
    best.values[rows] = np.take_along_axis(again.values, order, 1)
    best.index[rows] = np.take_along_axis(again.index, order, 1)
