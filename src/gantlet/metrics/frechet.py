"""The Fréchet distance between two sets of features, its interval, and its value without end.

‖μ_r − μ_f‖² + tr(Σ_r + Σ_f − 2 (Σ_r Σ_f)^½) falls as sets grow, also between sets of one kind:
a value means something beside that of real against real at the same sizes (`gaussian_floor` for
Gaussians) or beside its limit for sets without end (`frechet_infinity`). Never bootstrap it:
repeats take the place of a smaller set, and the interval misses the value itself.

Two ways lead to one figure. Σ by `Moments` where both sets have at least 2 d rows: memory d².
The root of Σ by QR of the rows where they are fewer: Σ is then singular or nearly so, and the root
of a rounded zero eigenvalue would be 1e-8, not 1e-16, in each dimension left empty.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64
from scipy.linalg.lapack import dpstrf  # pyright: ignore[reportAttributeAccessIssue]

from gantlet.metrics.intervals import (
    Estimate,
    canonical_order,
    groups,
    inverted,
    jackknife,
    normal,
)
from gantlet.metrics.moments import ROWS, Moments

TALL = 2  # rows for each dimension from which on Σ is as good as its root
GROUPS = 10  # left out in turn where rows are fewer
SPREAD = 10_000  # rows that tell how far influences spread: to 2 %


class Gaussian(NamedTuple):
    """All that the distance knows of a set: R with RᵀR = Σ."""

    mean: Float64[np.ndarray, "d"]
    root: Float64[np.ndarray, "rank d"]


class Prepared:
    """A set of features; what the Fréchet figures need of it is found once and kept."""

    def __init__(self, features: Float[np.ndarray, "n d"], seed: int = 0) -> None:
        """
        Args:
            seed: deals the rows into halves.
        """
        self.features, self.seed = features, seed

    @cached_property
    def halves(self) -> tuple[Moments, Moments]:
        """The moments of two disjoint halves."""
        half = groups(self.features, 2, self.seed)
        order = canonical_order(self.features)
        first, second = (order[half[order] == side] for side in range(2))
        return Moments.of(self.features, first), Moments.of(self.features, second)

    @cached_property
    def moments(self) -> Moments:
        """Of all rows."""
        return self.halves[0] + self.halves[1]

    @cached_property
    def gaussian(self) -> Gaussian:
        """Of all rows."""
        return _of_moments(self.moments)

    @cached_property
    def gaussians(self) -> tuple[Gaussian, Gaussian]:
        """Of the two halves."""
        return _of_moments(self.halves[0]), _of_moments(self.halves[1])


class FrechetPair:
    """Two sets, and every figure of the Fréchet distance between them."""

    def __init__(self, real: Prepared, fake: Prepared) -> None:
        fewest = min(len(real.features), len(fake.features))
        if fewest < 2:
            raise ValueError(f"a distance needs at least 2 rows of features, not {fewest}")
        self.real, self.fake = real, fake
        self.is_tall = fewest >= TALL * real.features.shape[1]

    @cached_property
    def distance(self) -> float:
        """See `frechet_distance`."""
        if self.is_tall:
            return _of_gaussians(self.real.gaussian, self.fake.gaussian)
        return _of_rows(self.real.features, self.fake.features)

    @cached_property
    def infinity(self) -> float:
        """See `frechet_infinity`."""
        if self.is_tall:
            pairs = zip(self.real.gaussians, self.fake.gaussians, strict=True)
            halves = [_of_gaussians(*pair) for pair in pairs]
        else:
            sides = [(x.features, groups(x.features, 2, x.seed)) for x in (self.real, self.fake)]
            halves = [_of_rows(*(rows[half == side] for rows, half in sides)) for side in range(2)]
        return 2 * self.distance - float(np.mean(halves))

    def distance_estimate(self) -> Estimate:
        """See `frechet_estimate`."""
        if not self.is_tall:
            return jackknife(self.distance, self._left_out)
        influence, chance, slope = self._variance
        limits = inverted(self.distance, influence - 2 * chance, chance, slope)
        # At least the chance part, however small the influences happened to come out.
        error = float(np.sqrt(max(influence - chance, chance)))
        return Estimate(self.distance, max(limits[0], 0.0), limits[1], error)

    def infinity_estimate(self) -> Estimate:
        """See `frechet_infinity`."""
        if not self.is_tall:
            return normal(self.infinity, jackknife(self.distance, self._left_out).error)
        return normal(self.infinity, float(np.sqrt(self._variance[0])))

    @cached_property
    def _variance(self) -> tuple[float, float, float]:
        real, fake = self.real, self.fake
        return _variance(real.features, fake.features, real.moments, fake.moments)

    @cached_property
    def _left_out(self) -> list[float]:
        return _without_each_group(self.real.features, self.fake.features)


def frechet_distance(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    """‖μ_r − μ_f‖² + tr(Σ_r + Σ_f − 2 (Σ_r Σ_f)^½), Σ unbiased.  Heusel et al. 2017, eq. 6."""
    return _pair(real, fake).distance


def frechet_estimate(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> Estimate:
    """The distance and an interval of its expectation over new draws of both sets at these sizes.

    The error is that of the influence of each row (Rippl, Munk & Sturm 2016), see `_variance`. Its
    limits are the values that the data do not speak against, with the variance that each would
    have (see `inverted`). With fewer than 2 d rows the distance is too bent for influences: a tenth
    of both sets is left out in turn, which claims too much rather than too little error.
    """
    return _pair(real, fake).distance_estimate()


def frechet_infinity(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> Estimate:
    """FD∞, the distance that sets without end would have.  Chong & Forsyth 2020, section 4.

    The line through FD at N and at N/2 against 1/N, read at 0: 2 FD − the mean of FD between the
    halves of both sets. Being nearly unbiased it falls below 0 as often as above where the
    distributions agree. Two sizes, not the paper's fifteen: disjoint halves use every row once.
    """
    return _pair(real, fake).infinity_estimate()


def _pair(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> FrechetPair:
    return FrechetPair(Prepared(real), Prepared(fake, seed=1))


def _of_rows(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    a, b = _gaussian(real), _gaussian(fake)
    return _apart(a, b, _nuclear_norm(a.root, b.root))


def _of_gaussians(real: Gaussian, fake: Gaussian) -> float:
    """Of those from `_of_moments`, whose roots are pivoted."""
    return _apart(real, fake, _overlap(real.root, fake.root))


def _apart(a: Gaussian, b: Gaussian, overlap: float) -> float:
    means = np.square(a.mean - b.mean).sum()
    traces = np.square(a.root).sum() + np.square(b.root).sum()
    return float(means + traces - 2 * overlap)


def _of_moments(moments: Moments) -> Gaussian:
    return Gaussian(moments.mean, _root(moments.covariance))


def _overlap(first: Float64[np.ndarray, "p d"], second: Float64[np.ndarray, "q d"]) -> float:
    """tr (A B)^½ from pivoted roots of A and B."""
    # Pivots fall no faster than singular values: where they fall far there is no use in trying.
    is_full = len(first) == len(second) == first.shape[1]
    if is_full and _last_pivot(first) * _last_pivot(second) > 1e-5:
        across = first @ second.T
        squares = np.linalg.eigvalsh(across @ across.T)
        if squares[0] > 1e-10 * squares[-1]:  # the rounding of roots stays below 1e-11
            return float(np.sqrt(squares).sum())
    return _nuclear_norm(first, second)


def _root(covariance: Float64[np.ndarray, "d d"]) -> Float64[np.ndarray, "rank d"]:
    """R with RᵀR = Σ: Cholesky's, pivoted, which ends at the rank (Higham 2002, section 10.3)."""
    factor, pivots, rank, _ = dpstrf(covariance)
    root = np.zeros((rank, len(covariance)))
    root[:, pivots - 1] = np.triu(factor)[:rank]
    return root


