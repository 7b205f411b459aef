"""The nearest rows, found from bounds and decided by distances in float64 (see `clouds`)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int

from gantlet.metrics.close import bounds, close_pairs, first_limits, order_of, positions
from gantlet.metrics.clouds import (
    BLOCK,
    Cloud,
    blocks,
    lower_bounds,
    shifted,
    spans,
    squared_distances,
)
from gantlet.metrics.smallest import Smallest

SPARE = 11  # more neighbours kept than asked for, so that rounding rarely makes a row uncertain


class Nearest(NamedTuple):
    """For each row its nearest others, from near to far."""

    squared: Float64[np.ndarray, "n k"]  # distances, from direct differences
    which: Int[np.ndarray, "n k"]


def nearest_within(cloud: Cloud, count: int, certain: int, block: int = BLOCK) -> Nearest:
    """The `count` nearest other rows of each row; the distances of the first `certain` are exact.

    Each pair of blocks is looked at once, for the rows of both. Of the rest some may, within the
    rounding of a tile, stand in for one that is nearer.
    """
    n = len(cloud.features)
    best = Smallest(n, min(count + SPARE, n - 1))
    order = order_of(cloud)
    for span in spans(n, block):
        rows = order[span]
        tile = bounds(cloud, rows, cloud, rows)
        np.fill_diagonal(tile, np.inf)
        best.offer_tile(rows, tile, rows)
    for pairs in close_pairs(cloud, cloud, lambda i, j: (best.worst[i], best.worst[j]), block):
        best.offer(pairs.points, pairs.centres, pairs.low)
        best.offer(pairs.centres, pairs.points, pairs.low)
    return _decided(cloud, cloud, best, certain, count, block)


def nearest_between(
    points: Cloud, centres: Cloud, count: int, certain: int = 1, block: int = BLOCK
) -> Nearest:
    """The `count` nearest centres of each point; the distances of the first `certain` are exact."""
    kept = min(count + SPARE, len(centres.features))
    best = Smallest(len(points.features), kept)
    first, nothing = first_limits(points, centres, kept), np.full(len(centres.features), -np.inf)
    for pairs in close_pairs(
        points, centres, lambda i, j: (np.minimum(first[i], best.worst[i]), nothing[j]), block
    ):
        best.offer(pairs.points, pairs.centres, pairs.low)
    return _decided(points, centres, best, certain, count, block)


def _decided(
    points: Cloud, centres: Cloud, best: Smallest, certain: int, count: int, block: int
) -> Nearest:
    """Direct distances of what was kept; rows that might miss a neighbour are looked at again."""
    _measure(points, centres, best, count)
    certain = min(certain, best.values.shape[1])
    # Who is not kept lies at `worst` at least.
    uncertain = np.flatnonzero(best.values[:, certain - 1] > best.worst)
    for start in range(0, len(uncertain), block):
        _settle(points, centres, best, uncertain[start : start + block], certain, block)
    return Nearest(best.values[:, :count], best.index[:, :count])


def _measure(points: Cloud, centres: Cloud, best: Smallest, count: int) -> None:
    """Direct distances in place of bounds, sorted; bounds stay where they rank behind `count`."""
    values, place = best.values, min(count, best.values.shape[1]) - 1
    slack = 2 * points.band * (points.norms[:, None] + centres.norms[best.index])
    limit = np.partition(values + slack, place, axis=1)[:, place]
    row, column = np.nonzero((best.index >= 0) & (values <= limit[:, None]))
    values[row, column] = squared_distances(
        points.features, row, centres.features, best.index[row, column]
    )
    order = np.argsort(values, axis=1, kind="stable")
    best.values = np.take_along_axis(values, order, 1)
    best.index = np.take_along_axis(best.index, order, 1)


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
        row, column = positions(tile <= limit[:, None])
        column += others.start
        squared = squared_distances(points.features, rows[row], centres.features, column)
        again.offer(row, column, squared)
    # Found again are all within the limit; what was kept beyond it still ranks behind them.
    row, place = np.nonzero(best.values[rows] > limit[:, None])
    again.offer(row, best.index[rows][row, place], best.values[rows][row, place])
    order = np.argsort(again.values, axis=1, kind="stable")
    best.values[rows] = np.take_along_axis(again.values, order, 1)
    best.index[rows] = np.take_along_axis(again.index, order, 1)
