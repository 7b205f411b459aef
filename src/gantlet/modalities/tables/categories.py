"""Columns of categories: each distinct cell is a choice, the empty one too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.columns import Drawn, Part, Seeds, Split
from gantlet.modalities.tables.digits import digits_for
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.packing import packed, packed_values, unpacked, unpacked_values

FEW = 20  # distinct values up to which categories may well be numbers
MOSTLY = 0.5  # of the rows
SHOWN = 3
NUMBER = r"^\s*[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?\s*$"


@dataclass(frozen=True, eq=False)
class CategoryColumn:
    """Distinct cells in the order of their choices; null, where seen, is choice 0.

    A category that was not seen stands as the most frequent one.
    """

    type: pa.DataType  # simple; of a dictionary, that of its values
    values: pa.Array
    rows: Int[np.ndarray, "k"]  # how often each choice was seen, null first
    has_null: bool
    dictionary: pa.DictionaryArray | None  # an empty one that holds all its categories
    kind: str
    why: str

    is_modelled = True

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (Part(digits_for(self.rows), False),)

    def split(self, cells: pa.Array) -> list[Split]:
        usual = int(self.rows.argmax())
        null = 0 if self.has_null else usual
        if len(self.values) == 0:
            return [Split(np.zeros(len(cells), np.int64))]
        if isinstance(cells, pa.DictionaryArray):
            of_entry = self._choices(cells.dictionary, usual)
            of_entry[arrays.nulls(cells.dictionary)] = null
            entry = cells.indices.fill_null(0).to_numpy()
            choice = of_entry[entry] if len(of_entry) else np.full(len(cells), null)
        else:
            choice = self._choices(cells, usual)
        if cells.null_count:
            choice[arrays.nulls(cells)] = null
        return [Split(choice)]

    def join(self, drawn: Sequence[Drawn], seeds: Seeds) -> pa.Array:
        del seeds
        place = drawn[0].choice - self.has_null
        empty = place < 0 if self.has_null else None
        if self.dictionary is None:
            if len(self.values) == 0:
                return pa.nulls(len(place), self.type)
            return self.values.take(pa.array(place, mask=empty))
        index = self._entries[place] if len(self.values) else np.zeros(len(place), np.int64)
        return pa.DictionaryArray.from_arrays(
            pa.array(index, self.dictionary.indices.type, mask=empty),
            self.dictionary.dictionary,
            ordered=self.dictionary.type.ordered,
        )

    def plain(self) -> dict[str, Any]:
        return {
            "values": packed_values(self.values),
            "rows": packed(self.rows),
            "has_null": self.has_null,
            "dictionary": None if self.dictionary is None else packed_values(self.dictionary),
            "kind": self.kind,
            "why": self.why,
        }

    def _choices(self, cells: pa.Array, usual: int) -> Int[np.ndarray, "n"]:
        place = arrays.places_of(cells, self.values)
        place[place >= 0] += self.has_null
        place[place < 0] = usual
        return place

    @cached_property
    def _entries(self) -> Int[np.ndarray, "v"]:
        """Where each value stands in the dictionary."""
        assert self.dictionary is not None
        return arrays.places_of(self.values, self.dictionary.dictionary)


def category_column(kind: pa.DataType, plain: Mapping[str, Any]) -> CategoryColumn:
    """The inverse of `CategoryColumn.plain`."""
    dictionary = plain["dictionary"]
    return CategoryColumn(
        type=kind,
        values=unpacked_values(plain["values"]),
        rows=unpacked(plain["rows"]),
        has_null=plain["has_null"],
        dictionary=None if dictionary is None else unpacked_values(dictionary),
        kind=plain["kind"],
        why=plain["why"],
    )


def fit_categories(cells: pa.Array) -> CategoryColumn:
    """The column of these cells: by frequency, or in order where their type has one."""
    dictionary = None
    if isinstance(cells, pa.DictionaryArray):
        dictionary = cells[:0]
        counted = cells.value_counts()
        values, counts = counted.field(0), counted.field(1).to_numpy()
        values = values.dictionary_decode()
    elif pa.types.is_null(cells.type):
        values, counts = cells[:0], np.zeros(0, np.int64)
    else:
        counted = cells.value_counts()
        values, counts = counted.field(0), counted.field(1).to_numpy()
    seen = ~arrays.nulls(values)
    null_rows = len(cells) - int(counts[seen].sum())
    values, counts = values.filter(pa.array(seen)), counts[seen].astype(np.int64)
    if dictionary is not None and cells.type.ordered:
        order = np.argsort(arrays.places_of(values, dictionary.dictionary), kind="stable")
    elif pa.types.is_decimal(values.type):
        order = np.array(sorted(range(len(values)), key=values.to_pylist().__getitem__), np.int64)
    else:
        order = np.argsort(-counts, kind="stable")
    rows = counts[order]
    if null_rows:
        rows = np.append(null_rows, rows)
    words = [f"{len(values):,} distinct values" if len(values) != 1 else "one value"]
    words += [f"null in {null_rows / len(cells):.1%}"] if null_rows and len(values) else []
    words += _but_for(values.take(pa.array(order)), counts[order])
    kind = "constant" if len(rows) == 1 else "category"
    return CategoryColumn(
        type=cells.type.value_type if dictionary is not None else cells.type,
        values=values.take(pa.array(order)),
        rows=rows,
        has_null=bool(null_rows),
        dictionary=dictionary,
        kind=kind if len(values) else "empty",
        why="; ".join(words) if len(values) else "every cell is null",
    )


def _but_for(values: pa.Array, rows: Int[np.ndarray, "k"]) -> list[str]:
    """What keeps a column of numbers from being one, and the way out; frequent values first."""
    if len(values) <= FEW or not arrays.is_text(values.type):
        return []
    is_number = pc.match_substring_regex(values, NUMBER).to_numpy(zero_copy_only=False)
    if is_number.all() or rows[is_number].sum() < MOSTLY * rows.sum():
        return []
    others = values.filter(pa.array(~is_number))
    if len(others) > FEW:
        return []
    names = ", ".join(f"'{value}'" for value in others[:SHOWN].to_pylist())
    more = f" and {len(others) - SHOWN:,} more" if len(others) > SHOWN else ""
    return [f"numbers but for {names}{more}: if they stand for no value, list them in data.nulls"]
