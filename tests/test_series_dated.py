"""Times that stand in several columns, and columns that hang on the time."""

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gantlet
from gantlet.cli import main
from gantlet.modalities.base import SourceError
from gantlet.modalities.series import SERIES_MODALITY
from gantlet.modalities.timelines.calendar_columns import found_calendar
from gantlet.modalities.timelines.dated import Dated
from gantlet.modalities.timelines.days import units_of, units_of_day
from test_series_codec import coded, read

SMALL = {"network": {"options": {"memory": 8, "width": 16, "width_D": 8}}, "threads": 1}
RATES = ("YS", "QS", "MS", "D", "7D", "h", "15min", "20s")
PARTS = {
    "YS": ["year"], "QS": ["year", "quarter"], "MS": ["year", "month"],
    "D": ["year", "month", "day"], "7D": ["year", "month", "day"],
    "h": ["year", "month", "day", "hour"], "15min": ["year", "month", "day", "hour", "minute"],
    "20s": ["year", "month", "day", "hour", "minute", "second"],
}  # fmt: skip


def record(rate: str = "MS", count: int = 90, start: str = "1987-03-01") -> pd.DataFrame:
    """A wave over time, the time in parts."""
    times = pd.date_range(start, periods=count, freq=rate)
    values = np.sin(np.arange(count) / 5) + np.random.default_rng(0).normal(size=count) / 9
    parts = {part: getattr(times, part) for part in PARTS[rate]}
    return pd.DataFrame(parts | {"wave": values.round(4)})


def stamps(frame: pd.DataFrame) -> pd.Series:
    """The time of each row, as pandas makes it up."""
    parts = frame[[n for n in frame.columns if n in PARTS["20s"]]]
    if "quarter" in frame:
        parts = parts.assign(month=3 * frame["quarter"] - 2)
    return pd.to_datetime(parts.assign(month=parts.get("month", 1), day=parts.get("day", 1)))


@pytest.mark.parametrize("rate", RATES)
def test_samples_keep_the_parts_of_a_time_and_its_interval(rate):
    frame = record(rate)
    rows, codec = coded(frame, length=8)
    assert codec.time == "date"
    made = SERIES_MODALITY.handed(SERIES_MODALITY.codec(codec.plain()).decode(codec.encode(rows)))
    assert list(made.columns) == ["series", *frame.columns]
    assert (made.dtypes[1:] == frame.dtypes).all()
    np.testing.assert_allclose(made["wave"], SERIES_MODALITY.handed(rows)["wave"], atol=1e-4)
    real = set(stamps(frame))
    for _, own in stamps(made).groupby(made["series"]):
        assert own.iloc[0] in real
        assert list(own) == list(pd.date_range(own.iloc[0], periods=8, freq=rate))


@pytest.mark.parametrize("rate", RATES)
def test_the_time_is_what_pandas_makes_of_its_parts(rate):
    frame = record(rate)
    rows, codec = coded(frame, length=8)
    column = rows.table.column(codec.time).to_pandas()
    assert list(pd.to_datetime(column)) == list(stamps(frame))


@given(st.lists(st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(2999, 12, 31))))
@settings(max_examples=100, deadline=None)
def test_units_are_those_of_the_calendar(times):
    seconds = np.array([(t - datetime.datetime(1970, 1, 1)) // datetime.timedelta(seconds=1)
                        for t in times], np.int64)  # fmt: skip
    for unit in ("year", "month", "day", "hour", "minute", "second"):
        assert units_of(seconds, 86_400, unit).tolist() == [getattr(t, unit) for t in times]
    assert units_of(seconds, 86_400, "weekday").tolist() == [t.isoweekday() for t in times]
    assert units_of(seconds, 86_400, "quarter").tolist() == [(t.month + 2) // 3 for t in times]


@pytest.mark.parametrize("names", [str.upper, lambda name: f" {name}"])
def test_columns_may_be_written_otherwise_and_stand_anywhere(names):
    frame = record("D").rename(columns=names)[[*map(names, ("wave", "day", "month", "year"))]]
    rows, codec = coded(frame, length=8)
    assert isinstance(rows.form, Dated)
    assert [column.strip().lower() for column in rows.form.columns] == ["year", "month", "day"]
    assert codec.clock is not None
    assert codec.clock.told() == "a step each day"


@pytest.mark.parametrize("style", ["%b", "%B"])
@pytest.mark.parametrize("kind", ["str", "category"])
def test_months_may_be_named(style, kind):
    frame = record("MS")
    frame["month"] = pd.date_range("1987-03-01", periods=90, freq="MS").strftime(style)
    frame = frame.astype({"month": kind})
    rows, codec = coded(frame, length=12)
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    assert made["month"].dtype == frame["month"].dtype
    whole = made["year"].astype(str) + made["month"].astype(str)
    own = pd.to_datetime(whole, format=f"%Y{style}").groupby(made["series"])
    assert all(list(t) == list(pd.date_range(t.iloc[0], periods=12, freq="MS")) for _, t in own)


@pytest.mark.parametrize("clock", ["time", "hour"])
def test_a_date_and_what_is_less_than_a_day_make_up_a_time(clock):
    times = pd.date_range("2024-02-20", periods=24 * 20, freq="h")
    own = {"time": [*times.time]} if clock == "time" else {"hr": times.hour}
    frame = pl.DataFrame(
        {"day": [*times.date], **own, "heat": np.random.default_rng(0).normal(size=480)}
    )
    rows, codec = coded(frame, length=30)
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows[:5])))
    assert made.schema == {"series": pl.Int64, **frame.schema}
    name = frame.columns[1]
    known = dict.fromkeys(frame.select("day", name).iter_rows())
    places = {pair: place for place, pair in enumerate(known)}
    for own in made.partition_by("series"):
        at = [places[pair] for pair in own.select("day", name).iter_rows() if pair in places]
        assert (np.diff(at) == 1).all()
        assert len(at) > 0


