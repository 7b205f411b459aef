"""Conditions as they are written, which rows fit, and that no choice of such a row is barred."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gantlet.config import ConfigError
from gantlet.modalities.tables.codec import TableCodec, fit_table
from gantlet.modalities.tables.conditions import conditions, fitting, narrowing
from gantlet.modalities.tables.frames import records_of
from gantlet.modalities.tables.reach import spelled
from gantlet.modalities.tables.records import Records
from odd_tables import odd_tables

DAY = datetime.date(2020, 3, 7)
SIZES = pa.DictionaryArray.from_arrays(
    pa.array([0, 1, 2, None, 1], pa.int8()), ["small", "medium", "large"], ordered=True
)
TABLE = pa.table(
    {
        "age": pa.array([20, 30, None, 40, 30], pa.int16()),
        "income": pa.array([">50K", "null", None, "", "it's"]).dictionary_encode(),
        "is old": [False, True, None, True, False],
        "day": pa.array([DAY, DAY, None, datetime.date(2021, 1, 1), DAY]),
        "at": pa.array([0, 3_600, None, 7_200, 0], pa.timestamp("s", "Europe/Berlin")),
        "x": pa.array([0.5, float("nan"), None, -1.0, 0.5]),
        "price": pa.array([Decimal("1.50"), Decimal(2), None, Decimal(-1), Decimal(2)],
                          pa.decimal128(5, 2)),
        "size": SIZES,
        "a<=b": [1, 2, 3, 4, 5],
    }
)  # fmt: skip


def fit(where: object, table: pa.Table = TABLE) -> list[int]:
    """The numbers of the rows that fit."""
    return np.flatnonzero(fitting(Records(table), conditions(table.schema, where))).tolist()


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("age = 30", [1, 4]),
        ("age==30", [1, 4]),
        ("age != 30", [0, 3]),
        ("age <= 30", [0, 1, 4]),
        ("age >= 30", [1, 3, 4]),
        ("age < 30", [0]),
        (" age > 30 ", [3]),
        ("age =", [2]),
        ("age = null", [2]),
        ("age != null", [0, 1, 3, 4]),
        ("`age` = '30'", [1, 4]),
        ("income='>50K'", [0]),
        ("income = >50K", [0]),
        ("income = 'null'", [1]),
        ("income = ''", [3]),
        ("income = it's", [4]),
        ('income = "it\'s"', [4]),
        ("income != >50K", [1, 3, 4]),
        ("'is old' = true", [1, 3]),
        ("is old = false", [0, 4]),
        ("day >= 2020-12-31", [3]),
        ("at = 1970-01-01 02:00", [1]),
        ("at > 1970-01-01T01:00:00Z", [3]),
        ("x = nan", [1, 2]),
        ("x <= 0.5", [0, 3, 4]),
        ("x != 0.5", [3]),
        ("price >= 1.5", [0, 1, 4]),
        ("size > small", [1, 2, 4]),
        ("'a<=b' <= 2", [0, 1]),
        (["age >= 30", "is old = false"], [4]),
        ([], [0, 1, 2, 3, 4]),
        ({"age": 30}, [1, 4]),
        ({"age": None}, [2]),
        ({"age": float("nan")}, [2]),
        ({"age": [20, None]}, [0, 2]),
        ({"age": np.array([20, 40])}, [0, 3]),
        ({"age": {20, 40}, "is old": True}, [3]),
        ({"income": ("", ">50K")}, [0, 3]),
        ({"day": DAY}, [0, 1, 4]),
        ({"day": np.datetime64("2021-01-01")}, [3]),
        ({"at": datetime.datetime(1970, 1, 1, 1, tzinfo=datetime.UTC)}, [1]),
        ({"price": 1.5}, [0]),
        ({"price": 2}, [1, 4]),
        ({"size": "large"}, [2]),
        ({}, [0, 1, 2, 3, 4]),
    ],
)
def test_rows_fit_as_the_condition_says(where, rows):
    assert fit(where) == rows


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("agee > 3", "column 'agee' does not exist; did you mean 'age'?"),
        ({"zzz": 1}, "column 'zzz' does not exist; there are: age, income"),
        ("age = old", "column 'age' holds int16: 'old' is no value of it"),
        ({"age": 30.5}, "column 'age' holds int16: 30.5 is no value of it"),
        ({"age": object()}, "is no value of it"),
        ({"age": 70_000}, "column 'age' holds int16: 70000 is no value of it"),
        ("day > soon", "column 'day' holds date32"),
        ("at > soon", "column 'at' holds timestamp"),
        ("is old = maybe", "column 'is old' holds true and false"),
        ("price = cheap", "column 'price' holds decimal128"),
        ("age < null", "a missing cell is neither more nor less"),
        ({"age": []}, "no value is given"),
        ("age", "'age': no condition; write a column, one of == = !="),
        ([3], "3: no condition"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(where, said):
    with pytest.raises(ConfigError) as caught:
        conditions(TABLE.schema, where)
    assert said in str(caught.value)


def test_values_are_meant_as_the_table_spells_them(tmp_path):
    import pandas as pd

    n = 400
    frame = pd.DataFrame(
        {
            "born": [f"{1 + i % 28:02d}.{1 + i % 12:02d}.19{50 + i % 40}" for i in range(n)],
            "is_paid": ["yes" if i % 3 else "no" for i in range(n)],
        }
    )
    rows = records_of(frame)
    if pa.types.is_date(rows.table.schema.field("born").type):
        assert fit("born < 01.01.1951", rows.table) == [i for i in range(n) if i % 40 == 0]
    assert fit("is_paid = no", rows.table) == list(range(0, n, 3))


def codec_of(table: pa.Table) -> TableCodec:
    return fit_table(Records(table))


def blocks_allowed(codec: TableCodec, where: object) -> list[list[bool]]:
    allowed = narrowing(codec, where).allowed
    return [part.tolist() for part in np.split(allowed, np.cumsum(codec.blocks)[:-1])]


def test_choices_are_told_for_every_sign():
    table = pa.table({"n": np.repeat([1, 2, 3, 4], 100), "k": np.tile(["a", "b"], 200)})
    codec, free = codec_of(table), [True, True]
    for sign, may in {"=": "0100", "!=": "1011", "<": "1000", ">=": "0111"}.items():
        n, k = blocks_allowed(codec, f"n {sign} 2")
        assert (n, k) == ([c == "1" for c in may], free)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(odd_tables(), st.data())
def test_no_choice_of_a_row_that_fits_is_barred(table: pa.Table, data: st.DataObject):
    rows = Records(table)
    codec = codec_of(table)
    places = [
        place
        for place, note in enumerate(codec.columns)
        if note.is_modelled and table.column_names.count(note.name) == 1
    ]
    if not places:
        return
    name = table.column_names[data.draw(st.sampled_from(places))]
    index = data.draw(st.integers(0, len(rows) - 1))
    column = codec.decode(codec.encode(rows)).table.column(name)
    cell = column[index]
    if isinstance(cell, pa.ExtensionScalar):
        cell = cell.value
    if pa.types.is_dictionary(cell.type) or pa.types.is_run_end_encoded(cell.type):
        cell = pa.scalar(cell.as_py(), cell.type.value_type)
    where = {name: [cell]}
    fits = narrowing(codec, where).fits(rows)
    assert fits[index]
    barred = ~narrowing(codec, where).allowed
    x = codec.encode(rows)[fits][:, : len(barred)].bool().numpy()
    assert not (x & barred).any()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**31), st.sampled_from(["<", "<=", ">", ">=", "!=", "="]))
def test_no_choice_of_any_sample_that_fits_is_barred(seed: int, sign: str):
    """Samples may spell a cell as no real row does: by another digit, from a neighbouring bin."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(50, 3_000))
    days = rng.integers(0, 4_000, count)
    table = pa.table(
        {
            "real": np.round(rng.standard_normal(count), int(rng.integers(0, 4))),
            "whole": rng.integers(0, int(rng.integers(2, 3_000)), count),
            "word": np.char.add("w", rng.integers(0, int(rng.integers(2, 90)), count).astype(str)),
            "day": pa.array(days - days % 7 + rng.integers(0, 3, count), pa.int32()).cast(
                pa.date32()
            ),
            "hole": pa.array(rng.integers(0, 9, count), mask=rng.random(count) < 0.1),
        }
    )
    table = table.append_column("half", table["word"])
    codec = codec_of(table)
    codes = np.stack([rng.integers(0, size, 2_000) for size in codec.blocks], 1)
    positions = rng.uniform(-1, 1, (2_000, codec.shape[0] - sum(codec.blocks))).astype(np.float32)
    made = codec.decode_codes(codes, positions)
    starts = np.cumsum(codec.blocks) - codec.blocks
    for name, note in zip(table.column_names, codec.columns, strict=True):
        if not note.is_modelled:
            continue
        value = made.table[name][int(rng.integers(2_000))].as_py()
        if value is None and sign not in ("=", "!="):
            continue
        where = f"{name} {sign} {'null' if value is None else value}"
        fits = fitting(made, conditions(codec.schema, where))
        if fits.any():
            assert narrowing(codec, where).allowed[(codes + starts)[fits]].all()


