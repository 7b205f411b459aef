"""Rows that come later, brought to the columns that were learnt: their order and their spelling."""

import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables import arrays, dates, marks
from gantlet.modalities.tables.converting import as_text
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.spelling import without


def aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table's columns in the order of the schema's; others are left out.

    Texts mean what they meant in the file that was learnt from: its dates, its yes and no, its
    decimal sign, its mark for a missing cell.

    Raises:
        SourceError: a column is missing, or there several times.
    """
    if table.column_names != schema.names:
        for name in schema.names:
            if table.column_names.count(name) != 1:
                raise SourceError(
                    f"column '{name}' is there {table.column_names.count(name)} times; "
                    f"bring the columns that were learnt: {', '.join(schema.names)}"
                )
        table = table.select(schema.names)
    for place, field in enumerate(schema):
        column = table.column(place)
        if _is_text(column.type) and not _is_text(field.type):
            chunks = [_understood(chunk.cast(pa.string()), field) for chunk in column.chunks]
            column = pa.chunked_array(chunks, None if chunks else field.type)
            table = table.set_column(place, field.with_type(column.type), column)
    return table


def spelled(values: pa.ChunkedArray, field: pa.Field, kind: pa.DataType) -> pa.ChunkedArray:
    """Values of a column that was learnt as a user of this type has them: texts as they were."""
    if not _is_text(kind) or not (
        pa.types.is_temporal(field.type) or pa.types.is_boolean(field.type)
    ):
        return values
    return pa.chunked_array([as_text(chunk, field) for chunk in values.chunks], pa.string())


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return arrays.is_text(kind)


def _understood(texts: pa.Array, field: pa.Field) -> pa.Array:
    """What the texts stand for in this column; as they are where they are spelled otherwise."""
    null, true = marks.mark(field, marks.NULL), marks.mark(field, marks.TRUE)
    form, decimal = marks.mark(field, marks.FORMAT), marks.mark(field, marks.DECIMAL)
    texts = texts if null is None else without(texts, [null])
    if decimal is not None:
        texts = pc.replace_substring(texts, decimal, ".")
    if true is not None:
        pair = [true, marks.mark(field, marks.FALSE)]
        known = pc.is_in(texts.drop_null(), value_set=pa.array(pair))
        return pc.equal(texts, true) if pc.all(known).as_py() is not False else texts
    parsed = None if form is None else dates.parsed(texts, form)
    return texts if parsed is None else parsed
