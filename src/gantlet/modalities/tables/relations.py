"""What holds between columns, kept by construction: a column that follows from others is not
drawn but worked out, and two that are always in order are put in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.columns import Drawn
from gantlet.modalities.tables.packing import packed_values, unpacked_values

SHOWN = 5  # orders that a note names
Order = tuple[int, int]  # of two columns' places: the first is never above the second


@dataclass(frozen=True, eq=False)
class LookupColumn:
    """A column whose cell is the same wherever another one's choice is."""

    type: pa.DataType
    source: int
    values: pa.Array  # the cell for each choice of the source
    why: str

    kind = "derived"
    is_modelled = True
    parts = ()

    def found(self, source: Drawn) -> pa.Array:
        return self.values.take(pa.array(source.choice))

    def plain(self) -> dict[str, Any]:
        return {"source": self.source, "values": packed_values(self.values), "why": self.why}


@dataclass(frozen=True, eq=False)
class FormulaColumn:
    """A column that is Σ factor · source + constant, and null where a source is."""

    type: pa.DataType
    sources: tuple[int, ...]
    factors: tuple[float, ...]
    constant: float  # whole numbers in all of these, where the column is one of integers
    decimals: int | None  # of floats
    why: str

    kind = "derived"
    is_modelled = True
    parts = ()

    def worked_out(self, sources: Sequence[pa.Array]) -> pa.Array:
        empty = np.logical_or.reduce([arrays.nulls(cells) for cells in sources])
        pairs = list(zip(self.factors, sources, strict=True))
        if pa.types.is_floating(self.type):
            with np.errstate(invalid="ignore", over="ignore"):
                total = sum(factor * reals(cells) for factor, cells in pairs) + self.constant
                if self.decimals is not None:
                    total = np.round(total, self.decimals)
            return arrays.of_floats(np.where(empty, np.nan, total) + 0.0, empty, self.type)
        wholes = [int(factor) * arrays.words(cells).view(np.int64) for factor, cells in pairs]
        total = np.sum(wholes, axis=0) + int(self.constant)
        total = np.where(empty, 0, total)
        total = np.clip(total, *_range(self.type))
        low = int(total.min(initial=0))
        return arrays.of_words((total - low).view(np.uint64), low, empty, self.type)

    def plain(self) -> dict[str, Any]:
        return {
            "sources": list(self.sources),
            "factors": list(self.factors),
            "constant": self.constant,
            "decimals": self.decimals,
            "why": self.why,
        }


def lookup_column(kind: pa.DataType, plain: Mapping[str, Any]) -> LookupColumn:
    """The inverse of `LookupColumn.plain`."""
    return LookupColumn(kind, plain["source"], unpacked_values(plain["values"]), plain["why"])


def formula_column(kind: pa.DataType, plain: Mapping[str, Any]) -> FormulaColumn:
    """The inverse of `FormulaColumn.plain`."""
    return FormulaColumn(
        type=kind,
        sources=tuple(plain["sources"]),
        factors=tuple(plain["factors"]),
        constant=plain["constant"],
        decimals=plain["decimals"],
        why=plain["why"],
    )


def in_words(names: Sequence[str], orders: Sequence[Order]) -> tuple[str, ...]:
    """Which columns are never above which."""
    return tuple(f"'{names[low]}' is never above '{names[high]}'" for low, high in orders)


def noted(names: Sequence[str], orders: Sequence[Order]) -> tuple[str, ...]:
    """The same in one note, where there are any."""
    words = in_words(names, orders)
    more = f"; and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return (f"Kept in order: {'; '.join(words[:SHOWN])}{more}.",) if words else ()


def put_in_order(columns: list[Any] | dict[int, Any], orders: Sequence[Order]) -> None:
    """Cells changed places, in these columns, where a pair stands in the wrong order.

    Each exchange brings the row nearer to one that keeps all orders, so this ends; what a column
    holds over all rows changes as little as can be.
    """
    is_settled = not orders
    while not is_settled:
        is_settled = True
        for low, high in orders:
            wrong = pc.call_function("greater", [columns[low], columns[high]]).fill_null(False)
            if wrong.true_count:
                is_settled = False
                columns[low], columns[high] = (
                    pc.call_function("if_else", [wrong, columns[high], columns[low]]),
                    pc.call_function("if_else", [wrong, columns[low], columns[high]]),
                )


def reals(cells: pa.Array) -> np.ndarray:
    """Numbers in float64; what stands behind a null means nothing."""
    if pa.types.is_floating(cells.type):
        return arrays.floats(cells)
    values = arrays.words(cells)
    unsigned = pa.types.is_unsigned_integer(cells.type)
    return (values if unsigned else values.view(np.int64)).astype(np.float64)


def _range(kind: pa.DataType) -> tuple[int, int]:
    if kind.byte_width > 8:  # a decimal; its digits were looked at when the formula was found
        return -(2**63), 2**63 - 1
    bits = kind.bit_width
    if pa.types.is_unsigned_integer(kind):
        return 0, min(2**bits, 2**63) - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
