"""Rows that run over time, as a plain array: numbers, and NaN where there is none."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

Windows = Float64[np.ndarray, "n t c"]  # n series of t steps and c channels
Others = Float64[np.ndarray, "m t c"]  # a set beside it
Set = Float64[np.ndarray, "_ _ _"]  # one of several, each of its own size


class Courses(NamedTuple):
    """Series of one set, and what their channels are called.

    A category comes as channels of 0 and 1, one a value, named "weather = rain". What is missing
    is NaN, and so is every step after the end of a series shorter than the longest.
    """

    values: Float[np.ndarray, "n t c"]  # float64, in the data's own units
    names: tuple[str, ...]  # of the c channels


def scaled(values: Float64[np.ndarray, "m s c"], real: Windows) -> Float64[np.ndarray, "m s c"]:
    """(x − min) / (max − min) of each channel, the extremes those of real data.

    What real data never reach lies outside 0 to 1. A channel that is constant in them is moved to
    0 and keeps its unit; one that has no value in them stays as it is.
    """
    known = np.isfinite(real)
    low = np.where(known, real, np.inf).min((0, 1))
    high = np.where(known, real, -np.inf).max((0, 1))
    width = np.where(high > low, high - low, 1.0)
    return (values - np.where(low <= high, low, 0.0)) / width


def carried(values: Windows) -> Windows:
    """What is not finite replaced by the last value known before it in its series and channel.

    Before the first known value by that one; where there is none by the mean of the channel over
    the set, or by 0. For networks, which take numbers only.
    """
    known = np.isfinite(values)
    if known.all():
        return values
    steps = np.arange(values.shape[1])[:, None]
    last = np.maximum.accumulate(np.where(known, steps, -1), axis=1)
    first = known.argmax(1)[:, None, :]
    result = np.take_along_axis(values, np.where(last >= 0, last, first), axis=1)
    count = known.sum((0, 1))
    mean = np.where(known, values, 0.0).sum((0, 1)) / np.maximum(count, 1)
    return np.where(known.any(axis=1, keepdims=True), result, mean)


def shuffled_courses(values: Windows, seed: int = 0) -> Windows:
    """Each number of a series drawn from the same step and channel of another.

    The trivial generator of series: every marginal right at every step, and no dependence at all.
    """
    rng = np.random.default_rng(seed)
    flat = values.reshape(len(values), -1)
    return rng.permuted(flat, axis=0).reshape(values.shape)
