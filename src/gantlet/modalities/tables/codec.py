"""Rows of a table ↔ one-hot blocks of choices, then positions in [-1, 1]; exact both ways."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Float32, Int, Integer
from torch import Tensor

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.aligning import aligned
from gantlet.modalities.tables.bins import GRID
from gantlet.modalities.tables.columns import ColumnNote, Drawn, Seeds, Split, encoding_of
from gantlet.modalities.tables.digits import offsets
from gantlet.modalities.tables.finding import related
from gantlet.modalities.tables.hashing import row_hashes, uniform
from gantlet.modalities.tables.kinds import KINDS, Column, fit_column
from gantlet.modalities.tables.packing import bytes_of, text_of
from gantlet.modalities.tables.records import Form, Records
from gantlet.modalities.tables.relations import (
    FormulaColumn,
    LookupColumn,
    Order,
    in_words,
    put_in_order,
)
from gantlet.types import Rows

AT_ONCE = 1 << 17  # rows turned into codes, or back, in one go
MOST_KNOTS, FEWEST_KNOTS, ALL_KNOTS = 1 << 16, 1 << 12, 1 << 21  # a column's, and all columns'


class Coded(Rows):
    """Rows of a table as a codec has coded them, small and quick to pick from."""

    def __init__(
        self, codes: Integer[np.ndarray, "n blocks"], positions: Float32[np.ndarray, "n p"]
    ) -> None:
        self.codes = codes
        self.positions = positions

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, indices: np.ndarray | slice, /) -> "Coded":
        return Coded(self.codes[indices], self.positions[indices])


@dataclass(frozen=True, eq=False)
class TableCodec:
    """The columns' kinds, and the schema that rows come back with.

    A sample is one block of 0 and 1 for each choice, then a position for each choice that is a
    range. Real rows have positions that are uniform in their range, and follow from the row alone.
    """

    schema: pa.Schema
    form: Form
    kinds: tuple[Column, ...]  # one a column
    orders: tuple[Order, ...] = ()

    @property
    def blocks(self) -> tuple[int, ...]:
        """Choices of each block, in order."""
        return self._blocks

    @property
    def shape(self) -> tuple[int, ...]:
        return (sum(self._blocks) + sum(part.positioned for part in self._parts),)

    @cached_property
    def _blocks(self) -> tuple[int, ...]:
        return tuple(size for part in self._parts for size in part.digits.sizes)

    @property
    def columns(self) -> tuple[ColumnNote, ...]:
        """Each column's kind, why it was taken for one, and how it is encoded."""
        return tuple(
            ColumnNote(name, kind.kind, kind.why, encoding_of(kind.parts), kind.is_modelled)
            for name, kind in zip(self.schema.names, self.kinds, strict=True)
        )

    @property
    def relations(self) -> tuple[str, ...]:
        """What holds between columns and is kept, a sentence each."""
        names = self.schema.names
        derived = [
            f"'{name}' {kind.why}" if isinstance(kind, LookupColumn) else kind.why
            for name, kind in zip(names, self.kinds, strict=True)
            if isinstance(kind, (LookupColumn, FormulaColumn))
        ]
        return (*derived, *in_words(names, self.orders))

    def encode(self, rows: Records | Coded) -> Float[Tensor, "n width"]:
        coded = rows if isinstance(rows, Coded) else self.coded(rows)
        count, starts = len(coded), offsets(self.blocks)
        samples = np.zeros((count, *self.shape), np.float32)
        places = coded.codes + (starts[:-1] + np.arange(count)[:, None] * self.shape[0])
        samples.reshape(-1)[places] = 1
        samples[:, starts[-1] :] = coded.positions
        return torch.from_numpy(samples)

    def decode(self, samples: Float[Tensor, "n width"], first: int = 0) -> Records:
        """The rows of these samples; of a block that is not 0 and 1, the largest is meant.

        Args:
            first: number of the first row among all that are decoded in parts; identifiers
                count on from it
        """
        coded = self.coded_samples(samples)
        return self.decode_codes(coded.codes, coded.positions, first)

    def decode_numbers(self, samples: Float[Tensor, "n numbers"], first: int = 0) -> Records:
        """The same of samples that hold a number for each block."""
        values, blocks = samples.detach().to("cpu", torch.float32).numpy(), len(self.blocks)
        return self.decode_codes(values[:, :blocks].astype(np.int64), values[:, blocks:], first)

    def coded_samples(self, samples: Float[Tensor, "n width"]) -> Coded:
        """What each sample means: the inverse of `encode` of rows that are coded."""
        values = samples.detach().to("cpu", torch.float32).numpy()
        return Coded(self._chosen(values), values[:, offsets(self.blocks)[-1] :])

    def codes(self, rows: Records) -> Integer[np.ndarray, "n blocks"]:
        """The choice of each block."""
        return self.coded(rows).codes

    def coded(self, rows: Records) -> Coded:
        """The rows' codes and positions, to keep beside a table and to encode batches of."""
        dtype = np.uint8 if max(self.blocks, default=0) <= 256 else np.uint16
        codes = np.empty((len(rows), len(self.blocks)), dtype)
        positions = np.empty((len(rows), self.shape[0] - sum(self.blocks)), np.float32)
        for start in range(0, len(rows), AT_ONCE):
            span = slice(start, start + AT_ONCE)
            some = aligned(rows.table.slice(start, AT_ONCE), self.schema)
            self._code(some.columns, codes[span], positions[span])
        return Coded(codes, positions)

    def decode_codes(
        self,
        codes: Integer[np.ndarray, "n blocks"],
        positions: Float[np.ndarray, "n p"],
        first: int = 0,
    ) -> Records:
        """The rows of these choices and positions: `decode` without the one-hot blocks."""
        batches = [
            self._joined(codes[at : at + AT_ONCE], positions[at : at + AT_ONCE], first + at)
            for at in range(0, max(len(codes), 1), AT_ONCE)
        ]
        columns = [pa.chunked_array(chunks) for chunks in zip(*batches, strict=True)]
        return Records(pa.Table.from_arrays(columns, schema=self.schema), self.form)

    def plain(self) -> dict[str, Any]:
        """As JSON; the inverse is `table_codec`."""
        return {
            "schema": text_of(self.schema.serialize().to_pybytes()),
            "form": self.form,
            "orders": [list(order) for order in self.orders],
            "columns": [
                {"name": note.name, "is": name_of(kind), **kind.plain()}
                for note, kind in zip(self.columns, self.kinds, strict=True)
            ],
        }

    @cached_property
    def _parts(self) -> list[Any]:
        return [part for kind in self.kinds for part in kind.parts]

    def _code(
        self,
        columns: Sequence[pa.ChunkedArray],
        codes: Integer[np.ndarray, "n blocks"],
        positions: Float32[np.ndarray, "n p"],
    ) -> None:
        splits: list[Split] = []
        for field, column, kind in zip(self.schema, columns, self.kinds, strict=True):
            if not isinstance(kind, (LookupColumn, FormulaColumn)):
                splits += kind.split(arrays.simple(column, field.type, field.name))
        block, position = 0, 0
        for part, split in zip(self._parts, splits, strict=True):
            width = len(part.digits.sizes)
            codes[:, block : block + width] = part.digits.table[split.choice]
            block += width
        cells = [split.low for split in splits if split.low is not None]
        hashes = row_hashes(len(codes), [split.choice for split in splits] + cells)
        for number, (part, split) in enumerate(zip(self._parts, splits, strict=True)):
            if part.positioned:
                assert split.low is not None
                assert split.width is not None
                places = split.low + np.floor(uniform(hashes, number) * split.width)
                positions[:, position] = places * (2 / GRID) - 1
                position += 1

    def _joined(
        self,
        codes: Integer[np.ndarray, "n blocks"],
        positions: Float[np.ndarray, "n p"],
        first: int,
    ) -> list[pa.Array]:
        drawn = list(self._drawn(codes, positions))
        hashes = np.zeros(0, np.uint64)
        if not all(kind.is_modelled for kind in self.kinds):
            hashes = row_hashes(len(codes), [part.choice for part in drawn])
        seeds = Seeds(np.arange(first, first + len(codes)), hashes)
        starts = offsets([len(kind.parts) for kind in self.kinds])
        columns: list[Any] = [None] * len(self.kinds)
        for place, kind in enumerate(self.kinds):
            if isinstance(kind, LookupColumn):
                columns[place] = kind.found(drawn[starts[kind.source]])
            elif not isinstance(kind, FormulaColumn):
                columns[place] = kind.join(drawn[starts[place] : starts[place + 1]], seeds)
        put_in_order(columns, self.orders)
        for place, kind in enumerate(self.kinds):
            if isinstance(kind, FormulaColumn):
                columns[place] = kind.worked_out([columns[source] for source in kind.sources])
        return [arrays.restored(c, f.type) for c, f in zip(columns, self.schema, strict=True)]

    def _drawn(
        self, codes: Integer[np.ndarray, "n blocks"], positions: Float[np.ndarray, "n p"]
    ) -> Iterator[Drawn]:
        block, position = 0, 0
        for part in self._parts:
            width = len(part.digits.sizes)
            choice = part.digits.choices(codes[:, block : block + width])
            block += width
            if part.positioned:
                places = (positions[:, position].astype(np.float64) + 1) * (GRID / 2)
                position += 1
                yield Drawn(choice, places)
            else:
                yield Drawn(choice)

    def _chosen(self, samples: Float32[np.ndarray, "n width"]) -> Int[np.ndarray, "n blocks"]:
        """The largest of each block: by one product where all blocks are 0 and 1."""
        starts = offsets(self.blocks)
        count, total = len(self.blocks), int(starts[-1])
        weights = np.zeros((total, count), np.float32)
        for block, start in enumerate(starts[:-1]):
            weights[start : starts[block + 1], block] = np.arange(self.blocks[block])
        choice = np.empty((len(samples), count), np.int64)
        values, last = samples.reshape(-1), np.array(self.blocks) - 1
        rows = np.arange(len(samples))[:, None] * samples.shape[1]
        for at in range(0, len(samples), AT_ONCE >> 4):
            some = samples[at : at + (AT_ONCE >> 4), :total]
            means = np.rint(some @ weights)  # fmax: what is no number is no choice either
            rounded = np.minimum(np.fmax(means, 0), last).astype(np.int64)
            sharp = values.take(rounded + starts[:-1] + rows[at : at + len(some)]) == 1
            for block in np.flatnonzero(~sharp.all(0)):
                rounded[:, block] = some[:, starts[block] : starts[block + 1]].argmax(1)
            choice[at : at + len(some)] = rounded
        return choice


