"""Who lies in whose ball, and who would if a group of rows had never been drawn.

The balls of a set reach to the k-th neighbour. Where a point stands among a centre's own
neighbours, its rank, tells for every k at once whether the ball holds it; leaving out a group of
rows only moves the neighbour that the ball reaches to. So one look at a pair answers for all.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int

from gantlet.metrics.clouds import Cloud, squared_distances
from gantlet.metrics.nearest import Nearest

_PAIRS = 1 << 16  # pairs looked at together


class Tally:
    """Counts of points in balls, for several sizes of the balls (one a column) at once."""

    def __init__(
        self,
        points: Cloud,
        centres: Cloud,
        near: Nearest,
        steps: Int[np.ndarray, "n columns"],
        barred: Bool[np.ndarray, "m columns"],
    ) -> None:
        """
        Args:
            near: the neighbours of each centre among the centres.
            steps: the neighbour that a ball reaches to, from 1; 0 for a centre left out.
            barred: the points left out.
        """
        self.points, self.centres = points, centres
        self.ladder, self.steps, self.barred = near.squared, steps, barred
        # Squared, of the widest ball of each centre: what lies beyond counts nowhere.
        self.reach = near.squared[np.arange(len(steps)), steps.max(1) - 1]
        self.held = np.zeros(barred.shape, np.int32)  # for each point, how many balls hold it
        self.holds = np.zeros(steps.shape, np.int32)  # for each ball, how many points it holds

    def add(
        self,
        point: Int[np.ndarray, "p"],
        centre: Int[np.ndarray, "p"],
        low: Float64[np.ndarray, "p"],
        high: Float64[np.ndarray, "p"],
    ) -> None:
        """Pairs, each once, and bounds of their squared distance."""
        near = np.flatnonzero(low <= self.reach[centre])
        for start in range(0, len(near), _PAIRS):
            part = near[start : start + _PAIRS]
            p, c = point[part], centre[part]
            rank = self._rank(p, c, low[part], high[part])
            inside = (rank[:, None] < self.steps[c]) & ~self.barred[p]
            _add_up(self.held, p, inside)
            _add_up(self.holds, c, inside)

    def _rank(
        self,
        point: Int[np.ndarray, "p"],
        centre: Int[np.ndarray, "p"],
        low: Float64[np.ndarray, "p"],
        high: Float64[np.ndarray, "p"],
    ) -> Int[np.ndarray, "p"]:
        """How many of the centre's neighbours are nearer to it than the point."""
        ladder = self.ladder[centre]
        rank = (ladder < low[:, None]).sum(1)
        unsure = np.flatnonzero(rank != (ladder < high[:, None]).sum(1))
        squared = squared_distances(
            self.points.features, point[unsure], self.centres.features, centre[unsure]
        )
        rank[unsure] = (ladder[unsure] < squared[:, None]).sum(1)
        return rank


def steps_without_groups(
    near: Nearest, k: int, group: Int[np.ndarray, "n"], count: int
) -> Int[np.ndarray, "n columns"]:
    """The neighbour that a ball reaches to: the k-th; then the k-th of those outside each group.

    0 for a centre in the group itself. Where too few neighbours are known the last one serves.
    """
    steps = np.full((len(group), 1 + count), k, np.int8)
    known = near.squared.shape[1]
    theirs = group[near.which]
    for left_out in range(count):
        stayed = np.cumsum(theirs != left_out, axis=1)
        steps[:, 1 + left_out] = np.minimum((stayed < k).sum(1) + 1, known)
    steps[np.arange(len(group)), 1 + group] = 0
    return steps


def barred_by_groups(group: Int[np.ndarray, "m"], count: int) -> Bool[np.ndarray, "m columns"]:
    """Whom the whole, and then each group in turn, leaves out."""
    return np.concatenate([np.zeros((len(group), 1), bool), np.eye(count, dtype=bool)[group]], 1)


def _add_up(
    totals: Int[np.ndarray, "n columns"],
    row: Int[np.ndarray, "p"],
    counted: Bool[np.ndarray, "p columns"],
) -> None:
    """totals[row] += counted, also for rows that are named more than once."""
    order = np.argsort(row, kind="stable")
    rows, starts = np.unique(row[order], return_index=True)
    totals[rows] += np.add.reduceat(counted[order], starts, axis=0, dtype=np.int32)
