"""Which of a few levels a window of a record lies about, so that G draws that first.

In a long record the level of one window is not that of another, and steps that are told by those
before them alone drift away from theirs. So the means of all windows are clustered (k-means, Lloyd
1982), and the cluster is a choice that a series holds throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans

from gantlet.metrics.clusters import distinct

MOST = 16  # regimes
WINDOWS = 20  # side by side in each of them on average, at least, that none is known by heart
FITTED_ON = 20_000  # windows


@dataclass(frozen=True, eq=False)
class Regimes:
    """Centres of windows' means; a window is of the one that is nearest."""

    centres: Float[np.ndarray, "k values"]

    def __len__(self) -> int:
        return len(self.centres)

    def of(self, means: Float[np.ndarray, "n values"]) -> Int[np.ndarray, "n"]:
        """The number of each window's regime."""
        products = means @ self.centres.T
        return ((self.centres**2).sum(1) - 2 * products).argmin(1)

    def told(self) -> str:
        """What was found, a sentence."""
        return f"Windows lie about {len(self)} levels, which are told apart."

    def plain(self) -> list[list[float]]:
        """As JSON; the inverse is `regimes`."""
        return self.centres.tolist()


def regimes(plain: Sequence[Sequence[float]] | None) -> Regimes | None:
    """The inverse of `Regimes.plain`; None where there are none."""
    return Regimes(np.array(plain, np.float64)) if plain else None


def fit_regimes(means: Float[np.ndarray, "n values"], windows: float) -> Regimes | None:
    """The regimes of these windows; None where too few lie side by side to tell two apart.

    Args:
        windows: that lie side by side
    """
    some = np.random.default_rng(0).permutation(len(means))[:FITTED_ON]
    most = min(MOST, int(windows // WINDOWS))
    count = distinct(means[some], most) if most > 1 else most
    if count < 2:
        return None
    found = KMeans(count, random_state=0).fit(means[some])
    return Regimes(found.cluster_centers_.astype(np.float64))


def window_means(
    values: Float[np.ndarray, "steps values"],
    starts: Int[np.ndarray, "n"],
    stops: Int[np.ndarray, "n"],
) -> Float[np.ndarray, "n values"]:
    """The mean of each value over each window, which may overlap."""
    total = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, dtype=np.float64, out=total[1:])
    return (total[stops] - total[starts]) / np.maximum(stops - starts, 1)[:, None]