def table_codec(plain: Mapping[str, Any]) -> TableCodec:
    """The inverse of `TableCodec.plain`."""
    schema = pa.ipc.read_schema(pa.py_buffer(bytes_of(plain["schema"])))
    kinds = [
        KINDS[column["is"]].read(arrays.simple_type(field.type, field.name), column)
        for field, column in zip(schema, plain["columns"], strict=True)
    ]
    orders = tuple((low, high) for low, high in plain["orders"])
    return TableCodec(schema, plain["form"], tuple(kinds), orders)


def name_of(kind: Column) -> str:
    """The name under which KINDS reads this column again."""
    return next(name for name, entry in KINDS.items() if type(kind) is entry.type)


def fit_table(rows: Records) -> TableCodec:
    """The codec of these rows, found column by column.

    Raises: SourceError where there is no row or no column, or where a cell is no single value.
    """
    schema = rows.table.schema
    for field in schema:
        arrays.simple_type(field.type, field.name)
    if not len(rows) or not len(schema):
        raise SourceError("the table has no rows or no columns: there is nothing to learn from")
    knots = int(np.clip(ALL_KNOTS // len(schema), FEWEST_KNOTS, MOST_KNOTS))

    def cells(place: int) -> pa.Array:
        field = schema.field(place)
        return arrays.simple(rows.table.column(place), field.type, field.name)

    fitted = []
    for place in range(len(schema)):
        fitted.append(fit_column(cells(place), knots))
        pa.default_memory_pool().release_unused()
    kinds, orders = related(fitted, schema.names, cells, len(rows))
    return TableCodec(schema, rows.form, tuple(kinds), tuple(orders))
