"""The quality score of a table as SDMetrics 0.32 defines it in its documentation.

Quality = (column shapes + column pair trends) / 2. It is here to compare with what others publish:
columns that know nothing of one another reach 1 in shapes, and their pairs that count are few.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy.stats import ks_2samp
from scipy.stats.contingency import association

BINS = 10  # a number beside a category is cut into
DECIMALS = 14  # that numbers are rounded to before they are compared
CORRELATED = 0.5  # |Pearson's r| in the real table above which a pair of numbers counts
ASSOCIATED = 0.3  # Cramér's V in the real table above which any other pair counts


class Pair(NamedTuple):
    """Two columns and how alike their dependence is; of two numbers with both correlations."""

    first: int
    second: int
    score: float  # 1 is alike; NaN where a correlation has no value
    real: float  # Pearson's r of two numbers, else Cramér's V; NaN where it has no value
    fake: float
    counts: bool  # whether the real columns depend on one another enough


class TableQuality(NamedTuple):
    """The score and its parts, NaN where a part has no value."""

    quality: float
    shapes: float  # mean over columns
    pairs: float  # mean over the pairs that count
    of_columns: Float64[np.ndarray, "d"]
    of_pairs: tuple[Pair, ...]


def table_quality(
    real: Float[np.ndarray, "m d"],
    fake: Float[np.ndarray, "n d"],
    is_categorical: Bool[np.ndarray, "d"],
    correlated: float = CORRELATED,
    associated: float = ASSOCIATED,
) -> TableQuality:
    """(shapes + pairs) / 2, a part without a value left out.

    Not done is what the package does to tables of more than 50,000 rows: their pairs it measures on
    a random part.

    Args:
        correlated: 0 counts all pairs of numbers, as the package did before it knew thresholds.
        associated: the same for all other pairs.
    """
    of_columns = np.array(
        [
            (_codes_alike if is_code else _numbers_alike)(real[:, place], fake[:, place])
            for place, is_code in enumerate(is_categorical)
        ]
    )
    of_pairs = table_pairs(real, fake, is_categorical, correlated, associated)
    shapes = _mean(of_columns)
    pairs = _mean(np.array([pair.score for pair in of_pairs if pair.counts]))
    return TableQuality(_mean(np.array([shapes, pairs])), shapes, pairs, of_columns, of_pairs)


def table_pairs(
    real: Float[np.ndarray, "m d"],
    fake: Float[np.ndarray, "n d"],
    is_categorical: Bool[np.ndarray, "d"],
    correlated: float = CORRELATED,
    associated: float = ASSOCIATED,
) -> tuple[Pair, ...]:
    """Every pair of columns.

    Of two numbers 1 − |r_real − r_fake| / 2 with Pearson's r, rows with a missing value left out;
    of all others 1 − ½ Σ |p_real − p_fake| over the joint values, a number cut into ten equal bins
    of its own table's range, missing being a value.
    """
    both = [
        _discrete(real[:, place], fake[:, place], bool(is_code))
        for place, is_code in enumerate(is_categorical)
    ]
    found = []
    for first in range(len(both)):
        for second in range(first + 1, len(both)):
            if is_categorical[first] or is_categorical[second]:
                one = _contingency(both[first], both[second], len(real), associated)
            else:
                places = [first, second]
                one = _correlation(real[:, places], fake[:, places], correlated)
            found.append(Pair(first, second, *one))
    return tuple(found)


def _numbers_alike(real: Float64[np.ndarray, "m"], fake: Float64[np.ndarray, "n"]) -> float:
    """1 − Kolmogorov and Smirnov's distance of the known values."""
    real, fake = (x[~np.isnan(x)].round(DECIMALS) for x in (real, fake))
    if not len(real) or not len(fake):
        return np.nan
    distance, _ = ks_2samp(real, fake, method="asymp")
    return 1 - float(distance)  # pyright: ignore[reportArgumentType] - its stub knows no floats


def _codes_alike(real: Float64[np.ndarray, "m"], fake: Float64[np.ndarray, "n"]) -> float:
    """1 − ½ Σ |p_real − p_fake| of the known values: the total variation's complement."""
    real, fake = (x[~np.isnan(x)] for x in (real, fake))
    if not len(real) or not len(fake):
        return np.nan
    _, codes = np.unique(np.concatenate([real, fake]), return_inverse=True)
    return _overlap(codes, len(real))


def _overlap(codes: Int[np.ndarray, "n"], reals: int) -> float:
    """1 − ½ Σ |p − q| of the codes of the first rows and of the rest."""
    size = int(codes.max()) + 1
    p = np.bincount(codes[:reals], minlength=size) / reals
    q = np.bincount(codes[reals:], minlength=size) / (len(codes) - reals)
    return 1 - float(np.abs(p - q).sum()) / 2


def _correlation(
    real: Float[np.ndarray, "m 2"], fake: Float[np.ndarray, "n 2"], threshold: float
) -> tuple[float, float, float, bool]:
    r_real, r_fake = (_pearson(rows[~np.isnan(rows).any(1)]) for rows in (real, fake))
    counts = not np.isnan(r_fake) and (threshold <= 0 or abs(r_real) > threshold)
    return 1 - abs(r_real - r_fake) / 2, r_real, r_fake, counts and not np.isnan(r_real)


def _pearson(rows: Float[np.ndarray, "n 2"]) -> float:
    if len(rows) < 2 or not rows.std(0).all():
        return np.nan
    return float(np.corrcoef(rows, rowvar=False)[0, 1])


def _contingency(
    first: Int[np.ndarray, "n"], second: Int[np.ndarray, "n"], reals: int, threshold: float
) -> tuple[float, float, float, bool]:
    joint = first * (int(second.max()) + 1) + second
    _, codes = np.unique(joint, return_inverse=True)
    v_real, v_fake = _cramer(first[:reals], second[:reals]), _cramer(first[reals:], second[reals:])
    counts = threshold <= 0 or (not np.isnan(v_real) and v_real > threshold)
    return _overlap(codes, reals), v_real, v_fake, counts


def _cramer(first: Int[np.ndarray, "n"], second: Int[np.ndarray, "n"]) -> float:
    """Cramér's V = √(χ² / (n (min(rows, columns) − 1))); NaN where a column is constant."""
    known, first = np.unique(first, return_inverse=True)
    other, second = np.unique(second, return_inverse=True)
    if min(len(known), len(other)) < 2:
        return np.nan
    counts = np.bincount(first * len(other) + second, minlength=len(known) * len(other))
    return float(association(counts.reshape(len(known), len(other)), method="cramer"))


def _discrete(
    real: Float64[np.ndarray, "m"], fake: Float64[np.ndarray, "n"], is_code: bool
) -> Int[np.ndarray, "m+n"]:
    """Codes from 0 of both tables, the real one's rows first."""
    if is_code:
        # NaN are equal to np.unique: missing is one value.
        return np.unique(np.concatenate([real, fake]), return_inverse=True)[1]
    return np.concatenate([_binned(real), _binned(fake)])


def _binned(x: Float64[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """Which of the ten bins of the table's own range; the largest value and NaN lie past them."""
    known = x[~np.isnan(x)]
    edges = np.histogram_bin_edges(known if len(known) else np.zeros(1), BINS)
    return np.digitize(x, edges)


def _mean(values: Float64[np.ndarray, "k"]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
