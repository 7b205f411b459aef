"""Rows of a table as the matrix that metrics take: numbers as they are, all else as codes."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64

from gantlet.metrics.columns import Columns
from gantlet.modalities.tables.records import Records

TEXT_SHARE = 0.5  # distinct values of a text among its known ones, above which it is an identifier
TEXT_ROWS = 50  # that a table has at least, for this to be told


def matrices(parts: Sequence[Records]) -> list[Columns]:
    """One matrix for each set of rows, all coded alike; the first decides what a column is.

    Texts, dictionaries and truths are categories, coded over all sets; so is a number that takes at
    most two values. Stamps, dates and times are seconds, missing is NaN. Left out are columns that
    hold no single values, and texts of which most values are distinct: identifiers, names, remarks.
    """
    first = parts[0].table
    names, values, kinds, words = [], [], [], []
    for place, name in enumerate(first.column_names):
        columns = [part.table.column(place) for part in parts]
        kind = _plain(columns[0]).type
        if pa.types.is_nested(kind):
            continue
        joined = pa.chunked_array(
            [chunk for column in columns for chunk in _alike(column, kind).chunks], kind
        )
        is_text = pa.types.is_string(kind)
        if is_text and _is_identifier(columns[0]):
            continue
        is_categorical = is_text or pa.types.is_boolean(kind) or _takes_two(columns[0])
        categories: tuple[str, ...] = ()
        if is_categorical:
            numbers, categories = _codes(joined)
        else:
            numbers = _numbers(joined)
        names.append(name)
        values.append(numbers)
        kinds.append(is_categorical)
        words.append(categories)
    whole = np.stack(values, axis=1) if values else np.empty((sum(map(len, parts)), 0))
    cuts = np.cumsum([len(part) for part in parts])[:-1]
    return [
        Columns(rows, np.array(kinds, bool), tuple(names), tuple(words))
        for rows in np.split(whole, cuts)
    ]


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A dictionary's own values; every kind of text as one."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.chunked_array(
            [[None if v is None else v.hex() for v in column.to_pylist()]], pa.string()
        )
    return column


def _alike(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    column = _plain(column)
    return column if column.type == kind else column.cast(kind, safe=False)


def _is_identifier(column: pa.ChunkedArray) -> bool:
    known = len(column) - column.null_count
    return known >= TEXT_ROWS and _distinct(_plain(column)) > TEXT_SHARE * known


def _takes_two(column: pa.ChunkedArray) -> bool:
    """Whether a number is a truth in disguise."""
    kind = column.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return is_number and _distinct(column) <= 2


def _distinct(column: pa.ChunkedArray) -> int:
    return len(column.drop_null().unique())


def _codes(column: pa.ChunkedArray) -> tuple[Float64[np.ndarray, "n"], tuple[str, ...]]:
    """Places in the sorted list of values, and that list in words."""
    known = column.drop_null().unique().sort()
    lookup = pc.SetLookupOptions(known)
    codes = pc.call_function("index_in", [column], lookup).cast(pa.float64())
    words = tuple(str(value) for value in known.to_pylist())
    return codes.to_numpy().astype(np.float64), words


def _numbers(column: pa.ChunkedArray) -> Float64[np.ndarray, "n"]:
    """Numbers in float64; what tells time in seconds."""
    kind = column.type
    unit = 1.0
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("s"), safe=False)
    elif pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
        unit = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]
    if not (pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        if pa.types.is_time32(column.type):
            column = column.cast(pa.int32())
        column = column.cast(pa.int64(), safe=False) if not pa.types.is_null(kind) else column
    return column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64) / unit