def test_entities_have_times_in_parts_too():
    one = record("YS", 30)
    frame = pd.concat([one.assign(firm=name) for name in ("a", "b", "c")])
    raw = read(frame.sample(frac=1, random_state=0), length=10)
    assert raw.rows.track.entity == "firm"
    assert len(raw.rows) == 3 * 21


def test_an_hour_that_comes_twice_in_autumn_parts_no_series():
    one = record("h", 2000).assign(wave=lambda f: f["wave"] + 1)
    one.loc[1000:, "hour"] = np.roll(one.loc[1000:, "hour"], 1)  # clocks are put back
    one.loc[1000:, "day"] = np.roll(one.loc[1000:, "day"], 1)
    one.loc[1000:, "month"] = np.roll(one.loc[1000:, "month"], 1)
    one.loc[1000] = one.loc[999]
    raw = read(pd.concat([one.assign(at=place) for place in ("JFK", "EWR", "LGA")]), length=8)
    assert raw.rows.track.entity == "at"


def test_rows_without_a_part_are_left_out():
    frame = record("MS").astype({"month": "Int64"})
    frame.loc[50, "month"] = None
    raw = read(frame, length=8)
    assert "1 rows have no time or entity and are left out." in raw.notes


@pytest.mark.parametrize(
    "frame",
    [
        record("MS").assign(year=1990),  # twelve months, over and over
        record("MS").assign(month=13),
        record("D").assign(day=31),
        record("MS").assign(year=lambda f: f["year"] - 1987),
        record("MS").drop(columns="year"),
    ],
)
def test_what_makes_up_no_time_is_left_as_it_is(frame):
    assert read(frame.assign(who="a"), length=8, entity="who").rows.track.time is None
    raw = read(frame, length=8)
    assert raw.rows.track.time is None
    assert raw.rows.table.column_names == list(frame.columns)


def test_one_column_of_times_is_enough():
    times = pd.date_range("2024-02-20", periods=480, freq="h")
    frame = pd.DataFrame({"at": times, "year": times.year, "hour": times.hour, "x": np.arange(480)})
    rows, codec = coded(frame, length=8)
    assert codec.time == "at"
    assert not isinstance(rows.form, Dated)
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    assert (made["year"] == made["at"].dt.year).all()
    assert (made["hour"] == made["at"].dt.hour).all()


@pytest.mark.parametrize(
    ("frame", "time", "words"),
    [
        (record("D").assign(day=31), "year,month,day", "no such date: year 1987, month 4, day 31"),
        (record("MS").assign(month=0), "year, month", "column 'month' holds 0: a month is from 1"),
        (record("MS"), "year,wave", "do not make up a time"),
        (record("MS"), "month,wave", "do not make up a time"),
        (record("MS"), "year,moon", "there is no such column"),
        (record("YS").assign(year=2000), "year", "--entity"),
    ],
)
def test_a_time_that_was_said_to_be_is_refused_by_name(frame, time, words):
    with pytest.raises(SourceError, match=words):
        read(frame, time=time, length=8)


def hanging(unit: str, values: Any, rate: str = "h", count: int = 24 * 800) -> Any:
    times = pd.date_range("2023-01-01", periods=count, freq=rate)
    numbers = {"weekday": times.day_of_week, "month": times.month - 1, "hour": times.hour}[unit]
    cells = pa.array(np.array(values)[numbers])
    whole = pa.array(times)
    day = units_of_day(whole.type)
    stamped = whole.cast(pa.int64()).to_numpy()
    return found_calendar(cells, stamped, day), stamped, cells


