"""Series ↔ rows over time: held choices, each step's choices, each step's values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.aligning import aligned
from gantlet.modalities.tables.columns import Seeds
from gantlet.modalities.tables.digits import offsets
from gantlet.modalities.tables.hashing import row_hashes, uniform
from gantlet.modalities.tables.packing import bytes_of, text_of
from gantlet.modalities.tables.relations import Order, in_words, put_in_order
from gantlet.modalities.timelines.calendar_columns import CalendarColumn
from gantlet.modalities.timelines.clock import Clock
from gantlet.modalities.timelines.coded import Coded, settled
from gantlet.modalities.timelines.columns import Channel, Choice, Derived, Gap, Name, channel_of
from gantlet.modalities.timelines.dated import Dated
from gantlet.modalities.timelines.levels import Level
from gantlet.modalities.timelines.regimes import Regimes, regimes, window_features
from gantlet.modalities.timelines.spans import Shape, Spans, form_of, plain_form
from gantlet.types import Timed


@dataclass(frozen=True, eq=False)
class SeriesCodec:
    """The columns' kinds, the clock, and the schema that series come back with."""

    schema: pa.Schema
    form: Shape
    length: int
    ends: bool  # series differ in length, so that a choice tells where one is over
    time: str | None
    clock: Clock | None
    channels: tuple[Channel, ...]  # one a column
    orders: tuple[Order, ...] = ()
    regimes: Regimes | None = None  # of a record's windows: a held choice after the calendar

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.length, sum(self.blocks) + len(self._levels))

    @property
    def blocks(self) -> tuple[int, ...]:
        """Sizes of the choices: the calendar's and held ones, then each step's."""
        return self._blocks

    @cached_property
    def _blocks(self) -> tuple[int, ...]:
        flags = [size for one, _ in self._levels for size in one.sizes]
        chosen = [size for c in self._stepped for size in c.sizes]
        return (*self._held_sizes, *([2] if self.ends else []), *flags, *chosen)

    @cached_property
    def timed(self) -> Timed:
        """How a sample is made up."""
        place, governed = len(self._held_sizes) + self.ends, []
        for one, _ in self._levels:
            governed.append(place if one.sizes else -1)
            place += len(one.sizes)
        turning, late = (0, ()) if self.clock is None else (self.clock.turning, self.clock.late)
        calendar = len(self.clock.sizes) if self.clock is not None else 0
        kind = -1 if self.regimes is None else calendar
        held = len(self._held_sizes)
        return Timed(held, turning, int(self.ends), tuple(governed), late, kind)

    def encode(self, rows: Spans | Coded) -> Float[Tensor, "n t width"]:
        coded = rows if isinstance(rows, Coded) else self.coded(rows)
        ahead = np.arange(self.length)
        places = coded.starts[:, None] + ahead
        going = places < coded.stops[:, None]
        held = int(sum(self._held_sizes))
        samples = np.zeros((len(coded), *self.shape), np.float32)
        if len(coded):
            body = coded.steps[np.minimum(places, coded.stops[:, None] - 1)]
            if self.ends:
                samples[:, :, held] = going
                samples[:, :, held + 1] = ~going
            first = held + 2 * self.ends
            samples[:, :, first:] = settled(body, going, [one for one, _ in self._levels])
        each, at = np.arange(len(coded))[:, None], 0
        for block, size in enumerate(self._held_sizes):
            choice = coded.held[:, block, None] + (ahead if block < self.timed.turning else 0)
            samples[each, ahead, at + choice % size] = 1
            at += size
        return torch.from_numpy(samples)

    def coded(self, rows: Spans) -> Coded:
        """Each step coded once, however many series it is in."""
        aligned = self.aligned(rows.table)
        if len(rows) and len(aligned) > 2 * rows.lengths.sum():
            rows = Spans(aligned, rows.starts, rows.stops, rows.form, rows.numbers).apart()
            aligned = rows.table
        columns: list[np.ndarray] = []
        values: list[np.ndarray] = []
        cells = [self._cells(aligned, place) for place in range(len(self.schema))]
        for one, place in self._levels:
            channel, given = self.channels[place], cells[place]
            if isinstance(channel, Gap):
                given = channel.gaps(given)
            choice, height = one.split(given)
            if one.sizes:
                columns.append(_one_hot(choice, one.sizes[0]))
            values.append(height)
        held = [c.tolist() for c in self._calendar(cells, rows)]
        if self.regimes is not None:
            features = window_features(np.stack(values, 1), rows.starts, rows.stops)
            held.append(self.regimes.of(features).tolist())
        for place, channel in enumerate(self.channels):
            if isinstance(channel, Choice):
                codes = channel.codes(cells[place])
                if channel.is_held:
                    held += codes[rows.starts].T.tolist()
                else:
                    columns += [_one_hot(codes[:, i], size) for i, size in enumerate(channel.sizes)]
        steps = np.concatenate([*columns, *(v[:, None] for v in values)], 1) if (
            columns or values
        ) else np.zeros((len(aligned), 0))  # fmt: skip
        return Coded(
            steps.astype(np.float32), rows.starts, rows.stops,
            np.array(held, np.int64).reshape(-1, len(rows)).T,
        )  # fmt: skip

    def decode(self, samples: Float[Tensor, "n t width"], first: int = 0) -> Spans:
        """The series of these samples; of choices that are not 0 and 1 the largest is meant.

        Args:
            first: number of the first series among all that are decoded in parts
        """
        x = samples.detach().to("cpu", torch.float64).numpy()
        count, starts = len(x), offsets(self.blocks)
        codes = [x[:, :, a:b].argmax(2) for a, b in pairwise(starts)]
        held, own = codes[: self.timed.held], codes[self.timed.held :]
        going = np.ones((count, self.length), bool)
        if self.ends:
            going = np.logical_and.accumulate(own[0] == 0, axis=1)
            going[:, 0] = True
            own = own[1:]
        lengths = going.sum(1)
        numbers = np.arange(first, first + count)
        hashes = row_hashes(count, [numbers, *(h[:, 0] for h in held)])
        heights, flags = x[:, :, starts[-1] :], iter(own)
        columns: dict[int, pa.Array] = {}
        for (one, place), given in zip(self._levels, heights.transpose(2, 0, 1), strict=True):
            choice = next(flags) if one.sizes else np.zeros(given.shape, np.int64)
            both = (choice, given)
            if self.channels[place].is_held:
                both = [np.repeat(part[:, :1], self.length, 1) for part in both]
            columns[place] = one.join(*(part[going] for part in both))
        calendar = self.clock.sizes if self.clock is not None else ()
        attributes = iter(held[len(calendar) + (self.regimes is not None) :])
        rows = np.repeat(numbers, lengths)
        steps = Seeds(rows, np.repeat(hashes, lengths))
        for place, channel in enumerate(self.channels):
            if isinstance(channel, Choice):
                source = attributes if channel.is_held else flags
                picked = [next(source) for _ in channel.sizes]
                columns[place] = channel.cells([p[going] for p in picked], steps)
            elif isinstance(channel, Name) and self.schema.names[place] != self.time:
                columns[place] = channel.cells(rows)
        if self.time is not None:
            begun = [h[:, 0] for h in held[: len(calendar)]]
            gaps = columns.get(self.schema.get_field_index(self.time))
            columns |= self.told_by(self._stamped(begun, hashes, going, gaps))
        put_in_order(columns, self.orders)
        for place, channel in enumerate(self.channels):
            if isinstance(channel, Derived):
                sources = [columns[source] for source in channel.column.sources]
                columns[place] = channel.column.worked_out(sources)
        table = pa.Table.from_arrays(
            [arrays.restored(columns[i], f.type) for i, f in enumerate(self.schema)],
            schema=self.schema,
        )
        ends = np.cumsum(lengths)
        return Spans(table, ends - lengths, ends, self.form, numbers)

    def told_by(self, stamps: Int[np.ndarray, "n"]) -> dict[int, pa.Array]:
        """The columns, by their places, that stamps settle: the time and what it tells."""
        kind = arrays.simple_type(self.schema.field(self.time).type, str(self.time))
        whole = arrays.of_words(stamps.view(np.uint64), 0, np.zeros(len(stamps), bool), kind)
        told = {i: c.cells(stamps) for i, c in enumerate(self.channels)
                if isinstance(c, CalendarColumn)}  # fmt: skip
        return {self.schema.get_field_index(str(self.time)): whole, **told}

    def plain(self) -> dict[str, Any]:
        """As JSON; the inverse is `series_codec`."""
        return {
            "schema": text_of(self.schema.serialize().to_pybytes()),
            "form": plain_form(self.form),
            "length": self.length, "ends": self.ends, "time": self.time,
            "clock": None if self.clock is None else self.clock.plain(),
            "columns": [
                {"name": name, **channel.plain()}
                for name, channel in zip(self.schema.names, self.channels, strict=True)
            ],
            "orders": [list(order) for order in self.orders],
            "regimes": None if self.regimes is None else self.regimes.plain(),
        }  # fmt: skip

    @property
    def relations(self) -> tuple[str, ...]:
        """What holds between columns in each step and is kept, a sentence each."""
        derived = [c.column.why for c in self.channels if isinstance(c, Derived)]
        return (*derived, *in_words(self.schema.names, self.orders))

    @cached_property
    def _levels(self) -> list[tuple[Level, int]]:
        """Columns of numbers, and where they stand."""
        return [(c.level, i) for i, c in enumerate(self.channels) if c.level is not None]

    @cached_property
    def _stepped(self) -> list[Choice]:
        return [c for c in self.channels if isinstance(c, Choice) and not c.is_held]

    @cached_property
    def _held_sizes(self) -> tuple[int, ...]:
        calendar = self.clock.sizes if self.clock is not None else ()
        levels = () if self.regimes is None else (len(self.regimes),)
        kept = [c for c in self.channels if isinstance(c, Choice) and c.is_held]
        return (*calendar, *levels, *(size for c in kept for size in c.sizes))

    def _calendar(self, cells: Sequence[pa.Array], rows: Spans) -> list[Int[np.ndarray, "n"]]:
        if self.clock is None or self.time is None:
            return []
        stamps = arrays.words(cells[self.schema.get_field_index(self.time)]).view(np.int64)
        return self.clock.calendar(stamps[rows.starts])

    def _stamped(
        self,
        calendar: list[Int[np.ndarray, "n"]],
        hashes: np.ndarray,
        going: np.ndarray,
        gaps: pa.Array | None,
    ) -> Int[np.ndarray, "s"]:
        assert self.clock is not None
        stamps = self.clock.stamps(calendar, uniform(hashes, 0), self.length)
        if gaps is not None:
            apart = np.zeros(going.shape, np.int64)
            apart[going] = np.maximum(gaps.to_numpy(), 0)
            apart[:, 0] = 0
            stamps = stamps[:, :1] + np.cumsum(apart, 1)
        return stamps[going]

    def _cells(self, table: pa.Table, place: int) -> pa.Array:
        field = self.schema.field(place)
        return arrays.simple(table.column(place), field.type, field.name)

    def brought(self, rows: Spans) -> Spans:
        """The same series in the types and the form that were learnt."""
        own = rows.apart()
        table = self.aligned(own.table)
        cells = [self._cells(table, place) for place in range(len(self.schema))]
        columns = [arrays.restored(c, f.type) for c, f in zip(cells, self.schema, strict=True)]
        table = pa.Table.from_arrays(columns, schema=self.schema)
        return Spans(table, own.starts, own.stops, self.form, own.numbers)

    def stamps_of(self, table: pa.Table) -> Int[np.ndarray, "n"]:
        """The time of each row, in its column's units."""
        place = self.schema.get_field_index(str(self.time))
        return arrays.words(self._cells(table, place)).view(np.int64)

    def aligned(self, table: pa.Table) -> pa.Table:
        """The table's columns in the order of the codec's; others are left out."""
        if isinstance(self.form, Dated) and self.form.time not in table.column_names:
            table = self.form.joined(table)
        return aligned(table, self.schema)


def _one_hot(choice: Int[np.ndarray, "n"], size: int) -> Float32[np.ndarray, "n size"]:
    return np.eye(size, dtype=np.float32)[choice]


def series_codec(plain: Mapping[str, Any]) -> SeriesCodec:
    """The inverse of `SeriesCodec.plain`."""
    schema = pa.ipc.read_schema(pa.py_buffer(bytes_of(plain["schema"])))
    channels = tuple(
        channel_of(arrays.simple_type(field.type, field.name), column)
        for field, column in zip(schema, plain["columns"], strict=True)
    )
    clock = None if plain["clock"] is None else Clock(**plain["clock"])
    orders = tuple((low, high) for low, high in plain.get("orders", ()))
    return SeriesCodec(
        schema, form_of(plain["form"]), plain["length"], plain["ends"], plain["time"], clock,
        channels, orders, regimes(plain.get("regimes")),
    )  # fmt: skip
