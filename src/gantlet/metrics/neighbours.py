"""How two sets of features interleave, told from balls that reach to the k-th neighbour.

A point on the surface of a ball is inside, so that copies of a point are inside each other's
balls even where the radius is 0. Whatever comes out are counts, and these are exact: they depend
neither on the order of rows nor on how many are held at once (see `nearest`).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from gantlet.metrics.balls import Tally, barred_by_groups, steps_without_groups
from gantlet.metrics.close import close_pairs
from gantlet.metrics.clouds import BLOCK, clouds
from gantlet.metrics.intervals import Estimate, groups, normal, proportion
from gantlet.metrics.nearest import Nearest, nearest_within
from gantlet.metrics.realism import Realism, Remoteness

GROUPS = 100  # each left out in turn: with fewer, the share that rows owe one another is noise
ONE_BY_ONE = 300  # rows up to which each is a group of its own
SPARE = 5  # neighbours beyond the k-th that stand in for those left out with a group


class Visits(NamedTuple):
    """Who lies in whose ball."""

    balls: Int[np.ndarray, "m"]  # for each point, how many balls hold it
    points: Int[np.ndarray, "n"]  # for each ball, how many points it holds


class Neighbours(NamedTuple):
    """How two sets interleave, and which rows do not."""

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate
    in_manifold: Bool[np.ndarray, "n"]  # for each fake: inside the ball of some real
    covered: Bool[np.ndarray, "m"]  # for each real: some fake is inside its ball
    realism: Float64[np.ndarray, "n"]  # for each fake; see realism.py
    remoteness: Float64[np.ndarray, "m"]  # for each real: distance to the nearest fake / radius
    own: Float64[np.ndarray, "n"]  # for each fake: squared distance to the nearest other


def precision(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], k: int = 3) -> float:
    """Share of fakes inside the ball of some real sample.  Kynkäänniemi et al. 2019, section 2."""
    return float((visits(fake, real, k).balls > 0).mean())


def recall(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], k: int = 3) -> float:
    """Share of real samples inside the ball of some fake.  Kynkäänniemi et al. 2019, section 2."""
    return float((visits(real, fake, k).balls > 0).mean())


def density(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], k: int = 5) -> float:
    """Mean number of real balls that hold a fake, over k.  Naeem et al. 2020, section 3."""
    return float(visits(fake, real, k).balls.sum()) / (len(fake) * k)


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
    _enough(len(centres), k)
    there, here = clouds(centres, points, block=block)
    near = nearest_within(there, k, k, block)
    steps, barred = np.full((len(centres), 1), k), np.zeros((len(points), 1), bool)
    tally = Tally(here, there, near, steps, barred)
    nothing = np.full(len(points), -np.inf)
    for pairs in close_pairs(here, there, lambda i, j: (nothing[i], tally.reach[j]), block):
        tally.add(*pairs)
    return Visits(tally.held[:, 0], tally.holds[:, 0])


def neighbour_estimates(
    real: Float[np.ndarray, "m d"],
    fake: Float[np.ndarray, "n d"],
    k_manifold: int = 3,
    k_density: int = 5,
    seed: int = 0,
    block: int = BLOCK,
    own: Nearest | None = None,
) -> Neighbours:
    """Precision, recall, density and coverage with intervals over redraws of both sets.

    All from one pass over the distances. Errors are those of the jackknife: the g-th group of
    both sets is left out, radii reach to the next neighbour that stayed, and the figures are
    counted again, all from the few pairs that lie in the widest of these balls.

    Args:
        k_manifold: of precision, recall and realism.
        k_density: of density, coverage and remoteness.
        seed: deals the rows into groups.
        own: `own_neighbours` of the real set, where several sets are held against it.
    """
    k = max(k_manifold, k_density)
    _enough(len(real), k)
    _enough(len(fake), k_manifold)
    count = _group_count(min(len(real), len(fake)))
    dealt = groups(real, count, seed), groups(fake, count, seed + 1)
    reals, fakes = clouds(real, fake, block=block)
    near_real = own or nearest_within(reals, k + SPARE, k, block)
    near_fake = nearest_within(fakes, k_manifold + SPARE, k_manifold, block)
    steps = [steps_without_groups(near_real, k, dealt[0], count) for k in (k_manifold, k_density)]
    barred = [barred_by_groups(group, count) for group in dealt]
    nobody = [np.zeros_like(b) for b in barred]
    inside = Tally(fakes, reals, near_real, np.hstack(steps), np.hstack([nobody[1], barred[1]]))
    steps_fake = steps_without_groups(near_fake, k_manifold, dealt[1], count)
    outside = Tally(reals, fakes, near_fake, steps_fake, nobody[0])
    realism = Realism(fakes, reals, near_real, k_manifold)
    remoteness = Remoteness(fakes, reals, near_real, k_density)

    def limits(i: Int[np.ndarray, "n"], j: Int[np.ndarray, "m"]) -> tuple[np.ndarray, np.ndarray]:
        of_fakes = np.maximum(outside.reach[i], realism.limits(i, j))
        return of_fakes, np.maximum(inside.reach[j], remoteness.limits(j))

    for pairs in close_pairs(fakes, reals, limits, block):
        inside.add(*pairs)
        outside.add(pairs.centres, pairs.points, pairs.low, pairs.high)
        realism.add(pairs)
        remoteness.add(pairs)
    in_manifold, in_density = np.hsplit(inside.held, 2)
    covered = np.hsplit(inside.holds, 2)[1]
    return Neighbours(
        precision=share_of_rows(in_manifold > 0, nobody[1]),
        recall=share_of_rows(outside.held > 0, nobody[0]),
        density=_mean_of_rows(in_density, barred[1], k_density),
        coverage=share_of_rows(covered > 0, barred[0]),
        in_manifold=in_manifold[:, 0] > 0,
        covered=covered[:, 0] > 0,
        realism=realism.score(),
        remoteness=remoteness.ratio(),
        own=near_fake.squared[:, 0],
    )


def _group_count(rows: int) -> int:
    return rows if rows <= ONE_BY_ONE else GROUPS


def own_neighbours(
    real: Float[np.ndarray, "m d"], k_manifold: int = 3, k_density: int = 5, block: int = BLOCK
) -> Nearest:
    """What `neighbour_estimates` needs of the real set alone, a fourth of its work."""
    k = max(k_manifold, k_density)
    _enough(len(real), k)
    return nearest_within(clouds(real, block=block)[0], k + SPARE, k, block)


def _enough(n: int, k: int) -> None:
    if not 1 <= k < n:
        raise ValueError(f"k = {k} neighbours need k >= 1 and more than k samples: {n}")


def share_of_rows(
    counted: Bool[np.ndarray, "n columns"] | Float64[np.ndarray, "n columns"],
    barred: Bool[np.ndarray, "n columns"],
) -> Estimate:
    """The share of rows that count, with its interval over redraws of all that they depend on.

    The first column is the whole, the others leave out a group each.

    Args:
        barred: rows of the group that a column leaves out.
    """
    n = len(counted)
    share = float(counted[:, 0].sum()) / n
    return proportion(share, share * (1 - share) / n + _shared_variance(counted, barred), n)


def _mean_of_rows(
    counts: Int[np.ndarray, "n columns"], barred: Bool[np.ndarray, "n columns"], unit: int
) -> Estimate:
    n = len(counts)
    variance = float(counts[:, 0].var()) / n + _shared_variance(counts, barred)
    return normal(float(counts[:, 0].sum()) / (n * unit), float(np.sqrt(variance)) / unit)


def _shared_variance(
    counted: np.ndarray,
    barred: Bool[np.ndarray, "n columns"],
) -> float:
    """Σ_{i≠j} Cov(cᵢ, cⱼ)/n², by the jackknife: what rows owe to the draws they have in common.

    Var Σcᵢ/n is that and Σᵢ Var(cᵢ)/n², which is known from the rows alone. A jackknife of it
    all would count the latter several times over: once for each group on which it hangs how a
    row counts (Efron & Stein 1981).
    """
    n, columns = counted.shape
    without, stayed = np.where(barred, 0.0, counted)[:, 1:], ~barred[:, 1:]
    gaps = np.where(stayed, without - (without.sum(1) / stayed.sum(1))[:, None], 0)
    pairs = np.square(gaps.sum(0)) - np.square(gaps).sum(0)
    return max(0.0, (columns - 2) / (columns - 1) * float(pairs.sum()) / n**2)
