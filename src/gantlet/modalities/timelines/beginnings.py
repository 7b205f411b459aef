"""Beginnings of series, to be gone on with: a program's rows, or those of a file."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from gantlet.modalities.base import Progress, Source
from gantlet.modalities.tables.frames import records_of
from gantlet.modalities.tables.reading import read_table
from gantlet.modalities.tables.records import Records
from gantlet.modalities.timelines.codec import SeriesCodec
from gantlet.modalities.timelines.order import ordered
from gantlet.modalities.timelines.settings import SeriesSettings
from gantlet.modalities.timelines.spans import SERIES, Spans
from gantlet.modalities.timelines.stacks import is_stack, stacked
from gantlet.modalities.timelines.wide_found import found_wide


def taken(rows: Any) -> Spans:
    """An array, or a frame with a column that numbers the series; series as they are."""
    if isinstance(rows, Spans):
        return rows
    if is_stack(rows):
        table, steps = stacked(rows)
        stops = np.arange(1, len(table) // steps + 1) * steps
        return Spans(table, stops - steps, stops, "array")
    return _numbered(records_of(rows))


def beginnings(
    codec: SeriesCodec, source: Source, settings: SeriesSettings, ways: int
) -> Generator[Progress, None, Spans]:
    """The series of a file as far as they go after their last long gap, each so many times over.

    Args:
        settings: as the run's own data were read by

    Raises:
        SourceError: a column that was learnt is not there, or the file cannot be read.
    """
    if is_stack(source):
        rows = taken(source)
    else:
        read = yield from read_table(source, settings)
        table, wide = read.records.table, found_wide(read.records, settings)
        table = table if wide is None else wide.long(table, settings.entity)
        if SERIES in table.column_names and SERIES not in codec.schema.names:
            rows = _numbered(Records(table, read.records.form))
        else:
            own = Records(codec.aligned(table), read.records.form)
            rows = _latest(own, replace(settings, time=codec.time))
    every = rows[np.repeat(np.arange(len(rows)), ways)]
    return Spans(every.table, every.starts, every.stops, every.form)


def _numbered(records: Records) -> Spans:
    """One series, or several that a column numbers."""
    table = records.table
    if SERIES not in table.column_names:
        return Spans(table, np.array([0]), np.array([len(table)]), records.form)
    numbers = table.column(SERIES).to_numpy()
    starts = np.flatnonzero(np.append(True, np.diff(numbers) != 0))
    stops = np.append(starts[1:], len(table))
    return Spans(table.drop_columns([SERIES]), starts, stops, records.form, numbers[starts])


def _latest(records: Records, settings: SeriesSettings) -> Spans:
    """Of each series the rows after its last long gap, in the order of their time."""
    found = ordered(records.table, settings)
    starts, stops = found.runs.starts, found.runs.stops
    if found.entity is None:
        starts, stops = starts[-1:], stops[-1:]
    else:
        whose = found.table.column(found.entity).to_pylist()
        latest = {whose[start]: place for place, start in enumerate(starts.tolist())}
        places = np.array(list(latest.values()))
        starts, stops = starts[places], stops[places]
    return Spans(found.table, starts, stops, records.form)
