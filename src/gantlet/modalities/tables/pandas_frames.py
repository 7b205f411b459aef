"""pandas frames → Arrow tables and back, every data type given back as it was."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables.marks import COLUMNS, DTYPE, INDEX, as_json, json_mark
from gantlet.modalities.tables.naming import label_of

Column = Any  # of Arrow, in one piece or in several

# What pandas calls the values of a column of objects → their type in Arrow.
_OBJECTS: dict[str, pa.DataType | None] = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "integer": None,  # found
    "floating": pa.float64(),
    "decimal": None,
    "date": pa.date32(),
    "time": pa.time64("us"),
    "datetime": pa.timestamp("us"),
    "timedelta": pa.duration("us"),
    "empty": pa.null(),
}
_WAY_OUT = "drop it, or make it text: df[{label!r}] = df[{label!r}].astype(str)"


def taken(frame: Any) -> tuple[pa.Table, list[Any]]:
    """The frame as a table, and the labels of its columns."""
    labels, columns, fields = [], [], []
    for level in range(frame.index.nlevels if _says_something(frame.index) else 0):
        values = frame.index.get_level_values(level)
        column, dtype = _taken(values.to_series(index=range(len(frame))), values.name)
        fields.append(_field(column, {DTYPE: as_json(dtype), INDEX: str(level).encode()}))
        labels.append(values.name)
        columns.append(column)
    for place, label in enumerate(frame.columns):
        column, dtype = _taken(frame.iloc[:, place], label)
        fields.append(_field(column, {DTYPE: as_json(dtype)}))
        labels.append(label)
        columns.append(column)
    about = {"names": list(frame.columns.names), "dtype": str(frame.columns.dtype)}
    schema = pa.schema(fields, {COLUMNS: as_json(about)})
    return pa.Table.from_arrays(columns, schema=schema), labels


def given(table: pa.Table) -> Any:
    """The frame again, its columns in their data types."""
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    series = [_given(table.column(i), json_mark(one, DTYPE)) for i, one in enumerate(table.schema)]
    labels = [label_of(one) for one in table.schema]
    is_index = [INDEX in (one.metadata or {}) for one in table.schema]
    levels = [i for i, is_level in enumerate(is_index) if is_level]
    rest = [i for i, is_level in enumerate(is_index) if not is_level]
    frame = pd.DataFrame({i: series[i] for i in rest}, index=range(len(table)))
    frame.index = pd.RangeIndex(len(table))
    frame.columns = _columns([labels[i] for i in rest], json_mark(table.schema, COLUMNS))
    if len(levels) == 1:
        frame.index = pd.Index(series[levels[0]]).rename(labels[levels[0]])
    elif levels:
        names = [labels[i] for i in levels]
        frame.index = pd.MultiIndex.from_arrays([series[i] for i in levels], names=names)
    return frame


def _columns(labels: list[Any], about: dict[str, Any]) -> Any:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    if len(about["names"]) > 1:
        return pd.MultiIndex.from_tuples(labels, names=about["names"])
    dtype = about["dtype"] if about["dtype"] in ("object", "str", "string", "bool") else None
    return pd.Index(labels, dtype=dtype, name=about["names"][0], tupleize_cols=False)


def _says_something(index: Any) -> bool:
    return index.nlevels > 1 or index.name is not None or index.dtype.kind not in "iu"


def _field(column: Column, kept: dict[bytes, bytes]) -> pa.Field:
    return pa.field("", column.type, metadata=kept)


def _taken(series: Any, label: Any) -> tuple[Column, Any]:
    """A column, and what its data type was, as JSON keeps it."""
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    takers = {
        pd.CategoricalDtype: _taken_category,
        pd.SparseDtype: _taken_sparse,
        pd.PeriodDtype: _taken_period,
        pd.StringDtype: _taken_string,
        pd.ArrowDtype: _taken_arrow,
    }
    take = takers.get(type(series.dtype))
    if take is not None:
        return take(series, label)
    if pd.api.types.is_object_dtype(series.dtype):
        return _taken_objects(series, label)
    return _array(series, label), str(series.dtype)


def _taken_category(series: Any, label: Any) -> tuple[Column, Any]:
    categories, inner = _taken_categories(series.dtype.categories, label)
    codes = series.cat.codes.to_numpy()
    places = pa.array(codes, pa.int32(), mask=codes < 0)
    whole = categories.combine_chunks() if isinstance(categories, pa.ChunkedArray) else categories
    column = pa.DictionaryArray.from_arrays(places, whole, ordered=bool(series.dtype.ordered))
    return column, {"category": inner}


def _taken_sparse(series: Any, label: Any) -> tuple[Column, Any]:
    fill = series.dtype.fill_value
    plain = fill.item() if isinstance(fill, np.generic) else fill
    column, inner = _taken(series.sparse.to_dense(), label)
    return column, {"sparse": inner, "fill": None if plain != plain else plain}  # noqa: PLR0124  NaN


def _taken_period(series: Any, label: Any) -> tuple[Column, Any]:
    name = str(series.dtype)[len("period[") : -1]
    return _array(series.dt.to_timestamp(), label), {"period": name}


def _taken_string(series: Any, label: Any) -> tuple[Column, Any]:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    is_nan = series.dtype.na_value is not pd.NA
    return _array(series, label), {"string": series.dtype.storage, "nan": is_nan}


def _taken_arrow(series: Any, label: Any) -> tuple[Column, Any]:
    return _array(series, label), {"arrow": True}


def _taken_categories(categories: Any, label: Any) -> tuple[Column, Any]:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    if isinstance(categories.dtype, pd.IntervalDtype) and categories.left.dtype.kind in "if":
        edges = {"left": categories.left.tolist(), "right": categories.right.tolist()}
        return pa.array(map(str, categories)), {"interval": categories.closed, **edges}
    return _taken(categories.to_series(index=range(len(categories))), label)


def _taken_objects(series: Any, label: Any) -> tuple[Column, Any]:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    kind = pd.api.types.infer_dtype(series, skipna=True)
    missing = series[series.isna()]
    null = type(missing.iloc[0]).__name__ if len(missing) else "NoneType"
    present = series[series.notna()]
    zoned = kind == "datetime" and any(value.tzinfo is not None for value in present)
    if kind not in _OBJECTS or zoned:
        found = Counter(type(value).__name__ for value in present)
        told = ", ".join(f"{count:,} {name}" for name, count in found.most_common(4))
        zone = " with time zones; use pd.to_datetime(..., utc=True) or" if zoned else ";"
        raise SourceError(
            f"column {label!r} holds objects that cannot be modelled together ({told}){zone} "
            + _WAY_OUT.format(label=label)
        )
    objects = series.where(series.notna(), None)
    dtype: dict[str, Any] = {"object": kind, "null": null}
    if kind == "integer" and len(present):
        low, high = int(min(present)), int(max(present))
        if low < -(2**63) or high >= 2**64 or (low < 0 and high >= 2**63):
            texts = [None if value is None else str(value) for value in objects]
            return pa.array(texts, pa.string()), {**dtype, "object": "huge"}
        return pa.array(list(objects), pa.int64() if high < 2**63 else pa.uint64()), dtype
    if kind in ("datetime", "timedelta") and isinstance(
        present.iloc[0], (pd.Timestamp, pd.Timedelta)
    ):
        return _array(present.infer_objects().reindex(series.index), label), {
            **dtype,
            "object": f"pandas {kind}",
        }
    return _array(list(objects), label, _OBJECTS[kind]), dtype


def _array(values: Any, label: Any, kind: pa.DataType | None = None) -> Column:
    try:
        return pa.array(values, kind, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise SourceError(
            f"column {label!r} cannot be modelled ({error}); " + _WAY_OUT.format(label=label)
        ) from error


def _given(column: pa.ChunkedArray, dtype: Any) -> Any:
    """A series of the data type that it had."""
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    if isinstance(dtype, str):
        wanted: Any = pd.api.types.pandas_dtype(dtype)
        if pd.api.types.is_extension_array_dtype(wanted):
            return pd.Series(wanted.__from_arrow__(column))
        series = column.to_pandas()
        return series if series.dtype == wanted else series.astype(wanted)
    givers = {
        "category": _given_categories,
        "sparse": _given_sparse,
        "period": _given_period,
        "string": _given_string,
        "arrow": _given_arrow,
        "object": _given_objects,
    }
    return givers[next(iter(dtype))](column, dtype)


def _given_sparse(column: pa.ChunkedArray, dtype: dict[str, Any]) -> Any:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    dense = _given(column, dtype["sparse"])
    fill = float("nan") if dtype["fill"] is None else dtype["fill"]
    return dense.astype(pd.SparseDtype(dense.dtype, fill))


def _given_period(column: pa.ChunkedArray, dtype: dict[str, Any]) -> Any:
    return column.to_pandas().dt.to_period(dtype["period"])


def _given_string(column: pa.ChunkedArray, dtype: dict[str, Any]) -> Any:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    na_value = float("nan") if dtype["nan"] else pd.NA
    return pd.Series(pd.StringDtype(dtype["string"], na_value).__from_arrow__(column))


def _given_arrow(column: pa.ChunkedArray, dtype: dict[str, Any]) -> Any:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    del dtype
    return pd.Series(pd.ArrowDtype(column.type).__from_arrow__(column))


def _given_categories(column: pa.ChunkedArray, dtype: dict[str, Any]) -> Any:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    inner = dtype["category"]
    kind = column.type
    dictionary = column.chunk(0).dictionary if column.num_chunks else pa.array([], kind.value_type)
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], kind)
    texts = whole.dictionary if len(whole) else dictionary
    if "interval" in inner:
        every = pd.IntervalIndex.from_arrays(inner["left"], inner["right"], inner["interval"])
        known = dict(zip(map(str, every), every, strict=True))
        categories = pd.IntervalIndex(
            [known[text] for text in texts.to_pylist()], inner["interval"]
        )
    else:
        categories = pd.Index(_given(pa.chunked_array([texts]), inner))
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=kind.ordered))


def _given_objects(column: pa.ChunkedArray, dtype: dict[str, Any]) -> Any:
    import pandas as pd  # noqa: PLC0415  only those who use it have it

    null = {"float": float("nan"), "NAType": pd.NA, "NaTType": pd.NaT}.get(dtype["null"])
    if dtype["object"].startswith("pandas "):
        values = [null if pd.isna(value) else value for value in column.to_pandas()]
    elif dtype["object"] == "huge":
        values = [null if value is None else int(value) for value in column.to_pylist()]
    else:
        values = [null if value is None else value for value in column.to_pylist()]
    return pd.Series(values, dtype=object)
