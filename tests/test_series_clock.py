"""Where in the calendar, and in which stretch of a record, a series begins."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from gantlet.modalities.base import finished
from gantlet.modalities.series import SERIES_MODALITY, SeriesCodec, SeriesSettings
from gantlet.modalities.timelines.clock import Clock, clock_of
from gantlet.modalities.timelines.days import months

HOURS = 24


def hourly(years: float) -> Clock:
    hours = np.arange(int(years * 366) * HOURS)
    return clock_of(hours, hours[1:], HOURS)


def test_months_are_counted_from_1970():
    days = np.array([date(1970, 1, 31), date(1970, 2, 1), date(1969, 12, 31)], "datetime64[D]")
    assert months(days.astype(np.int64)).tolist() == [0, 1, -1]
    assert clock_of(np.array([3, 5, 7, 9]), np.array([1, 2, 3]), 0).told() == "steps 2 apart"


@pytest.mark.parametrize(("years", "late"), [(2, (2,)), (6, ())])
def test_months_of_few_years_follow_from_the_series_and_not_it_from_them(years, late):
    """Hours of the day, weekdays and months: the last come twice, or six times."""
    hours = np.arange(years * 366 * 24)
    clock = clock_of(hours, hours[1:], 24)
    assert clock.sizes == (24, 7, 12)
    assert clock.late == late


def test_a_monthly_record_has_no_late_month():
    days = np.arange("2020-01", "2022-01", dtype="datetime64[M]").astype("datetime64[D]")
    clock = clock_of(days.astype(np.int64), np.arange(1, 24), 1)
    assert (clock.kind, clock.late) == ("months", ())


@pytest.mark.parametrize(
    ("years", "windows", "sizes"),
    [
        (2, 732, (24, 7, 25)),  # 30 a month
        (2, 270, (24, 7, 13)),  # 11 a month, 22 in two
        (2, 100, (24, 7, 12)),  # 12 in three: a month, told late
        (6, 9_000, (24, 7, 12)),  # a long record: a month
        (0.5, 9_000, (24, 7)),  # one of half a year: nothing
    ],
)
def test_a_short_record_of_many_windows_is_told_by_stretches(years, windows, sizes):
    clock = hourly(years).parted(windows)
    assert clock.sizes == sizes
    assert clock.late == ((2,) if windows == 100 else ())
    assert Clock(**clock.plain()) == clock


def test_stamps_lie_in_the_stretch_that_is_drawn():
    stamps = pd.date_range("2021-03-15", periods=500 * HOURS, freq="h")
    frame = pd.DataFrame({"at": stamps, "x": np.random.default_rng(0).normal(size=len(stamps))})
    raw = finished(SERIES_MODALITY.load(frame, SeriesSettings(length=HOURS)))
    codec = SERIES_MODALITY.fit(raw)
    assert isinstance(codec, SeriesCodec)
    assert codec.clock is not None
    assert codec.clock.stretch == 1
    some = raw.rows[np.arange(0, len(raw.rows), 997)]
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(some)))
    began = pd.DatetimeIndex(made.groupby("series")["at"].first())
    known = stamps[np.arange(0, len(raw.rows), 997)]
    assert list(began.strftime("%Y-%m %a %H")) == list(known.strftime("%Y-%m %a %H"))


def test_what_comes_after_the_record_is_of_its_last_stretch():
    clock = hourly(2).parted(700)
    later = np.array([clock.high, clock.high + 90 * 24 * HOURS])
    assert clock.calendar(later)[2].tolist() == [24, 24]


@pytest.mark.parametrize(
    ("first", "count", "rate"),
    [
        ("1987-03-01", 90, "MS"),  # the record ends within a year
        ("1987-02-28", 40, "QE-FEB"),  # quarters that end in February
        ("1987-03-01", 200, "7D"),  # Sundays
        ("1987-03-01", 90, "h"),  # ends in the evening of its last day
        ("1987-03-01 08:00", 90, "20s"),  # half an hour
        ("1987-03-02", 300, "B"),
    ],
)
def test_series_begin_at_stamps_of_the_record(first, count, rate):
    stamps = pd.date_range(first, periods=count, freq=rate)
    frame = pd.DataFrame({"at": stamps, "x": np.random.default_rng(0).normal(size=count)})
    raw = finished(SERIES_MODALITY.load(frame, SeriesSettings(length=8)))
    codec = SERIES_MODALITY.fit(raw)
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(raw.rows)))
    known = set(stamps[:-7])
    for _, own in made.groupby("series")["at"]:
        assert own.iloc[0] in known
        assert list(own) == list(pd.date_range(own.iloc[0], periods=8, freq=rate))
