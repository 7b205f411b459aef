"""The smallest of many values for each row, as they come."""

import numpy as np
from jaxtyping import Float, Int


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
        useful = value < self.worst[row]
        row, index, value = row[useful], index[useful], value[useful]
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

    def offer_tile(
        self,
        rows: Int[np.ndarray, "b"],
        tile: Float[np.ndarray, "b c"],
        index: Int[np.ndarray, "c"],
    ) -> None:
        """All values of some rows at once."""
        count = min(self.values.shape[1], tile.shape[1])
        column = np.argpartition(tile, count - 1, axis=1)[:, :count].ravel()
        row = np.repeat(np.arange(len(tile)), count)
        self.offer(rows[row], index[column], tile[row, column].astype(np.float64))
