"""polars frames → Arrow tables and back."""

from typing import Any

import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables.marks import DTYPE, as_json, json_mark, marked
from gantlet.modalities.tables.naming import label_of

_WIDE = ("Int128", "UInt128")  # beyond what Arrow knows


def taken(frame: Any) -> tuple[pa.Table, list[Any]]:
    """The frame as a table, and the names of its columns."""
    import polars as pl  # noqa: PLC0415  only those who use it have it

    if isinstance(frame, pl.LazyFrame):
        raise SourceError("a LazyFrame holds no rows yet: give frame.collect()")
    for name, dtype in frame.schema.items():
        if dtype == pl.Object:
            raise SourceError(f"column '{name}' holds Python objects; drop it, or make it text")
    names = {name: str(dtype).split("(")[0] for name, dtype in frame.schema.items()}
    wide = [name for name, dtype in names.items() if dtype in _WIDE]
    frame = frame.with_columns([pl.col(name).cast(pl.String) for name in wide])
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [
        marked(pa.field(field.name, field.type), {DTYPE: as_json(names[field.name])})
        for field in table.schema
    ]
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields)), table.column_names


def given(table: pa.Table) -> Any:
    """The frame again, its columns in their data types."""
    import polars as pl  # noqa: PLC0415  only those who use it have it

    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        dtype = json_mark(field, DTYPE)
        series = pl.DataFrame(pa.table({"": column})).to_series().rename(label_of(field))
        if dtype == "Enum":
            categories = column.chunk(0).dictionary.to_pylist() if column.num_chunks else []
            series = series.cast(pl.String).cast(pl.Enum(categories))
        elif dtype in _WIDE:
            series = series.cast(getattr(pl, dtype))
        columns.append(series)
    return pl.DataFrame(columns)
