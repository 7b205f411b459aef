"""Records → files that other programs read, one writer for each suffix; in constant memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from jaxtyping import Int
from pyarrow import parquet

from gantlet.modalities.base import Writer
from gantlet.modalities.tables import marks
from gantlet.modalities.tables.arrow_types import recoded
from gantlet.modalities.tables.cells import csv_lines, csv_row, json_lines
from gantlet.modalities.tables.frames import brought, unmarked
from gantlet.modalities.tables.naming import label_of
from gantlet.modalities.tables.records import Records
from gantlet.modalities.writing import Writing, file_aside, folder_aside

ROWS = 65_536  # gathered before they are written together
PART = 16  # of these gatherings go into one file of a folder

Numbers = Int[Any, "b"]


@contextmanager
def write_csv(path: Path, count: int, classes: int, *, delimiter: str | None = None) -> Writing:
    """Cells as they were spelled: missing values, truths, dates and the delimiter.

    Args:
        delimiter: none: the one that the data had, else a comma.
    """
    del count, classes
    with file_aside(path) as file, _gathering(partial(_csv_part, file, delimiter)) as put:
        yield put


@contextmanager
def write_jsonl(path: Path, count: int, classes: int) -> Writing:
    """An object a line."""
    del count, classes

    def write(table: pa.Table, is_first: bool) -> None:
        del is_first
        file.write(json_lines(table, [str(label_of(field)) for field in table.schema]))

    with file_aside(path) as file, _gathering(write) as put:
        yield put


@contextmanager
def write_parquet(path: Path, count: int, classes: int) -> Writing:
    """Columns in the types that they were brought in."""
    del count, classes
    with file_aside(path) as file, _columnar(partial(parquet.ParquetWriter, file)) as put:
        yield put


@contextmanager
def write_arrow(path: Path, count: int, classes: int, *, packer: str | None = None) -> Writing:
    """Arrow's own file, that can be mapped; Feather is the same, compressed."""
    del count, classes
    options = pa.ipc.IpcWriteOptions(compression=packer)
    with (
        file_aside(path) as file,
        _columnar(partial(pa.ipc.new_file, file, options=options)) as put,
    ):
        yield put


@contextmanager
def write_folder(path: Path, count: int, classes: int) -> Writing:
    """part-00000.parquet and so on, a million rows each."""
    del count, classes
    with folder_aside(path) as folder:
        writer: Any = None
        gathered = 0

        def write(table: pa.Table, is_first: bool) -> None:
            nonlocal writer, gathered
            del is_first
            table = _typed(table)
            if gathered % PART == 0:
                if writer is not None:
                    writer.close()
                part = folder / f"part-{gathered // PART:05d}.parquet"
                writer = parquet.ParquetWriter(part, table.schema)
            writer.write_table(table)
            gathered += 1

        try:
            with _gathering(write) as put:
                yield put
        finally:
            if writer is not None:
                writer.close()


TABLE_WRITERS: Mapping[str, Writer] = {
    ".csv": write_csv,
    ".tsv": partial(write_csv, delimiter="\t"),
    ".parquet": write_parquet,
    ".feather": partial(write_arrow, packer="lz4"),
    ".arrow": write_arrow,
    ".jsonl": write_jsonl,
    "": write_folder,
}


def _csv_part(file: IO[bytes], delimiter: str | None, table: pa.Table, is_first: bool) -> None:
    kept = table.schema.metadata or {}
    delimiter = delimiter or kept.get(marks.DELIMITER, b",").decode()
    if is_first and kept.get(marks.HEADER) != b"no":
        file.write(csv_row([_name(field) for field in table.schema], delimiter))
    file.write(csv_lines(table, delimiter))


def _name(field: pa.Field) -> str:
    label = label_of(field)
    return "" if label is None else str(label)


@contextmanager
def _columnar(opened: Callable[[pa.Schema], Any]) -> Iterator[Any]:
    """Parts of a file whose schema stands before them; categories stay those of the first part."""
    writer: Any = None
    schema = pa.schema([])
    categories: dict[int, pa.Array] = {}

    def write(table: pa.Table, is_first: bool) -> None:
        nonlocal writer, schema
        table = _typed(table).unify_dictionaries()
        if is_first:
            schema = table.schema
            writer = opened(schema)
        for batch in table.combine_chunks().to_batches():
            columns = []
            for place, column in enumerate(batch.columns):
                if pa.types.is_dictionary(column.type):
                    known = categories.setdefault(place, column.dictionary)
                    column = recoded(column, known).cast(column.type)  # noqa: PLW2901
                columns.append(column)
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))

    try:
        with _gathering(write) as put:
            yield put
    finally:
        if writer is not None:
            writer.close()


def _typed(table: pa.Table) -> pa.Table:
    """As others should see it: types as they were brought, no marks of ours."""
    return unmarked(brought(table), table.column_names)


@contextmanager
def _gathering(write: Callable[[pa.Table, bool], None]) -> Iterator[Any]:
    """Small parts, written when they are many rows together."""
    parts: list[pa.Table] = []
    rows, is_first = 0, True

    def flush() -> None:
        nonlocal rows, is_first
        if parts:
            write(pa.concat_tables(parts), is_first)
            parts.clear()
            rows, is_first = 0, False

    def put(records: Records, _: Numbers | None) -> None:
        nonlocal rows
        parts.append(records.table)
        rows += len(records)
        if rows >= ROWS:
            flush()

    yield put
    flush()
