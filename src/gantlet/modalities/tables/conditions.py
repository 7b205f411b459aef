"""Conditions on a table's rows: "age >= 30", {"income": ">50K"} → what a sample may choose."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from gantlet.config import ConfigError
from gantlet.modalities.base import Narrowing
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.codec import TableCodec
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.records import Records

COMPARISONS = {
    "==": pc.equal, "=": pc.equal, "!=": pc.not_equal, "<=": pc.less_equal,
    ">=": pc.greater_equal, "<": pc.less, ">": pc.greater,
}  # fmt: skip
FORM = re.compile(r"\s*(?P<name>.+?)\s*(?P<sign>==|!=|<=|>=|=|<|>)\s*(?P<value>.*?)\s*")
QUOTES = "'\"`"


class Condition(NamedTuple):
    """A column, how it is compared, and with what: one value, or several of which one is to be."""

    name: str
    sign: str
    values: tuple[pa.Scalar, ...]  # null: a missing cell is wanted

    def __str__(self) -> str:
        return f"{self.name} {self.sign} {' or '.join(str(value) for value in self.values)}"


def narrowing(codec: TableCodec, where: Any) -> Narrowing:
    """What rows that fit every condition may be made of.

    Args:
        where: a text as "age >= 30" or several, or a mapping of columns to a value or to several
            of which one is wanted; None for a missing cell.

    Raises:
        ConfigError: a column that does not exist, or a value that it cannot hold.
    """
    wanted = conditions(codec.schema, where)
    return Narrowing(
        words=" and ".join(map(str, wanted)),
        allowed=_allowed(codec, wanted),
        fits=lambda rows: fitting(rows, wanted),
    )


def conditions(schema: pa.Schema, where: Any) -> list[Condition]:
    """The conditions, their values in the columns' own types."""
    if isinstance(where, Mapping):
        return [
            _condition(schema, str(name), "=", _several(value)) for name, value in where.items()
        ]
    found = []
    for text in [where] if isinstance(where, str) else where:
        match = FORM.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"{text!r}: no condition; write a column, one of {' '.join(COMPARISONS)} and a "
                "value, e.g. \"income='>50K'\" or 'age >= 30'"
            )
        name, value = match["name"].strip(QUOTES), match["value"]
        # Without quotes, nothing or null stands for a missing cell.
        is_missing = value in ("", "null")
        values = [None] if is_missing else [value.strip(QUOTES) if value[0] in QUOTES else value]
        found.append(_condition(schema, name, match["sign"], values))
    return found


def fitting(rows: Records, wanted: Sequence[Condition]) -> Bool[np.ndarray, "n"]:
    """Which rows fit all conditions; a missing cell fits only where it is asked for."""
    fits = np.ones(len(rows), bool)
    for condition in wanted:
        cells = _plain(rows.table.column(condition.name))
        compare = COMPARISONS[condition.sign]
        any_of = np.zeros(len(rows), bool)
        for value in condition.values:
            found = cells.is_null() if value.as_py() is None else compare(cells, value)
            any_of |= pc.fill_null(found, False).to_numpy().astype(bool)
        fits &= any_of
    return fits


def _condition(schema: pa.Schema, name: str, sign: str, values: Sequence[Any]) -> Condition:
    if name not in schema.names:
        near = difflib.get_close_matches(name, schema.names, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(schema.names)}"
        raise ConfigError(f"column '{name}' does not exist; {hint}")
    kind = schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    try:
        return Condition(name, sign, tuple(_scalar(value, kind) for value in values))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ConfigError(
            f"column '{name}' holds {kind}: {', '.join(map(repr, values))} is no value of it"
        ) from error


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(value, kind) if value is None else pa.scalar(value).cast(kind)


def _several(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    is_coded = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_coded else column


def _allowed(codec: TableCodec, wanted: Sequence[Condition]) -> Bool[np.ndarray, "choices"]:
    """Choices that are not ruled out by an equality; all else is told by looking at the rows."""
    allowed = np.ones(sum(codec.blocks), bool)
    starts = np.concatenate([[0], np.cumsum(codec.blocks)])
    first = 0
    for field, kind in zip(codec.schema, codec.kinds, strict=True):
        blocks = sum(len(part.digits.sizes) for part in kind.parts)
        for condition in wanted:
            if condition.name == field.name and COMPARISONS[condition.sign] is pc.equal and blocks:
                codes = _codes(kind, field, condition.values)
                for block in range(blocks):
                    span = slice(starts[first + block], starts[first + block + 1])
                    one_of = np.zeros(codec.blocks[first + block], bool)
                    one_of[codes[:, block]] = True
                    allowed[span] &= one_of
        first += blocks
    return allowed


def _codes(kind: Any, field: pa.Field, values: Sequence[pa.Scalar]) -> np.ndarray:
    cells = pa.chunked_array([pa.array([value.as_py() for value in values], values[0].type)])
    if pa.types.is_dictionary(field.type):
        cells = cells.cast(field.type)
    splits = kind.split(arrays.simple(cells, field.type, field.name))
    parts = zip(kind.parts, splits, strict=True)
    return np.concatenate([part.digits.table[split.choice] for part, split in parts], axis=1)
