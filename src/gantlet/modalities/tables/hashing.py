"""Numbers that look random and follow from what a row holds, so that a codec needs no seed."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt64

ODD = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio


def mixed(values: UInt64[np.ndarray, "*n"]) -> UInt64[np.ndarray, "*n"]:
    """Each value's hash: splitmix64 (Steele et al. 2014)."""
    values = values + ODD
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def row_hashes(
    count: int, columns: Sequence[Int[np.ndarray, "n"] | Float[np.ndarray, "n"]]
) -> UInt64[np.ndarray, "n"]:
    """One hash a row over all columns."""
    total = np.zeros(count, np.uint64)
    for column in columns:
        words = np.ascontiguousarray(column).astype(column.dtype.kind + "8").view(np.uint64)
        total = (total ^ words) * ODD
        total ^= total >> np.uint64(29)
    return mixed(total)


def uniform(hashes: UInt64[np.ndarray, "n"], stream: int) -> Float[np.ndarray, "n"]:
    """A number in [0, 1) from each hash; streams are independent."""
    apart = np.uint64(stream * int(ODD) % 2**64)
    return (mixed(hashes ^ apart) >> np.uint64(11)) * 2.0**-53
