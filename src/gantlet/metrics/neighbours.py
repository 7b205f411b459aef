"""How two sets of features interleave, told from balls that reach to the k-th neighbour.

A point on the surface of a ball is inside. Distances come from one matrix product, so that a
point counts as on the surface when it lies there within rounding: copies of a point are inside
each other's balls even where the radius is 0.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

BLOCK = 512  # rows held against all others at once


class Visits(NamedTuple):
    """Who lies in whose ball."""

    balls: Int[np.ndarray, "m"]  # for each point, how many balls hold it
    points: Int[np.ndarray, "n"]  # for each ball, how many points it holds


def precision(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], k: int = 3) -> float:
    """Share of fakes inside the ball of some real sample.  Kynkäänniemi et al. 2019, section 2."""
    return float((visits(fake, real, k).balls > 0).mean())


def recall(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], k: int = 3) -> float:
    """Share of real samples inside the ball of some fake.  Kynkäänniemi et al. 2019, section 2."""
    return float((visits(real, fake, k).balls > 0).mean())


def density(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], k: int = 5) -> float:
    """Mean number of real balls that hold a fake, over k.  Naeem et al. 2020, section 3."""
    return float(visits(fake, real, k).balls.mean()) / k


def coverage(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], k: int = 5) -> float:
    """Share of real balls that hold a fake.  Naeem et al. 2020, section 3."""
    return float((visits(fake, real, k).points > 0).mean())


def visits(
    points: Float[np.ndarray, "m d"],
    centres: Float[np.ndarray, "n d"],
    k: int,
    block: int = BLOCK,
) -> Visits:
    """Which points lie in the balls around centres that reach to the k-th neighbouring centre."""
    if not 1 <= k < len(centres):
        raise ValueError(f"k = {k} neighbours need k >= 1 and more than k samples: {len(centres)}")
    origin = np.median(centres, 0).astype(np.float64)  # the smaller the norms, the less is rounded
    points, centres = points - origin, centres - origin
    # Per pair, not per set: one sample that flew off must not blur all the others.
    slack = 4 * (centres.shape[1] + 4) * np.finfo(np.float64).eps
    reach = (1 + slack) * _squared_radii(centres, k, block) + slack * _squared_norms(centres)
    balls, held = [], np.zeros(len(centres), np.int64)
    for start in range(0, len(points), block):
        rows = points[start : start + block]
        distances = _squared_distances(rows, centres)
        distances -= slack * _squared_norms(rows)[:, None]
        inside = distances <= reach
        balls.append(inside.sum(1))
        held += inside.sum(0)
    return Visits(np.concatenate(balls), held)


def _squared_norms(x: Float64[np.ndarray, "m d"]) -> Float64[np.ndarray, "m"]:
    return np.square(x).sum(1)


def _squared_distances(
    x: Float64[np.ndarray, "m d"], y: Float64[np.ndarray, "n d"]
) -> Float64[np.ndarray, "m n"]:
    """‖x‖² + ‖y‖² − 2 x·y, in place, as this is the largest array there is."""
    distances = x @ y.T
    distances *= -2
    distances += _squared_norms(x)[:, None]
    distances += _squared_norms(y)
    return distances


def _squared_radii(
    centres: Float64[np.ndarray, "n d"], k: int, block: int
) -> Float64[np.ndarray, "n"]:
    """Squared distance of each centre to its k-th neighbour, itself not counted."""
    radii = []
    for start in range(0, len(centres), block):
        distances = _squared_distances(centres[start : start + block], centres)
        np.fill_diagonal(distances[:, start:], np.inf)
        distances.partition(k - 1, axis=1)
        radii.append(distances[:, k - 1].copy())
    return np.concatenate(radii)
