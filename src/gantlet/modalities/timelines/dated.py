"""Times that stand in several columns, a year, a month and a day or a date and an hour: one column.

That column is worked with in their place. Samples come back without it: what was joined follows
from it, as anything does that tells the calendar (`CalendarColumn`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.dates import MONTHS
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.records import Form, Records
from gantlet.modalities.tables.stamps import DAYS
from gantlet.modalities.timelines.days import RANGES, day_of, units_of, units_of_day
from gantlet.modalities.timelines.order import differs, entity_column, tells_apart
from gantlet.modalities.timelines.settings import SeriesSettings
from gantlet.modalities.timelines.wide import unused

DATE, TIME = "date", "time"  # columns that hold all of one; the first is the joined one, too
NAMES = {
    "year": ("year", "yr", "yyyy"),
    "quarter": ("quarter", "qtr", "q"),
    "month": ("month", "mon", "mnth", "mm"),
    "day": ("day", "dd", "day_of_month", "dayofmonth", "mday"),
    "hour": ("hour", "hr", "hh"),
    "minute": ("minute", "min"),
    "second": ("second", "sec"),
}
FINER = ("minute", "second")
UNIT_OF = {name: unit for unit, names in NAMES.items() for name in names}
SECONDS = {"hour": 3_600, "minute": 60, "second": 1}
UNIT = "s"  # of joined stamps


@dataclass(frozen=True)
class Dated:
    """Which columns the time was joined from."""

    form: Form  # in which the data came
    time: str  # the joined column
    parts: tuple[tuple[str, str], ...]  # unit and column

    def joined(self, table: pa.Table) -> pa.Table:
        """The table with its time in one more column, before the others.

        Raises:
            SourceError: the parts make no date.
        """
        stamps, known = _stamps(table, self.parts)
        has_hours = any(unit in SECONDS or unit == TIME for unit, _ in self.parts)
        kind = pa.timestamp(UNIT) if has_hours else pa.date32()
        cells = pa.array(stamps if has_hours else stamps.astype(np.int32), mask=~known).cast(kind)
        return table.add_column(0, pa.field(self.time, kind), cells)

    def plain(self) -> dict[str, Any]:
        """As JSON; the inverse is `dated_form`."""
        return {"form": self.form, "time": self.time, "parts": [list(part) for part in self.parts]}

    @property
    def columns(self) -> tuple[str, ...]:
        """What it was joined from."""
        return tuple(column for _, column in self.parts)

    def told(self) -> str:
        """What was found, a sentence."""
        return f"Time is made up of columns {', '.join(self.columns)}."


def dated_form(plain: Mapping[str, Any]) -> Dated:
    """The inverse of `Dated.plain`."""
    return Dated(plain["form"], plain["time"], tuple((u, c) for u, c in plain["parts"]))


def found_dated(records: Records, settings: SeriesSettings) -> Dated | None:
    """The columns of the time, if they were said to be, with commas, or are named after its parts.

    Raises:
        SourceError: columns that were said to be are not there, or make no date.
    """
    table = records.table
    names, wished = table.column_names, settings.time
    is_list = wished is not None and wished not in names
    named = names if wished is None else _split(wished) if is_list else [wished]
    if not set(named) <= set(names):
        return None
    found = Dated(records.form, unused(DATE, names), _chain(_parts(table, named)))
    if is_list and set(found.columns) != set(named):
        raise SourceError(
            f"--time {wished}: these columns do not make up a time; a year does, then a month or "
            "quarter, a day, an hour, a minute, a second (whole numbers, months by name too), or a "
            "date and then a time or an hour, in columns that are named so"
        )
    try:
        joined = found.joined(table) if found.parts else table
    except SourceError:
        if is_list:
            raise
        return None
    if found.parts and (wished is not None or _tells_steps(joined, found.time, settings.entity)):
        return found
    return None


def _split(wished: str) -> list[str]:
    return [name.strip() for name in wished.split(",")]


def _tells_steps(table: pa.Table, time: str, entity: str | None) -> bool:
    """Whether steps differ in it, or those of each series do."""
    if entity is not None and entity in table.column_names:
        return tells_apart(table, entity, time)
    return differs(table, time) or entity_column(table, None, time)[0] is not None


def _parts(table: pa.Table, names: Sequence[str]) -> dict[str, str]:
    """The column of each unit; none where several hold dates."""
    found: dict[str, str] = {}
    for name in names:
        kind = arrays.simple_type(table.schema.field(name).type, name)
        unit = DATE if units_of_day(kind) else TIME if pa.types.is_time(kind) else (
            UNIT_OF.get(name.strip().casefold(), "")
        )  # fmt: skip
        if unit == DATE and DATE in found:
            return {}
        if unit:
            found.setdefault(unit, name)
    return found


def _chain(found: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """From the year, or a date, down as far as there are columns; nothing of a mere date."""
    if DATE in found:
        order = (DATE, TIME) if TIME in found else (DATE, "hour", *FINER)
    elif "month" in found:
        order = ("year", "month", "day", "hour", *FINER)
    else:
        order = ("year", "quarter")
    units = list(takewhile(found.__contains__, order))
    return () if units == [DATE] else tuple((unit, found[unit]) for unit in units)


def _stamps(
    table: pa.Table, parts: Sequence[tuple[str, str]]
) -> tuple[Int[np.ndarray, "n"], Bool[np.ndarray, "n"]]:
    """Days, or seconds where there are hours, since 1970; and which rows have all parts."""
    known = np.ones(len(table), bool)
    given: dict[str, np.ndarray] = {}
    for unit, name in parts:
        given[unit], there = _numbers(table.column(name), unit, name)
        known &= there
    if DATE in given:
        days = given[DATE]
    else:
        month = given.get("month", 3 * given.get("quarter", np.ones(len(table), np.int64)) - 2)
        after = given.get("day", np.ones(len(table), np.int64)) - 1
        days = day_of((given["year"] - 1970) * 12 + month - 1, after)
        wrong = known & (units_of(days, 1, "day") != after + 1)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            told = ", ".join(f"{name} {table.column(name)[row].as_py()}" for _, name in parts)
            raise SourceError(f"there is no such date: {told}, in row {row + 1:,}")
    if not any(unit in SECONDS or unit == TIME for unit in given):
        return days, known
    seconds = sum(size * given[unit] for unit, size in SECONDS.items() if unit in given)
    return days * DAYS[UNIT] + seconds + given.get(TIME, 0), known


def _numbers(
    column: pa.ChunkedArray, unit: str, name: str
) -> tuple[Int[np.ndarray, "n"], Bool[np.ndarray, "n"]]:
    """The numbers of a part, and where they are; what is empty counts as the least."""
    kind = arrays.simple_type(column.type, name)
    cells = arrays.simple(column, kind, name)
    if isinstance(cells, pa.DictionaryArray):
        cells = cells.dictionary_decode()
    known = ~arrays.nulls(cells)
    if unit in {DATE, TIME}:
        return _of_clock(cells, unit, name), known
    low, high = RANGES[unit]
    if arrays.is_text(cells.type) and unit == "month":
        short = pc.utf8_lower(pc.utf8_slice_codeunits(cells, 0, 3))
        names = pa.array([month[:3].lower() for month in MONTHS], short.type)
        numbers = arrays.places_of(short, names) + 1.0
    elif pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        numbers = cells.cast(pa.float64()).fill_null(low).to_numpy()
    else:
        raise SourceError(f"column '{name}' holds {kind}, which is no {unit} of a date")
    numbers = np.where(known, numbers, low)
    wrong = ~((numbers >= low) & (numbers <= high) & (numbers == np.floor(numbers)))
    if wrong.any():
        odd = cells[int(np.flatnonzero(wrong)[0])].as_py()
        raise SourceError(f"column '{name}' holds {odd!r}: a {unit} is from {low} to {high}")
    return numbers.astype(np.int64), known


def _of_clock(cells: pa.Array, unit: str, name: str) -> Int[np.ndarray, "n"]:
    """Days of a date without a time of day; seconds of a time of day."""
    counted = np.where(arrays.nulls(cells), 0, arrays.words(cells).view(np.int64))
    size = units_of_day(cells.type) if unit == DATE else DAYS[cells.type.unit] // DAYS["s"]
    numbers, rest = np.divmod(counted, size)
    if rest.any():
        finer = "a time of day besides the date" if unit == DATE else "fractions of a second"
        raise SourceError(f"column '{name}' holds {finer}: leave out the other parts of the time")
    return numbers
