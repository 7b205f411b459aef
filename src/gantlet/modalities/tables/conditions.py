"""Conditions on a table's rows: "age >= 30", {"income": ">50K"} → what a sample may choose."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from gantlet.config import ConfigError
from gantlet.modalities.base import Narrowing
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.codec import TableCodec
from gantlet.modalities.tables.columns import Drawn
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.reach import choices_allowed, missing, reach
from gantlet.modalities.tables.records import Records
from gantlet.modalities.tables.relations import LookupColumn
from gantlet.modalities.tables.wanted import wanted_value

COMPARISONS = {
    "==": pc.equal, "=": pc.equal, "!=": pc.not_equal, "<=": pc.less_equal,
    ">=": pc.greater_equal, "<": pc.less, ">": pc.greater,
}  # fmt: skip
FORM = re.compile(
    r"\s*(?P<name>'[^']*'|\"[^\"]*\"|`[^`]*`|.+?)\s*"
    r"(?P<sign>==|!=|<=|>=|=|<|>)\s*(?P<value>.*?)\s*",
    re.DOTALL,
)
SHOWN = 10  # values that are named where another was asked for
COMPARED = 1_000  # with which it is compared
QUOTED = re.compile(r"'.*'|\".*\"|`.*`", re.DOTALL)


class Condition(NamedTuple):
    """A column, how it is compared, and with what: one value, or several of which one is to be."""

    name: str
    sign: str
    values: tuple[pa.Scalar, ...]  # null: a missing cell is wanted

    def __str__(self) -> str:
        each = map(_told, self.values)
        return f"{self.name} {self.sign} {' or '.join(each)}"


def narrowing(codec: TableCodec, where: Any) -> Narrowing:
    """What rows that fit every condition may be made of.

    Args:
        where: a text as "age >= 30" or several, or a mapping of columns to a value or to several
            of which one is wanted; None for a missing cell.

    Raises:
        ConfigError: a column that does not exist, or a value that it cannot hold or never does.
    """
    wanted = conditions(codec.schema, where)
    for condition in wanted:
        kind = codec.kinds[codec.schema.names.index(condition.name)]
        if not kind.is_modelled and any(value.is_valid for value in condition.values):
            raise ConfigError(
                f"{condition}: cells of '{condition.name}' are made anew for each sample; ask only "
                f"whether they are missing, as in '{condition.name} = null'"
            )
    return Narrowing(
        words=" and ".join(map(str, wanted)),
        allowed=_allowed(codec, wanted),
        fits=lambda rows: fitting(rows, wanted),
    )


def conditions(schema: pa.Schema, where: Any) -> list[Condition]:
    """The conditions, their values in the columns' own types."""
    if isinstance(where, Mapping):
        return [_condition(schema, str(name), "=", _several(it)) for name, it in where.items()]
    found = []
    for text in [where] if isinstance(where, str) else _several(where):
        match = FORM.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ConfigError(
                f"{text!r}: no condition; write a column, one of {' '.join(COMPARISONS)} and a "
                "value, e.g. \"income='>50K'\" or 'age >= 30'"
            )
        # Without quotes, nothing or null stands for a missing cell.
        value = None if match["value"] in ("", "null") else _bare(match["value"])
        found.append(_condition(schema, _bare(match["name"]), match["sign"], [value]))
    return found


def fitting(rows: Records, wanted: Sequence[Condition]) -> Bool[np.ndarray, "n"]:
    """Which rows fit all conditions; a missing cell fits only where it is asked for."""
    fits = np.ones(len(rows), bool)
    for condition in wanted:
        field = rows.table.schema.field(condition.name)
        cells = arrays.simple(rows.table.column(condition.name), field.type, field.name)
        fits &= _fit(cells, condition)
    return fits


def _condition(schema: pa.Schema, name: str, sign: str, values: Sequence[Any]) -> Condition:
    if schema.names.count(name) != 1:
        near = get_close_matches(name, schema.names, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(schema.names)}"
        wrong = "is there several times" if name in schema.names else f"does not exist; {hint}"
        raise ConfigError(f"column '{name}' {wrong}")
    if not values:
        raise ConfigError(f"column '{name}': no value is given that would fit")
    scalars = tuple(wanted_value(schema.field(name), value) for value in values)
    if COMPARISONS[sign] not in (pc.equal, pc.not_equal) and not all(s.is_valid for s in scalars):
        raise ConfigError(f"'{name} {sign}': a missing cell is neither more nor less than another")
    return Condition(name, sign, scalars)


def _told(value: pa.Scalar) -> str:
    if not value.is_valid:
        return "missing"
    # Python's own dates end long before Arrow's do.
    return str(value.cast(pa.string()) if pa.types.is_temporal(value.type) else value)


