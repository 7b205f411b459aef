"""Tables that a program holds ↔ records: what comes in is what is handed back.

pandas, polars and Arrow give back their own kind, with the same data types, order and names.
Dicts of arrays, lists of dicts and structured arrays of NumPy come back as files do: as a pandas
frame where pandas is installed, else as an Arrow table.
"""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables import pandas_frames, polars_frames
from gantlet.modalities.tables.arrow_types import (
    joined_categories,
    plain_array,
    plain_field,
    recoded,
)
from gantlet.modalities.tables.converting import as_brought
from gantlet.modalities.tables.json_rows import table_of_dicts
from gantlet.modalities.tables.marks import marked_type, without_marks
from gantlet.modalities.tables.naming import label_of, named
from gantlet.modalities.tables.records import Records


def is_frame(source: Any) -> bool:
    """Is this a table in memory?"""
    if isinstance(source, np.ndarray):
        return source.dtype.names is not None
    if isinstance(source, Mapping):
        return len(source) > 0 and all(_is_column(value) for value in source.values())
    if isinstance(source, list):
        return len(source) > 0 and isinstance(source[0], dict)
    return isinstance(source, (pa.Table, pa.RecordBatch)) or _library(source) is not None


def records_of(frame: Any) -> Records:
    """The rows of a table in memory.

    An index of pandas that says something (named, or of other than whole numbers) becomes columns,
    and is the index again when handed back; one that only counts the rows is renewed. Of the
    missing values in one column of Python objects there is one kind: the first.

    Raises:
        SourceError: a column whose values are of several types, or not single.
    """
    library = _library(frame)
    if library == "pandas":
        return Records(_plain(*pandas_frames.taken(frame)), "pandas")
    if library == "polars":
        return Records(_plain(*polars_frames.taken(frame)), "polars")
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if isinstance(frame, pa.Table):
        return Records(_plain(frame, frame.column_names), "arrow")
    if isinstance(frame, list):
        frame = table_of_dicts(frame, "the list")
        return Records(_plain(frame, frame.column_names), "file")
    assert is_frame(frame), f"{type(frame).__name__} is no table"
    if isinstance(frame, np.ndarray):
        names = frame.dtype.names or ()
        frame = {name: frame[name] for name in names}
    return Records(_plain(*_of_arrays(frame)), "file")


def handed(records: Records) -> Any:
    """The rows in the form in which the data came."""
    table = brought(records.table)
    if records.form == "pandas":
        return pandas_frames.given(table)
    if records.form == "polars":
        return polars_frames.given(table)
    if records.form == "arrow" or importlib.util.find_spec("pandas") is None:
        labels = [str(label_of(field)) for field in table.schema]
        return unmarked(table, labels)
    frame = unmarked(table, table.column_names).to_pandas()
    labels = [label_of(field) for field in table.schema]
    if labels != table.column_names:
        frame.columns = labels
    return frame


def brought(table: pa.Table) -> pa.Table:
    """The table with its columns in the types that they were brought in, marks and all."""
    columns = [as_brought(table.column(i), field) for i, field in enumerate(table.schema)]
    fields = [field.with_type(marked_type(field)) for field in table.schema]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, table.schema.metadata))


def unmarked(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The table as others should see it, under these names."""
    schema = without_marks(table.schema)
    fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields, schema.metadata))


def _library(source: Any) -> str | None:
    """What this frame is of; a library that is not loaded cannot have made it."""
    for library in ("pandas", "polars"):
        module = sys.modules.get(library)
        if module is not None and isinstance(source, module.DataFrame):
            return library
        if library == "polars" and module is not None and isinstance(source, module.LazyFrame):
            return library
    return None


def _plain(table: pa.Table, labels: Sequence[Any]) -> pa.Table:
    """The table in plain types, under unique names."""
    fields = [
        plain_field(field.with_name(str(label)), "the table")
        for field, label in zip(table.schema, labels, strict=True)
    ]
    columns = []
    for column, field in zip(table.columns, fields, strict=True):
        chunks = [plain_array(chunk, field.type) for chunk in column.chunks]
        if pa.types.is_dictionary(field.type) and len(chunks) > 1:
            categories = None
            for chunk in chunks:
                categories = joined_categories(categories, chunk.dictionary)
            assert categories is not None
            chunks = [recoded(chunk, categories) for chunk in chunks]
        columns.append(pa.chunked_array(chunks, field.type))
    return pa.Table.from_arrays(
        columns, schema=pa.schema(named(fields, labels), table.schema.metadata)
    )


def _is_column(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, (list, tuple, pa.Array, pa.ChunkedArray))


def _of_arrays(arrays: Mapping[Any, Any]) -> tuple[pa.Table, list[Any]]:
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
        raise SourceError(f"the columns differ in their numbers of values: {told}")
    columns = [_of_array(name, values) for name, values in arrays.items()]
    return pa.Table.from_arrays(columns, [str(name) for name in arrays]), list(arrays)


def _of_array(name: Any, values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, np.ndarray) and values.ndim > 1:
        raise SourceError(f"column '{name}' holds arrays of shape {values.shape[1:]}; part them")
    if isinstance(values, np.ndarray) and values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise SourceError(
            f"column '{name}' cannot be read ({error}); drop it, or make all of its values of one "
            "type, e.g. texts"
        ) from error
