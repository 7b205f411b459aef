"""A value as a user writes it → a scalar of a column's simple type; null for a missing cell."""

from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa

from gantlet.config import ConfigError
from gantlet.modalities.tables import arrays, dates, marks
from gantlet.modalities.tables.kernels import pc


def wanted_value(field: pa.Field, value: Any) -> pa.Scalar:
    """The value in the column's type.

    Texts that the column itself was spelled with (its dates, its yes and no, its mark for a
    missing cell) mean what they meant there; NaN is a missing cell.

    Raises:
        ConfigError: the column cannot hold it.
    """
    kind = arrays.simple_type(field.type, field.name)
    try:
        found = _scalar(field, kind, value)
    except (pa.ArrowException, InvalidOperation) as e:
        held: Any = kind
        if pa.types.is_boolean(kind):
            pair = (marks.mark(field, marks.TRUE), marks.mark(field, marks.FALSE))
            held = " and ".join(pair) if all(pair) else "true and false"  # pyright: ignore[reportArgumentType, reportCallIssue] - none is none
        raise ConfigError(f"column '{field.name}' holds {held}: {value!r} is no value of it") from e
    is_nan = pa.types.is_floating(kind) and found.is_valid and np.isnan(found.as_py())
    return pa.scalar(None, kind) if is_nan else found


def _scalar(field: pa.Field, kind: pa.DataType, value: Any) -> pa.Scalar:
    if isinstance(value, str):
        found = _as_spelled(field, kind, value)
        if found is not None:
            return found
    # NumPy's own scalars are read as NumPy's arrays are: a day of its kind is a day.
    cells = np.array([value]) if isinstance(value, np.generic) else [value]
    plain: Any = value if isinstance(value, pa.Scalar) else pa.array(cells, from_pandas=True)[0]
    if not plain.is_valid:
        return pa.scalar(None, kind)
    if pa.types.is_decimal(kind):
        return pa.scalar(Decimal(str(plain.as_py())), kind)
    if pa.types.is_float16(kind):
        return plain.cast(pa.float64()).cast(kind)
    if pa.types.is_timestamp(kind) and kind.tz and not getattr(plain.type, "tz", None):
        # A wall clock's time is meant as the column's zone shows it.
        naive = pa.timestamp(kind.unit)
        if not isinstance(value, str) or _is_naive(value):
            return pc.assume_timezone(plain.cast(naive), kind.tz)
    return plain.cast(kind)


def _as_spelled(field: pa.Field, kind: pa.DataType, text: str) -> pa.Scalar | None:
    """What the text stands for in this column, where it is spelled in a way of its own."""
    if text == marks.mark(field, marks.NULL):
        return pa.scalar(None, kind)
    if pa.types.is_boolean(kind) and marks.mark(field, marks.TRUE) is not None:
        for name, meant in ((marks.TRUE, True), (marks.FALSE, False)):
            if text == marks.mark(field, name):
                return pa.scalar(meant)
    form = marks.mark(field, marks.FORMAT)
    if form is not None and pa.types.is_temporal(kind):
        parsed = dates.parsed(pa.array([text]), form)
        return None if parsed is None else parsed[0].cast(kind)
    return None


def _is_naive(text: str) -> bool:
    try:
        pa.scalar(text).cast(pa.timestamp("ns"))
    except pa.ArrowInvalid:
        return False
    return True
