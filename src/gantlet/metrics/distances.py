"""Distances between two sets of features, in float64; smaller is better.

The first set is the real one, though every distance is symmetric. Features are taken as they
come: whoever wants them standardised by the real set does so before.
"""

import numpy as np
from jaxtyping import Float, Float64

BLOCK = 1024  # rows or directions held at once


def frechet_distance(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    """‖μ_r − μ_f‖² + tr(Σ_r + Σ_f − 2 (Σ_r Σ_f)^½), Σ unbiased.  Heusel et al. 2017, eq. 6.

    With Σ = RᵀR the last trace is the nuclear norm of R_r R_fᵀ. R comes from the features by QR,
    never from Σ: the root of a rounded zero eigenvalue would be 1e-8, not 1e-16, for each
    dimension that fewer samples than dimensions leave empty.
    """
    real_mean, real_root = _mean_and_root(real)
    fake_mean, fake_root = _mean_and_root(fake)
    overlap = np.linalg.svd(real_root @ fake_root.T, compute_uv=False).sum()
    means = np.square(real_mean - fake_mean).sum()
    return float(means + np.square(real_root).sum() + np.square(fake_root).sum() - 2 * overlap)


def squared_mmd(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    """E k(r, r') + E k(f, f') − 2 E k(r, f) without bias, k(x, y) = (x·y / d + 1)³.

    Bińkowski et al. 2018, section 4 ("KID" on Inception's features); Gretton et al. 2012, eq. 3.
    Being unbiased it falls below 0 as often as above when the two distributions agree.
    """
    real, fake = _float64(real), _float64(fake)
    within = _kernel_mean_of_pairs(real) + _kernel_mean_of_pairs(fake)
    return float(within - 2 * _kernel_sum(real, fake) / (len(real) * len(fake)))


def sliced_wasserstein(
    real: Float[np.ndarray, "m d"],
    fake: Float[np.ndarray, "n d"],
    directions: int = 1000,
    seed: int = 0,
) -> float:
    """d × mean over directions θ of W₂²(θ·r, θ·f): ‖μ‖² when fake is real moved by μ.

    Bonneel et al. 2015, section 3; W₂² is the exact integral of the squared difference of the two
    quantile functions, also where m ≠ n. Directions are orthogonal as far as they can be
    (Rowland et al. 2019), which leaves less to chance.
    """
    real, fake = _float64(real), _float64(fake)
    m, n, d = len(real), len(fake), real.shape[1]
    steps = np.union1d(np.arange(m) * n, np.arange(n) * m)  # where a quantile function jumps, × mn
    widths = np.diff(steps, append=m * n) / (m * n)
    total = 0.0
    axes = _directions(d, directions, np.random.default_rng(seed))
    for start in range(0, directions, 64):
        block = axes[start : start + 64].T
        gap = np.sort(real @ block, axis=0)[steps // n] - np.sort(fake @ block, axis=0)[steps // m]
        total += float((widths @ np.square(gap)).sum())
    return d * total / directions


def _float64(features: Float[np.ndarray, "n d"]) -> Float64[np.ndarray, "n d"]:
    if len(features) < 2:
        raise ValueError(f"a distance needs at least 2 rows of features, not {len(features)}")
    return features.astype(np.float64)


def _mean_and_root(
    features: Float[np.ndarray, "n d"],
) -> tuple[Float64[np.ndarray, "d"], Float64[np.ndarray, "rank d"]]:
    """μ, and an R with RᵀR = Σ."""
    features = _float64(features)
    mean = features.mean(0)
    root = np.linalg.qr((features - mean) / np.sqrt(len(features) - 1), mode="r")
    return mean, np.asarray(root)  # NumPy's stubs know no mode


def _kernel_sum(x: Float64[np.ndarray, "m d"], y: Float64[np.ndarray, "n d"]) -> float:
    d = x.shape[1]
    blocks = (x[start : start + BLOCK] for start in range(0, len(x), BLOCK))
    return sum(float(((block @ y.T / d + 1) ** 3).sum()) for block in blocks)


def _kernel_mean_of_pairs(x: Float64[np.ndarray, "n d"]) -> float:
    """The mean of k over pairs of different rows."""
    n, d = x.shape
    diagonal = float(((np.square(x).sum(1) / d + 1) ** 3).sum())
    return (_kernel_sum(x, x) - diagonal) / (n * (n - 1))


def _directions(
    d: int, count: int, generator: np.random.Generator
) -> Float64[np.ndarray, "count d"]:
    """Unit vectors, every d of them an orthonormal basis turned at random."""
    size = min(d, count)
    bases, _ = np.linalg.qr(generator.normal(size=(-(-count // size), d, size)))
    return np.swapaxes(bases, 1, 2).reshape(-1, d)[:count]
