"""Series cut from longer ones overlap: which do, how they lie in line, and splits that keep apart.

Cut at every step, a series of 24 steps shares 23 of them with its neighbour. Split at random, most
series of the test stand nearly unchanged among those that a classifier learns from, and it is
praised for knowing the record by heart. So overlaps are found by the values themselves, whoever cut
the series, and the test takes whole stretches of a record.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, UInt64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from gantlet.metrics.courses import Windows

BLOCKS = 25  # stretches that all records together are cut into, at least
LENGTHS = 4  # of a series, that a stretch has at least
MIXERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
BASE = np.uint64(0x9E3779B97F4A7C15)


class Lines(NamedTuple):
    """Where each series lies: on which record, and at which of its steps it begins."""

    record: Int[np.ndarray, "n"]
    start: Int[np.ndarray, "n"]


def lines(values: Windows) -> Lines:
    """Series that share at least half of their steps with another, in line with it.

    Shared means equal to the last bit, the end of one with the beginning of the other. Series that
    share less, or nothing, are records of their own.
    """
    sums = _running(values)
    steps = values.shape[1]
    pairs = []
    for shift in range(steps - (steps + 1) // 2 + 1):
        length = steps - shift
        begin, end = _hashed(sums, 0, length), _hashed(sums, shift, steps)
        order = np.argsort(begin, kind="stable")
        place = np.minimum(np.searchsorted(begin[order], end), len(order) - 1)
        other = order[place]
        found = np.flatnonzero((begin[other] == end) & (other != np.arange(len(order))))
        pairs.append(np.stack([found, other[found], np.full(len(found), shift)]))
    return _in_line(np.concatenate(pairs, axis=1), len(values))


def blocks(found: Lines, steps: int) -> Int[np.ndarray, "n"]:
    """The stretch of its record that each series begins in, numbered over all records.

    Args:
        found: where the series lie.
        steps: of a series.
    """
    size = max(LENGTHS * steps, (int(found.start.max()) + 1) // BLOCKS)
    both = np.stack([found.record, found.start // size], axis=1)
    return np.unique(both, axis=0, return_inverse=True)[1].ravel()


def apart(found: Lines, is_test: Bool[np.ndarray, "n"], steps: int) -> Bool[np.ndarray, "n"]:
    """Which of the others share no step with a series of the test that lies on the same record."""
    shift = 2 * (int(found.start.max()) + 2 * steps)
    places = found.record.astype(np.int64) * shift + found.start
    test = np.sort(places[is_test])
    after = np.searchsorted(test, places - steps, "right")
    nearest = test[np.minimum(after, len(test) - 1)] if len(test) else np.full(len(places), -shift)
    return ~is_test & ~(np.abs(nearest - places) < steps)


def _running(values: Windows) -> UInt64[np.ndarray, "n k"]:
    """Polynomials in the steps' hashes, modulo 2⁶⁴, up to each step."""
    canonical = np.where(np.isnan(values), np.nan, values) + 0.0  # one NaN, one nought
    with np.errstate(over="ignore"):
        step = np.zeros(values.shape[:2], np.uint64)
        for channel in range(values.shape[2]):
            step = _mixed(step + np.ascontiguousarray(canonical[..., channel]).view(np.uint64))
        sums = np.zeros((len(values), values.shape[1] + 1), np.uint64)
        for place in range(values.shape[1]):
            sums[:, place + 1] = sums[:, place] * BASE + step[:, place]
    return sums


def _mixed(x: UInt64[np.ndarray, "n t"]) -> UInt64[np.ndarray, "n t"]:
    """Every bit of the result depends on every bit of x (Steele, Lea & Flood 2014, splitmix)."""
    x = (x + BASE) ^ ((x + BASE) >> np.uint64(30))
    x = x * MIXERS[0]
    x = (x ^ (x >> np.uint64(27))) * MIXERS[1]
    return x ^ (x >> np.uint64(31))


def _hashed(sums: UInt64[np.ndarray, "n k"], begin: int, end: int) -> UInt64[np.ndarray, "n"]:
    power = np.uint64(pow(int(BASE), end - begin, 2**64))
    with np.errstate(over="ignore"):
        return sums[:, end] - sums[:, begin] * power


def _in_line(pairs: Int[np.ndarray, "3 p"], count: int) -> Lines:
    """Positions along the links: (series, the one that begins later, by how many steps)."""
    first, second, shift = pairs
    # A stored 0 is no link to scipy, so every shift is one more.
    links = coo_array((shift + 1, (first, second)), shape=(count, count)).tocsr()
    links.sum_duplicates()
    _, record = connected_components(links, directed=False)
    start = np.zeros(count, np.int64)
    ahead = {(int(a), int(b)): int(s) for a, b, s in pairs.T[::-1]}
    roots = np.unique(record, return_index=True)[1]
    sizes = np.bincount(record)
    both = (links + links.T).tocsr()
    for root in roots[sizes > 1]:
        order, before = breadth_first_order(both, int(root), directed=False)
        for place in order[1:]:
            known, new = int(before[place]), int(place)
            step = ahead[known, new] if (known, new) in ahead else -ahead[new, known]
            start[new] = start[known] + step
        start[order] -= start[order].min()
    return Lines(record.astype(np.int64), start)
