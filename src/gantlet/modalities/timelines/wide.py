"""Wide tables, each row a series and its steps columns: made long, and made wide again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.marks import COLUMNS, DTYPE, FORMAT, as_json, json_mark, marked
from gantlet.modalities.tables.packing import bytes_of, packed_values, text_of, unpacked_values
from gantlet.modalities.tables.records import Form, Records

ROW = "row"  # column that numbers the rows, where none tells them apart


@dataclass(frozen=True, eq=False)
class Wide:
    """Which columns of a wide table are which steps of what."""

    form: Form  # in which it came
    schema: pa.Schema  # as it came
    time: str  # column of the long table
    stamps: pa.Array  # of the steps, in order
    format: str | None  # in which these are written, if they are dates
    channels: Mapping[str, tuple[str, ...]]  # columns of each, in the order of the stamps
    is_whole: bool = False  # windows are whole rows, so that samples can be rows, too

    def told(self, rows: int) -> str:
        """What was found, a sentence."""
        first = next(iter(self.channels.values()))
        of = f" of {', '.join(self.channels)}" if len(self.channels) > 1 else ""
        return (
            f"Each of {rows:,} rows is a series: {len(first):,} steps{of}, '{first[0]}' to "
            f"'{first[-1]}'."
        )

    def long(self, table: pa.Table, entity: str | None) -> pa.Table:
        """A row for each step: all that is no step's, then the time and the values.

        Steps after the last that is not empty are left out.

        Args:
            entity: column that tells the rows apart; none: found, or they are numbered

        Raises:
            SourceError: steps of one thing are not of one type.
        """
        kept = [name for name in table.column_names if name not in self._steps]
        count, steps = len(table), len(self.stamps)
        values = {
            name: _below([table.column(one) for one in own], own)
            for name, own in self.channels.items()
        }
        # Of a row's step: its place in values, which lie step by step.
        places = np.arange(count * steps).reshape(steps, count).T
        going = _going(values.values(), places)
        row, step = np.nonzero(going)
        fields = [table.schema.field(name) for name in kept]
        columns = [table.column(name).take(pa.array(row)) for name in kept]
        if entity is None and count > 1 and not any(_tells_rows(table.column(n)) for n in kept):
            fields.append(self._new(unused(ROW, table.column_names), pa.int64()))
            columns.append(pa.array(row))
        written = {} if self.format is None else {FORMAT: self.format.encode()}
        fields.append(marked(self._new(self.time, self.stamps.type), written))
        columns.append(self.stamps.take(pa.array(step)))
        for name, cells in values.items():
            fields.append(self._new(name, cells.type, self.channels[name]))
            columns.append(cells.take(pa.array(places[going])))
        about = {COLUMNS: as_json({"names": [None], "dtype": "object"})}
        schema = pa.schema(fields, about if self.form == "pandas" else table.schema.metadata)
        return pa.Table.from_arrays(columns, schema=schema)

    def _new(self, name: str, kind: pa.DataType, like: Sequence[str] = ()) -> pa.Field:
        """A field of the long table; for a frame of pandas, of the data type that others had."""
        field = pa.field(name, kind)
        if self.form != "pandas":
            return field
        dtypes = [json_mark(self.schema.field(n), DTYPE) for n in like
                  if self.schema.field(n).type == kind]  # fmt: skip
        dtype = dtypes[0] if dtypes else np.dtype(kind.to_pandas_dtype()).name
        return marked(field, {DTYPE: as_json(dtype)})

    def records(self, table: pa.Table, starts: Int[np.ndarray, "n"]) -> Records | None:
        """Series of a long table as rows of the wide one; none where a row cannot hold them.

        Args:
            starts: each one's first step
        """
        places = arrays.places_of(_merged(table.column(self.time)), self.stamps)
        if not self.is_whole or (places < 0).any():
            return None
        whose = np.searchsorted(starts, np.arange(len(table)), side="right") - 1
        source = np.full((len(self.stamps), len(starts)), -1)
        source[places, whose] = np.arange(len(table))
        made = {
            name: table.column(name).take(pa.array(starts)).combine_chunks()
            for name in self.schema.names
            if name not in self._steps
        }
        for name, steps in self.channels.items():
            cells = _merged(table.column(name))
            for step, rows in zip(steps, source, strict=True):
                some = cells.take(pa.array(np.maximum(rows, 0), mask=rows < 0))
                made[step] = _as(some, self.schema.field(step).type)
        columns = [made[name] for name in self.schema.names]
        return Records(pa.Table.from_arrays(columns, schema=self.schema), self.form)

    def plain(self) -> dict[str, Any]:
        """As JSON; the inverse is `wide_form`."""
        return {
            "form": self.form, "schema": text_of(self.schema.serialize().to_pybytes()),
            "time": self.time, "stamps": packed_values(self.stamps), "format": self.format,
            "channels": {name: list(columns) for name, columns in self.channels.items()},
            "is_whole": self.is_whole,
        }  # fmt: skip

    @cached_property
    def _steps(self) -> frozenset[str]:
        return frozenset(name for columns in self.channels.values() for name in columns)


def wide_form(plain: Mapping[str, Any]) -> Wide:
    """The inverse of `Wide.plain`."""
    return Wide(
        plain["form"], pa.ipc.read_schema(pa.py_buffer(bytes_of(plain["schema"]))), plain["time"],
        unpacked_values(plain["stamps"]), plain["format"],
        {name: tuple(columns) for name, columns in plain["channels"].items()}, plain["is_whole"],
    )  # fmt: skip


def unused(name: str, names: Iterable[str]) -> str:
    """The name, with underscores until no other has it."""
    taken = set(names)
    while name in taken:
        name += "_"
    return name


def _below(columns: Sequence[pa.ChunkedArray], names: Sequence[str]) -> pa.Array:
    """One column below the other, in a type that holds all."""
    if pa.types.is_dictionary(columns[0].type) and len({str(c.type) for c in columns}) == 1:
        chunks = [chunk for column in columns for chunk in column.chunks]
        return _merged(pa.chunked_array(chunks, columns[0].type).unify_dictionaries())
    kinds = [arrays.simple_type(c.type, n) for c, n in zip(columns, names, strict=True)]
    kind = _common(kinds)
    if kind is None:
        odd = next(i for i, k in enumerate(kinds) if _common([k, *kinds[:i]]) is None)
        raise SourceError(
            f"columns '{names[0]}' and '{names[odd]}' are steps of one thing, but hold "
            f"{kinds[0]} and {kinds[odd]}; give them one type"
        )
    return pa.concat_arrays([_as(_merged(column), kind) for column in columns])


def _common(kinds: Sequence[pa.DataType]) -> pa.DataType | None:
    known = [kind for kind in kinds if not pa.types.is_null(kind)]
    if not known:
        return pa.float64()
    if all(kind == known[0] for kind in known):
        return known[0]
    if all(pa.types.is_integer(kind) for kind in known):
        return pa.int64()
    if all(pa.types.is_integer(k) or pa.types.is_floating(k) for k in known):
        return pa.float64()
    return None


def _going(columns: Iterable[pa.Array], places: Int[np.ndarray, "n t"]) -> Bool[np.ndarray, "n t"]:
    """Up to the last step at which a column is not empty."""
    there = np.zeros(places.shape, bool)
    for column in columns:
        there |= ~arrays.nulls(column)[places]
    return np.logical_or.accumulate(there[:, ::-1], axis=1)[:, ::-1]


def _tells_rows(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_boolean(kind) or column.null_count:
        return False
    return pc.count_distinct(column).as_py() == len(column)


def _merged(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


def _as(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    """The cells in a type that was not theirs; numbers that are to be whole are rounded."""
    if pa.types.is_floating(cells.type) and pa.types.is_integer(kind):
        cells = pc.round(cells)
    if cells.type == kind or not pa.types.is_dictionary(kind):
        return cells.cast(kind)
    coded = cells.cast(kind.value_type).dictionary_encode()
    places = coded.indices.cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(places, coded.dictionary, ordered=kind.ordered)
