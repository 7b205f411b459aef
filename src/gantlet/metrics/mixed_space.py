"""Rows of a table as points: a space in which mixed kinds of columns lie at comparable distances.

Two rows that differ in one category lie 1 apart, as do two numbers that half the table lies
between; a number that is missing lies 1 from every number that is known.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy.special import ndtri

from gantlet.metrics.columns import Matrix

HOT = 32  # categories up to which each has an axis of its own
QUANTILES = 1_000  # that a number's place is told by
FAR = float(ndtri(0.75) - ndtri(0.25))  # between the quartiles of a normal number


class MixedSpace(NamedTuple):
    """How the columns of some table are laid out."""

    is_categorical: Bool[np.ndarray, "d"]
    known: tuple[Float64[np.ndarray, "_"], ...]  # a number's quantiles, a category's codes
    axes: tuple[Float64[np.ndarray, "_ _"], ...]  # where each code lies; empty of numbers
    has_missing: Bool[np.ndarray, "d"]

    def points(self, values: Matrix) -> Float32[np.ndarray, "n f"]:
        """Rows as points; codes that the table never had lie where a missing one does: at 0."""
        parts = []
        for place, column in enumerate(values.T):
            known = self.known[place]
            if self.is_categorical[place]:
                parts.append(_placed(column, known, self.axes[place]))
                continue
            is_missing = np.isnan(column)
            share = _share_below(np.where(is_missing, 0.0, column), known)
            number = np.where(is_missing, 0.0, ndtri(share) / FAR)
            parts.append(number.astype(np.float32)[:, None])
            if self.has_missing[place]:
                parts.append(is_missing.astype(np.float32)[:, None])
        return np.concatenate(parts, axis=1)


def mixed_space(table: Matrix, is_categorical: Bool[np.ndarray, "d"], seed: int = 0) -> MixedSpace:
    """The space of a table: numbers by their normal scores, categories at equal distances.

    A number x goes to Φ⁻¹ of its share in the table, so that long tails stay near. Up to 32
    categories lie on axes of their own, 1/√2 from 0; more of them in random directions of 32, which
    are about as far apart.
    """
    rng = np.random.default_rng(seed)
    known, axes = [], []
    for column, is_code in zip(table.T, is_categorical, strict=True):
        values = column[~np.isnan(column)]
        if is_code:
            codes = np.unique(values)
            known.append(codes)
            axes.append(_directions(len(codes), rng) / np.sqrt(2))
        else:
            ends = values if len(values) else np.zeros(1)
            known.append(np.quantile(ends, np.linspace(0, 1, QUANTILES), method="nearest"))
            axes.append(np.empty((0, 0)))
    has_missing = np.asarray(np.isnan(table).any(0))
    return MixedSpace(is_categorical, tuple(known), tuple(axes), has_missing)


def _directions(count: int, rng: np.random.Generator) -> Float64[np.ndarray, "c k"]:
    if count <= HOT:
        return np.eye(max(count, 1))[:count]
    drawn = rng.normal(size=(count, HOT))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _placed(
    column: Float64[np.ndarray, "n"], codes: Float64[np.ndarray, "c"], axes: np.ndarray
) -> Float32[np.ndarray, "n k"]:
    if not len(codes):
        return np.zeros((len(column), 1), np.float32)
    place = np.minimum(np.searchsorted(codes, column), len(codes) - 1)
    found = codes[place] == column
    return np.where(found[:, None], axes[place], 0.0).astype(np.float32)


def _share_below(
    x: Float64[np.ndarray, "n"], quantiles: Float64[np.ndarray, "q"]
) -> Float64[np.ndarray, "n"]:
    """The share of the table below x, ties half, with x between two quantiles where it lies."""
    distinct, first = np.unique(quantiles, return_index=True)
    last = np.append(first[1:], len(quantiles)) - 1
    middle = ((first + last) / 2 + 0.5) / len(quantiles)
    return np.interp(x, distinct, middle)
