"""Pairs of rows that lie close enough to matter, a tile at a time.

Where the rows' leading coordinates are known (`leading`) these are looked at first: patches of a
tile in which many pairs may be close are computed in full, single pairs in others one by one.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from gantlet.metrics.clouds import (
    BLOCK,
    Cloud,
    lower_bounds,
    rounded_up,
    shifted,
    spans,
    squared_distances,
)
from gantlet.metrics.leading import Lead

PATCH = 128  # rows of either set
CROWDED = 1 / 128  # share of a patch from which on one product costs less than single pairs
USELESS = 1 / 2  # share of a tile in crowded patches from which on it was no use to look first
WINDOW = 512  # rows that tell how far to look before any were seen

Limits = Callable[
    [Int[np.ndarray, "m"], Int[np.ndarray, "n"]],
    tuple[Float64[np.ndarray, "m"], Float64[np.ndarray, "n"]],
]


class Pairs(NamedTuple):
    """Pairs of a point and a centre, and bounds of their squared distance."""

    points: Int[np.ndarray, "p"]
    centres: Int[np.ndarray, "p"]
    low: Float64[np.ndarray, "p"]
    high: Float64[np.ndarray, "p"]


def close_pairs(
    points: Cloud, centres: Cloud, limits: Limits, block: int = BLOCK
) -> Iterator[Pairs]:
    """All pairs that may lie within the limit of either, each once, and some others.

    Of one set with itself only pairs from different blocks.

    Args:
        limits: squared, of some points and some centres; asked before each tile, as limits may
            shrink with what was found.
    """
    same, tried, useless = points is centres, 0, 0
    a, b = order_of(points), order_of(centres)
    for columns in spans(len(b), block):
        y = shifted(centres, b[columns])
        for rows in spans(columns.start if same else len(a), block):
            if points.lead is None or centres.lead is None or 2 * useless > tried + 4:
                yield full_tile(points, a[rows], centres, b[columns], limits, y)
                continue
            tried += 1
            mask = _may_be_close(points.lead, rows, centres.lead, columns, limits)
            patches = _crowded(mask)
            if patches.mean() > USELESS:
                useless += 1
                yield full_tile(points, a[rows], centres, b[columns], limits, y)
            else:
                yield from _sieved(points, a[rows], centres, b[columns], mask, patches, limits)


def full_tile(
    points: Cloud,
    i: Int[np.ndarray, "a"],
    centres: Cloud,
    j: Int[np.ndarray, "b"],
    limits: Limits,
    y: Float[np.ndarray, "b d"] | None = None,
) -> Pairs:
    """Pairs of these rows from one matrix product.

    Args:
        y: the centres, shifted, where they are at hand.
    """
    tile = bounds(points, i, centres, j, y)
    row, column = positions(_within(tile, *limits(i, j)))
    low = tile[row, column].astype(np.float64)
    i, j = i[row], j[column]
    return Pairs(i, j, low, low + 2 * points.band * (points.norms[i] + centres.norms[j]))


def bounds(
    points: Cloud,
    i: Int[np.ndarray, "a"],
    centres: Cloud,
    j: Int[np.ndarray, "b"],
    y: Float[np.ndarray, "b d"] | None = None,
) -> Float[np.ndarray, "a b"]:
    """Lower bounds of the squared distances between these rows.

    Args:
        y: the centres, shifted, where they are at hand.
    """
    x = shifted(points, i)
    if y is None:  # where both are one, the product takes half the time
        y = x if points is centres and i is j else shifted(centres, j)
    return lower_bounds(x, points.norms[i], y, centres.norms[j], points.band)


def order_of(cloud: Cloud) -> Int[np.ndarray, "n"]:
    """The rows in the order in which they are looked at."""
    return np.arange(len(cloud.features)) if cloud.lead is None else cloud.lead.order


def first_limits(
    points: Cloud,
    centres: Cloud,
    count: int,
    among: Bool[np.ndarray, "n"] | None = None,
    unit: Float64[np.ndarray, "n"] | None = None,
) -> Float64[np.ndarray, "m"]:
    """Squared distances within which `count` centres certainly lie: of few, but likely ones.

    Args:
        among: the centres that are of use.
        unit: of each centre, that squared distances are taken in.
    """
    limit = np.empty(len(points.features))
    those = order_of(centres)
    kept = np.arange(len(those)) if among is None else np.flatnonzero(among[those])
    rows = order_of(points)
    for span in spans(len(rows), BLOCK if points.lead is None else PATCH):
        i, j = rows[span], those[kept[_window(points.lead, span, centres.lead, kept, count)]]
        tile = bounds(points, i, centres, j).astype(np.float64)
        tile += 2 * points.band * (points.norms[i][:, None] + centres.norms[j])
        if unit is not None:
            tile /= unit[j]
        limit[i] = np.partition(tile, count - 1, axis=1)[:, count - 1]
    return limit


def positions(mask: Bool[np.ndarray, "m n"]) -> tuple[Int[np.ndarray, "p"], Int[np.ndarray, "p"]]:
    """Where a mask is true: `nonzero`, but eight at a time, as nearly all is false."""
    if mask.size % 8:
        row, column = np.nonzero(mask)
        return row, column
    eights = mask.reshape(-1, 8)
    some = np.flatnonzero(eights.view(np.uint64))
    which, place = np.nonzero(eights[some])
    row, column = np.divmod(some[which] * 8 + place, mask.shape[1])
    return row, column


def _window(
    lead: Lead | None, span: slice, others: Lead | None, kept: Int[np.ndarray, "k"], count: int
) -> Int[np.ndarray, "w"]:
    """Some of those kept: about the clusters of the span, or from everywhere."""
    size = min(max(WINDOW, count), len(kept))
    if lead is None or others is None:
        return np.arange(size) * len(kept) // size
    cells = others.cells[kept]
    low = np.searchsorted(cells, lead.cells[span.start])
    high = np.searchsorted(cells, lead.cells[span.stop - 1], "right")
    if high - low > size:
        return low + np.arange(size) * (high - low) // size
    return np.clip((low + high - size) // 2, 0, len(kept) - size) + np.arange(size)


def _within(
    tile: Float[np.ndarray, "m n"], of_rows: Float64[np.ndarray, "m"], of_columns: np.ndarray
) -> Bool[np.ndarray, "m n"]:
    mask = tile <= rounded_up(of_rows, tile.dtype)[:, None]
    mask |= tile <= rounded_up(of_columns, tile.dtype)
    return mask


def _may_be_close(
    lead: Lead, rows: slice, others: Lead, columns: slice, limits: Limits
) -> Bool[np.ndarray, "m n"]:
    tile = lead.lower_bounds(rows, others, columns)
    return _within(tile, *limits(lead.order[rows], others.order[columns]))


def _crowded(mask: Bool[np.ndarray, "m n"]) -> Bool[np.ndarray, "a b"]:
    """Patches that hold so many pairs that they are computed in full."""
    starts = [np.arange(0, length, PATCH) for length in mask.shape]
    # Two steps, the first along the memory: sums of at most 128 fit a byte.
    counts = np.add.reduceat(mask.view(np.uint8), starts[0], axis=0, dtype=np.uint8)
    counts = np.add.reduceat(counts, starts[1], axis=1, dtype=np.int64)
    sizes = [
        np.diff(start, append=length) for start, length in zip(starts, mask.shape, strict=True)
    ]
    return counts > CROWDED * np.outer(*sizes)


def _sieved(
    points: Cloud,
    i: Int[np.ndarray, "a"],
    centres: Cloud,
    j: Int[np.ndarray, "b"],
    mask: Bool[np.ndarray, "a b"],
    patches: Bool[np.ndarray, "p q"],
    limits: Limits,
) -> Iterator[Pairs]:
    """Single pairs, then strips of crowded patches."""
    for strip in np.flatnonzero(patches.any(1)):
        rows = slice(strip * PATCH, (strip + 1) * PATCH)
        columns = np.flatnonzero(np.repeat(patches[strip], PATCH)[: len(j)])
        mask[rows, columns] = False
        yield full_tile(points, i[rows], centres, j[columns], limits)
    row, column = positions(mask)
    row, column = i[row], j[column]
    squared = squared_distances(points.features, row, centres.features, column)
    yield Pairs(row, column, squared, squared)
