"""Rows in few coordinates, in which no two lie farther apart than they do in all.

The leading principal coordinates, and the length of what they leave out as one more: by the
triangle inequality lengths differ by no more than the vectors do. A tile of these costs a tenth of
a full one and shows nearly all pairs of rows to lie too far apart to matter. Rows are put in the
order of clusters, so that the pairs that do matter lie together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int
from sklearn.cluster import KMeans

from gantlet.metrics.clusters import distinct

ROWS = 20_000  # of the largest set: fewer are soon held against each other in full
COLUMNS = 512  # as long as rows are short, full tiles cost little more
PART = 8  # of all coordinates one in so many may be a leading one
ENOUGH = 0.95  # of the variance: more coordinates would tell little
LEAST = 0.4  # with less of the variance the rest hides all differences
SAMPLE = 1_024  # rows that axes are taken from
CELL = 400  # rows of a cluster


class Lead(NamedTuple):
    """A set of rows in few coordinates, put in the order of clusters."""

    order: Int[np.ndarray, "n"]  # the rows in that order, as in all that follows
    cells: Int[np.ndarray, "n"]  # the cluster of each, never falling
    coordinates: Float32[np.ndarray, "n c"]
    norms: Float32[np.ndarray, "n"]  # squared, each less its share of what rounding may add

    def lower_bounds(
        self, rows: slice, others: "Lead", columns: slice
    ) -> Float32[np.ndarray, "a b"]:
        """Certainly not above the squared distance of rows in full; in place, being large."""
        tile = self.coordinates[rows] @ others.coordinates[columns].T
        tile *= -2
        tile += self.norms[rows][:, None]
        tile += others.norms[columns]
        return tile


def leading_axes(
    sets: Sequence[Float[np.ndarray, "_ d"]], origin: Float[np.ndarray, "d"]
) -> Float64[np.ndarray, "d c"] | None:
    """Orthonormal axes that hold most of the variance; none where that would not pay."""
    d = len(origin)
    if d < COLUMNS or max(map(len, sets)) < ROWS:
        return None
    each = SAMPLE // len(sets)
    rows = np.concatenate([x[:: max(1, len(x) // each)][:each] for x in sets]) - origin
    rows = rows.astype(np.float64)
    values, vectors = np.linalg.eigh(rows @ rows.T)
    share = np.cumsum(values[::-1]) / values.sum()
    count = min(int(np.searchsorted(share, ENOUGH)) + 1, d // PART, len(rows))
    if share[count - 1] < LEAST:
        return None
    axes, _ = np.linalg.qr(rows.T @ vectors[:, ::-1][:, :count])
    return axes


def leads(
    sets: Sequence[Float[np.ndarray, "_ d"]],
    origin: Float[np.ndarray, "d"],
    axes: Float64[np.ndarray, "d c"],
    block: int,
) -> list[Lead]:
    """All sets in these coordinates and in the order of the same clusters."""
    seen = [_projected(x, origin, axes, block) for x in sets]
    largest = max(seen, key=lambda one: len(one[0]))[0]
    count = max(1, len(largest) // CELL)
    sample = largest[:: max(1, len(largest) // (20 * count))]
    means = KMeans(distinct(sample, count), max_iter=10, random_state=0).fit(sample)
    # Neighbouring numbers for clusters that lie about the same place along the first axis.
    rank = np.argsort(np.argsort(means.cluster_centers_[:, 0]))
    made = []
    for coordinates, norms in seen:
        cells = rank[means.predict(coordinates)]
        order = np.argsort(cells, kind="stable")
        made.append(Lead(order, cells[order], coordinates[order], norms[order]))
    return made


def _projected(
    features: Float[np.ndarray, "n d"],
    origin: Float[np.ndarray, "d"],
    axes: Float64[np.ndarray, "d c"],
    block: int,
) -> tuple[Float32[np.ndarray, "n k"], Float32[np.ndarray, "n"]]:
    n, c = len(features), axes.shape[1]
    coordinates, norms = np.empty((n, c + 1), np.float32), np.empty(n, np.float32)
    band = _band(*axes.shape)
    for start in range(0, n, block):
        rows = slice(start, start + block)
        x = np.subtract(features[rows], origin, dtype=np.float64)
        leading, whole = x @ axes, np.einsum("nd,nd->n", x, x)
        rest = whole - np.einsum("nc,nc->n", leading, leading)
        coordinates[rows, :c] = leading
        coordinates[rows, c] = np.sqrt(np.maximum(rest, 0))
        kept = coordinates[rows].astype(np.float64)
        norms[rows] = np.einsum("nc,nc->n", kept, kept) - band * whole
    return coordinates, norms


def _band(d: int, c: int) -> float:
    """b: squared distances in few coordinates exceed those in full by less than b (‖x‖² + ‖y‖²).

    Coordinates err by their rounding and, after a difference of squares, by the root of that of
    a sum of d terms: a share e of ‖x‖ in all. As ‖x − y‖ ≤ ‖x‖ + ‖y‖, that makes 4 e + 2 e² of
    the squares; the tile itself adds the rounding of a product of c + 1 terms, as in `Cloud.band`.
    """
    single, double = (float(np.finfo(t).eps) / 2 for t in (np.float32, np.float64))
    share = 2 * single + np.sqrt((2 * np.sqrt(c) + 4) * d * double)
    return 4 * share + 2 * share**2 + (c + 32) * single
