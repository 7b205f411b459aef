"""Dates that were texts: the format is found from all of them, and gives every text back."""

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gantlet.modalities.tables.date_formats import candidates
from gantlet.modalities.tables.dates import formatted, is_day_first, parsed, type_of

# What Python's own strftime writes for the same directive.
BOTH_KNOW = [
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%y", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%d %b %Y",
    "%A, %B %d, %Y", "%a %b %d %H:%M:%S %Y", "%I:%M %p", "%H:%M:%S", "%Y%m%dT%H%M%S", "%Y-%m",
]  # fmt: skip


@pytest.mark.parametrize("form", BOTH_KNOW)
@given(st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2068, 1, 1)), min_size=1))
def test_every_text_that_strftime_writes_is_found_and_given_back(form, stamps):
    texts = [stamp.strftime(form) for stamp in stamps]
    assert form in candidates(texts[0])
    values = parsed(pa.array([*texts, None]), form)
    assert formatted(values, form).to_pylist() == [*texts, None]


@given(st.lists(st.datetimes(), min_size=1))
def test_values_are_those_that_python_reads(stamps):
    form = "%Y-%m-%d %H:%M:%S.%6f"
    texts = [stamp.isoformat(" ", "microseconds") for stamp in stamps]
    assert parsed(pa.array(texts), form).to_pylist() == stamps


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("3/7/2020", "%-m/%-d/%Y"),
        ("2020-03-07T10:11:12.123456789+02:00", "%Y-%m-%dT%H:%M:%S.%9f%[+02:00]"),
        ("10/Oct/2000:13:55:36 -0700", "%d/%b/%Y:%H:%M:%S %[-0700]"),
        ("07-MAR-20", "%d-%^b-%y"),
        ("2020-03-07 1:11:12.5 pm", "%Y-%m-%d %-I:%M:%S.%1f %P"),
        ("2020-03-07 10:11:12.25 UTC", "%Y-%m-%d %H:%M:%S%*f %[UTC]"),
        ("9999-12-31", "%Y-%m-%d"),
        ("2021 Jan", "%Y %b"),
        ("2021-January", "%Y-%B"),
        ("2021M07", "%YM%m"),
        ("1990Q4", "%YQ%q"),
        ("Q1 1990", "Q%q %Y"),
        ("1990-Q3", "%Y-Q%q"),
    ],
)
def test_less_common_spellings_come_back(text, form):
    assert form in candidates(text)
    assert formatted(parsed(pa.array([text]), form), form).to_pylist() == [text]


def test_a_fraction_without_its_closing_zeros_comes_back():
    texts = ["2020-01-01 10:00:00", "2020-01-01 10:00:00.5", "2020-01-01 10:00:00.000001"]
    form = "%Y-%m-%d %H:%M:%S%*f"
    assert formatted(parsed(pa.array(texts), form), form).to_pylist() == texts


def test_an_offset_shifts_the_instant_and_not_the_text():
    form = "%Y-%m-%d %H:%M%[+02:00]"
    value = parsed(pa.array(["2020-01-01 01:00+02:00"]), form)
    assert value.cast(pa.int64()).to_pylist() == [1577833200]  # 23:00 of the day before, in UTC
    assert str(type_of(form)) == "timestamp[s, tz=+02:00]"


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-30",
        "1.2.20",
        "Mar 07",
        "31/04/2020",
        "hello 1234",
        "2020Q5",
        "2021 Jam",
        "25:61",
        "Sun, 07 Mar 2020",
        "",
    ],
)
def test_what_is_no_day_or_would_not_come_back_is_no_date(text):
    assert candidates(text) == []


def test_one_text_of_another_spelling_ends_a_format():
    assert parsed(pa.array(["2020-01-01", "2020-1-2"]), "%Y-%m-%d") is None
    assert parsed(pa.array(["1677-01-01 00:00:00.123456789"]), "%Y-%m-%d %H:%M:%S.%9f") is None


def test_formats_tell_whether_the_day_leads():
    assert is_day_first("%d/%m/%Y") is True
    assert is_day_first("%-m/%-d/%y") is False
    assert is_day_first("%Y-%m-%d") is None
    assert is_day_first("%d %b %Y") is None