def _several(value: Any) -> Sequence[Any]:
    is_one = isinstance(value, (str, bytes, pa.Scalar)) or not isinstance(value, Iterable)
    return [value] if is_one else list(value)


def _bare(text: str) -> str:
    return text[1:-1] if QUOTED.fullmatch(text) else text


def _fit(cells: pa.Array, condition: Condition) -> Bool[np.ndarray, "n"]:
    empty = missing(cells)
    compare, any_of = COMPARISONS[condition.sign], np.zeros(len(cells), bool)
    for value in condition.values:
        if value.is_valid:
            found = compare(*_comparable(cells, value)).fill_null(False)
            any_of |= found.to_numpy(zero_copy_only=False) & ~empty
        else:
            any_of |= empty if compare is pc.equal else ~empty
    return any_of


def _comparable(cells: pa.Array, value: pa.Scalar) -> tuple[pa.Array, pa.Scalar]:
    """The same in forms that Arrow compares; ordered categories by their order."""
    if isinstance(cells, pa.DictionaryArray):
        if cells.type.ordered:
            (rank,) = arrays.places_of(pa.repeat(value, 1), cells.dictionary)
            return cells.indices.cast(pa.int64()), pa.scalar(None if rank < 0 else int(rank))
        cells = cells.dictionary_decode()
    if pa.types.is_float16(cells.type):
        return cells.cast(pa.float32()), value.cast(pa.float32())
    return cells, value


def _allowed(codec: TableCodec, wanted: Sequence[Condition]) -> Bool[np.ndarray, "choices"]:
    """Choices that some row that fits may be made of; all else is told by looking at the rows.

    Of columns that change places to be in order, any choice may come to be any one's cell.
    """
    moved = {place for order in codec.orders for place in order}
    allowed = [np.zeros(0, bool)]
    for place, kind in enumerate(codec.kinds):
        if not kind.parts:
            continue
        choices = np.ones(kind.parts[0].digits.count, bool)
        for condition in wanted:
            column = codec.schema.names.index(condition.name)
            source = codec.kinds[column]
            follows = isinstance(source, LookupColumn) and source.source == place
            if (column != place and not follows) or place in moved or not kind.is_modelled:
                continue
            if isinstance(source, LookupColumn):
                cells = source.found(Drawn(np.arange(len(choices))))
                ends = cells, cells
            else:
                ends = reach(kind)
            able = _possible(ends, condition)
            if not able.any():
                raise ConfigError(_never(condition, ends))
            choices &= able
        if not choices.any():
            raise ConfigError(f"{' and '.join(map(str, wanted))}: no row fits all of it")
        allowed.append(choices_allowed(kind, choices))
    return np.concatenate(allowed)


def _possible(ends: tuple[pa.Array, pa.Array], condition: Condition) -> Bool[np.ndarray, "k"]:
    """Whether a cell between the two of each choice, or one of the two, may fit."""
    low, high = ends
    able = _fit(low, condition) | _fit(high, condition)
    if low is high:
        return able
    # A sum that runs over its type's end stands below its start: nothing is known of it.
    able |= _compared(pc.less, high, low)
    for value in condition.values:
        if value.is_valid:
            able |= _compared(pc.less, low, value) & _compared(pc.less, value, high)
    return able


def _compared(compare: Any, one: Any, other: Any) -> Bool[np.ndarray, "k"]:
    kind = one.type
    if pa.types.is_float16(kind):
        one, other = one.cast(pa.float32()), other.cast(pa.float32())
    return compare(one, other).fill_null(False).to_numpy(zero_copy_only=False)


def _never(condition: Condition, ends: tuple[pa.Array, pa.Array]) -> str:
    """What was asked for in vain, and what there is: the nearest value, some, or a range."""
    words = f"{condition}: no cell of that column ever is"
    wanted = [value for value in condition.values if value.is_valid]
    low, high = (e.dictionary_decode() if isinstance(e, pa.DictionaryArray) else e for e in ends)
    known = low.unique().drop_null()
    if not wanted or not len(known):
        return words
    if not pa.types.is_large_string(known.type):
        if len(known) <= SHOWN and low.equals(high):
            return f"{words}; it holds {', '.join(_told(value) for value in known)}"
        both = pa.concat_arrays([known, high.drop_null()])
        ordered = (both.cast(pa.float32()) if pa.types.is_float16(both.type) else both).sort()
        return f"{words}; it lies between {_told(ordered[0])} and {_told(ordered[-1])}"
    seen = known.to_pylist()
    near = get_close_matches(str(wanted[0]), seen[:COMPARED], n=1)
    if near and condition.sign in ("=", "=="):
        return f"{words}; did you mean '{near[0]}'?"
    more = f" and {len(seen) - SHOWN:,} more" if len(seen) > SHOWN else ""
    return f"{words}; it holds {', '.join(map(repr, seen[:SHOWN]))}{more}"
