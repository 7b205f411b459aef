"""Series as runs of a table's rows: what the modality of series calls its raw form."""

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from gantlet.modalities.tables.marks import DTYPE, as_json, marked
from gantlet.modalities.tables.records import Form, Records
from gantlet.modalities.timelines.dated import Dated, dated_form
from gantlet.modalities.timelines.wide import Wide, unused, wide_form
from gantlet.types import Rows

SERIES = "series"  # the column that numbers them where they are written one below the other
Shape = Literal["array"] | Form | Wide | Dated  # what the user brought and gets back


class Spans(Rows):
    """Each row is a series: the steps of a table from a start to a stop, which may overlap."""

    def __init__(
        self,
        table: pa.Table,
        starts: Int[np.ndarray, "n"],
        stops: Int[np.ndarray, "n"],
        form: Shape = "arrow",
        numbers: Int[np.ndarray, "n"] | None = None,
    ) -> None:
        """
        Args:
            numbers: what each series is called; none: from 0 on
        """
        self.table, self.starts, self.stops = table, starts, stops
        self.form: Shape = form
        self.numbers = np.arange(len(starts)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Series, steps of the longest, columns."""
        return len(self), int(self.lengths.max(initial=0)), self.table.num_columns

    @property
    def lengths(self) -> Int[np.ndarray, "n"]:
        """Steps of each."""
        return self.stops - self.starts

    def __getitem__(self, indices: np.ndarray | slice | int, /) -> "Spans":
        """These series, in this order; of a single number, one."""
        chosen = np.atleast_1d(np.arange(len(self))[indices])
        return Spans(
            self.table, self.starts[chosen], self.stops[chosen], self.form, self.numbers[chosen]
        )

    def steps(self) -> Int[np.ndarray, "steps"]:
        """Rows of the table that the series are made of, one series after the other."""
        lengths = self.lengths
        ends = np.cumsum(lengths)
        return np.arange(ends[-1] if len(ends) else 0) + np.repeat(
            self.starts - (ends - lengths), lengths
        )

    def apart(self) -> "Spans":
        """The same series on a table of their own steps, one below the other."""
        ends = np.cumsum(self.lengths)
        whole = len(self) and np.array_equal(self.starts, ends - self.lengths)
        if whole and len(self.table) == ends[-1]:
            return self
        table = self.table.take(pa.array(self.steps()))
        return Spans(table, ends - self.lengths, ends, self.form, self.numbers)

    def records(self) -> Records:
        """All steps as rows of one table, their series' number before them.

        Series that were the rows of a wide table are its rows again; a time that was joined is
        left out.
        """
        own = self.apart()
        if isinstance(own.form, Wide):
            rows = own.form.records(own.table, own.starts)
            if rows is not None:
                return rows
        table = own.table
        if isinstance(own.form, Dated):
            table = table.drop_columns([own.form.time])
        shape = own.form if isinstance(own.form, str) else own.form.form
        form: Form = "arrow" if shape == "array" else shape
        column = pa.array(np.repeat(own.numbers, own.lengths))
        dtype = "int64" if form == "pandas" else "Int64"  # as that library calls it
        name = unused(SERIES, table.column_names)
        field = marked(pa.field(name, column.type), {DTYPE: as_json(dtype)})
        return Records(table.add_column(0, field, column), form)


def long_form(form: Shape) -> Literal["array"] | Form | Dated:
    """The same without columns for steps."""
    return form.form if isinstance(form, Wide) else form


def plain_form(form: Shape) -> Any:
    """As JSON; the inverse is `form_of`."""
    return form if isinstance(form, str) else {"is": type(form).__name__, **form.plain()}


def form_of(plain: Any) -> Shape:
    """The inverse of `plain_form`."""
    if isinstance(plain, str):
        return cast(Shape, plain)
    return dated_form(plain) if plain.get("is") == Dated.__name__ else wide_form(plain)


def joined(parts: Sequence[Spans]) -> Spans:
    """The series of all parts, one after the other; their columns must agree."""
    own = [part.apart() for part in parts]
    shifts = np.cumsum([0, *(len(part.table) for part in own)])[:-1]
    return Spans(
        pa.concat_tables([part.table for part in own]),
        np.concatenate([part.starts + shift for part, shift in zip(own, shifts, strict=True)]),
        np.concatenate([part.stops + shift for part, shift in zip(own, shifts, strict=True)]),
        own[0].form,
        np.concatenate([part.numbers for part in own]),
    )