@pytest.mark.parametrize(
    ("unit", "values"),
    [
        ("weekday", list("MTWTFSS")),
        ("weekday", [0, 0, 0, 0, 0, 1, 1]),
        ("month", ["winter"] * 2 + ["spring"] * 3 + ["summer"] * 3 + ["autumn"] * 3 + ["winter"]),
        ("hour", [hour // 6 for hour in range(24)]),
    ],
)
def test_what_hangs_on_the_calendar_is_found_and_worked_out(unit, values):
    column, times, cells = hanging(unit, values)
    assert column.unit == unit
    assert column.cells(times).equals(cells)


def test_what_does_not_hang_on_the_calendar_is_modelled():
    rng = np.random.default_rng(0)
    _, times, cells = hanging("weekday", list("MTWTFSS"))
    day = 86_400 * 1_000_000_000 if times.max() > 1e17 else 86_400 * 1_000_000
    odd = cells.to_pylist()
    odd[5_000] = "holiday"
    assert found_calendar(pa.array(odd), times, day) is None
    assert found_calendar(pa.array(["same"] * len(times)), times, day) is None
    assert found_calendar(pa.array(rng.integers(0, 2, len(times))), times, day) is None
    assert found_calendar(cells[:20], times[:20], day) is None  # chance would do
    some = np.tile(np.arange(0, 24 * 14, 24), 50)  # and would for fifty shops in two weeks
    assert found_calendar(cells.take(pa.array(some)), times[some], day) is None


def test_a_value_that_changed_once_hangs_on_no_month():
    found, _, _ = hanging("month", ["old"] * 3 + ["new"] * 9, count=24 * 300)
    assert found is None


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.uint8(), pa.float32(), pa.duration("s"), pa.int64()]
)
def test_columns_of_any_type_are_looked_at(kind):
    _, times, _ = hanging("hour", [0] * 24)
    day = 86_400 * 1_000_000_000 if times.max() > 1e17 else 86_400 * 1_000_000
    draws = np.random.default_rng(0).integers(0, 100, len(times))
    assert found_calendar(pa.array(draws).cast(kind), times, day) is None
    if kind != pa.duration("s"):
        hours = pa.array(units_of(times, day, "hour")).cast(kind)
        column = found_calendar(hours, times, day)
        assert column is not None
        assert column.cells(times).equals(hours)


@pytest.mark.parametrize("kind", [pa.date64(), pa.timestamp("ns"), pa.timestamp("s", "Asia/Tokyo")])
def test_a_date_beside_the_time_follows_from_it(kind):
    _, times, _ = hanging("hour", [0] * 24)
    day = 86_400 * 1_000_000_000 if times.max() > 1e17 else 86_400 * 1_000_000
    days = pa.array((times // day).astype(np.int32)).cast(pa.date32()).cast(pa.timestamp("s"))
    dates = days.cast(kind)
    column = found_calendar(dates, times, day)
    assert column is not None
    assert column.cells(times).equals(dates)


def test_what_is_gone_on_with_keeps_to_the_calendar(tmp_path):
    frame = record("MS")
    settings = {**SMALL, "budget": {"steps": 2}, "modality": "series", "data": {"length": 12}}
    gan = gantlet.train(frame, settings=settings, out=tmp_path / "run")
    more = gan.continued(frame[-5:], 20)
    assert list(more.columns) == ["series", *frame.columns]
    after = pd.date_range(stamps(frame).iloc[-1], periods=21, freq="MS")[1:]
    assert list(stamps(more)) == list(after)
    assert len(gan.sample(2, steps=40)) == 80


def test_the_command_line_takes_a_time_in_parts(tmp_path, capsys):
    file, run = tmp_path / "sales.csv", tmp_path / "run"
    record("D", 300).to_csv(file, index=False)
    assert main(["train", str(file), "--series", "--length", "8", "--dry-run"]) == 0
    assert "Time is made up of columns year, month, day." in capsys.readouterr().out
    train = ["train", str(file), "--series", "--length", "8", "--steps", "2", "--out", str(run)]
    options = [
        f"network.options.{name}={value}" for name, value in SMALL["network"]["options"].items()
    ]
    assert main([*train, *(x for option in options for x in ("--set", option))]) == 0
    made, more = tmp_path / "made.csv", tmp_path / "more.csv"
    assert main(["sample", str(run), "-n", "3", "--out", str(made)]) == 0
    assert main(["sample", str(run), "--after", str(file), "--steps", "3", "--out", str(more)]) == 0
    last = stamps(pd.read_csv(file)).iloc[-1]
    assert list(stamps(pd.read_csv(more))) == list(pd.date_range(last, periods=4)[1:])
    assert main(["evaluate", str(run), "-n", "50"]) == 0


def test_texts_that_are_each_series_own_are_made_anew():
    one = record("MS", 12).assign(place="Rome")
    many = [one.assign(who=f"p{i}", code=f"{i * 7919 % 9973:04}K") for i in range(60)]
    rows, codec = coded(pd.concat(many), entity="who")
    notes = {
        c.note(n).name: c.note(n) for n, c in zip(codec.schema.names, codec.channels, strict=True)
    }
    assert notes["code"].kind == "identifier"
    assert notes["wave"].kind == "number"
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    assert made.groupby("series")["code"].nunique().eq(1).all()


@pytest.mark.parametrize(("entities", "length"), [(5, 24), (40, 60)])
def test_of_few_series_windows_are_taken_and_of_many_they_are_whole(entities, length):
    frame = pd.concat([record("MS", 60).assign(who=f"p{i}") for i in range(entities)])
    assert read(frame, entity="who").rows.track.length == length
