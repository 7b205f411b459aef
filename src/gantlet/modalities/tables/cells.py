"""Columns → the texts of their cells, spelled as they were when read; rows of texts → lines."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from gantlet.modalities.tables import marks
from gantlet.modalities.tables.converting import as_text
from gantlet.modalities.tables.kernels import pc

_join = pc.binary_join_element_wise


def csv_lines(table: pa.Table, delimiter: str) -> bytes:
    """The rows as lines of cells."""
    columns = [
        _csv_cells(table.column(i), field, delimiter) for i, field in enumerate(table.schema)
    ]
    if len(columns) == 1:  # an empty line would be no row
        columns = [pc.if_else(pc.equal(columns[0], ""), '""', columns[0])]
    return _lines(columns, delimiter)


def csv_row(cells: Sequence[str], delimiter: str) -> bytes:
    """A line of names."""
    if cells == [""]:
        return b'""\n'
    quoted = [_quoted(pa.array([cell]), delimiter)[0].as_py() for cell in cells]
    return (delimiter.join(quoted) + "\n").encode()


def json_lines(table: pa.Table, names: Sequence[str]) -> bytes:
    """The rows as objects, one a line; what JSON has no number for, as infinity, is null."""
    columns = []
    for place, (field, name) in enumerate(zip(table.schema, names, strict=True)):
        start = ("{" if place == 0 else ", ") + _json_text(pa.array([name]))[0].as_py() + ": "
        cells = _json_cells(_one(table.column(place)), field)
        end = "}" if place == len(names) - 1 else ""
        columns.append(_join(start, pc.fill_null(cells, "null"), end, ""))
    return _lines(columns, "")


def shown(values: pa.Array, field: pa.Field) -> pa.Array:
    """The texts of values, nulls left as they are."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        texts = shown(values.dictionary, field)
        return texts.take(values.indices)
    if pa.types.is_duration(kind):
        return values.cast(pa.int64()).cast(pa.string())
    if pa.types.is_float16(kind):
        values = values.cast(pa.float32())
    return as_text(values, field)


def _csv_cells(column: pa.ChunkedArray, field: pa.Field, delimiter: str) -> pa.Array:
    values = _one(column)
    null = marks.mark(field, marks.NULL) or ""
    if pa.types.is_dictionary(values.type):
        # Each category is spelled once.
        texts = _spelled(values.dictionary, field, delimiter, null)
        texts = texts.take(values.indices)
    else:
        texts = _spelled(values, field, delimiter, null)
    return pc.fill_null(texts, _quoted(pa.array([null]), delimiter)[0])


def _spelled(values: pa.Array, field: pa.Field, delimiter: str, null: str) -> pa.Array:
    texts = shown(values, field)
    decimal = marks.mark(field, marks.DECIMAL)
    if decimal is not None and pa.types.is_floating(values.type):
        texts = pc.replace_substring(texts, ".", decimal)
    is_text = pa.types.is_string(values.type) or marks.FORMAT in (field.metadata or {})
    if is_text or (decimal is not None and decimal == delimiter):
        texts = _quoted(texts, delimiter)
        if null:  # a text that says the same is told apart by its quotes
            texts = pc.if_else(pc.equal(texts, null), f'"{null}"', texts)
    return texts


def _quoted(texts: pa.Array, delimiter: str) -> pa.Array:
    """With quotes where a reader would misunderstand the text without."""
    sign = {"\t": r"\t", "|": r"\|", "]": r"\]"}.get(delimiter, delimiter)
    needs = pc.match_substring_regex(texts, rf'["\r\n{sign}]|^[ #]| $')
    if not pc.any(needs).as_py():
        return texts
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(needs, _join('"', doubled, '"', ""), texts)


def _json_cells(values: pa.Array, field: pa.Field) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _json_cells(values.dictionary, field).take(values.indices)
    if pa.types.is_boolean(kind) and field.metadata and marks.TYPE in field.metadata:
        return _json_text(as_text(values, field))
    if pa.types.is_boolean(kind):
        return values.cast(pa.string())
    if pa.types.is_floating(kind):
        texts = shown(values, field)
        return pc.if_else(pc.is_finite(values), texts, pa.scalar(None, pa.string()))
    is_number = pa.types.is_integer(kind) or pa.types.is_duration(kind)
    texts = shown(values, field)
    return texts if is_number else _json_text(texts)


def _json_text(texts: pa.Array) -> pa.Array:
    texts = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    if pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f]")).as_py():
        for code in range(32):
            texts = pc.replace_substring(texts, chr(code), f"\\u{code:04x}")
    return _join('"', texts, '"', "")


def _lines(columns: Sequence[pa.Array], delimiter: str) -> bytes:
    *first, last = columns
    rows = _join(*first, _join(last, "\n", ""), delimiter)
    _, ends, data = rows.buffers()
    places = np.frombuffer(ends, np.int32)[rows.offset : rows.offset + len(rows) + 1]
    return memoryview(data)[places[0] : places[-1]].tobytes()


def _one(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # of an empty column
        return pa.array([], column.type) if not whole.num_chunks else pa.concat_arrays(whole.chunks)
    return whole
