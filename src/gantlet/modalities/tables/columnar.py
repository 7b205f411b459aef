"""Parquet, Feather and Arrow's own files → batches; they know the types of their columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from gantlet.modalities.base import SourceError
from gantlet.modalities.listing import file_key
from gantlet.modalities.tables.arrow_types import plain_array, plain_field
from gantlet.modalities.tables.opened import Opened, Skip

ROWS = 65_536  # at once
_PACKED = 2  # times that a file is larger in memory where it is compressed, about
BUFFER = 2**20  # bytes of a column read at once: a group of rows may be larger than memory


def opened_parquet(path: Path) -> Opened:
    """The table in a Parquet file."""
    try:
        with parquet.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
            count = metadata.num_rows
            groups = [metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    fields = _fields(schema, path)

    def batches(skip: Skip, wanted: Sequence[int]) -> Iterator[pa.RecordBatch]:
        del skip
        names = [schema.names[index] for index in wanted]
        has_twins = len(set(schema.names)) < len(schema.names)
        try:
            with parquet.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
                parts = file.iter_batches(
                    ROWS, columns=None if has_twins else names, use_threads=False
                )
                for batch in parts:
                    order = wanted if has_twins else [batch.schema.names.index(n) for n in names]
                    yield _picked(batch, order, [fields[index].type for index in wanted])
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error

    return Opened(
        name=str(path),
        labels=tuple(schema.names),
        fields=fields,
        batches=batches,
        size=max(sum(groups), count * _width(fields)),
        count=count,
        key=file_key(path),
        formats={"Parquet": 1},
        metadata=schema.metadata or {},
    )


def opened_arrow(path: Path) -> Opened:
    """The table in an Arrow file, which Feather is too; mapped where it needs no change."""
    try:
        with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
            schema = file.schema
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    fields = _fields(schema, path)

    def batches(skip: Skip, wanted: Sequence[int]) -> Iterator[pa.RecordBatch]:
        del skip
        try:
            # Not mapped: what was read of a map counts as this process's memory until it ends.
            with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
                for number in range(file.num_record_batches):
                    batch = file.get_batch(number)
                    kinds = [fields[index].type for index in wanted]
                    for start in range(0, len(batch), ROWS):
                        yield _picked(batch.slice(start, ROWS), wanted, kinds)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error

    return Opened(
        name=str(path),
        labels=tuple(schema.names),
        fields=fields,
        batches=batches,
        size=_PACKED * path.stat().st_size,
        key=file_key(path),
        formats={"Arrow": 1},
        metadata=schema.metadata or {},
    )


def _fields(schema: pa.Schema, path: Path) -> tuple[pa.Field, ...]:
    return tuple(plain_field(field, str(path)) for field in schema)


def _picked(
    batch: pa.RecordBatch, order: Sequence[int], kinds: Sequence[pa.DataType]
) -> pa.RecordBatch:
    columns = [plain_array(batch.column(i), kind) for i, kind in zip(order, kinds, strict=True)]
    return pa.RecordBatch.from_arrays(columns, [str(index) for index in range(len(columns))])


def _width(fields: Sequence[pa.Field]) -> int:
    """Bytes of a row, about."""
    fixed = (field.type.bit_width // 8 if _is_fixed(field.type) else 16 for field in fields)
    return sum(fixed)


def _is_fixed(kind: pa.DataType) -> bool:
    return not (pa.types.is_string(kind) or pa.types.is_dictionary(kind) or pa.types.is_null(kind))


def _unreadable(path: Path, error: Exception) -> SourceError:
    text = str(error).splitlines()[0]
    if "encrypt" in text.lower() or "decrypt" in text.lower():
        return SourceError(f"{path}: is encrypted; write it anew without a password")
    return SourceError(f"{path}: cannot be read ({text}); fetch or write it again")
