"""Built-in clouds of 2-D points: the toy distributions that the literature measures with."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from gantlet.metrics.modes import grid_centres, ring_centres

RING_SIGMA, GRID_SIGMA = 0.01, 0.05

Cloud = Callable[[np.random.Generator, int], tuple[Float[np.ndarray, "n 2"], np.ndarray]]


def _mixture(centres: Float[np.ndarray, "k 2"], sigma: float) -> Cloud:
    def cloud(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        component = rng.integers(len(centres), size=n)
        return centres[component] + sigma * rng.standard_normal((n, 2)), component

    return cloud


def spiral(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of an Archimedean spiral, one and a half turns, σ 0.02."""
    arm = rng.integers(2, size=n)
    t = np.sqrt(rng.uniform(0.02, 1.0, size=n))
    angle = 3 * np.pi * t + np.pi * arm
    points = np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1)
    return points + 0.02 * rng.standard_normal((n, 2)), arm


def moons(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles, σ 0.05."""
    moon = rng.integers(2, size=n)
    angle = np.pi * rng.uniform(size=n)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    points = np.where(moon[:, None] == 0, upper, lower)
    return points + 0.05 * rng.standard_normal((n, 2)), moon


CLOUDS: dict[str, Cloud] = {
    "ring": _mixture(ring_centres(), RING_SIGMA),
    "grid": _mixture(grid_centres(), GRID_SIGMA),
    "spiral": spiral,
    "moons": moons,
}
