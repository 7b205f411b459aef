"""Whether a generator copies its training data, judged beside data that it never saw.

Every figure stands beside the hold-out's own value: real rows, too, lie near to training rows.
Given the training rows, fakes and held-out rows are independent draws, and of one distribution
if the generator is perfect. Whoever copies comes nearer to the training rows than the hold-out.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy.special import ndtr, ndtri
from scipy.stats import betabinom, rankdata
from sklearn.cluster import KMeans

from gantlet.metrics.closer import closer_to_train, nearest_of_all, nearest_to, parts_of
from gantlet.metrics.clouds import BLOCK, clouds
from gantlet.metrics.clusters import distinct
from gantlet.metrics.intervals import Estimate, normal, proportion
from gantlet.metrics.nearest import nearest_between, nearest_within

IN_A_CELL = 20  # rows of both kinds that a cell needs to count, as in Meehan et al. 2020
COPIED, POWER, LEVEL = 0.1, 0.8, 0.05  # the share of copies that must be seen, how surely
TAIL = 0.01  # of the hold-out: nearer than that counts as a near copy
MEANS_OF = 5_000  # training rows that cells are found from, a hundred and more in each
FEWEST = 50  # held-out rows below which nothing is said at all


class TooSmall(NamedTuple):
    """No verdict: the hold-out is too small to tell copying from chance."""

    held_out: int
    needed: int

    def __str__(self) -> str:
        return f"a hold-out of {self.held_out} rows is too small: {self.needed} are needed"


class DataCopying(NamedTuple):
    """C_T, and what it would be by chance."""

    value: float  # below 0: fakes lie nearer to the training rows than the hold-out
    error: float  # its standard deviation if nothing is copied
    p_value: float  # of a value as low by chance
    cells: int


class Suspect(NamedTuple):
    """A fake that lies suspiciously near to a training row."""

    fake: int
    train: int
    ratio: float  # its distance over that row's distance to its own nearest training row
    as_near: float  # share of the hold-out that lies as near, by the same ratio


class Repeats(NamedTuple):
    """Rows that a set holds more than once: shares, of fakes and of as many real rows."""

    exact: float
    exact_real: float
    near: float  # nearer to another row than all but 1 % of the real rows are
    near_real: float


@dataclass(frozen=True, kw_only=True)
class Copying:
    """All that tells of copying."""

    c_t: DataCopying
    authenticity: Estimate  # share of fakes no nearer to a training row than its own neighbour
    authenticity_real: Estimate  # the same of the hold-out
    authenticity_gap: Estimate  # fakes' − hold-out's; below 0: copying
    closer: Estimate  # share of fakes closer to train than to the hold-out; ½ by chance
    closer_p_value: float
    exact: int  # fakes that are training rows
    near: Estimate  # share of fakes nearer than all but 1 % of the hold-out
    near_real: float  # that 1 %, exactly
    near_p_value: float
    repeats: Repeats
    nearest: Int[np.ndarray, "n"]  # training row nearest to each fake
    ratio: Float64[np.ndarray, "n"]  # see Suspect
    ratio_real: Float64[np.ndarray, "h"]  # of the hold-out, sorted
    needed: int  # held-out rows with which 1 copy in 10 would be seen; 0: too few fakes for any

    def suspects(self, count: int) -> list[Suspect]:
        """The most suspicious fakes, the nearest first."""
        chosen = np.argsort(self.ratio, kind="stable")[:count]
        as_near = np.searchsorted(self.ratio_real, self.ratio[chosen], "right")
        return [
            Suspect(
                int(i), int(self.nearest[i]), float(self.ratio[i]), below / len(self.ratio_real)
            )
            for i, below in zip(chosen, as_near.tolist(), strict=True)
        ]


def copying(
    train: Float[np.ndarray, "m d"],
    held_out: Float[np.ndarray, "h d"],
    fake: Float[np.ndarray, "n d"],
    seed: int = 0,
    block: int = BLOCK,
    own_of_fake: Float64[np.ndarray, "n"] | None = None,
) -> Copying | TooSmall:
    """What fakes have of the training rows that held-out rows have not.

    Args:
        own_of_fake: squared distance of each fake to its nearest other, where it is known.
    """
    needed = smallest_hold_out(len(fake))
    if len(held_out) < FEWEST:
        return TooSmall(len(held_out), max(needed, FEWEST))
    trains, helds = clouds(train, held_out, block=block)
    parts = parts_of(len(train), len(held_out), seed)
    in_parts = [nearest_to(train[part], fake, block) for part in parts]
    reach, which = nearest_of_all(parts, in_parts)
    of_held = nearest_between(helds, trains, 1, block=block)
    own = nearest_within(trains, 1, 1, block).squared[:, 0]
    reach_held, which_held = of_held.squared[:, 0], of_held.which[:, 0]
    ratio, ratio_real = _ratio(reach, own[which]), np.sort(_ratio(reach_held, own[which_held]))
    authentic = _plain_share(reach > own[which])
    authentic_real = _plain_share(reach_held > own[which_held])
    gap = authentic.value - authentic_real.value
    near, near_real, near_p_value = _near_copies(ratio, ratio_real)
    closer = closer_to_train(train, held_out, fake, seed, block, in_parts)
    cells = _cells(train, [held_out, fake], seed)
    return Copying(
        c_t=data_copying(reach_held, cells[0], reach, cells[1]),
        authenticity=authentic,
        authenticity_real=authentic_real,
        authenticity_gap=normal(gap, float(np.hypot(authentic.error, authentic_real.error))),
        closer=closer,
        closer_p_value=float(ndtr(-(closer.value - 0.5) / max(closer.error, 0.5 / len(fake)))),
        exact=int((reach == 0).sum()),
        near=near,
        near_real=near_real,
        near_p_value=near_p_value,
        repeats=repeats(train, fake, seed, block, (own, own_of_fake)),
        nearest=which,
        ratio=ratio,
        ratio_real=ratio_real,
        needed=needed,
    )


def smallest_hold_out(n: int) -> int:
    """Held-out rows with which 1 copy in 10 of n fakes is seen in 4 of 5 cases, at level 5 %.

    A copy is nearer than nearly all held-out rows, which moves Mann and Whitney's statistic by
    half the share of copies, over its null deviation √((1/n + 1/h)/12). 0 where no hold-out does.
    """
    sharpest = COPIED / 2 / float(ndtri(1 - LEVEL) + ndtri(POWER))
    spared = 12 * sharpest**2 - 1 / n
    return int(np.ceil(1 / spared)) if spared > 0 else 0


def data_copying(
    held_out: Float[np.ndarray, "h"],
    held_out_cells: Int[np.ndarray, "h"],
    fake: Float[np.ndarray, "n"],
    fake_cells: Int[np.ndarray, "n"],
) -> DataCopying:
    """C_T = Σ_π P(π) Z(π) / Σ_π P(π).  Meehan, Chaudhuri & Dasgupta 2020, section 4.2.

    Z is Mann and Whitney's z of the distances to the training rows in a cell, P the hold-out's
    share of it; cells with few rows of either kind are left out. By chance each Z is about
    standard normal and they are independent. Several rows at one distance share a rank.
    """
    scores, weights = [], []
    for cell in np.intersect1d(held_out_cells, fake_cells):
        ours, theirs = fake[fake_cells == cell], held_out[held_out_cells == cell]
        if min(len(ours), len(theirs)) >= IN_A_CELL:
            scores.append(_mann_whitney(ours, theirs))
            weights.append(len(theirs))
    if not scores:
        return DataCopying(np.nan, np.nan, np.nan, 0)
    weight = np.array(weights) / sum(weights)
    value, error = float(weight @ scores), float(np.sqrt(np.square(weight).sum()))
    return DataCopying(value, error, float(ndtr(value / error)), len(scores))


def repeats(
    real: Float[np.ndarray, "m d"],
    fake: Float[np.ndarray, "n d"],
    seed: int = 0,
    block: int = BLOCK,
    own: tuple[Float64[np.ndarray, "m"] | None, Float64[np.ndarray, "n"] | None] = (None, None),
) -> Repeats:
    """Rows with a twin in their own set, and with one nearer than real rows have; at one size.

    Args:
        own: squared distance of each row of both sets to its nearest other, where it is known.
    """
    size, random = min(len(real), len(fake)), np.random.default_rng(seed)
    gaps = []
    for rows, known in zip((real, fake), own, strict=True):
        if known is not None and len(rows) == size:
            gaps.append(known)
            continue
        few = rows if len(rows) == size else rows[np.sort(random.permutation(len(rows))[:size])]
        gaps.append(nearest_within(clouds(few, block=block)[0], 1, 1, block).squared[:, 0])
    limit = np.quantile(gaps[0], TAIL, method="lower")
    near = [float((gap <= limit).mean()) for gap in gaps]
    exact = [float((gap == 0).mean()) for gap in gaps]
    return Repeats(exact[1], exact[0], near[1], near[0])


def _near_copies(
    ratio: Float64[np.ndarray, "n"], real: Float64[np.ndarray, "h"]
) -> tuple[Estimate, float, float]:
    """Share of fakes below the hold-out's r-th smallest; what is expected; the p-value.

    By chance the count below an order statistic is beta-binomial, whatever the distribution.
    """
    h, n = len(real), len(ratio)
    rank = max(1, int(TAIL * (h + 1)))
    below = int((ratio < real[rank - 1]).sum())
    p_value = float(betabinom.sf(below - 1, n, rank, h + 1 - rank))
    return _plain_share(ratio < real[rank - 1]), rank / (h + 1), p_value


def _ratio(
    squared: Float64[np.ndarray, "n"], own: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "n"]:
    """Distance over the neighbour's own; 0 for copies, infinite near rows that have a twin."""
    with np.errstate(divide="ignore"):
        return np.sqrt(np.divide(squared, own, out=np.zeros(len(own)), where=squared > 0))


