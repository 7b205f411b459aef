"""Mean and scatter of features, merged exactly as far as float64 goes, in a canonical order."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from gantlet.metrics.intervals import canonical_order

ROWS = 1024  # held in float64 at once: part of the definition, so that sums have one order


class Moments(NamedTuple):
    """What the Fréchet distance knows of a set; sets are joined by `+`.

    Rows are summed in the order of their bytes, in blocks of a fixed number, so that the result is
    the same to the last bit in whatever order they come. That costs a sort of some milliseconds;
    sums that are exact in any order (features cut into slices of 18 bits) would cost three
    matrix products for one.
    """

    n: int
    mean: Float64[np.ndarray, "d"]
    scatter: Float64[np.ndarray, "d d"]  # Σ (x − μ)(x − μ)ᵀ

    @classmethod
    def of(
        cls, features: Float[np.ndarray, "n d"], rows: Int[np.ndarray, "k"] | None = None
    ) -> "Moments":
        """The moments of all rows, or of these rows, in two passes: the mean first."""
        order = canonical_order(features) if rows is None else rows
        blocks = [order[start : start + ROWS] for start in range(0, len(order), ROWS)]
        d = features.shape[1]
        total, scatter = np.zeros(d), np.zeros((d, d))
        for block in blocks:
            total += features[block].sum(0, dtype=np.float64)
        mean = total / len(order)
        for block in blocks:
            centred = features[block] - mean
            scatter += centred.T @ centred
        return cls(len(order), mean, scatter)

    def __add__(self, other: "Moments") -> "Moments":  # pyright: ignore[reportIncompatibleMethodOverride]
        """The moments of both sets together.  Chan, Golub & LeVeque 1983, eq. 2.1."""
        n = self.n + other.n
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.n / n)
        between = np.outer(gap, gap) * (self.n * other.n / n)
        return Moments(n, mean, self.scatter + other.scatter + between)

    @property
    def covariance(self) -> Float64[np.ndarray, "d d"]:
        """Without bias."""
        return self.scatter / (self.n - 1)
