"""Rows of a table in Arrow's memory: what the table modality calls its raw form."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from gantlet.types import Rows

Form = Literal["pandas", "polars", "arrow", "file"]  # what the user brought and gets back


class Records(Rows):
    """Rows of a table, picked by an integer array or a slice.

    The schema's metadata travel with the rows (pandas keeps its dtypes there), and so does the form
    in which the data came.
    """

    def __init__(self, table: pa.Table, form: Form = "arrow") -> None:
        self.table = table
        self.form: Form = form

    def __len__(self) -> int:
        return self.table.num_rows

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.table.shape

    def __getitem__(self, indices: np.ndarray | slice | int, /) -> "Records":
        """These rows, in this order; of a single number, one row."""
        chosen = np.atleast_1d(np.arange(len(self))[indices])
        return Records(self.table.take(pa.array(chosen)), self.form)


def joined(parts: Sequence[Records]) -> Records:
    """The rows of all parts, one after the other; their columns must agree."""
    return Records(pa.concat_tables([part.table for part in parts]), parts[0].form)
