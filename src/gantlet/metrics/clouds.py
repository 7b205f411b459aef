"""Sets of rows seen from one origin, and bounds of the distances between them.

A tile is one matrix product in the features' own precision, whose rounding is bounded: of each
pair it gives a squared distance that is certainly not too large, and one that is not too small.
Only pairs whose comparison falls between the two are computed again, in float64, from x − y.
That number depends on the two rows alone, so that no result depends on block size or row order.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from gantlet.metrics.leading import Lead, leading_axes, leads

BLOCK = 2048  # rows of either set in a tile
_NUMBERS = 1 << 17  # held at once where pairs are computed directly: they stay in the cache


class Cloud(NamedTuple):
    """A set of rows seen from an origin; shifted and widened only block by block."""

    features: Float[np.ndarray, "n d"]
    origin: Float[np.ndarray, "d"]
    norms: Float64[np.ndarray, "n"]  # squared, of the shifted rows
    lead: Lead | None = None  # where the rows are many and wide enough to look at these first

    @property
    def band(self) -> float:
        """b: a tile's squared distances err by less than b (‖x‖² + ‖y‖²).

        Higham 2002, section 3.1: d units of roundoff for a product of d terms in any order, and
        a few for the shift (2), the norms and their sums.
        """
        d = len(self.origin)
        return (d + 16) * float(np.finfo(self.origin.dtype).eps) / 2


def clouds(*sets: Float[np.ndarray, "_ d"], block: int = BLOCK) -> list[Cloud]:
    """The sets about one origin, in float32 if they all come so and its range suffices."""
    first = sets[0]
    # A median of many rows: the smaller the norms, the less is rounded; any origin is right.
    middle = np.median(first[:: max(1, len(first) // 512)], 0)
    single = all(x.dtype == np.float32 for x in sets)
    made = [_cloud(x, middle.astype(np.float32 if single else np.float64), block) for x in sets]
    largest = float(np.max([c.norms.max() for c in made]))  # NaN if any is
    if not np.isfinite(largest):  # norms are float64: float32 rows cannot overflow them
        raise ValueError("features hold infinite numbers or NaN: no distance can be taken")
    if not single:
        return made
    if not 1e-20 < largest < 1e30:  # squares would leave the range of float32
        return [_cloud(x, middle.astype(np.float64), block) for x in sets]
    axes = leading_axes(sets, made[0].origin)
    if axes is None:
        return made
    seen = leads(sets, made[0].origin, axes, block)
    return [cloud._replace(lead=lead) for cloud, lead in zip(made, seen, strict=True)]


def lower_bounds(
    x: Float[np.ndarray, "m d"],
    x_norms: Float64[np.ndarray, "m"],
    y: Float[np.ndarray, "n d"],
    y_norms: Float64[np.ndarray, "n"],
    band: float,
) -> Float[np.ndarray, "m n"]:
    """(1 − b)‖x‖² + (1 − b)‖y‖² − 2 x·y, certainly not above ‖x − y‖²; in place, being large."""
    tile = x @ y.T
    tile *= -2
    tile += ((1 - band) * x_norms).astype(x.dtype)[:, None]
    tile += ((1 - band) * y_norms).astype(y.dtype)
    return tile


def blocks(cloud: Cloud, block: int) -> Iterator[tuple[slice, Float[np.ndarray, "b d"]]]:
    """The rows of a cloud, shifted, a block at a time."""
    for rows in spans(len(cloud.features), block):
        yield rows, shifted(cloud, rows)


def spans(n: int, block: int) -> Iterator[slice]:
    """0 to n, a block at a time."""
    for start in range(0, n, block):
        yield slice(start, min(start + block, n))


def shifted(cloud: Cloud, rows: slice | Int[np.ndarray, "b"]) -> Float[np.ndarray, "b d"]:
    """Rows seen from the origin, in the precision of the origin."""
    return np.subtract(cloud.features[rows], cloud.origin, dtype=cloud.origin.dtype)


def rounded_up(x: Float64[np.ndarray, "n"], dtype: np.dtype) -> Float[np.ndarray, "n"]:
    """Bounds in the precision of a tile, none of them lowered by rounding."""
    with np.errstate(over="ignore"):  # to infinity, which is above
        narrow = x.astype(dtype)
    return np.where(narrow < x, np.nextafter(narrow, dtype.type(np.inf)), narrow)


def squared_distances(
    x: Float[np.ndarray, "m d"],
    i: Int[np.ndarray, "p"],
    y: Float[np.ndarray, "n d"],
    j: Int[np.ndarray, "p"],
) -> Float64[np.ndarray, "p"]:
    """‖xᵢ − yⱼ‖² of single pairs, in float64 from their differences."""
    squared = np.empty(len(i))
    step = max(1, _NUMBERS // x.shape[1])
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        gaps = np.subtract(x[i[part]], y[j[part]], dtype=np.float64)
        squared[part] = np.square(gaps, out=gaps).sum(1)
    return squared


def _cloud(features: Float[np.ndarray, "n d"], origin: np.ndarray, block: int) -> Cloud:
    cloud = Cloud(features, origin, np.empty(len(features)))
    for rows, x in blocks(cloud, block):
        cloud.norms[rows] = np.einsum("nd,nd->n", x, x, dtype=np.float64)
    return cloud
