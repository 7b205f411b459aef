"""Columns that the time of a step settles: its year, hour or weekday, and what hangs on these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.columns import ColumnNote
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.packing import packed_values, unpacked_values
from gantlet.modalities.tables.stamps import DAYS
from gantlet.modalities.timelines.days import RANGES, units_of, units_of_day

TABLED = {"weekday": 7, "month": 365, "hour": 1}  # on which values may hang; days until it returns
TURNS = 2  # that a record must span, that a value is the unit's and not the time's
SEEN = 3  # times, on average, that each of them must be there
HEAD, MANY = 64, 4_096  # rows that are looked at before all


@dataclass(frozen=True, eq=False)
class CalendarColumn:
    """What follows from the stamp of a step."""

    unit: str  # date | time | one of RANGES
    day: int  # units of a day in stamps
    type: pa.DataType
    values: pa.Array | None = None  # for each number of the unit, from the least on; none: itself
    level = None
    is_held = False

    def cells(self, stamps: Int[np.ndarray, "n"]) -> pa.Array:
        """The column of steps at these stamps."""
        if self.unit == "date":
            return pa.array((stamps // self.day).astype(np.int32)).cast(pa.date32()).cast(self.type)
        if self.unit == "time":
            seconds = stamps % self.day * DAYS["s"] // self.day
            return pa.array(seconds.astype(np.int32)).cast(pa.time32("s")).cast(self.type)
        numbers = units_of(stamps, self.day, self.unit)
        if self.values is None:
            return pa.array(numbers).cast(self.type)
        return self.values.take(pa.array(numbers - RANGES[self.unit][0]))

    def plain(self) -> dict[str, Any]:
        return {
            "is": "calendar", "unit": self.unit, "day": self.day,
            "values": None if self.values is None else packed_values(self.values),
        }  # fmt: skip

    def note(self, name: str) -> ColumnNote:
        """The column as it is told to the user."""
        how = f"is the {self.unit}" if self.values is None else f"hangs on the {self.unit}"
        return ColumnNote(name, "calendar", f"{how} of the step's time", "no choice", True)


def calendar_column(kind: pa.DataType, plain: Mapping[str, Any]) -> CalendarColumn:
    """The inverse of `CalendarColumn.plain`."""
    values = None if plain["values"] is None else unpacked_values(plain["values"])
    return CalendarColumn(plain["unit"], plain["day"], kind, values)


def found_calendar(
    cells: pa.Array, stamps: Int[np.ndarray, "n"], day: int
) -> CalendarColumn | None:
    """How a column follows from the stamps, in all rows that are not empty; none: it does not.

    Args:
        day: units of a day
    """
    if isinstance(cells, pa.DictionaryArray):
        cells = cells.dictionary_decode()
    known = ~arrays.nulls(cells)
    if not day or known.sum() < SEEN:
        return None
    some, own, kind = cells.filter(pa.array(known)), stamps[known], cells.type
    if pa.types.is_temporal(kind):
        unit = "date" if units_of_day(kind) else "time" if pa.types.is_time(kind) else ""
        column = CalendarColumn(unit, day, kind)
        return column if unit and _is_like(column.cells, some, own) else None
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = some.cast(pa.float64(), safe=False)
        for unit in RANGES:
            if _is_like(CalendarColumn(unit, day, pa.float64()).cells, numbers, own):
                return CalendarColumn(unit, day, kind)
    return _tabled(some, own, day)


def _is_like(
    made: Callable[[Int[np.ndarray, "n"]], pa.Array],
    cells: pa.Array,
    stamps: Int[np.ndarray, "n"],
) -> bool:
    return all(made(stamps[:few]).equals(cells[:few]) for few in (HEAD, len(cells)))


def _tabled(cells: pa.Array, stamps: Int[np.ndarray, "n"], day: int) -> CalendarColumn | None:
    """A column that has one value for each weekday, month or hour, not the same for all."""
    if pc.count_distinct(cells[:MANY]).as_py() > max(RANGES[unit][1] for unit in TABLED) + 1:
        return None
    codes = cells.dictionary_encode()
    places, count, times = codes.indices.to_numpy(), len(codes.dictionary), len(np.unique(stamps))
    span = (int(stamps.max()) - int(stamps.min())) // day
    for unit, turn in TABLED.items():
        low, high = RANGES[unit]
        size = high - low + 1
        if not 1 < count <= size or times < SEEN * size or span < TURNS * turn:
            continue
        numbers = units_of(stamps, day, unit) - low
        table = np.full(size, -1)
        table[numbers] = places
        if np.array_equal(table[numbers], places):
            chosen = pa.array(np.maximum(table, 0), mask=table < 0)
            return CalendarColumn(unit, day, cells.type, codes.dictionary.take(chosen))
    return None
