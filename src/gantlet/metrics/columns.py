"""A table as metrics see it: one matrix of numbers, and which of its columns are codes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

Matrix = Float64[np.ndarray, "n d"]  # NaN where a value is missing


class Columns(NamedTuple):
    """Rows of a table as numbers, coded alike for all sets of rows that are compared."""

    values: Matrix
    is_categorical: Bool[np.ndarray, "d"]  # codes from 0, in no order; else numbers in order
    names: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]  # the words that codes stand for; () of a number


def shuffled_columns(values: Matrix, seed: int = 0) -> Matrix:
    """Each column shuffled by itself: every marginal right, and no dependence at all.

    The trivial generator of a table: what it scores, a metric gives for free.
    """
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(column) for column in values.T], axis=1)


def merged_rare(values: Matrix, is_categorical: Bool[np.ndarray, "d"], most: int) -> Matrix:
    """The same with at most `most` codes a column: the frequent ones, and one for all others."""
    result = values.copy()
    for place in np.flatnonzero(is_categorical):
        column = result[:, place]
        is_known = ~np.isnan(column)
        known, code, count = np.unique(column[is_known], return_inverse=True, return_counts=True)
        if len(known) > most:
            rank = np.empty(len(known))
            rank[np.argsort(-count, kind="stable")] = np.arange(len(known))
            code = np.minimum(rank, most - 1)[code]
        column[is_known] = code
    return result
