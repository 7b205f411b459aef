"""Estimates with 95 % intervals, and what they are made from: groups of rows, spreads, tests."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, ndtri, stdtrit

LEVEL = 0.95
QUANTILE = float(ndtri((1 + LEVEL) / 2))  # 1.96


class Estimate(NamedTuple):
    """A figure at the sizes it was measured at, and how far it may be trusted."""

    value: float
    low: float  # of the 95 % interval of its expectation at these sizes
    high: float
    error: float  # standard error


class Difference(NamedTuple):
    """How far two figures lie apart, and how often chance alone would part them as far."""

    estimate: Estimate
    p_value: float


def canonical_order(features: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
    """The order of rows by their bytes.

    Whatever is summed, split or drawn along it does not depend, to the last bit, on the order in
    which the rows came: rows that tie are the same row.
    """
    rows = np.ascontiguousarray(features)
    return np.argsort(rows.view(np.dtype((np.void, rows.strides[0]))).ravel())


def groups(features: Float[np.ndarray, "n d"], count: int, seed: int) -> Int[np.ndarray, "n"]:
    """The group of each row: `count` of them, equally large to one row, by chance from a seed.

    Dealt along the canonical order, so that a row's group goes with the row wherever it stands;
    shuffled before, so that repeats of a row fall into groups as independent draws would.
    """
    n = len(features)
    if not 2 <= count <= n:
        raise ValueError(f"{n} rows do not make {count} groups: 2 to {n} are possible")
    group = np.empty(n, np.int64)
    group[canonical_order(features)] = np.random.default_rng(seed).permutation(n) % count
    return group


def normal(value: float, error: float) -> Estimate:
    """value ± 1.96 standard errors."""
    return Estimate(value, value - QUANTILE * error, value + QUANTILE * error, error)


def batches(values: Sequence[float]) -> Estimate:
    """The mean of independent batches with Student's interval."""
    count = len(values)
    error = float(np.std(values, ddof=1)) / np.sqrt(count)
    return _student(float(np.mean(values)), float(error), count - 1)


def jackknife(whole: float, left_out: Sequence[float]) -> Estimate:
    """The figure, its error from the same figure without each group in turn.

    (B − 1)/B Σ (θ₋ᵦ − mean θ₋)², Student's t of B − 1 degrees: Quenouille 1956, Shao & Tu 1995,
    section 1.1. Not corrected for bias: the target is the expectation at the full sizes.
    """
    count = len(left_out)
    variance = (count - 1) * float(np.var(left_out))
    return _student(whole, float(np.sqrt(variance)), count - 1)


def proportion(p: float, variance: float, n: int) -> Estimate:
    """A share with Wilson's interval (1927) at its effective sample size p(1 − p) / variance.

    n where the variance is 0, so that a share of 0 or 1 does not claim to be certain.
    """
    size = p * (1 - p) / variance if variance > 0 and 0 < p < 1 else n
    z2 = QUANTILE**2 / size
    centre = (p + z2 / 2) / (1 + z2)
    half = QUANTILE * np.sqrt(p * (1 - p) / size + z2 / (4 * size)) / (1 + z2)
    low = centre - half if p > 0 else 0.0  # not 1e-18 by rounding
    high = centre + half if p < 1 else 1.0
    return Estimate(p, float(low), float(high), float(np.sqrt(variance)))


def inverted(value: float, first: float, second: float, slope: float) -> tuple[float, float]:
    """All θ with |value − θ| ≤ 1.96 deviations, the variance being what it would be at θ.

    That is second + max(first − slope · (value − θ), 0): what parts value and θ is then chance,
    which has moved `first` along. value ± 1.96 errors would cover too often where two distributions
    agree, for there the interval is the wider, the farther chance has brought the value.

    Args:
        first: the variance's part that is 0 where they agree; without bias, so below 0 by chance.
        second: its part that is left then.
        slope: what chance adds to `first` for each 1 that it adds to the value.
    """

    def reach(slope: float) -> float:
        # u² = z² (second + first − slope · u)
        half = QUANTILE**2 * slope / 2
        root = half**2 + QUANTILE**2 * (first + second)
        far = float(np.sqrt(max(root, 0.0))) - half
        return QUANTILE * float(np.sqrt(second)) if first - slope * far < 0 else far

    return value - reach(slope), value + reach(-slope)


def difference(a: Estimate, b: Estimate) -> Difference:
    """a − b of independent estimates, and the two-sided p-value of a difference of 0.

    Estimates that share their real rows are positively correlated: then it errs on the safe side.
    """
    error = float(np.hypot(a.error, b.error))
    gap = a.value - b.value
    p_value = 2 * float(ndtr(-abs(gap) / error)) if error > 0 else float(gap == 0)
    return Difference(normal(gap, error), p_value)


def _student(value: float, error: float, degrees: int) -> Estimate:
    half = float(stdtrit(degrees, (1 + LEVEL) / 2)) * error
    return Estimate(value, value - half, value + half, error)
