"""Any record over time → series: put in order, gaps found, cut into windows of one length."""

from collections.abc import Generator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from gantlet.modalities.base import Progress, Raw, Source, SourceError
from gantlet.modalities.tables.digest import Digest
from gantlet.modalities.tables.reading import read_table
from gantlet.modalities.timelines.clock import Clock
from gantlet.modalities.timelines.dated import found_dated
from gantlet.modalities.timelines.order import Runs, ordered, stamps_of
from gantlet.modalities.timelines.settings import SeriesSettings
from gantlet.modalities.timelines.spans import Shape, Spans
from gantlet.modalities.timelines.stacks import is_stack, stacked
from gantlet.modalities.timelines.wide import Wide
from gantlet.modalities.timelines.wide_found import found_wide, may_be_wide

DEFAULT_LENGTH = 24
LONGEST_WHOLE = 128  # steps of the longest series, up to which all are taken whole
WHOLE = 40  # series, from which on whole ones are kept from training
PARTS = 120  # at most, that fewer are cut into for some to be kept from training
PARTED = "spread"  # how: runs whose parts were kept otherwise are refused, not judged by others
FEW = 8  # columns that may be more than the rows are
WINDOWS_A_PART = 2  # lengths of a window in such a part, at least


class Track(NamedTuple):
    """What was found of the time of series."""

    time: str | None  # its column
    entity: str | None  # the column that tells whose step it is
    clock: Clock | None
    length: int  # steps of a sample
    entities: int


class Timeline(Spans):
    """Series as read, and what was found of their time."""

    def __init__(
        self,
        table: pa.Table,
        starts: Int[np.ndarray, "n"],
        stops: Int[np.ndarray, "n"],
        form: Shape,
        track: Track,
    ) -> None:
        super().__init__(table, starts, stops, form)
        self.track = track


def read_series(source: Source, settings: SeriesSettings) -> Generator[Progress, None, Raw]:
    """All windows of all series, and which of them share steps.

    Raises:
        SourceError: a column that is not there, no step, or no series of the wanted length.
    """
    if is_stack(source):
        raw, runs, track = _of_stack(source)
        yield Progress(1, 1, "reading series")
    else:
        read = yield from read_table(source, settings)
        table, wide = read.records.table, found_wide(read.records, settings)
        how = wide.told(len(table)) if wide is not None else _hint(table, settings)
        dated = None if wide is not None else found_dated(read.records, settings)
        if wide is not None:
            table = wide.long(table, settings.entity)
            settings = replace(settings, time=wide.time)
        if dated is not None:
            how, table = dated.told(), dated.joined(table)
            settings = replace(settings, time=dated.time)
        found = ordered(table, settings)
        if found.time is None and settings.length is None and settings.wide is None:
            _require_steps(found.table)
        runs, entities = found.runs, found.entities
        length = settings.length or _length(runs, entities, are_rows=wide is not None)
        track = Track(found.time, found.entity, found.clock, length, entities)
        form = dated or read.records.form if wide is None else _wide_form(wide, runs, track)
        rows = Timeline(found.table, runs.starts, runs.stops, form, track)
        digest = f"{read.fingerprint}{'/wide' if wide else '/dated' if dated else ''}"
        raw = Raw(
            rows=rows, fingerprint=digest, notes=(*read.notes, *filter(None, [how]), *found.notes),
            skipped=read.skipped, formats=read.formats,
        )  # fmt: skip
    track = track._replace(length=max(2, settings.length or track.length))
    return _cut(raw, runs, track, settings.stride)


def _hint(table: pa.Table, settings: SeriesSettings) -> str:
    is_open = settings.wide is None and settings.time is None
    return may_be_wide(table) if is_open else ""


def _require_steps(table: pa.Table) -> None:
    """Rows without a time are steps, unless the table looks as if its columns were."""
    names = table.column_names
    if len(names) > max(len(table), FEW):
        raise SourceError(
            f"the table looks as if each row were a series: it has {len(names):,} columns and "
            f"{len(table):,} rows. If columns are the steps, numbered or named after times, say "
            "--wide; else give a row for each step with its time (--time) and whose it is "
            "(--entity); if each row is a step indeed, say so with --length, e.g. --length "
            f"{min(DEFAULT_LENGTH, max(2, len(table) // 4))}"
        )


