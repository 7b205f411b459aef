"""Which samples look real and which real data is far from all samples, row by row."""

import numpy as np
from jaxtyping import Float, Float64, Int

from gantlet.metrics.close import Pairs, first_limits
from gantlet.metrics.clouds import Cloud, squared_distances
from gantlet.metrics.nearest import Nearest
from gantlet.metrics.smallest import Smallest

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
        self.kept = (self.radii <= np.median(self.radii)) & (self.radii > 0)
        self.units = np.where(self.kept, self.radii, np.nan)
        count = min(KEPT, int(self.kept.sum()))
        self.best = Smallest(len(fakes.features), max(count, 1))
        self.first = np.full(len(fakes.features), -np.inf)  # no real stayed, none is looked for
        if count:
            self.first = first_limits(fakes, reals, count, self.kept, self.units)

    def limits(
        self, fakes: Int[np.ndarray, "m"], reals: Int[np.ndarray, "n"]
    ) -> Float64[np.ndarray, "m"]:
        """The squared distance from which on none of these reals is of use to a fake."""
        widest = np.max(self.radii[reals], initial=0, where=self.kept[reals])
        limit = np.minimum(self.first[fakes], self.best.worst[fakes])
        # A lower bound may lie below 0 by rounding, and division rounds.
        return np.where(limit > -np.inf, np.maximum(limit, 0) * widest * (1 + 1e-9), limit)

    def add(self, pairs: Pairs) -> None:
        """Fakes and reals, each pair once."""
        with np.errstate(invalid="ignore"):  # NaN, which is smaller than nothing, where left out
            self.best.offer(pairs.points, pairs.centres, pairs.low / self.units[pairs.centres])

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
        count = min(KEPT, len(fakes.features))
        self.best = Smallest(len(reals.features), count)
        self.first = first_limits(reals, fakes, count)

    def limits(self, reals: Int[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
        """The squared distance from which on no fake is of use to these reals."""
        return np.minimum(self.first[reals], self.best.worst[reals])

    def add(self, pairs: Pairs) -> None:
        """Fakes and reals, each pair once."""
        self.best.offer(pairs.centres, pairs.points, pairs.low)

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