def _plain_share(counted: np.ndarray) -> Estimate:
    share, n = float(counted.mean()), len(counted)
    return proportion(share, share * (1 - share) / n, n)


def _mann_whitney(x: Float[np.ndarray, "m"], y: Float[np.ndarray, "n"]) -> float:
    """z of how often x exceeds y, its variance corrected for ties."""
    m, n = len(x), len(y)
    ranks = rankdata(np.concatenate([x, y]))
    _, ties = np.unique(ranks, return_counts=True)
    total = m + n
    shrink = 1 - float((ties.astype(float) ** 3 - ties).sum()) / (total**3 - total)
    above = ranks[:m].sum() - m * (m + 1) / 2 - m * n / 2
    spread = np.sqrt(m * n * (total + 1) / 12 * shrink)
    return float(above / spread) if spread > 0 else 0.0


def _cells(
    train: Float[np.ndarray, "m d"], sets: list[Float[np.ndarray, "_ d"]], seed: int
) -> list[Int[np.ndarray, "_"]]:
    """The cells of k-means, about 1 for each 100 of the smaller set, at most 50."""
    count = max(1, min(50, min(len(x) for x in sets) // 100))
    rows = train[np.sort(np.random.default_rng(seed).permutation(len(train))[:MEANS_OF])]
    means = KMeans(distinct(rows, count), max_iter=30, random_state=seed).fit(rows)
    return [np.asarray(means.predict(np.ascontiguousarray(x)), np.int64) for x in sets]