def _wide_form(wide: Wide, runs: Runs, track: Track) -> Wide:
    """Samples are rows again where windows are whole ones, whose steps all have columns."""
    longest, clock = int((runs.stops - runs.starts).max(initial=0)), track.clock
    is_even = clock is not None and clock.kind != "uneven"
    return replace(wide, is_whole=is_even and longest <= min(track.length, len(wide.stamps)))


def _of_stack(source: Source) -> tuple[Raw, Runs, Track]:
    table, steps = stacked(source)
    stops = np.arange(1, len(table) // steps + 1) * steps
    track = Track(None, None, None, steps, len(stops))
    digest = Digest(table.schema)
    for batch in table.to_batches():
        digest.add(batch)
    rows = Timeline(table, stops - steps, stops, "array", track)
    note = f"{len(stops):,} series of {steps} steps and {table.num_columns} channels."
    return Raw(rows=rows, fingerprint=digest.hexdigest(), notes=(note,)), Runs(
        stops - steps, stops, np.ones(len(stops), bool)
    ), track  # fmt: skip


def _length(runs: Runs, entities: int, *, are_rows: bool) -> int:
    """The longest series' where they are rows, or many, and all short; else two dozen.

    Of a few series windows are more samples than they are.
    """
    longest = int((runs.stops - runs.starts).max(initial=0))
    is_short = entities > 1 and longest <= LONGEST_WHOLE and (are_rows or entities >= WHOLE)
    return longest if is_short or longest < DEFAULT_LENGTH else DEFAULT_LENGTH


def _cut(raw: Raw, runs: Runs, track: Track, stride: int) -> Raw:
    """Windows of one length; a whole series that is shorter is taken as it is."""
    assert isinstance(raw.rows, Timeline)
    starts, stops, groups, lost, group, short = [], [], [], 0, 0, 0
    size = _part_size(runs, track.length)
    for start, stop, is_whole in zip(*runs, strict=True):
        count = stop - start
        if count < track.length:
            if not is_whole or count < 2:
                lost += count
                continue
            short += 1
            first = np.array([start])
        else:
            first = np.arange(start, stop - track.length + 1, stride)
        last = np.minimum(first + track.length, stop)
        starts.append(first)
        stops.append(last)
        groups.append(group + np.stack([first - start, last - 1 - start], 1) // size)
        group += (count - 1) // size + 1
    if not starts:
        longest = int((runs.stops - runs.starts).max(initial=0))
        raise SourceError(
            f"no series has {track.length} steps: the longest without a gap has {longest}; give a "
            f"shorter length, e.g. --length {max(2, longest)}, or the right columns of time and "
            "entity (--time, --entity)"
        )
    begun, ended = np.concatenate(starts), np.concatenate(stops)
    if track.clock is not None and track.time is not None:
        apart = len(begun) * min(stride, track.length) / track.length
        clock = track.clock.begun(stamps_of(raw.rows.table, track.time)[begun])
        track = track._replace(clock=clock.parted(apart))
    told = [f"{len(begun):,} windows of {track.length} steps, {stride} apart where they overlap."]
    if short:
        told.append(f"{short:,} series are shorter: where they end is learnt.")
    if lost:
        told.append(f"{lost:,} steps lie in pieces that are too short and are left out.")
    rows = Timeline(raw.rows.table, begun, ended, raw.rows.form, track)
    return Raw(
        rows=rows, fingerprint=f"{raw.fingerprint}/{track.length}/{stride}/{PARTED}",
        notes=(*raw.notes, *told), skipped=raw.skipped, formats=raw.formats,
        spans=np.concatenate(groups),
    )  # fmt: skip


def _part_size(runs: Runs, length: int) -> int:
    """Steps of the parts that are kept or held out whole; a short series is one part."""
    if len(runs.starts) >= WHOLE:
        return max(int((runs.stops - runs.starts).max()), 1)
    total = int((runs.stops - runs.starts).sum())
    return max(total // PARTS, WINDOWS_A_PART * length, 1)
