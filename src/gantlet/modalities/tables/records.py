"""Rows of a table in Arrow's memory: what the table modality calls its raw form."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from gantlet.types import Rows

Form = Literal["pandas", "polars", "arrow", "file"]  # what the user brought and gets back


class Records(Rows):
    """Rows of a table, picked by an integer array or a slice.

    The schema's metadata travel with the rows (pandas keeps its dtypes there), and so does the form
    in which the data came.

    Args:
        table: or what opens it, where it lies on disk and is mapped into memory.
    """

    def __init__(self, table: pa.Table | Callable[[], pa.Table], form: Form = "arrow") -> None:
        self._open = table if callable(table) else lambda: table
        self.form: Form = form
        self.shape: tuple[int, int] = self.table.shape  # rows and columns

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def table(self) -> pa.Table:
        """All rows; of a table on disk mapped anew, so that nobody keeps it mapped by asking.

        What was read of a map counts as the process's memory until it is closed: who goes through
        many rows asks for each column, or each part, again.
        """
        return self._open()

    def __getitem__(self, indices: np.ndarray | slice | int, /) -> "Records":
        """These rows, in this order; of a single number, one row."""
        chosen = np.atleast_1d(np.arange(len(self))[indices])
        places = pa.array(chosen)
        columns = [_taken(self.table.column(place), places) for place in range(self.shape[1])]
        return Records(pa.Table.from_arrays(columns, schema=self.table.schema), self.form)


def _taken(column: pa.ChunkedArray, places: pa.Array) -> pa.ChunkedArray:
    """These cells, with categories of their own: Arrow's would keep a whole map of a file open."""
    some = column.take(places)
    if not pa.types.is_dictionary(some.type):
        return some
    return pa.chunked_array(
        [
            pa.DictionaryArray.from_arrays(
                chunk.indices, pa.concat_arrays([chunk.dictionary, chunk.dictionary[:0]]),
                ordered=some.type.ordered,
            )
            for chunk in some.chunks
        ],
        some.type,
    )  # fmt: skip


def joined(parts: Sequence[Records]) -> Records:
    """The rows of all parts, one after the other; their columns must agree."""
    return Records(pa.concat_tables([part.table for part in parts]), parts[0].form)
