"""Arrow's tables as matrices: every kind of column, coded alike over all sets of rows."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa

from gantlet.modalities.tables.matrix import matrices
from gantlet.modalities.tables.records import Records


def of(columns: dict) -> Records:
    return Records(pa.table(columns))


def test_categories_are_coded_over_all_sets_of_rows():
    a, b = matrices([of({"x": ["b", "a", None]}), of({"x": ["c", "a", "c"]})])
    assert a.categories == b.categories == (("a", "b", "c"),)
    np.testing.assert_array_equal(a.values[:, 0], [1, 0, np.nan])
    np.testing.assert_array_equal(b.values[:, 0], [2, 0, 2])


def test_every_kind_becomes_a_number():
    day, noon = dt.date(1970, 1, 2), dt.datetime(1970, 1, 1, 12)
    rows = {
        "date": [day, None, dt.date(1970, 1, 1)],
        "stamp": pa.array([noon, None, dt.datetime(1970, 1, 1)], pa.timestamp("ns", "UTC")),
        "time": [dt.time(0, 0, 1), dt.time(1), None],
        "span": [dt.timedelta(seconds=3), dt.timedelta(), None],
        "price": [Decimal("1.25"), None, Decimal("3")],
        "truth": [True, False, None],
        "two": [5, 7, 7],
        "many": [2**53, 1, 0],
        "half": pa.array([1.5, None, 2.5], pa.float32()),
        "void": pa.nulls(3),
    }
    (found,) = matrices([of(rows)])
    assert found.names == tuple(rows)
    assert found.is_categorical.tolist() == [name in ("truth", "two", "half") for name in rows]
    wanted = {
        "date": [86400, np.nan, 0], "stamp": [43200, np.nan, 0], "time": [1, 3600, np.nan],
        "span": [3, 0, np.nan], "price": [1.25, np.nan, 3], "truth": [1, 0, np.nan],
        "two": [0, 1, 1], "many": [2**53, 1, 0], "half": [0, np.nan, 1],
        "void": [np.nan] * 3,
    }  # fmt: skip
    for place, name in enumerate(found.names):
        np.testing.assert_array_equal(found.values[:, place], wanted[name], err_msg=name)


def test_dictionaries_texts_and_bytes_are_categories():
    words = ["u", "v", "w"]
    rows = {
        "plain": words,
        "large": pa.array(words, pa.large_string()),
        "coded": pa.array(words).dictionary_encode(),
        "bytes": pa.array([b"u", b"v", b"w"]),
    }
    (found,) = matrices([of(rows)])
    assert found.is_categorical.all()
    np.testing.assert_array_equal(found.values, np.arange(3)[:, None].repeat(4, axis=1))


def test_identifiers_and_what_holds_no_single_value_are_left_out():
    rows = {"name": [f"n{k}" for k in range(60)], "list": [[1]] * 60, "kind": ["a", "b"] * 30}
    (found,) = matrices([of(rows)])
    assert found.names == ("kind",)


def test_the_first_set_decides_what_a_column_is():
    a, b = matrices([of({"x": [1, 2, 3]}), of({"x": [1.5, 2.5]})])
    assert not b.is_categorical[0]
    np.testing.assert_array_equal(a.values[:, 0], [1, 2, 3])
