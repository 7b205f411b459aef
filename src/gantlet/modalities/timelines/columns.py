"""What a column of a series is: a number, a choice, the time's gaps, derived, or made anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from gantlet.modalities.tables.columns import ColumnNote, Drawn, Seeds, encoding_of
from gantlet.modalities.tables.kinds import KINDS, Column
from gantlet.modalities.tables.relations import FormulaColumn, formula_column
from gantlet.modalities.timelines.calendar_columns import CalendarColumn, calendar_column
from gantlet.modalities.timelines.levels import Level, level


@dataclass(frozen=True, eq=False)
class Number:
    """A value at each step; of a held one the first counts."""

    level: Level
    is_held: bool

    def plain(self) -> dict[str, Any]:
        return {"is": "number", "is_held": self.is_held, "level": self.level.plain()}

    def note(self, name: str) -> ColumnNote:
        """The column as it is told to the user."""
        flag = f"choice {self.level.sizes[0]}, " if self.level.sizes else ""
        kept = "the same at all steps; " if self.is_held else ""
        return ColumnNote(name, "number", kept + self.level.why, flag + "a value", True)


@dataclass(frozen=True, eq=False)
class Gap:
    """The time's column where stamps are uneven: how long after the one before each step is."""

    level: Level
    is_held = False

    def gaps(self, stamps: pa.Array) -> pa.Array:
        """Units since the row before; of the first row, none."""
        words = stamps.cast(pa.int64()).to_numpy()
        return pa.array(np.maximum(np.append(0, np.diff(words)), 0))

    def plain(self) -> dict[str, Any]:
        return {"is": "gap", "level": self.level.plain()}

    def note(self, name: str) -> ColumnNote:
        """The column as it is told to the user."""
        return ColumnNote(name, "time", "at uneven intervals", "a value: the gap", True)


@dataclass(frozen=True, eq=False)
class Choice:
    """A category at each step, or one for the whole series."""

    column: Column
    type: str  # under which KINDS reads it
    is_held: bool
    level = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Choices of its blocks; none where it is constant or made anew."""
        return tuple(size for part in self.column.parts for size in part.digits.sizes)

    def codes(self, cells: pa.Array) -> Int[np.ndarray, "n blocks"]:
        """The choice of each block."""
        splits = self.column.split(cells)  # pyright: ignore[reportAttributeAccessIssue] - never a derived one
        tables = [
            part.digits.table[split.choice]
            for part, split in zip(self.column.parts, splits, strict=True)
        ]
        return np.concatenate(tables, 1) if tables else np.zeros((len(cells), 0), np.int64)

    def cells(self, codes: Sequence[Int[np.ndarray, "n"]], seeds: Seeds) -> pa.Array:
        """The inverse of `codes`."""
        drawn, at = [], 0
        for part in self.column.parts:
            width = len(part.digits.sizes)
            own = codes[at : at + width]
            digits = np.stack(own, 1) if own else np.zeros((len(seeds.number), 0), np.int64)
            drawn.append(Drawn(part.digits.choices(digits)))
            at += width
        return self.column.join(drawn, seeds)  # pyright: ignore[reportAttributeAccessIssue] - the same

    def plain(self) -> dict[str, Any]:
        return {
            "is": "choice", "is_held": self.is_held, "type": self.type,
            "column": self.column.plain(),
        }  # fmt: skip

    def note(self, name: str) -> ColumnNote:
        """The column as it is told to the user."""
        kept = "the same at all steps; " if self.is_held else ""
        return ColumnNote(
            name, self.column.kind, kept + self.column.why, encoding_of(self.column.parts),
            self.column.is_modelled,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Derived:
    """What is a multiple of another column at each step, or the sum of two."""

    column: FormulaColumn
    level = None
    is_held = False

    def plain(self) -> dict[str, Any]:
        return {"is": "derived", "column": self.column.plain()}

    def note(self, name: str) -> ColumnNote:
        """The column as it is told to the user."""
        return ColumnNote(name, self.column.kind, self.column.why, encoding_of(()), True)


@dataclass(frozen=True, eq=False)
class Name:
    """Whose series it is: names that are made anew, or a time that follows from the calendar."""

    type: pa.DataType
    why: str
    level = None
    is_held = True

    def cells(self, numbers: Int[np.ndarray, "n"]) -> pa.Array:
        """A name for each series of this number."""
        if pa.types.is_dictionary(self.type):
            texts = pa.array([str(number) for number in numbers.tolist()], pa.large_string())
            return texts.dictionary_encode()
        return pa.array(numbers).cast(self.type)

    def plain(self) -> dict[str, Any]:
        return {"is": "name", "why": self.why}

    def note(self, name: str) -> ColumnNote:
        """The column as it is told to the user."""
        return ColumnNote(name, "name", self.why, "no choice", False)


Channel = Number | Gap | Choice | Derived | CalendarColumn | Name


def channel_of(kind: pa.DataType, plain: Mapping[str, Any]) -> Channel:
    """The inverse of each channel's `plain`."""
    if plain["is"] == "number":
        return Number(level(kind, plain["level"]), plain["is_held"])
    if plain["is"] == "gap":
        return Gap(level(pa.int64(), plain["level"]))
    if plain["is"] == "choice":
        column = KINDS[plain["type"]].read(kind, plain["column"])
        return Choice(column, plain["type"], plain["is_held"])
    if plain["is"] == "derived":
        return Derived(formula_column(kind, plain["column"]))
    if plain["is"] == "calendar":
        return calendar_column(kind, plain)
    return Name(kind, plain["why"])
