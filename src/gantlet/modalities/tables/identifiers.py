"""Identifiers: not modelled but made anew. Sequences go on; patterns get fresh characters."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd, prod
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int, UInt8, UInt64

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.columns import Drawn, Part, Seeds, Split
from gantlet.modalities.tables.digits import digits_for, offsets
from gantlet.modalities.tables.hashing import mixed

FEWEST = 20  # rows from which distinct cells may be identifiers
OFTEN = 5  # rows that must share what is given back of a text, so that no one's own is
AT_ONCE = 1 << 20  # values looked at in one go
PATTERNS = 64  # kept, the most frequent
GOLDEN = 0.6180339887498949
FIGURES, EVERY_BYTE = digits + ascii_lowercase + ascii_uppercase, bytes(range(256)).decode("latin1")
CLASSES = (digits, ascii_lowercase, ascii_uppercase)
HEXADECIMAL = (digits + "abcdef", digits + "ABCDEF")


class Renewed(ABC):
    """A column whose values are not learned: whether there is one is the only choice."""

    rows: tuple[int, int]  # without and with a value
    is_modelled = False

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return presence(self.rows)

    def split(self, cells: pa.Array) -> list[Split]:
        return presence_of(cells, self.rows)

    @abstractmethod
    def join(self, drawn: Sequence[Drawn], seeds: Seeds) -> pa.Array:
        """New cells; of the same seeds the same."""


@dataclass(frozen=True, eq=False)
class SequenceColumn(Renewed):
    """Integers a constant step apart; decoded rows count on from the last."""

    type: pa.DataType
    last: int
    step: int
    rows: tuple[int, int]  # without and with a value
    why: str

    kind = "identifier"

    def join(self, drawn: Sequence[Drawn], seeds: Seeds) -> pa.Array:
        away = (seeds.number + 1).astype(np.uint64) * np.uint64(self.step % arrays.WORD)
        return arrays.of_words(away, self.last, absent(drawn[0], self.rows), self.type)

    def plain(self) -> dict[str, Any]:
        return {"last": self.last, "step": self.step, "rows": list(self.rows), "why": self.why}


@dataclass(frozen=True, eq=False)
class PatternColumn(Renewed):
    """Texts or bytes of a few shapes; decoded rows get characters that are usual at each place."""

    type: pa.DataType
    patterns: tuple[tuple[str, ...], ...]  # the characters that may stand at each place
    shares: tuple[int, ...]  # rows of each pattern
    rows: tuple[int, int]
    why: str

    kind = "identifier"

    def join(self, drawn: Sequence[Drawn], seeds: Seeds) -> pa.Array:
        # Each pattern takes its share of every round of numbers, and counts those it took.
        bounds = offsets(self.shares)
        turn, slot = np.divmod(seeds.number, bounds[-1])
        slot = _scattered(slot.astype(np.uint64), int(bounds[-1])).astype(np.int64)
        chosen = np.searchsorted(bounds, slot, side="right") - 1
        made, order = [], []
        for number, places in enumerate(self.patterns):
            rows = np.flatnonzero(chosen == number)
            taken = turn[rows] * self.shares[number] + slot[rows] - bounds[number]
            order.append(rows)
            made.append(_fixed_texts(_filled(places, taken, seeds.hash[rows])))
        back = np.argsort(np.concatenate(order), kind="stable")
        cells = pa.concat_arrays(made)
        where = pa.array(back, mask=absent(drawn[0], self.rows))
        taken = cells.take(where)
        return taken if self.type == taken.type else taken.cast(self.type)

    def plain(self) -> dict[str, Any]:
        return {
            "patterns": [list(places) for places in self.patterns],
            "shares": list(self.shares),
            "rows": list(self.rows),
            "why": self.why,
        }


def sequence_column(kind: pa.DataType, plain: Mapping[str, Any]) -> SequenceColumn:
    """The inverse of `SequenceColumn.plain`."""
    absent_rows, present = plain["rows"]
    return SequenceColumn(kind, plain["last"], plain["step"], (absent_rows, present), plain["why"])


def pattern_column(kind: pa.DataType, plain: Mapping[str, Any]) -> PatternColumn:
    """The inverse of `PatternColumn.plain`."""
    absent_rows, present = plain["rows"]
    patterns = tuple(tuple(places) for places in plain["patterns"])
    shares = tuple(plain["shares"])
    return PatternColumn(kind, patterns, shares, (absent_rows, present), plain["why"])


def presence(rows: tuple[int, int]) -> tuple[Part, ...]:
    """Whether a cell is filled, where some are not: choice 0 is the empty one."""
    return (Part(digits_for(np.array([n for n in rows if n])), False),)


def presence_of(cells: pa.Array, rows: tuple[int, int]) -> list[Split]:
    """The choices of `presence`."""
    if not all(rows):
        return [Split(np.zeros(len(cells), np.int64))]
    return [Split((~arrays.nulls(cells)).astype(np.int64))]


def absent(drawn: Drawn, rows: tuple[int, int]) -> Bool[np.ndarray, "n"]:
    """Which cells were drawn empty."""
    return drawn.choice == 0 if all(rows) else np.zeros(len(drawn.choice), bool)


def counts_of(cells: pa.Array) -> tuple[int, int]:
    """Empty and filled cells."""
    return cells.null_count, len(cells) - cells.null_count


def fit_sequence(cells: pa.Array) -> SequenceColumn | None:
    """Distinct integers a constant step apart, in any order; else none."""
    rows = counts_of(cells)
    if rows[1] < FEWEST:
        return None
    low, high = arrays.bounds(cells)
    step, rest = divmod(high - low, rows[1] - 1)
    if rest or not step:
        return None
    values = arrays.words(cells)
    values = (values[~arrays.nulls(cells)] if rows[0] else values) - np.uint64(low % arrays.WORD)
    seen = np.zeros(rows[1], bool)
    for at in range(0, len(values), AT_ONCE):
        places, off = np.divmod(values[at : at + AT_ONCE], np.uint64(step))
        if off.any():
            return None
        seen[places.astype(np.int64)] = True
    if not seen.all():
        return None
    falls = bool((values[1:] < values[:-1]).all())
    last, step = (low, -step) if falls else (high, step)
    return SequenceColumn(
        cells.type,
        last,
        step,
        rows,
        f"whole numbers {step:+,} apart, each once; goes on from {last}",
    )


def patterns_of(texts: Sequence[str], is_text: bool) -> list[tuple[tuple[str, ...], int]]:
    """Shapes of these texts, and how many are of each: the most frequent ones first."""
    known = r"[0-9A-Za-z]" if is_text else r"(?s:.)"
    shapes = [re.sub(known, "x", text) for text in texts]
    frequent = dict(Counter(shapes).most_common(PATTERNS))
    members: dict[str, list[str]] = {shape: [] for shape in frequent}
    for text, shape in zip(texts, shapes, strict=True):
        if shape in members:
            members[shape].append(text)
    return [
        (
            tuple(
                _usual(Counter(place), len(group), is_text) for place in zip(*group, strict=True)
            ),
            n,
        )
        for (_, n), group in zip(frequent.items(), members.values(), strict=True)
    ]


def _usual(seen: Counter[str], rows: int, is_text: bool) -> str:
    """Characters that may stand at a place: those seen often, else all of their class."""
    if rows >= OFTEN and min(seen.values()) >= OFTEN:
        return "".join(sorted(seen))
    if not is_text:
        return EVERY_BYTE
    if not all(character in FIGURES for character in seen):
        return "".join(seen)  # a mark, the same in all of the shape
    touched = [some for some in CLASSES if any(character in some for character in seen)]
    for some in HEXADECIMAL:
        if rows >= OFTEN and len(touched) == 2 and all(character in some for character in seen):
            return some
    return "".join(touched)


def _filled(
    places: tuple[str, ...], numbers: Int[np.ndarray, "n"], hashes: UInt64[np.ndarray, "n"]
) -> UInt8[np.ndarray, "n l"]:
    """Bytes of these rows: distinct for distinct numbers, as long as the pattern has enough."""
    capacity = prod(map(len, places))
    cells = np.empty((len(numbers), len(places)), np.uint8)
    state = numbers.astype(np.uint64)
    is_small = capacity < 2**32
    state = _scattered(state, capacity) if is_small else mixed(mixed(state) ^ hashes)
    left = capacity if is_small else 2**56
    for place, characters in enumerate(places):
        some = np.frombuffer(characters.encode("latin1"), np.uint8)
        if len(some) == 1:
            cells[:, place] = some[0]
            continue
        if left < len(some):
            state, left = mixed(state ^ np.uint64(place)), 2**56
        cells[:, place] = some[(state % np.uint64(len(some))).astype(np.int64)]
        state, left = state // np.uint64(len(some)), left // len(some)
    return cells


def _scattered(numbers: UInt64[np.ndarray, "n"], capacity: int) -> UInt64[np.ndarray, "n"]:
    """A permutation of 0 ... capacity - 1, repeated, that is in no order to the eye."""
    stride = max(1, int(capacity * GOLDEN))
    while gcd(stride, capacity) > 1:
        stride += 1
    size = np.uint64(capacity)
    return (numbers % size) * np.uint64(stride) % size


def _fixed_texts(cells: UInt8[np.ndarray, "n l"]) -> pa.Array:
    starts = np.arange(len(cells) + 1, dtype=np.int64) * cells.shape[1]
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(np.ascontiguousarray(cells))]
    return pa.Array.from_buffers(pa.large_binary(), len(cells), buffers)
