"""The sliced Wasserstein distance between two sets of features."""

import numpy as np
from jaxtyping import Float, Float64


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


def _directions(
    d: int, count: int, generator: np.random.Generator
) -> Float64[np.ndarray, "count d"]:
    """Unit vectors, every d of them an orthonormal basis turned at random."""
    size = min(d, count)
    bases, _ = np.linalg.qr(generator.normal(size=(-(-count // size), d, size)))
    return np.swapaxes(bases, 1, 2).reshape(-1, d)[:count]
