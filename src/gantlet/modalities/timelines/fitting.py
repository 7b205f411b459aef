"""What the columns of series are, found from all their steps."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.categories import fit_categories
from gantlet.modalities.tables.codec import name_of
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.kinds import Column, fit_column
from gantlet.modalities.tables.marks import DTYPE, json_mark
from gantlet.modalities.timelines.calendar_columns import found_calendar
from gantlet.modalities.timelines.codec import SeriesCodec
from gantlet.modalities.timelines.columns import Channel, Choice, Gap, Name, Number
from gantlet.modalities.timelines.levels import fit_level
from gantlet.modalities.timelines.order import stamps_of
from gantlet.modalities.timelines.reading import Timeline
from gantlet.modalities.timelines.regimes import fit_regimes, window_features
from gantlet.modalities.timelines.relating import related_channels

FEW = 12  # distinct whole numbers up to which each is a choice of its own
MOST_ENTITIES = 50  # whose names are learnt, with several windows each; others are made anew
WINDOWS_AN_ENTITY = 5
KNOTS = 1 << 12


def fit_series(rows: Timeline) -> SeriesCodec:
    """The codec of these series.

    Raises:
        SourceError: no column can be modelled, or one holds what cannot be.
    """
    table, track = rows.table, rows.track

    def cells_of(place: int) -> pa.Array:
        field = table.schema.field(place)
        return arrays.simple(table.column(place), field.type, field.name)

    stamps = None if track.time is None else stamps_of(table, track.time)
    day = track.clock.day if track.clock is not None else 0
    channels: list[Channel] = []
    for place, field in enumerate(table.schema):
        kind, cells = arrays.simple_type(field.type, field.name), cells_of(place)
        if field.name == track.time:
            channels.append(_time(cells, rows))
        elif field.name == track.entity:
            channels.append(_entity(cells, kind, rows))
        else:
            follows = None if stamps is None else found_calendar(cells, stamps, day)
            channels.append(follows or _channel(cells, field, rows))
    ends = bool((rows.lengths < track.length).any())
    told, orders = related_channels(
        channels, table.schema.names, cells_of, len(table), track.length
    )
    codec = SeriesCodec(
        table.schema, rows.form, track.length, ends, track.time, track.clock, told, orders
    )
    if not codec.shape[1]:
        raise SourceError("no column of these series changes: there is nothing to learn from")
    values = codec.shape[1] - sum(codec.blocks)
    if track.clock is None or not track.clock.stretch or not values:
        return codec
    coded = codec.coded(rows)
    features = window_features(coded.steps[:, -values:], coded.starts, coded.stops)
    windows = min(len(table), rows.lengths.sum()) / track.length
    return replace(codec, regimes=fit_regimes(features, windows))


def _time(cells: pa.Array, rows: Timeline) -> Channel:
    clock = rows.track.clock
    assert clock is not None
    if clock.kind == "uneven":
        words = arrays.words(cells).view(np.int64)
        inside = np.unique(np.concatenate([np.arange(a + 1, b) for a, b in _merged(rows)] or [[]]))
        inside = inside.astype(np.int64)
        found = fit_level(pa.array(words[inside] - words[inside - 1]))
        if found is not None:
            return Gap(found)
    parts = f", in {clock.stretches} parts of the record told apart" if clock.stretch else ""
    return Name(cells.type, f"follows from the beginning: {clock.told()}{parts}")


def _merged(rows: Timeline) -> list[tuple[int, int]]:
    """The runs of steps that windows cover."""
    order = np.argsort(rows.starts, kind="stable")
    merged: list[tuple[int, int]] = []
    for start, stop in zip(rows.starts[order].tolist(), rows.stops[order].tolist(), strict=True):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def _entity(cells: pa.Array, kind: pa.DataType, rows: Timeline) -> Channel:
    count = rows.track.entities
    if count <= MOST_ENTITIES and len(rows) >= WINDOWS_AN_ENTITY * count:
        return Choice(fit_categories(cells), "categories", is_held=True)
    whole = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_integer(whole) or pa.types.is_large_string(whole)):
        raise SourceError(f"the column of entities holds {kind}: give it texts or whole numbers")
    return Name(cells.type, f"tells {count:,} series apart; numbered anew")


def _channel(cells: pa.Array, field: pa.Field, rows: Timeline) -> Channel:
    is_held = _is_held(cells, rows)
    if pa.types.is_floating(cells.type) or _is_whole(cells):
        found = fit_level(cells) if _has_many(cells) else None
        if found is not None:
            return Number(found, is_held)
        column: Column = fit_categories(cells)
    else:
        column = _held(cells, field, rows) if is_held else fit_column(cells, KNOTS)
    if any(part.positioned for part in column.parts):
        raise SourceError(
            f"column '{field.name}' holds {cells.type} besides the time: turn it into a number, "
            "such as days since an event, or leave it out"
        )
    return Choice(column, name_of(column), is_held)


def _held(cells: pa.Array, field: pa.Field, rows: Timeline) -> Column:
    """What is the same at all steps, by one of each series; texts in a frame are kept as codes."""
    cells = cells.take(pa.array(rows.starts))
    if isinstance(cells, pa.DictionaryArray) and _are_texts(field):
        column = fit_column(cells.dictionary_decode(), KNOTS)
        if not column.is_modelled:
            return column
    return fit_column(cells, KNOTS)


def _are_texts(field: pa.Field) -> bool:
    """Whether codes stand for a frame's texts, not for its categories."""
    dtype = json_mark(field, DTYPE)
    return isinstance(dtype, dict) and not {"string", "object"}.isdisjoint(dtype)


def _is_whole(cells: pa.Array) -> bool:
    return pa.types.is_integer(cells.type) or pa.types.is_decimal(cells.type)


def _has_many(cells: pa.Array) -> bool:
    most = 2 if pa.types.is_floating(cells.type) else FEW
    return pc.count_distinct(cells).as_py() > most


def _is_held(cells: pa.Array, rows: Timeline) -> bool:
    """Whether no series has two values, and not all have the same."""
    if not pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_encode()
    codes = cells.indices.fill_null(-1).to_numpy().astype(np.int64)
    changes = np.append(0, np.cumsum(np.diff(codes) != 0))
    same = changes[rows.stops - 1] == changes[rows.starts]
    return bool(same.all() and len(np.unique(codes[rows.starts])) > 1)
