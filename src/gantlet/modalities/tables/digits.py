"""One choice of many as a few choices of few: the coarse digit first, then the finer ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Integer

PLAIN = 48  # choices that stay one block
TWO = 2_500  # choices up to which two digits do; beyond it three, and so on by the same factor


@dataclass(frozen=True, eq=False)
class Digits:
    """K choices in order, cut into runs, the runs into runs of runs, and so on.

    A digit says which one of its run is meant. Runs differ in length, so a fine digit may name
    one that is not there: it is read as the last of its run.
    """

    count: int  # K
    levels: tuple[Int[np.ndarray, "_"], ...]  # finest first: the first member of each run

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Choices of each digit, coarse first; none where there is nothing to choose."""
        if self.count <= 1:
            return ()
        counts = (self.count, *(len(level) for level in self.levels))
        runs = [int(np.diff(level, append=k).max()) for level, k in self._counted()]
        return (counts[-1], *reversed(runs))

    @cached_property
    def table(self) -> Int[np.ndarray, "k d"]:
        """The digits of each choice."""
        rest, columns = np.arange(self.count), []
        for level in self.levels:
            run = np.searchsorted(level, rest, side="right") - 1
            columns.append(rest - level[run])
            rest = run
        columns.append(rest)
        return np.stack(columns[::-1], 1)[:, : len(self.sizes)]

    def choices(self, digits: Integer[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
        """The inverse of `table`'s rows."""
        if not self.sizes:
            return np.zeros(len(digits), np.int64)
        choice = digits[:, 0].astype(np.int64)
        for place, (level, count) in enumerate(reversed(self._counted()), 1):
            last = np.append(level[1:], count) - 1
            choice = np.minimum(level[choice] + digits[:, place], last[choice])
        return choice

    def _counted(self) -> list[tuple[Int[np.ndarray, "_"], int]]:
        counts = (self.count, *(len(level) for level in self.levels[:-1]))
        return list(zip(self.levels, counts, strict=True)) if self.levels else []


def digits_for(weights: Float[np.ndarray, "k"] | Int[np.ndarray, "k"]) -> Digits:
    """Digits of choices with these frequencies: coarse ones of about equal frequency."""
    count, levels, places = len(weights), [], 1
    while count > (PLAIN if places == 1 else TWO * PLAIN ** (places - 2)):
        places += 1
    for left in range(places, 1, -1):
        starts = _runs(weights, int(np.ceil(len(weights) ** (1 / left))))
        levels.append(starts)
        weights = np.add.reduceat(weights, starts)
    return Digits(count, tuple(levels))


def _runs(weights: np.ndarray, length: int) -> Int[np.ndarray, "_"]:
    """Starts of runs of equal frequency, as far as none is longer than `length`."""
    wanted = -(-len(weights) // length)
    shares = weights / weights.sum()
    share = np.floor(wanted * (np.cumsum(shares) - shares / 2))
    starts: list[int] = [0]
    for place in range(1, len(weights)):
        if share[place] != share[place - 1] or place - starts[-1] == length:
            starts.append(place)
    return np.array(starts)


def offsets(sizes: Sequence[int]) -> Int[np.ndarray, "_"]:
    """Where each block begins, and where the last one ends."""
    return np.cumsum([0, *sizes])
