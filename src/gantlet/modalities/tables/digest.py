"""SHA-256 over the columns and values of a table, the same however its rows are parted."""

import hashlib
import json

import numpy as np
import pyarrow as pa

from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.marks import DECIMAL, FALSE, FORMAT, LABEL, NULL, TRUE, TYPE, mark

_SPELLING = (NULL, TRUE, FALSE, FORMAT, DECIMAL, LABEL, TYPE)  # part of what is given back


class Digest:
    """A fingerprint that rows are added to."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns = [_ColumnDigest() for _ in schema]
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """More rows, in the schema's types, their categories the same in each batch."""
        for column, digest in zip(batch.columns, self._columns, strict=True):
            digest.add(column, self._rows)
        self._rows += len(batch)

    def hexdigest(self) -> str:
        """Of all rows so far."""
        columns = [
            [field.name, str(field.type), digest.hexdigests(), [mark(field, k) for k in _SPELLING]]
            for field, digest in zip(self._schema, self._columns, strict=True)
        ]
        return hashlib.sha256(json.dumps([self._rows, columns]).encode()).hexdigest()


class _ColumnDigest:
    def __init__(self) -> None:
        self._values, self._ends, self._nulls = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
        self._categories: pa.Array | None = None

    def add(self, column: pa.Array, start: int) -> None:
        if column.null_count:
            nulls = pc.indices_nonzero(pc.is_null(column)).to_numpy().astype("<u8")
            self._nulls.update((nulls + np.uint64(start)).tobytes())
            column = column.drop_null()
        if pa.types.is_dictionary(column.type):
            self._categories = column.dictionary
            column = column.indices
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        data = None if pa.types.is_null(column.type) else column.buffers()[-1]
        if data is None:
            return
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            ends = np.frombuffer(column.buffers()[1], np.int32)
            ends = ends[column.offset : column.offset + len(column) + 1]
            self._ends.update(np.diff(ends).astype("<i4").tobytes())
            first, last = int(ends[0]), int(ends[-1])
        else:
            width = column.type.bit_width // 8
            first, last = column.offset * width, (column.offset + len(column)) * width
        self._values.update(memoryview(data)[first:last])

    def hexdigests(self) -> list[str]:
        found = [self._values.hexdigest(), self._ends.hexdigest(), self._nulls.hexdigest()]
        if self._categories is not None:
            categories = _ColumnDigest()
            categories.add(self._categories, 0)
            found += categories.hexdigests()
        return found