def _last_pivot(root: Float64[np.ndarray, "rank d"]) -> float:
    """Over the first one, which is the largest."""
    return float(np.abs(root[-1]).max() / np.abs(root[0]).max())


def _nuclear_norm(a: Float64[np.ndarray, "p d"], b: Float64[np.ndarray, "q d"]) -> float:
    """‖A Bᵀ‖₊ = tr (Σ_a Σ_b)^½."""
    return float(np.linalg.svd(a @ b.T, compute_uv=False).sum())


def _gaussian(features: Float[np.ndarray, "n d"]) -> Gaussian:
    rows = features[canonical_order(features)].astype(np.float64)
    mean = rows.mean(0)
    root = np.linalg.qr((rows - mean) / np.sqrt(len(rows) - 1), mode="r")
    return Gaussian(mean, np.asarray(root))  # NumPy's stubs know no mode


def _without_each_group(
    real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]
) -> list[float]:
    """The distance without the g-th tenth of both sets."""
    count = min(GROUPS, len(real), len(fake))
    if count < 3:
        return [float("nan")] * 2  # two rows tell no error
    a, b = groups(real, count, seed=0), groups(fake, count, seed=1)
    return [_of_rows(real[a != g], fake[b != g]) for g in range(count)]


def _variance(
    real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], a: Moments, b: Moments
) -> tuple[float, float, float]:
    """The variance that influences tell, the part by which they tell too much, and their slope.

    A row x adds (x − μ)ᵀ(I − T)(x − μ) ∓ 2 (μ_f − μ_r)·(x − μ) over n, where T is the map that
    carries its Gaussian onto the other one. Where both distributions agree these are themselves
    only chance, and their spread is twice the variance of the distance: the quadratic part of it,
    which for Gaussians is known, counts double. It is the second number:
    2 tr (Σ_r/m + Σ_f/n)² + 2 (1/m + 1/n)² (Σ_{i<j} (λᵢλⱼ/(λᵢ + λⱼ))² + Σ λᵢ²/4), λ² the
    eigenvalues of Σ_r Σ_f. So the distance is Σ κ Z² there, Z normal, and the second number 2 Σ κ²;
    the third is 4 Σ κ³ / Σ κ², what chance adds to the influences' for each 1 of the distance.
    """
    ridge = 1e-10 * np.trace(a.covariance + b.covariance) / len(a.mean)  # for the inverse only
    covariances = [m.covariance + max(ridge, 1e-300) * np.eye(len(a.mean)) for m in (a, b)]
    maps, scales = _transport(*covariances)
    gap = b.mean - a.mean
    influence = sum(
        _spread(features, moments.mean, transport, sign * gap) / moments.n
        for features, moments, transport, sign in zip(
            (real, fake), (a, b), maps, (-1, 1), strict=True
        )
    )
    c = 1 / a.n + 1 / b.n
    pairs = np.outer(scales, scales) / np.add.outer(scales, scales)
    means = covariances[0] / a.n + covariances[1] / b.n
    spectrum = c * np.concatenate([pairs[np.triu_indices(len(pairs), 1)], scales / 2])
    squares = float(np.square(means).sum() + (spectrum**2).sum())
    cubes = float(np.vdot(means @ means, means) + (spectrum**3).sum())
    return float(influence), 2 * squares, 4 * cubes / max(squares, 1e-300)


