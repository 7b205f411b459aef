"""Which modes of the real data are hit, and how often beside how often they should be."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy.stats import hypergeom
from sklearn.cluster import KMeans

LEVEL = 0.05  # of one mode falsely called wrong among all of them
FITTED_ON = 20_000  # rows from which clusters are found


@dataclass(frozen=True, kw_only=True)
class ModeShares:
    """How often each mode occurs in two sets, and where they differ beyond chance."""

    real: Int[np.ndarray, "count"]
    fake: Int[np.ndarray, "count"]
    p_values: Float64[np.ndarray, "count"]  # of the two counts of each mode, corrected for many
    missing: Int[np.ndarray, "missing"]  # modes never made though chance would have made some
    under: Int[np.ndarray, "under"]  # made too seldom, missing ones included
    over: Int[np.ndarray, "over"]  # made too often
    hit: int  # modes of the real set made at least once
    total_variation: float  # ½ Σ |p − q|
    kl: float  # Σ q ln(q / p) of fakes against reals, each count ½ larger


class ClusterModes(NamedTuple):
    """Modes found by clustering, and what real data would score."""

    fake: ModeShares  # reals against fakes
    real: ModeShares  # reals against the stand-in
    centres: Float64[np.ndarray, "count d"]
    real_labels: Int[np.ndarray, "m"]
    fake_labels: Int[np.ndarray, "n"]


def mode_shares(
    real_labels: Int[np.ndarray, "m"], fake_labels: Int[np.ndarray, "n"], count: int
) -> ModeShares:
    """Counts by mode, each pair judged by Fisher's exact test, the many by Holm's (1979).

    Given how often a mode occurs in both sets together, its count among the fakes is
    hypergeometric if the sets are alike.
    """
    real = np.bincount(real_labels, minlength=count)
    fake = np.bincount(fake_labels, minlength=count)
    if len(real) > count:
        raise ValueError(f"label {len(real) - 1} is none of the {count} modes")
    if len(fake) > count:
        raise ValueError(f"label {len(fake) - 1} is none of the {count} modes")
    p_values = holm(_fisher(real, fake))
    p, q = real / real.sum(), fake / fake.sum()
    beyond = p_values < LEVEL
    smooth_p, smooth_q = ((x + 0.5) / (x + 0.5).sum() for x in (real, fake))
    return ModeShares(
        real=real,
        fake=fake,
        p_values=p_values,
        missing=np.flatnonzero(beyond & (fake == 0)),
        under=np.flatnonzero(beyond & (q < p)),
        over=np.flatnonzero(beyond & (q > p)),
        hit=int(((real > 0) & (fake > 0)).sum()),
        total_variation=float(np.abs(p - q).sum() / 2),
        kl=float(smooth_q @ np.log(smooth_q / smooth_p)),
    )


def cluster_modes(
    real: Float[np.ndarray, "m d"],
    stand_in: Float[np.ndarray, "h d"],
    fake: Float[np.ndarray, "n d"],
    count: int,
    seed: int = 0,
) -> ClusterModes:
    """Modes by k-means of one half of the reals; the other half is what others are held against.

    Rows that the centres were fitted to lie nearer to them than new rows do: were they counted,
    real data, too, would seem to miss modes. Labels are given for all reals. Of `count` modes no
    more are looked for than there are distinct rows.
    """
    means, counted = _fitted(real, count, seed)
    count = len(means.cluster_centers_)
    real_labels, stand_in_labels, fake_labels = (
        np.asarray(means.predict(np.ascontiguousarray(x)), np.int64) for x in (real, stand_in, fake)
    )
    return ClusterModes(
        mode_shares(real_labels[counted], fake_labels, count),
        mode_shares(real_labels[counted], stand_in_labels, count),
        means.cluster_centers_.astype(np.float64),
        real_labels,
        fake_labels,
    )


def distinct(rows: Float[np.ndarray, "m d"], most: int) -> int:
    """How many different rows there are, or `most` if there are more."""
    seen: set[bytes] = set()
    for row in rows:
        seen.add((row + 0.0).tobytes())  # −0 is 0
        if len(seen) == most:
            break
    return len(seen)


def holm(p_values: Float64[np.ndarray, "count"]) -> Float64[np.ndarray, "count"]:
    """p-values of many tests, so that the chance of any false one below α is at most α."""
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return corrected


def _fitted(
    real: Float[np.ndarray, "m d"], count: int, seed: int
) -> tuple[KMeans, Bool[np.ndarray, "m"]]:
    """Centres, and the rows that they were not fitted to."""
    half = min(FITTED_ON, len(real) // 2)
    if not 1 <= count <= half:
        raise ValueError(f"{len(real)} real rows do not make {count} clusters: 1 to {half} do")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(real))[:half])
    rows = real[chosen]
    means = KMeans(distinct(rows, count), max_iter=50, random_state=seed).fit(rows)
    counted = np.ones(len(real), bool)
    counted[chosen] = False
    return means, counted


def _fisher(
    real: Int[np.ndarray, "count"], fake: Int[np.ndarray, "count"]
) -> Float64[np.ndarray, "count"]:
    """Two-sided p-values: twice the smaller tail."""
    m, n, both = int(real.sum()), int(fake.sum()), real + fake
    low = hypergeom.cdf(fake, m + n, both, n)
    high = hypergeom.sf(fake - 1, m + n, both, n)
    return np.minimum(1, 2 * np.minimum(low, high))
