"""Which samples look real and which real data is far from all samples, row by row."""

import numpy as np
from jaxtyping import Float, Float64, Int

from gantlet.metrics.nearest import Cloud, Nearest, Smallest, squared_distances

KEPT = 4  # nearest in a tile's rounding; the best of them is found from direct differences


class Realism:
    """max over reals of radius / distance, for each fake.  Kynkäänniemi et al. 2019, eq. 3.

    The radius reaches to the k-th neighbour. The half of the reals with larger radii is left
    out, as in section 5 there: an outlier's ball holds whatever lies near nothing. At least 1
    inside the ball of a real that stayed; infinite for a copy of one.
    """

    def __init__(self, fakes: Cloud, reals: Cloud, near: Nearest, k: int) -> None:
        self.fakes, self.reals = fakes, reals
        self.radii = near.squared[:, k - 1]
        kept = (self.radii <= np.median(self.radii)) & (self.radii > 0)
        dtype = reals.origin.dtype
        self.scale = np.divide(1, self.radii, out=np.zeros(len(kept)), where=kept).astype(dtype)
        self.bar = np.where(kept, 0, np.inf).astype(dtype)
        self.best = Smallest(len(fakes.features), min(KEPT, len(kept)))

    def add(self, rows: slice, columns: slice, tile: Float[np.ndarray, "b c"]) -> None:
        """Squared distances from these fakes to these reals."""
        scaled = tile * self.scale[columns]
        scaled += self.bar[columns]
        self.best.offer_rows(rows, scaled, columns)

    def score(self) -> Float64[np.ndarray, "n"]:
        """The score, once all tiles were added."""
        squared = _direct(self.fakes, self.reals, self.best)
        radii = np.where(np.isfinite(self.best.values), self.radii[self.best.index], 0)
        with np.errstate(divide="ignore"):
            ratio = np.divide(radii, squared, out=np.zeros_like(radii), where=radii > 0)
        return np.sqrt(ratio.max(1))


class Remoteness:
    """Distance to the nearest fake over the radius of its own ball, for each real.

    At most 1 where some fake covers the real; the largest are what the generator never makes.
    """

    def __init__(self, fakes: Cloud, reals: Cloud, near: Nearest, k: int) -> None:
        self.fakes, self.reals = fakes, reals
        self.radii = near.squared[:, k - 1]
        self.best = Smallest(len(reals.features), min(KEPT, len(fakes.features)))

    def add(self, rows: slice, columns: slice, tile: Float[np.ndarray, "b c"]) -> None:
        """Squared distances from these fakes to these reals."""
        self.best.offer_columns(columns, tile, rows)

    def ratio(self) -> Float64[np.ndarray, "m"]:
        """The ratio, once all tiles were added; 1 for a copy of a real whose radius is 0."""
        nearest = _direct(self.reals, self.fakes, self.best).min(1)
        with np.errstate(divide="ignore"):
            ratio = np.divide(nearest, self.radii, out=np.ones(len(nearest)), where=nearest > 0)
        return np.sqrt(np.where((nearest == 0) & (self.radii > 0), 0, ratio))


def order_by(score: Float[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """Rows from the largest score to the smallest; those that tie by their number."""
    return np.argsort(-score, kind="stable")


def _direct(points: Cloud, centres: Cloud, best: Smallest) -> Float64[np.ndarray, "n kept"]:
    n, kept = best.index.shape
    squared = squared_distances(
        points.features, np.repeat(np.arange(n), kept), centres.features, best.index.ravel()
    )
    return squared.reshape(n, kept)
