"""Series as arrays of numbers, NaN where there are none: what evaluation and pictures take."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from gantlet.metrics.courses import Courses
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.timelines.dated import Dated
from gantlet.modalities.timelines.levels import numbers_of
from gantlet.modalities.timelines.spans import Spans

MOST_CATEGORIES = 12  # of a column, that get a channel each; those most often seen


def courses_of(sets: Sequence[Spans], time: str | None = None) -> list[Courses]:
    """Each set's series on the same channels; times and names that are many are left out.

    Args:
        time: the column of time, where it is a number that cannot be told from a value
    """
    own = [rows.apart() for rows in sets]
    length = max(int(rows.lengths.max(initial=1)) for rows in own)
    form = own[0].form
    times = {time, *(form.columns if isinstance(form, Dated) else ())}
    columns: list[list[np.ndarray]] = [[] for _ in own]
    names: list[str] = []
    for place, field in enumerate(own[0].table.schema):
        kind = arrays.simple_type(field.type, field.name)
        cells = [arrays.simple(rows.table.column(place), field.type, field.name) for rows in own]
        if field.name in times or pa.types.is_temporal(kind) or pa.types.is_null(kind):
            continue
        if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            names.append(field.name)
            for channels, some in zip(columns, cells, strict=True):
                values, _ = numbers_of(some)
                channels.append(np.where(np.isfinite(values), values, np.nan))
            continue
        plain = [c.dictionary_decode() if isinstance(c, pa.DictionaryArray) else c for c in cells]
        counted = plain[0].value_counts()
        order = np.argsort(-counted.field(1).to_numpy(), kind="stable")[: MOST_CATEGORIES + 1]
        seen = [v for v in counted.field(0).take(pa.array(order)).to_pylist() if v is not None]
        if len(seen) > MOST_CATEGORIES:
            continue
        for value in seen:
            names.append(f"{field.name} = {value}")
            for channels, some in zip(columns, plain, strict=True):
                same = pc.equal(some, pa.scalar(value, some.type))
                channels.append(same.cast(pa.float64()).fill_null(np.nan).to_numpy())
    return [
        Courses(_apart(rows, channels, length), tuple(names))
        for rows, channels in zip(own, columns, strict=True)
    ]


def _apart(
    rows: Spans, channels: Sequence[Float[np.ndarray, "s"]], length: int
) -> Float[np.ndarray, "n t c"]:
    values = np.full((len(rows), length, len(channels)), np.nan)
    ahead = np.arange(length)
    going = ahead < rows.lengths[:, None]
    if channels:
        values[going] = np.stack(channels, 1)
    return values
