"""The calendar in whole numbers: months and days since 1970, and what a stamp is within them."""

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from gantlet.modalities.tables.stamps import DAYS

WEEKDAYS, MONTHS = 7, 12
LAST = 30  # days after a month's first, at most
RANGES = {
    "year": (1000, 2999), "quarter": (1, 4), "month": (1, 12), "day": (1, 31),
    "weekday": (1, WEEKDAYS), "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip
SHARES = {"hour": 24, "minute": 1_440, "second": 86_400}  # of a day


def units_of_day(kind: pa.DataType) -> int:
    """Units of the column's own in a day; 0 where it is no date."""
    if pa.types.is_timestamp(kind):
        return DAYS[kind.unit]
    if pa.types.is_date(kind):
        return 1 if kind.bit_width == 32 else DAYS["ms"]
    return 0


def months(days: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """Months since January 1970, from days since its first."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def day_of(
    month: Int[np.ndarray, "*n"], after: int | Int[np.ndarray, "*n"]
) -> Int[np.ndarray, "*n"]:
    """Days since 1970 of a day so many after a month's first, at most its last.

    Args:
        month: since January 1970
    """
    first = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    last = (month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1
    return np.minimum(first + after, last)


def units_of(stamps: Int[np.ndarray, "n"], day: int, unit: str) -> Int[np.ndarray, "n"]:
    """The year, quarter, month, ... of each stamp, counted as people do: a Monday is 1.

    Args:
        day: units of a day
    """
    days, rest = np.divmod(stamps, day)
    if unit in SHARES:
        return rest * SHARES[unit] // day % (24 if unit == "hour" else 60)
    if unit == "weekday":
        return (days + 3) % WEEKDAYS + 1  # 1970 began on a Thursday
    month = months(days)
    if unit == "year":
        return month // 12 + 1970
    if unit == "day":
        return days - day_of(month, 0) + 1
    return month % 12 // (3 if unit == "quarter" else 1) + 1
