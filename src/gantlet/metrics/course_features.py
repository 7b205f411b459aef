"""A series as a row of numbers for trees: values and steps, and what sums them up, in groups."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, Int

from gantlet.metrics.courses import Windows

Row = Float64[np.ndarray, "n d"]
Pair = Int[np.ndarray, "p"]
Parts = Float64[np.ndarray, "n k c"]
MOST = 200  # numbers of a group; of more, some are drawn
LAGS = 8


def course_features(values: Windows, seed: int = 0) -> tuple[Row, Int[np.ndarray, "d"]]:
    """Numbers of each series in `GROUPS`, and the group of each.

    What is missing is left out of what sums up, and is NaN where it is a number itself. Of groups
    of more than 200 numbers 200 are drawn by the seed and the shape alone, so that two sets of one
    shape have the same.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    parts, groups = [], []
    for place, make in enumerate(GROUPS.values()):
        part = make(values).reshape(len(values), -1)
        if part.shape[1] > MOST:
            rng = np.random.default_rng([seed, place])
            part = part[:, np.sort(rng.permutation(part.shape[1])[:MOST])]
        parts.append(part)
        groups.append(np.full(part.shape[1], place))
    return np.concatenate(parts, axis=1), np.concatenate(groups)


def _steps(x: Windows) -> Parts:
    return np.diff(x, axis=1)


def _levels(x: Windows) -> Parts:
    return np.stack([_mean(x), _spread(x), _least(x), -_least(-x)], axis=1)


def _roughness(x: Windows) -> Parts:
    """Of steps and steps of steps, in logarithms, the share that rises and that rests."""
    first, second = np.diff(x, axis=1), np.diff(x, n=2, axis=1)
    found = [np.log(_spread(part) + 1e-12) for part in (first, second)]
    known = ~np.isnan(first)
    count = np.maximum(known.sum(1), 1)
    found += [((first > 0) & known).sum(1) / count, ((first == 0) & known).sum(1) / count]
    found += [-_least(-np.abs(first))]
    return np.stack(found, axis=1)


def _together(x: Windows) -> Row:
    """Of every two channels the correlation of values and of steps, and their distance."""
    first, second = np.triu_indices(x.shape[2], 1)
    gap = x[:, :, first] - x[:, :, second]
    parts = [_correlation(part, first, second) for part in (x, np.diff(x, axis=1))]
    return np.concatenate([*parts, _mean(gap), _spread(gap)], axis=1)


def _correlation(x: Windows, first: Pair, second: Pair) -> Float64[np.ndarray, "n p"]:
    z = (x - _mean(x)[:, None]) / np.maximum(_spread(x)[:, None], 1e-12)
    return _mean(z[:, :, first] * z[:, :, second])


def _memory(x: Windows) -> Parts:
    """Each series' own correlation with its past, at lags from 1."""
    z = x - _mean(x)[:, None]
    power = np.maximum(np.square(_spread(x)), 1e-24)
    most = min(LAGS, x.shape[1] - 1)
    found = [_mean(z[:, lag:] * z[:, :-lag]) / power for lag in range(1, most + 1)]
    return np.stack(found, axis=1) if found else np.zeros((len(x), 0, x.shape[2]))


def _waves(x: Windows) -> Parts:
    """The logarithm of each series' power at each frequency; missing values count as the mean."""
    z = np.nan_to_num(x - _mean(x)[:, None])
    return np.log(np.square(np.abs(np.fft.rfft(z, axis=1)))[:, 1:] + 1e-12)


GROUPS: dict[str, Callable[[Windows], np.ndarray]] = {
    "values": lambda x: x,
    "steps": _steps,
    "level and range": _levels,
    "roughness": _roughness,
    "channels together": _together,
    "memory": _memory,
    "waves": _waves,
}


def _mean(x: Windows) -> Row:
    known = ~np.isnan(x)
    count = known.sum(1)
    total = np.where(known, x, 0.0).sum(1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _spread(x: Windows) -> Row:
    return np.sqrt(np.maximum(_mean(np.square(x - _mean(x)[:, None])), 0.0))


def _least(x: Windows) -> Row:
    least = np.where(np.isnan(x), np.inf, x).min(1, initial=np.inf)
    return np.where(np.isfinite(least), least, np.nan)
