"""What a program holds comes back as it was: values, data types, names, order."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from torch.testing import assert_close

from gantlet.modalities.base import SourceError, finished
from gantlet.modalities.tables.codec import fit_table
from gantlet.modalities.tables.frames import handed, is_frame, records_of
from gantlet.modalities.tables.holes import holes
from gantlet.modalities.tables.reading import read_table, recognises_table
from gantlet.modalities.tables.settings import TableSettings

ROWS = 4
NANOSECONDS = st.integers(-(2**63) + 1, 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "+02:00"])


NONE = st.none()


def columns_of(values, make, nulls=NONE):
    return st.lists(st.one_of(nulls, values), min_size=ROWS, max_size=ROWS).map(make)


def stamps(unit, zone=None):
    def make(values):
        array = np.array([np.datetime64("NaT") if v is None else v for v in values], "M8[ns]")
        series = pd.Series(array).astype(f"datetime64[{unit}]")
        return series if zone is None else series.dt.tz_localize("UTC").dt.tz_convert(zone)

    return columns_of(NANOSECONDS.map(lambda v: np.datetime64(v, "ns")), make)


def of(dtype):
    return lambda values: pd.Series(values, dtype=dtype)


def whole(dtype):
    info = np.iinfo(dtype.lower())
    return st.integers(int(info.min), int(info.max))


OBJECTS = [
    TEXTS, st.booleans(), st.integers(), st.floats(allow_nan=False), st.dates(), st.times(),
    st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-10**9, max_value=10**9),
    st.timedeltas(dt.timedelta(-10**5), dt.timedelta(10**5)), st.nothing(),
]  # fmt: skip
SERIES = st.one_of(
    *(columns_of(whole(t), of(t), st.nothing()) for t in ("int8", "int64", "uint8", "uint64")),
    *(columns_of(whole(t), of(t)) for t in ("Int16", "Int64", "UInt64")),
    columns_of(st.floats(), of("float64")),
    columns_of(st.floats(width=32), of("float32")),
    columns_of(st.floats(width=16), of("float16")),
    columns_of(st.floats(allow_nan=False), of("Float64")),
    columns_of(st.booleans(), of("bool"), st.nothing()),
    columns_of(st.booleans(), of("boolean")),
    columns_of(TEXTS, of("str")),
    columns_of(TEXTS, of("string")),
    columns_of(TEXTS, of("string[python]")),
    columns_of(TEXTS, of(pd.ArrowDtype(pa.large_string()))),
    columns_of(st.integers(0, 9), of("int32[pyarrow]")),
    columns_of(TEXTS, lambda v: pd.Series(pd.Categorical(v))),
    columns_of(st.sampled_from("abc"), lambda v: pd.Series(pd.Categorical(v, list("zcba"), True))),
    columns_of(st.integers(), lambda v: pd.Series(pd.Categorical(v)), st.nothing()).filter(
        lambda s: s.cat.categories.dtype.kind in "iu"
    ),
    columns_of(st.integers(0, 9), lambda v: pd.cut(pd.Series(v), [-1, 3, 6, 10]), st.nothing()),
    columns_of(st.integers(0, 3), lambda v: pd.Series(pd.arrays.SparseArray(v)), st.nothing()),
    columns_of(st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)),
               lambda v: pd.Series(pd.PeriodIndex(v, freq="M"))),
    *(stamps(unit) for unit in ("s", "ms", "us", "ns")),
    ZONES.flatmap(lambda zone: stamps("ns", zone)),
    columns_of(NANOSECONDS, lambda v: pd.Series(np.array([x or 0 for x in v], "m8[ns]"))),
    *(columns_of(values, of(object), nulls)
      for values in OBJECTS for nulls in (st.none(), st.just(float("nan")), st.just(pd.NA))),
)  # fmt: skip
LABELS = st.one_of(TEXTS, st.integers(-5, 5), st.sampled_from(["a", "a", "", "a.2", "日本"]))


@given(st.lists(st.tuples(LABELS, SERIES), min_size=1, max_size=4))
def test_a_pandas_frame_comes_back_equal(columns):
    frame = pd.concat([series for _, series in columns], axis=1)
    frame.columns = pd.Index([label for label, _ in columns])
    back = handed(records_of(frame))
    assert_frame_equal(back, frame, check_exact=True)
    assert list(map(type, back.columns)) == list(map(type, frame.columns))


@given(SERIES)
def test_reading_changes_no_values_either(series):
    """Dates in texts are found, texts become categories; all of it is undone."""
    frame = pd.DataFrame({"a": series})
    table = finished(read_table(frame, TableSettings()))
    assert_frame_equal(handed(table.records), frame, check_exact=True)
    assert finished(read_table(frame, TableSettings())).fingerprint == table.fingerprint


def test_an_index_that_says_something_comes_back_and_one_that_counts_is_renewed():
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    for index in (
        pd.Index(["a", "b", "c"]),
        pd.Index([3, 1, 2], name="id"),
        pd.date_range("2020-01-01", periods=3, tz="Europe/Berlin").rename("day"),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", None]),
    ):
        indexed = frame.set_axis(index)
        assert_frame_equal(handed(records_of(indexed)), indexed, check_freq=False)
    shuffled = frame.iloc[[2, 0, 1]]
    assert_frame_equal(handed(records_of(shuffled)), shuffled.reset_index(drop=True))


def test_names_of_columns_with_several_levels_come_back():
    names = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["kind", "number"])
    frame = pd.DataFrame([[1, 2.5]], columns=names)
    assert_frame_equal(handed(records_of(frame)), frame)


def test_missing_values_of_objects_keep_their_kind():
    for null in (None, float("nan"), pd.NA):
        back = handed(records_of(pd.DataFrame({"a": pd.Series(["x", null], dtype=object)})))
        assert type(back["a"][1]) is type(null)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1, "x"], "1 int, 1 str"),
        ([[1], [2]], "2 list"),
        ([{"a": 1}], "1 dict"),
        ([b"x"], "1 bytes"),
        ([1j], "1 complex"),
        ([dt.datetime(2020, 1, 1, tzinfo=dt.UTC)], "time zones"),
    ],
)
def test_objects_that_cannot_be_modelled_are_refused_by_name(values, told):
    with pytest.raises(SourceError, match=rf"'odd'.*{told}.*astype\(str\)"):
        records_of(pd.DataFrame({"odd": pd.Series(values, dtype=object)}))


def test_nested_types_are_refused_by_name():
    with pytest.raises(SourceError, match="column 'odd' holds values of type list"):
        records_of(pa.table({"odd": [[1, 2]]}))
    with pytest.raises(SourceError, match="column 'odd' holds values of type struct"):
        records_of(pl.DataFrame({"odd": [{"a": 1}]}))
    with pytest.raises(SourceError, match="LazyFrame"):
        records_of(pl.LazyFrame({"a": [1]}))


POLARS = {
    "whole": pl.Series([1, None], dtype=pl.Int8),
    "unsigned": pl.Series([2**64 - 1, None], dtype=pl.UInt64),
    "wide": pl.Series([2**100, None], dtype=pl.Int128),
    "float": pl.Series([float("nan"), None]),
    "narrow": pl.Series([1.5, None], dtype=pl.Float32),
    "text": pl.Series(["", None]),
    "category": pl.Series(["b", None], dtype=pl.Categorical),
    "enum": pl.Series(["b", None], dtype=pl.Enum(["c", "b", "a"])),
    "truth": pl.Series([True, None]),
    "day": pl.Series([dt.date(2020, 1, 1), None]),
    "time": pl.Series([dt.time(1, 2, 3, 4), None]),
    "stamp": pl.Series([dt.datetime(2020, 1, 1), None], dtype=pl.Datetime("ns")),
    "zoned": pl.Series([dt.datetime(2020, 1, 1), None], dtype=pl.Datetime("ms", "Europe/Berlin")),
    "span": pl.Series([dt.timedelta(days=1), None], dtype=pl.Duration("us")),
    "decimal": pl.Series([decimal.Decimal("1.50"), None]),
    "nothing": pl.Series([None, None]),
    "date text": pl.Series(["2020-01-01", "2020-01-02"]),
    "repeated": pl.Series(["same", "same"]),
}


def test_a_polars_frame_comes_back_equal():
    frame = pl.DataFrame(POLARS)
    for records in (records_of(frame), finished(read_table(frame, TableSettings())).records):
        back = handed(records)
        assert back.schema == frame.schema
        assert back.equals(frame)


ARROW = pa.table(
    [
        pa.array(["2020-01-01", None], pa.large_string()),
        pa.array(["x", "x"], pa.string_view()),
        pa.array(["x", None]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())),
        pa.array([1, 1], pa.int16()),
        pa.array([1.5, None], pa.float16()),
        pa.compute.run_end_encode(pa.array([3, 3])),
        pa.array([decimal.Decimal("1.5"), None], pa.decimal256(50, 2)),
        pa.array([1, None], pa.time32("ms")),
        pa.array([1, None], pa.timestamp("ns", "Asia/Kolkata")),
        pa.array([86_400_000, None], pa.date64()),
    ],
    names=["a", "a", "", "b", "c", "d", "e", "f", "g", "h"],
)


def test_an_arrow_table_comes_back_equal_with_its_names_and_metadata():
    table = ARROW.replace_schema_metadata({"who": "me"})
    for records in (records_of(table), finished(read_table(table, TableSettings())).records):
        assert len(set(records.table.column_names)) == table.num_columns
        assert handed(records).equals(table, check_metadata=True)


def test_other_tables_in_memory_become_pandas_frames():
    expected = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.5, np.nan]})
    structured = np.array(
        [(1, "x", 1.5), (2, "y", np.nan)], [("a", int), ("b", "U1"), ("c", float)]
    )
    for source in (
        {"a": np.array([1, 2]), "b": ["x", "y"], "c": pa.array([1.5, None])},
        [{"a": 1, "b": "x", "c": 1.5}, {"a": 2, "b": "y"}],
        structured,
    ):
        assert recognises_table(source)
        assert_frame_equal(handed(records_of(source)), expected)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(SourceError, match="'a' 1, 'b' 2"):
        records_of({"a": [1], "b": [1, 2]})


def test_pictures_points_and_scalars_are_no_frames():
    for source in (np.zeros((5, 2)), {"a": 1}, [1, 2], {}, [], None, pd.Series([1])):
        assert not is_frame(source)


def test_rows_picked_keep_their_form_and_types():
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y", "x"], ["y", "x", "z"], ordered=True)})
    picked = records_of(frame)[np.array([2, 0])]
    assert_frame_equal(handed(picked), frame.iloc[[2, 0]].reset_index(drop=True))


def test_a_table_without_rows_is_refused():
    with pytest.raises(SourceError, match="no rows"):
        finished(read_table(pd.DataFrame({"a": []}), TableSettings()))


LATER = {
    "texts": lambda frame: frame.astype(object),
    "categories": lambda frame: frame.astype("category"),
    "polars": pl.from_pandas,
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.mark.parametrize("made", LATER.values(), ids=LATER)
def test_a_frame_of_texts_means_what_it_meant_in_the_file_that_was_learnt(made, tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "a.csv"
    frame = pd.DataFrame(
        {
            "ok": rng.choice(["yes", "no"], 200),
            "when": pd.date_range("2024-01-01", periods=200).strftime("%d.%m.%Y"),
            "cost": [f"{cell:.1f}".replace(".", ",") for cell in rng.normal(size=200)],
        }
    ).mask(rng.random((200, 3)) < 0.1, "?")
    frame.to_csv(path, sep=";", index=False)
    table = finished(read_table(path, TableSettings()))
    assert [str(kind) for kind in table.records.table.schema.types] == [
        "bool", "date32[day]", "double"
    ]  # fmt: skip
    codec = fit_table(table.records)
    later = records_of(made(frame))
    assert_close(codec.encode(later), codec.encode(table.records), rtol=0, atol=0)
    assert holes(codec, later).size == (frame == "?").any(axis=1).sum()


def test_missing_cells_are_filled_in_the_frames_own_words(tmp_path):
    path = tmp_path / "a.csv"
    frame = pd.DataFrame({"ok": ["yes", "no"] * 60, "when": ["01.02.2024", "05.02.2024"] * 60})
    frame.to_csv(path, index=False)
    learnt = finished(read_table(path, TableSettings())).records
    codec = fit_table(learnt)
    given = frame[:20].copy()
    given.loc[::2] = None
    filled = handed(holes(codec, records_of(given)).filled(codec.encode(learnt[:10])))
    assert set(filled["ok"]) == {"yes", "no"}
    assert set(filled["when"]) == {"01.02.2024", "05.02.2024"}
