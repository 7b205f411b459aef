"""The kernel distance: squared maximum mean discrepancy without bias, and its interval.

Features are taken as they come; `standardised` scales them by the real set.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from gantlet.metrics.intervals import Estimate, batches, canonical_order, groups, inverted

BLOCK = 1024  # rows held against all others at once
WORK = 2e10  # multiplications up to which all pairs are taken: about a second of one core
ROWS = 1000  # of a part, beyond that: as Bińkowski et al. take them, but disjoint
PARTS, FEWEST = 10, 50  # parts that tell a spread at the least, and rows of each
CUBED = 1000  # rows of a set that tell by triples how noise drives value and variance together
FLOOR = 0.1  # of the root mean square deviation: a column that hardly varies is not blown up


class Sums(NamedTuple):
    """All that is needed of the kernel between two sets."""

    rows: Float64[np.ndarray, "m"]
    columns: Float64[np.ndarray, "n"]
    squares: float  # Σ k²


class Spread(NamedTuple):
    """The variance of the value, by Hoeffding's parts, and how chance moves both at once."""

    first: float  # 0 where the distributions agree; without bias, so below 0 by chance
    second: float
    slope: float  # what chance adds to `first` for each 1 that it adds to the value

    @property
    def error(self) -> float:
        return float(np.sqrt(max(self.first, 0.0) + self.second))