def test_a_derived_column_narrows_the_one_it_follows_from():
    rng = np.random.default_rng(0)
    town = rng.integers(0, 40, 4_000)
    table = pa.table({"town": np.char.add("t", town.astype(str)),
                      "state": np.char.add("s", (town // 20).astype(str))})  # fmt: skip
    codec = codec_of(table)
    assert [note.kind for note in codec.columns] == ["category", "derived"]
    (allowed,) = blocks_allowed(codec, {"state": "s1"})
    assert sum(allowed) == 20
    (one,) = blocks_allowed(codec, {"state": "s1", "town": "t25"})
    assert sum(one) == 1
    with pytest.raises(ConfigError, match="no row fits all of it"):
        narrowing(codec, {"state": "s0", "town": "t25"})


def test_columns_that_change_places_are_left_free():
    rng = np.random.default_rng(0)
    low = rng.integers(0, 50, 2_000)
    table = pa.table({"low": low, "high": low + rng.integers(0, 30, 2_000)})
    codec = codec_of(table)
    assert codec.orders
    assert narrowing(codec, "low = 7").allowed.all()


def test_a_digit_that_is_read_as_the_last_of_its_run_spells_that_one():
    table = pa.table({"n": np.repeat(np.arange(60), 20)})
    (part,) = codec_of(table).kinds[0].parts
    assert len(part.digits.sizes) == 2
    for choice in range(60):
        coarse, fine = spelled(part, np.arange(60) == choice)
        digits = [(a, b) for a in np.flatnonzero(coarse) for b in np.flatnonzero(fine)]
        assert (part.digits.choices(np.array(digits)) == choice).all()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("k = A", "k = A: no cell of that column ever is"),
        ("k = alphaa", "did you mean 'alpha'?"),
        ("k = zzz", "k = zzz: no cell of that column ever is; it holds 'alpha', 'b'"),
        (
            "w = none",
            "it holds 'word0', 'word1', 'word2', 'word3', 'word4', 'word5', 'word6', "
            "'word7', 'word8', 'word9' and 9 more",
        ),
        ("x > 200", "x > 200.0: no cell of that column ever is; it lies between 0.0 and 199.0"),
        ("d = 2031-01-01", "it lies between 2020-01-01 and 2020-07-18"),
        ("h > 200", "it lies between 0.0 and 199.0"),
        ("n = 9", "n = 9: no cell of that column ever is; it holds 1, 2, 3, 4"),
        ("t = maybe", "column 't' holds true and false: 'maybe' is no value of it"),
        ("k = null", "k = missing: no cell of that column ever is"),
        ("n > 9", "n > 9: no cell of that column ever is"),
        (["n > 2", "n < 2"], "no row fits all of it"),
        ("id = 7", "cells of 'id' are made anew for each sample"),
    ],
)
def test_what_no_sample_can_be_is_told_at_once(where, said):
    table = pa.table({"k": ["alpha", "b"] * 100, "n": [1, 2, 3, 4] * 50, "id": range(200),
                      "w": [f"word{i}" for i in range(19)] * 10 + ["word0"] * 10,
                      "x": np.random.default_rng(0).permutation(np.arange(200.0)),
                      "d": np.arange("2020-01-01", "2020-07-19", dtype="M8[D]"),
                      "h": pa.array(np.arange(200.0), pa.float16()),
                      "t": [True, False, False, True] * 50})  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        narrowing(codec_of(table), where)
    assert said in str(caught.value)
