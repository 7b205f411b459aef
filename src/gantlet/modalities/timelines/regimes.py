"""Which of a few kinds a window of a record is of, so that G draws that first.

In a long record the level of one window is not that of another, nor is how much its values change
from step to step, and steps that are told by those before them alone drift away from theirs. So
the windows are clustered by both (k-means, Lloyd 1982), and the cluster is a choice that a series
holds throughout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans

from gantlet.metrics.clusters import distinct

MOST = 16  # regimes
WINDOWS = 20  # side by side in each of them on average, at least, that none is known by heart
FITTED_ON = 20_000  # windows
WEIGHT = 1.5  # spreads of a value that count for as much as changes e times as large
LEAST_CHANGE = 0.01  # from a step to the next that is told from none, of a value's spread


@dataclass(frozen=True, eq=False)
class Regimes:
    """Centres of windows' levels and changes; a window is of the one that is nearest."""

    centres: Float[np.ndarray, "k weighed"]  # levels, then changes where they have a weight
    weight: float = 0.0  # of changes beside levels

    def __len__(self) -> int:
        return len(self.centres)

    def of(self, features: Float[np.ndarray, "n features"]) -> Int[np.ndarray, "n"]:
        """The number of each window's regime, by its `window_features`."""
        seen = _weighed(features, self.weight)
        return ((self.centres**2).sum(1) - 2 * seen @ self.centres.T).argmin(1)

    def told(self) -> str:
        """What was found, a sentence."""
        by = "level and by how much they change" if self.weight else "level"
        return f"Windows are of {len(self)} kinds by {by}, which are told apart."

    def plain(self) -> dict[str, Any]:
        """As JSON; the inverse is `regimes`."""
        return {"centres": self.centres.tolist(), "weight": self.weight}


def regimes(plain: Mapping[str, Any] | Sequence[Sequence[float]] | None) -> Regimes | None:
    """The inverse of `Regimes.plain`; None where there are none.

    Codecs of before changes counted have the centres alone.
    """
    if not plain:
        return None
    if isinstance(plain, Mapping):
        return Regimes(np.array(plain["centres"], np.float64), plain["weight"])
    return Regimes(np.array(plain, np.float64))


def fit_regimes(features: Float[np.ndarray, "n features"], windows: float) -> Regimes | None:
    """The regimes of these windows; None where too few lie side by side to tell two apart.

    Args:
        windows: that lie side by side
    """
    some = features[np.random.default_rng(0).permutation(len(features))[:FITTED_ON]]
    seen = _weighed(some, WEIGHT)
    most = min(MOST, int(windows // WINDOWS))
    count = distinct(seen, most) if most > 1 else most
    if count < 2:
        return None
    found = KMeans(count, random_state=0).fit(seen)
    return Regimes(found.cluster_centers_.astype(np.float64), WEIGHT)


def window_features(
    values: Float[np.ndarray, "steps values"],
    starts: Int[np.ndarray, "n"],
    stops: Int[np.ndarray, "n"],
) -> Float[np.ndarray, "n features"]:
    """Each value's mean over each window, then ln of the root mean square of its changes there."""
    inner = np.minimum(starts + 1, stops)  # a window's first step changes from another's last
    levels, changes = np.empty((2, len(starts), values.shape[1]))
    for place, column in enumerate(values.T):  # one at a time: long records are large
        levels[:, place] = _means(column, starts, stops)
        squares = np.square(np.diff(column, prepend=column[:1]), dtype=np.float64)
        changes[:, place] = np.maximum(_means(squares, inner, stops), 0) + LEAST_CHANGE**2
    return np.concatenate([levels, 0.5 * np.log(changes)], 1)


def _means(
    values: Float[np.ndarray, "steps"], starts: Int[np.ndarray, "n"], stops: Int[np.ndarray, "n"]
) -> Float[np.ndarray, "n"]:
    total = np.zeros(len(values) + 1)
    np.cumsum(values, dtype=np.float64, out=total[1:])
    return (total[stops] - total[starts]) / np.maximum(stops - starts, 1)


def _weighed(
    features: Float[np.ndarray, "n features"], weight: float
) -> Float[np.ndarray, "n weighed"]:
    levels, changes = np.split(features, 2, axis=1)
    return np.concatenate([levels, weight * changes], 1) if weight else levels