def _transport(
    a: Float64[np.ndarray, "d d"], b: Float64[np.ndarray, "d d"]
) -> tuple[list[Float64[np.ndarray, "d d"]], Float64[np.ndarray, "d"]]:
    """The linear maps that carry N(0, A) onto N(0, B) and back, and the roots of A B's spectrum."""
    factor = np.linalg.cholesky(a)
    squares, vectors = np.linalg.eigh(factor.T @ b @ factor)
    scales = np.sqrt(np.maximum(squares, 1e-14 * squares[-1]))  # the rest is rounding
    back = (factor @ vectors) / np.sqrt(scales)
    forth = np.linalg.solve(factor.T, vectors) * np.sqrt(scales)
    return [forth @ forth.T, back @ back.T], scales


def _spread(
    features: Float[np.ndarray, "n d"],
    mean: Float64[np.ndarray, "d"],
    transport: Float64[np.ndarray, "d d"],
    gap: Float64[np.ndarray, "d"],
) -> float:
    """The variance of influences over rows."""
    order = canonical_order(features)
    rows = np.random.default_rng(0).permutation(order)[:SPREAD]
    values = []
    for start in range(0, len(rows), ROWS):
        x = features[rows[start : start + ROWS]] - mean
        values.append(((x - x @ transport) * x).sum(1) + 2 * (x @ gap))
    return float(np.concatenate(values).var(ddof=1))
