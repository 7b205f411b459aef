"""Where a stamp is cut: weeks, days and times of day, so that a calendar's habits can be learnt."""

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from gantlet.modalities.tables.bins import FEW

DAYS = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
UNEVEN = 0.03  # share of rows that would have to move for even weekdays
WEEKS = 8  # fewest of them in which weekdays mean something
LOOKED_AT = 1 << 20


def radices_for(
    kind: pa.DataType, values: Int[np.ndarray, "n"], low: int
) -> tuple[int, tuple[int, ...]]:
    """Where counting begins, at or below `low`, and the units of a week and a day where cut.

    A zone's hours are not followed: a day is one of UTC.
    """
    if pa.types.is_timestamp(kind):
        day = DAYS[kind.unit]
    elif pa.types.is_date(kind):
        day = 1 if kind.bit_width == 32 else DAYS["ms"]
    else:
        return low, ()
    some = values[:: max(1, len(values) // LOOKED_AT)]
    days, rest = np.divmod(some, day)
    seen = np.unique(days)
    if len(seen) == 1 or len(np.unique(some)) <= min(FEW, len(values) / 4):
        return low, ()
    radices = (day,) if rest.any() and (rest != rest[0]).any() else ()
    if len(seen) > FEW and seen[-1] - seen[0] > 7 * WEEKS and _uneven(days):
        radices = (7 * day, *radices)
    if not radices or low - low % radices[0] < -(2**63):
        return low, ()
    return low - low % radices[0], radices


def _uneven(days: Int[np.ndarray, "n"]) -> bool:
    """Whether some weekdays have more rows than others, beyond chance."""
    shares = np.bincount(days % 7, minlength=7) / len(days)
    distance = np.abs(shares - 1 / 7).sum() / 2
    return bool(distance > max(UNEVEN, 4 / np.sqrt(len(days))))
