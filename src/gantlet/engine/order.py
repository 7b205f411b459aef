"""Which rows an update sees: one endless stream of shuffled passes, with no position to save."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from gantlet.engine.noise import Rows

Order = Callable[[int, Rows], Int[np.ndarray, "rows"]]


def shuffled(seed: int, epoch: int, count: int) -> Int[np.ndarray, "count"]:
    """The order of one pass over `count` rows, from the seed and the pass's number alone."""
    digest = hashlib.blake2b(f"{seed}/order/{epoch}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little")).permutation(count)


def order(seed: int, count: int) -> Order:
    """The rows of (update, part of the batch): every row once in each pass.

    Update u takes positions u·B to (u + 1)·B of the stream, B being the global batch, so that
    the rows do not depend on micro-batches, processes or where the run was resumed.
    """
    passes = lru_cache(maxsize=3)(lambda epoch: shuffled(seed, epoch, count))

    def rows_of(update: int, rows: Rows) -> Int[np.ndarray, "rows"]:
        epoch, place = divmod(update * rows.total + rows.start, count)
        if place + len(rows) <= count:  # all of one pass
            return passes(epoch)[place : place + len(rows)]
        positions = update * rows.total + np.arange(rows.start, rows.stop)
        epochs, places = np.divmod(positions, count)
        indices = np.empty(len(positions), dtype=np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            indices[here] = passes(int(epoch))[places[here]]
        return indices

    return rows_of