def squared_mmd(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    """E k(r, r') + E k(f, f') − 2 E k(r, f) without bias, k(x, y) = (x·y / d + 1)³.

    Bińkowski et al. 2018, section 4 ("KID" on Inception's features); Gretton et al. 2012, eq. 3.
    Being unbiased it falls below 0 as often as above when the two distributions agree.
    """
    real, fake = _ordered(real), _ordered(fake)
    return _value_and_spread(real, fake, _within(real))[0]


def kernel_estimate(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> Estimate:
    """See `kernel_estimates`."""
    return kernel_estimates(real, fake)[0]


def kernel_estimates(
    real: Float[np.ndarray, "m d"], *fakes: Float[np.ndarray, "_ d"]
) -> list[Estimate]:
    """The kernel distance of each set, with an interval that also holds where it agrees with real.

    From all pairs where these are few (`WORK`), or rows are (`PARTS` × `FEWEST`): the variance is
    then the sum of Hoeffding's parts (1948), each estimated without bias; Sutherland 2019 does so
    for equal sizes. The limits are the values that the data do not speak against, as Wilson's are
    for a share: had the distance been larger, its variance would have been, too.

    Else the mean over disjoint parts of about 1,000 rows, dealt by the rows'
    bytes, with Student's interval. That is as unbiased, as the distance does not depend on the
    sizes; where the distributions agree it is the noisier, by the root of the number of parts.
    """

    @cache
    def own(count: int) -> list[Sums]:
        return [_within(part) for part in _parts(real, count, seed=0)]

    made = []
    for fake in fakes:
        count = _count(len(real), len(fake), real.shape[1])
        parts = zip(
            _parts(real, count, seed=0), _parts(fake, count, seed=1), own(count), strict=True
        )
        told = [_value_and_spread(*part) for part in parts]
        values = [value for value, _ in told]
        made.append(batches(values) if count > 1 else _estimate(*told[0]))
    return made


def _count(m: int, n: int, d: int) -> int:
    """Of parts: 1 where all pairs are taken."""
    fewest = min(m, n)
    if fewest < PARTS * FEWEST or d * (m * m / 2 + n * n / 2 + m * n) <= WORK:
        return 1
    return max(PARTS, fewest // ROWS)


def _parts(
    features: Float[np.ndarray, "n d"], count: int, seed: int
) -> Iterator[Float[np.ndarray, "_ d"]]:
    """Disjoint parts, each in the canonical order."""
    if count == 1:
        yield _ordered(features)
        return
    group = groups(features, count, seed)
    for number in range(count):
        yield _ordered(features[group == number])


def standardised(
    real: Float[np.ndarray, "m d"], *others: Float[np.ndarray, "n d"]
) -> list[Float[np.ndarray, "k d"]]:
    """All sets less the mean of the real one, over its deviation.

    But over no less than a tenth of the root mean square deviation of all columns: a column that
    is all but constant in the real set would otherwise outshout the others as soon as another set
    varies in it.
    """
    rows = canonical_order(real)
    total, square = np.zeros(real.shape[1]), np.zeros(real.shape[1])
    blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    for block in blocks:
        total += real[block].sum(0, dtype=np.float64)
    mean = total / len(real)
    for block in blocks:
        square += np.square(real[block] - mean).sum(0)
    floor = FLOOR * np.sqrt(square.mean() / len(real))
    scale = np.maximum(np.sqrt(square / len(real)), floor if floor > 0 else 1.0).astype(real.dtype)
    return [(features - mean.astype(real.dtype)) / scale for features in (real, *others)]


def _ordered(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    if len(features) < 2:
        raise ValueError(f"a distance needs at least 2 rows of features, not {len(features)}")
    return features[canonical_order(features)]


def _estimate(value: float, spread: Spread) -> Estimate:
    return Estimate(value, *inverted(value, *spread), spread.error)


def _value_and_spread(
    real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], rr: Sums
) -> tuple[float, Spread]:
    """
    Args:
        rr: of the real set alone.
    """
    m, n = len(real), len(fake)
    ff, rf = _within(fake), _between(real, fake)
    within = rr.rows.sum() / (m * (m - 1)) + ff.rows.sum() / (n * (n - 1))
    value = float(within - 2 * rf.rows.sum() / (m * n))
    pairs = [_pair_part(s, k) for s, k in ((rr, m), (ff, n))]
    across = _cross_part(rf)
    single = _single_part(rr.rows / max(m - 1, 1) - rf.rows / n, pairs[0] / (m - 1) + across / n)
    single_of_fake = ff.rows / max(n - 1, 1) - rf.columns / m
    other = _single_part(single_of_fake, pairs[1] / (n - 1) + across / m)
    first = 4 * single / m + 4 * other / n
    second = 2 * pairs[0] / (m * (m - 1)) + 2 * pairs[1] / (n * (n - 1)) + 4 * across / (m * n)
    return value, Spread(first, max(second, 0.0), _slope(real, fake))


def _slope(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    """Cov(first, value) / Var(value) where the distributions agree: 4 (1/m + 1/n) Σ λ³ / Σ λ².

    λ are the eigenvalues of the centred kernel, whose U-statistic is Σ λ (Z² − 1) in the limit,
    Z normal (Gretton et al. 2012, theorem 12); their powers' sums are read from pairs and triples.
    """
    cubes = squares = 0.0
    for rows in (real, fake):
        if len(rows) < 3:
            continue
        some = np.random.default_rng(0).permutation(len(rows))[:CUBED]
        k = _kernel(rows[some], rows[some])
        count = len(k)
        np.fill_diagonal(k, 0)
        means = k.sum(1) / (count - 1)
        k -= means + means[:, None] - means.mean()
        np.fill_diagonal(k, 0)
        cubes += float(np.vdot(k @ k, k)) / (count * (count - 1) * (count - 2))
        squares += float(np.vdot(k, k)) / (count * (count - 1))
    return 4 * (1 / len(real) + 1 / len(fake)) * max(cubes, 0.0) / squares if squares > 0 else 0.0


def _single_part(projection: Float64[np.ndarray, "n"], noise: float) -> float:
    """The variance of E k(x, r) − E k(x, f) over x, less that of the means it is read from."""
    return float(projection.var(ddof=1)) - noise if len(projection) > 2 else 0.0


def _pair_part(sums: Sums, n: int) -> float:
    """E (k(x, x') − E k(x, ·) − E k(·, x') + E k)² over pairs of one set."""
    if n < 4:
        return max(sums.squares / (n * (n - 1)) - (sums.rows.sum() / (n * (n - 1))) ** 2, 0.0)
    total = sums.rows.sum()
    squares = np.square(sums.rows).sum()
    centred = sums.squares - 2 * squares / (n - 2) + total**2 / ((n - 1) * (n - 2))
    return float(max(centred / (n * (n - 3)), 0.0))  # Székely & Rizzo 2014, eq. 3.1


def _cross_part(sums: Sums) -> float:
    """The same over pairs of a row of each set."""
    m, n = len(sums.rows), len(sums.columns)
    total = sums.rows.sum()
    centred = sums.squares - np.square(sums.rows).sum() / n - np.square(sums.columns).sum() / m
    return float(max((centred + total**2 / (m * n)) / ((m - 1) * (n - 1)), 0.0))


def _kernel(x: Float[np.ndarray, "m d"], y: Float[np.ndarray, "n d"]) -> Float64[np.ndarray, "m n"]:
    """(x·y / d + 1)³, in place: the largest array there is."""
    wide = x.astype(np.float64)
    # Half the work where both are one: NumPy sees a product of a matrix with its own transpose.
    products = wide @ (wide if x is y else y.astype(np.float64)).T
    products /= x.shape[1]
    products += 1
    squares = np.square(products)
    products *= squares
    return products


def _between(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> Sums:
    rows, columns, squares = np.zeros(len(real)), np.zeros(len(fake)), 0.0
    for i in range(0, len(real), BLOCK):
        for j in range(0, len(fake), BLOCK):
            k = _kernel(real[i : i + BLOCK], fake[j : j + BLOCK])
            rows[i : i + BLOCK] += k.sum(1)
            columns[j : j + BLOCK] += k.sum(0)
            squares += float(np.vdot(k, k))
    return Sums(rows, columns, squares)


def _within(x: Float[np.ndarray, "n d"]) -> Sums:
    """Over pairs of different rows; blocks below the diagonal are those above it, turned."""
    rows, squares = np.zeros(len(x)), 0.0
    for i in range(0, len(x), BLOCK):
        for j in range(i, len(x), BLOCK):
            some = x[i : i + BLOCK]
            k = _kernel(some, some if i == j else x[j : j + BLOCK])
            if i == j:
                np.fill_diagonal(k, 0)
            else:
                rows[j : j + BLOCK] += k.sum(0)
            rows[i : i + BLOCK] += k.sum(1)
            squares += float(np.vdot(k, k)) * (1 if i == j else 2)
    return Sums(rows, rows, squares)
