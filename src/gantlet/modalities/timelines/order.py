"""Rows of a table put in the order of their time, series by series, and where these have gaps."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.date_formats import candidates
from gantlet.modalities.tables.dates import parsed
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.timelines.clock import Clock, clock_of
from gantlet.modalities.timelines.days import units_of_day
from gantlet.modalities.timelines.settings import SeriesSettings

REPEATED = 0.8  # times that differ, per row, above which there is one series
APART = 0.999  # pairs of entity and time that differ, per row; an hour of autumn comes twice
MOST_FILLED = 5  # steps that may lack between two stamps and are put in, all missing


class Runs(NamedTuple):
    """Rows that follow each other without a gap, from starts to stops."""

    starts: Int[np.ndarray, "r"]
    stops: Int[np.ndarray, "r"]
    is_whole: Bool[np.ndarray, "r"]  # all of a series, so that its length means something


class Ordered(NamedTuple):
    """A table whose rows lie in order, and what was found of their time."""

    table: pa.Table
    runs: Runs
    time: str | None
    entity: str | None
    clock: Clock | None
    entities: int
    notes: tuple[str, ...]


def ordered(table: pa.Table, settings: SeriesSettings) -> Ordered:
    """The rows by entity and time; those without either are left out and counted."""
    time, why_time = _time_column(table, settings.time)
    entity, why_entity = entity_column(table, settings.entity, time)
    notes = [why_time, why_entity]
    stamps = None if time is None else stamps_of(table, time)
    known = np.ones(len(table), bool)
    if time is not None:
        known &= ~_nulls(table, time)
    if entity is not None:
        known &= ~_nulls(table, entity)
    if not known.all():
        notes.append(f"{(~known).sum():,} rows have no time or entity and are left out.")
        table = table.filter(pa.array(known))
        stamps = None if stamps is None else stamps[known]
    if not len(table):
        raise SourceError(f"column '{time}' is empty: no step has a time; name another with --time")
    whose = np.zeros(len(table), np.int64) if entity is None else _codes(table.column(entity))
    order = np.lexsort((whose,) if stamps is None else (stamps, whose))
    if (np.diff(order) != 1).any():
        table = table.take(pa.array(order))
        whose, stamps = whose[order], None if stamps is None else stamps[order]
    is_next = np.flatnonzero(np.diff(whose) == 0) + 1
    if stamps is None:
        return _of_runs(table, whose, is_next, None, entity, None, notes)
    assert time is not None
    doubles = stamps[is_next] == stamps[is_next - 1]
    if doubles.mean() > 0.5 if len(doubles) else False:
        raise SourceError(
            f"column '{time}': most times stand there more than once, so the table holds several "
            "series one below the other; name the column that tells them apart with --entity"
        )
    clock = clock_of(stamps, is_next, units_of_day(_simple(table, time)))
    notes.append(f"Time: {clock.told()}.")
    if clock.kind != "even":
        return _of_runs(table, whose, is_next, time, entity, clock, notes)
    return _filled(table, whose, stamps, time, entity, clock, notes)


def _of_runs(
    table: pa.Table,
    whose: Int[np.ndarray, "n"],
    is_next: Int[np.ndarray, "m"],
    time: str | None,
    entity: str | None,
    clock: Clock | None,
    notes: Sequence[str],
) -> Ordered:
    begins = np.ones(len(table), bool)
    begins[is_next] = False
    starts = np.flatnonzero(begins)
    stops = np.append(starts[1:], len(table))
    runs = Runs(starts, stops, np.full(len(starts), entity is not None))
    return Ordered(table, runs, time, entity, clock, len(starts), tuple(filter(None, notes)))


def _filled(
    table: pa.Table,
    whose: Int[np.ndarray, "n"],
    stamps: Int[np.ndarray, "n"],
    time: str,
    entity: str | None,
    clock: Clock,
    notes: list[str],
) -> Ordered:
    """Small gaps are filled with missing values, large ones part a series in two."""
    same = np.append(False, np.diff(whose) == 0)
    gaps = np.append(0, np.diff(stamps)) // clock.interval
    lacking = np.where(same & (gaps > 1) & (gaps <= 1 + MOST_FILLED), gaps - 1, 0)
    begins = ~same | (same & (gaps > 1 + MOST_FILLED))
    places = np.arange(len(table)) + np.cumsum(lacking)
    total = len(table) + int(lacking.sum())
    if lacking.any():
        source = np.full(total, -1)
        source[places] = np.arange(len(table))
        before = np.maximum.accumulate(source)
        ahead = np.arange(total) - places[before]
        taken = table.take(pa.array(np.maximum(source, 0), mask=source < 0))
        filled = pa.array(stamps[before] + ahead * clock.interval)
        field = taken.schema.field(time)
        column = arrays.restored(filled.cast(_simple(table, time)), field.type)
        table = taken.set_column(taken.schema.get_field_index(time), field, column)
        if entity is not None:
            known = table.schema.field(entity)
            names = taken.column(entity).combine_chunks().take(pa.array(places[before]))
            table = table.set_column(table.schema.get_field_index(entity), known, names)
        notes.append(f"{total - len(places):,} steps lack; they are put in with missing values.")
    starts = places[begins]
    stops = np.append(starts[1:], total)
    owners = whose[begins]
    is_whole = np.bincount(owners, minlength=owners.max() + 1)[owners] == 1
    cuts = int((~is_whole).sum())
    if cuts:
        notes.append(f"Longer gaps part the record: {len(starts):,} pieces.")
    runs = Runs(starts, stops, is_whole & (entity is not None))
    count = len(np.unique(owners))
    return Ordered(table, runs, time, entity, clock, count, tuple(filter(None, notes)))


def _time_column(table: pa.Table, wished: str | None) -> tuple[str | None, str]:
    if wished is not None:
        _require(table, wished, "--time")
        kind = _simple(table, wished)
        if not (pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            raise SourceError(
                f"column '{wished}' holds {_odd(table, wished)!r}, which cannot be read as a time: "
                "dates (2021-01-31, 2021-01, 2021 Jan, 2021Q1), stamps or whole numbers can, all "
                "written alike; name another with --time, or leave it out: rows are then taken in "
                "order"
            )
        return wished, ""
    dated = [name for name in table.column_names if units_of_day(table.schema.field(name).type)]
    if len(dated) == 1:
        return dated[0], f"Time is column '{dated[0]}', the only one of dates."
    if len(dated) > 1:
        raise SourceError(
            f"columns {', '.join(dated)} all hold dates; name the one that is the time with --time"
        )
    return None, "No column of dates: each row is a step, in the order of the rows."


def _odd(table: pa.Table, name: str) -> Any:
    """A value that is no time: of texts the first that is written otherwise than those before."""
    values = table.column(name).drop_null().unique()
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    texts = values.to_pylist() if arrays.is_text(values.type) else []
    forms = candidates(texts[0]) if texts else []
    for text in texts:
        forms = [form for form in forms if parsed(pa.array([text]), form) is not None]
        if not forms:
            return text
    return values[0].as_py() if len(values) else None


def entity_column(table: pa.Table, wished: str | None, time: str | None) -> tuple[str | None, str]:
    """The column that tells series apart, if there is one, and why."""
    if wished is not None:
        _require(table, wished, "--entity")
        return wished, ""
    if time is None or differs(table, time):
        return None, ""
    for name in table.column_names:
        kind = _simple(table, name)
        if name == time or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            continue
        if tells_apart(table, name, time):
            return name, f"Times repeat, but not within '{name}': it tells the series apart."
    return None, ""


def tells_apart(table: pa.Table, name: str, time: str) -> bool:
    """Whether no series that this column names has a time twice, or hardly any."""
    codes, stamps = _codes(table.column(name)), _codes(table.column(time))
    return len(np.unique(codes * len(table) + stamps)) >= APART * len(table)


def differs(table: pa.Table, time: str) -> bool:
    """Whether times come once, nearly all of them, so that there is one series."""
    return len(pc.unique(table.column(time))) > REPEATED * len(table)


def _require(table: pa.Table, name: str, flag: str) -> None:
    if name not in table.column_names:
        there = ", ".join(table.column_names[:20])
        raise SourceError(f"{flag} {name}: there is no such column; there are: {there}")


def _simple(table: pa.Table, name: str) -> pa.DataType:
    return arrays.simple_type(table.schema.field(name).type, name)


def _nulls(table: pa.Table, name: str) -> Bool[np.ndarray, "n"]:
    return table.column(name).is_null().to_numpy()


def stamps_of(table: pa.Table, name: str) -> Int[np.ndarray, "n"]:
    """The time of each row, in its column's units."""
    kind = table.schema.field(name).type
    cells = arrays.simple(table.column(name), kind, name)
    return arrays.words(cells).view(np.int64)


def _codes(column: pa.ChunkedArray) -> Int[np.ndarray, "n"]:
    """A number for each value, in the order in which they are met."""
    whole = column.combine_chunks()
    whole = whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    return whole.indices.fill_null(-1).to_numpy().astype(np.int64)
