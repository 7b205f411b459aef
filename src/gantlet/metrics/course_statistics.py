"""What is customarily told of series: correlation with their own past and with one another,
spectra, extremes. Values that are not finite are left out of every sum."""

from itertools import combinations

import numpy as np
from jaxtyping import Float64
from scipy.stats import wasserstein_distance

from gantlet.metrics.courses import Others, Windows

Profile = Float64[np.ndarray, "k c"]
TINY = 1e-12  # of the mean, below which a spread is rounding


def autocorrelation(values: Windows, lags: int | None = None) -> Profile:
    """r(k) of each channel at lags 0 to k, over all series at once.

    The mean of (x_t − m)(x_{t+k} − m) over all pairs of known steps k apart in all series, over the
    same at lag 0, m the channel's mean over the set. Box & Jenkins 1970, *Time Series Analysis*,
    chapter 2, with the mean and the number of pairs that are known: slow waves and differences
    between series count. NaN of a channel that never varies, and where no pair is known.

    Args:
        values: the series.
        lags: the largest; none: half of the steps.
    """
    x, known = _centred(values)
    steps = values.shape[1]
    most = min(steps // 2 if lags is None else lags, steps - 1)
    power = _mean(np.square(x), known)
    found = [
        _mean(x[:, : steps - k] * x[:, k:], known[:, : steps - k] & known[:, k:])
        for k in range(most + 1)
    ]
    return _ratio(np.stack(found), np.where(power > 0, power, np.nan))


def cross_correlation(values: Windows, lags: int | None = None) -> Float64[np.ndarray, "k p"]:
    """r(k) of each pair of channels, the second k steps after the first, k from −lags to lags.

    Over all series at once, as `autocorrelation`; pairs in the order of `channel_pairs`. Row `lags`
    is Pearson's r of values at the same step, but that each pair's known steps count.
    """
    x, known = _centred(values)
    steps = values.shape[1]
    most = min(steps // 4 if lags is None else lags, steps - 1)
    spread = np.sqrt(_mean(np.square(x), known))
    spread[~(spread > 0)] = np.nan
    pairs = np.array(channel_pairs(values.shape[2]), np.int64).reshape(-1, 2)
    first, second = pairs.T
    found = []
    for lag in range(-most, most + 1):
        early, late = (
            slice(max(0, -lag), steps - max(0, lag)),
            slice(max(0, lag), steps + min(0, lag)),
        )
        both = x[:, early][..., first] * x[:, late][..., second]
        found.append(_mean(both, known[:, early][..., first] & known[:, late][..., second]))
    return _ratio(np.stack(found), spread[first] * spread[second])


def channel_pairs(count: int) -> list[tuple[int, int]]:
    """Every two of so many channels, the earlier first."""
    return list(combinations(range(count), 2))


def spectrum(values: Windows) -> Profile:
    """Share of each channel's power at 1, 2, … cycles a series, averaged over the series.

    |Σ (x_t − x̄) h_t e^(−2πikt/T)|² with Hann's window h, x̄ each series' own mean (Welch 1967, its
    segments the series), over the sum over k and series. A series with a missing value is left out
    for that channel; NaN of a channel without a full series or without power.
    """
    steps = values.shape[1]
    whole = np.isfinite(values).all(axis=1, keepdims=True)
    x = np.where(whole, values, 0.0)
    mean = x.mean(1, keepdims=True)
    # What rounding leaves of a constant is no power.
    x = np.where(np.ptp(x, axis=1, keepdims=True) > TINY * np.abs(mean), x - mean, 0.0)
    taper = np.hanning(steps + 1)[:steps] if steps > 3 else np.ones(steps)
    power = np.square(np.abs(np.fft.rfft(x * taper[:, None], axis=1)))[:, 1:].sum(0)
    total = power.sum(0)
    return _ratio(power, np.where(total > 0, total, np.nan))


def extremes(values: Windows) -> Float64[np.ndarray, "n 3 c"]:
    """Of each series and channel the smallest and largest value, and the largest |x_{t+1} − x_t|.

    NaN where nothing is known.
    """
    known = np.isfinite(values)
    low = np.where(known, values, np.inf).min(1)
    high = np.where(known, values, -np.inf).max(1)
    found = [low, high]
    if values.shape[1] > 1:
        both = known[:, 1:] & known[:, :-1]
        moved = np.abs(np.diff(np.where(known, values, 0.0), axis=1))
        found.append(np.where(both, moved, -np.inf).max(1))
    else:
        found.append(np.full(low.shape, np.nan))
    every = np.stack(found, axis=1)
    return np.where(np.isfinite(every), every, np.nan)


def profile_gap(real: Float64[np.ndarray, "k c"], fake: Float64[np.ndarray, "k c"]) -> float:
    """Mean |difference| of two profiles over all that is known of both; NaN where nothing is."""
    gap = np.abs(real - fake)
    known = gap[np.isfinite(gap)]
    return float(known.mean()) if known.size else float("nan")


def extremes_gap(real: Windows, fake: Others) -> float:
    """Mean 1-Wasserstein distance over channels and extremes, in units of real data's spread.

    ∫ |F⁻¹(u) − G⁻¹(u)| du, the mean absolute difference of the two sorted, over the channel's
    standard deviation over the set, which is 1 where real data never vary.
    """
    known = np.isfinite(real)
    spread = np.nanstd(np.where(known, real, np.nan)[:, :, known.any((0, 1))], axis=(0, 1))
    spread = np.where(spread > 0, spread, 1.0)
    ours, theirs = (extremes(side)[:, :, known.any((0, 1))] for side in (fake, real))
    found = []
    for place in np.ndindex(*ours.shape[1:]):
        a, b = (side[:, *place][np.isfinite(side[:, *place])] for side in (ours, theirs))
        if len(a) and len(b):
            found.append(wasserstein_distance(a, b) / spread[place[1]])
    return float(np.mean(found)) if found else float("nan")


def _centred(values: Windows) -> tuple[Windows, np.ndarray]:
    """Less each channel's mean, 0 where a value is missing, and where none is."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    mean = filled.sum((0, 1)) / np.maximum(known.sum((0, 1)), 1)
    x = np.where(known, values - mean, 0.0)
    # What rounding leaves of a constant is no variance.
    spread = np.abs(x).max((0, 1), initial=0.0)
    return np.where(spread > TINY * np.abs(mean), x, 0.0), known


def _mean(values: np.ndarray, known: np.ndarray) -> Float64[np.ndarray, "c"]:
    count = known.sum((0, 1))
    return _ratio(values.sum((0, 1)), np.where(count > 0, count, np.nan))


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(np.broadcast_shapes(a.shape, b.shape), np.nan), where=b > 0)
