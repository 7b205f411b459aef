"""Wide tables: each row a series, its steps columns; they come back as they came."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gantlet
from gantlet.cli import main
from gantlet.modalities.base import SourceError
from gantlet.modalities.series import SERIES_MODALITY
from gantlet.modalities.tables.frames import records_of
from gantlet.modalities.timelines.settings import SeriesSettings
from gantlet.modalities.timelines.spans import Spans
from gantlet.modalities.timelines.wide import Wide
from gantlet.modalities.timelines.wide_found import found_wide
from test_series_codec import assert_same, coded, read

HOURS = [f"{hour:02}:00" for hour in range(24)]
MONTHS = [str(month) for month in pd.period_range("2019-07", periods=18, freq="M")]
SMALL = {"network": {"options": {"memory": 8, "width": 16, "width_D": 8}}, "threads": 1}


def meters(count: int = 60, steps: int = 24) -> pd.DataFrame:
    """Load and heat of homes by the hour, and what kind of home it is."""
    rng = np.random.default_rng(0)
    load = rng.gamma(4, 1, (count, steps)).round(2)
    heat = rng.integers(10, 30, (count, steps))
    return pd.DataFrame(
        {"meter": [f"m{i}" for i in range(count)], "home": pd.Categorical(["flat", "house"] * 30)}
        | {f"load_{i}": load[:, i] for i in range(steps)}
        | {"area": rng.normal(90, 9, count).round(1)}
        | {f"heat_{i}": heat[:, i] for i in range(steps)}
    )


def named(names: list[str], count: int = 40) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(count, len(names))).round(3)
    return pd.DataFrame(values, columns=names)


def test_rows_come_back_as_rows_with_what_is_no_step():
    frame = meters()
    rows, codec = coded(frame, wide=True)
    assert codec.schema.names == ["meter", "home", "area", "step", "load", "heat"]
    assert len(rows) == 60
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    assert list(made.columns) == list(frame.columns)
    assert (made.dtypes == frame.dtypes).all()
    numbers = list(frame.columns[2:])
    np.testing.assert_allclose(made[numbers], frame[numbers], atol=1e-4)
    assert (made["home"] == frame["home"]).all()


@pytest.mark.parametrize("kind", ["bool", "str", "category", "Int64"])
def test_steps_that_are_no_measurements_keep_their_type(kind):
    draws = np.random.default_rng(0).integers(0, 2, (40, 9))
    frame = pd.DataFrame(draws, columns=[f"x{i}" for i in range(9)]).astype(kind)
    rows, codec = coded(frame, wide=True)
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    pd.testing.assert_frame_equal(made, frame)


@pytest.mark.parametrize(
    ("names", "time", "told"),
    [
        (MONTHS, "date", "Time: a step a month."),
        ([str(year) for year in range(1990, 2010)], "year", "Time: steps 1 apart."),
        (HOURS, "step", "Time: steps 1 apart."),
    ],
)
def test_columns_named_after_times_are_steps_without_being_said_to_be(names, time, told):
    rng = np.random.default_rng(1)
    frame = named(names)[rng.permutation(names)]  # in any order
    frame.insert(0, "place", [f"p{i}" for i in range(40)])
    raw = read(frame)
    assert told in raw.notes
    assert f"Each of 40 rows is a series: {len(names)} steps, '{names[0]}' to '{names[-1]}'." in (
        raw.notes
    )
    rows, codec = coded(frame)
    assert codec.time == time
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    assert list(made.columns) == list(frame.columns)
    np.testing.assert_allclose(made[names], frame[names], atol=1e-5)


def test_columns_named_after_months_are_steps_in_their_order():
    months = [
        "FEB",
        "JAN",
        *(str(m) for m in pd.date_range("2021-03", periods=10, freq="MS").month_name()),
    ]
    frame = named(months)
    frame["YEAR"] = np.arange(1980, 2020)
    rows, codec = coded(frame, wide=True)
    wide = rows.form
    assert isinstance(wide, Wide)
    assert wide.channels == {"value": ("JAN", "FEB", *months[2:])}
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    np.testing.assert_allclose(made[months], frame[months], atol=1e-4)


def test_the_steps_are_what_most_columns_are():
    frame = named(["2020-01-01", "2020-01-02", *(f"x{i}" for i in range(5)), "1999", "2000"])
    _, codec = coded(frame, wide=True)
    assert codec.schema.names == ["2020-01-01", "2020-01-02", "1999", "2000", "row", "step", "x"]


def test_empty_cells_at_the_end_are_steps_that_are_over():
    frame = named(MONTHS)
    for row in range(0, 40, 3):
        frame.iloc[row, 18 - row % 7 :] = np.nan
    frame.iloc[5, 3] = np.nan  # a hole is a hole
    rows, codec = coded(frame)
    assert isinstance(rows, Spans)
    assert rows.lengths.tolist() == [18 - row % 7 if row % 3 == 0 else 18 for row in range(40)]
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    np.testing.assert_allclose(made, frame, atol=1e-5)


def test_rows_are_steps_where_that_is_said():
    rows, codec = coded(named(MONTHS), wide=False, length=6)
    assert rows.shape == (35, 6, 18)
    assert codec.form == "pandas"


def test_windows_of_long_rows_come_below_one_another():
    days = [str(day.date()) for day in pd.date_range("2022-01-01", periods=200)]
    frame = named(days, 12)
    rows, codec = coded(frame)
    assert rows.shape == (12 * 177, 24, 3)
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows[:5])))
    assert list(made.columns) == ["series", "row", "date", "value"]
    assert made["value"].to_numpy().reshape(5, 24)[3] == pytest.approx(frame.iloc[0, 3:27])


def test_numbered_columns_are_hinted_at():
    frame = named([f"x{i}" for i in range(12)])
    said = "If 'x0' to 'x11' are steps, each row being a series, say --wide."
    assert said in read(frame).notes
    assert said not in read(frame, wide=False).notes
    assert not any("--wide" in note for note in read(named(["a", "b", "x1", "x2"])).notes)


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        (
            named(["a", "b", "c"]),
            {"wide": True},
            "--wide: no columns are steps.*there are: a, b, c",
        ),
        (meters(), {"wide": True, "time": "area"}, "--wide and --time area"),
        (
            named([f"x{i}" for i in range(9)]).assign(x4="?"),
            {"wide": True},
            "columns 'x0' and 'x4' are steps of one thing, but hold double and",
        ),
    ],
)
def test_what_cannot_be_made_long_is_refused_by_name(frame, options, words):
    with pytest.raises(SourceError, match=words):
        read(frame, **options)


cells = st.one_of(st.none(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, width=32))


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(1, 6), st.integers(2, 7), st.integers(1, 3))
def test_any_wide_table_comes_back_from_long(data, rows, steps, channels):
    columns: dict[str, Any] = {"who": [f"w{i}" for i in range(rows)]}
    for channel in range(channels):
        for step in data.draw(st.permutations(range(steps))):
            drawn = data.draw(st.lists(cells, min_size=rows, max_size=rows))
            kind = pa.float64() if any(isinstance(cell, float) for cell in drawn) else pa.int64()
            columns[f"c{channel}_{step}"] = pa.array(drawn, kind)
    for step in range(steps):  # a row of nothing at all is no series
        first = columns[f"c0_{step}"]
        columns[f"c0_{step}"] = first.fill_null(0) if step == 0 else first
    table = pa.table(columns)
    found = found_wide(records_of(table), SeriesSettings(wide=True))
    assert isinstance(found, Wide)
    assert set(found.channels) == {f"c{channel}" for channel in range(channels)}
    long = found.long(table, None)
    whose = long.column("who").to_pylist()
    starts = np.flatnonzero([i == 0 or whose[i] != whose[i - 1] for i in range(len(long))])
    whole = replace(found, is_whole=True)
    back = whole.records(long, starts)
    assert back is not None
    assert_same(table, back.table)
    assert found.records(long, starts) is None


def test_samples_are_rows_of_the_table_and_longer_ones_are_not(tmp_path, capsys):
    path, run, made = tmp_path / "meters.csv", tmp_path / "run", tmp_path / "made.csv"
    meters(steps=8).to_csv(path, index=False)
    asked = ["train", str(path), "--series", "--wide", "--steps", "3", "--out", str(run)]
    small = ["--set", "network.options={memory=8, width=16, width_D=8}", "--set", "threads=1"]
    assert main([*asked, *small]) == 0
    assert main(["sample", str(run), "-n", "7", "--out", str(made)]) == 0
    assert list(pd.read_csv(made).columns) == list(meters(steps=8).columns)
    assert len(pd.read_csv(made)) == 7
    assert main(["sample", str(run), "-n", "7", "--steps", "12", "--out", str(made)]) == 0
    long = pd.read_csv(made)
    assert list(long.columns) == ["series", "meter", "home", "area", "step", "load", "heat"]
    assert long["step"].tolist() == [*range(12)] * 7
    begun = meters(steps=8).iloc[:3].copy()
    begun[["load_6", "load_7", "heat_6", "heat_7"]] = np.nan
    begun.to_csv(tmp_path / "begun.csv", index=False)
    wish = ["--after", str(tmp_path / "begun.csv"), "--steps", "2", "--out", str(made)]
    assert main(["sample", str(run), *wish]) == 0
    assert pd.read_csv(made)["step"].tolist() == [6, 7] * 3


def test_other_wide_rows_are_read_as_those_of_training_were(tmp_path):
    gan = gantlet.train(
        meters(), out=tmp_path / "r",
        settings={**SMALL, "modality": "series", "data": {"wide": True}, "budget": {"steps": 2}},
    )  # fmt: skip
    assert SERIES_MODALITY.alike(gan.codec) == {"time": "step", "length": 24, "wide": True}
    assert list(gan.sample(3).columns) == list(meters().columns)
