"""Series ↔ tensors: what comes in comes back, and windows are cut where there is no gap."""

import json
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv
from torch.testing import assert_close

from gantlet.feed import split
from gantlet.modalities.base import Raw, SourceError, finished
from gantlet.modalities.series import SERIES_MODALITY, SeriesCodec, SeriesSettings
from gantlet.modalities.tables.converting import as_text
from gantlet.modalities.tables.dates import formatted, parsed
from gantlet.modalities.timelines.spans import Spans, joined
from gantlet.plan import draft


def read(source: Any, **options: Any) -> Raw:
    return finished(SERIES_MODALITY.load(source, SeriesSettings(**options)))


def coded(source: Any, **options: Any) -> tuple[Spans, SeriesCodec]:
    """The rows, and a codec that went through JSON."""
    raw = read(source, **options)
    codec = SERIES_MODALITY.codec(json.loads(json.dumps(SERIES_MODALITY.fit(raw).plain())))
    assert isinstance(raw.rows, Spans)
    assert isinstance(codec, SeriesCodec)
    return raw.rows, codec


def assert_same(one: pa.Table, other: pa.Table, without: tuple[str, ...] = ()) -> None:
    """All cells agree; numbers without a grid to the precision of float32 in their range."""
    assert one.schema.names == other.schema.names
    for field in one.schema:
        if field.name in without:
            continue
        a, b = one.column(field.name), other.column(field.name)
        if not pa.types.is_floating(field.type):
            assert a.equals(b), field.name
            continue
        assert a.is_null().equals(b.is_null())
        x, y = (np.asarray(c.to_numpy(), np.float64) for c in (a, b))
        finite = x[np.isfinite(x)]
        spread = 1 + (finite.max() - finite.min() if len(finite) else 0)
        np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-6 * spread)


def shops(seed: int = 0, shops: int = 60) -> pd.DataFrame:
    """Days of shops: some close early; zeros, holes, a flag, a kind and a size of each shop."""
    rng, rows = np.random.default_rng(seed), []
    for shop in range(shops):
        begun = date(2021, 1, 1).toordinal() + int(rng.integers(0, 500))
        for day in range(int(rng.integers(3, 15))):
            rows.append(
                {
                    "shop": f"s{shop}", "day": date.fromordinal(begun + day),
                    "sold": int(rng.poisson(20)) if rng.random() > 0.3 else 0,
                    "heat": round(float(rng.normal()), 2) if rng.random() > 0.1 else None,
                    "open": bool(rng.random() > 0.5), "kind": "ab"[shop % 2],
                    "size": shop % 30 + 0.5,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def test_many_entities_of_different_lengths_come_back():
    rows, codec = coded(shops())
    assert len(rows) == 60
    x = codec.encode(rows)
    assert x.shape == (60, *codec.shape)
    assert codec.timed.ended == 1
    back = codec.decode(x)
    assert_same(rows.apart().table, back.table, without=("shop", "day"))
    assert (back.lengths == rows.lengths).all()
    made = SERIES_MODALITY.handed(back)
    assert list(made.columns) == ["series", *shops().columns]
    assert (made.dtypes[1:] == shops().dtypes).all()


def test_generated_stamps_keep_the_calendar_and_the_interval():
    rows, codec = coded(shops())
    x = codec.encode(rows)
    real, made = rows.apart(), codec.decode(x)
    for at in range(0, 60, 7):
        known = real.table.column("day").to_pylist()[real.starts[at] : real.stops[at]]
        drawn = made.table.column("day").to_pylist()[made.starts[at] : made.stops[at]]
        assert [d.weekday() for d in drawn] == [d.weekday() for d in known]
        assert drawn[0].month == known[0].month
        assert all((b - a).days == 1 for a, b in pairwise(drawn))


@pytest.mark.parametrize("dated", [False, True])
def test_series_begin_where_real_ones_do(dated):
    """All real ones begin with the first step: none may begin, or run on, after it."""
    steps, many = 12, 80
    rng = np.random.default_rng(0)
    times = pd.date_range("2021-01-01", periods=steps, freq="D") if dated else np.arange(steps)
    frame = pd.DataFrame(
        {
            "who": np.repeat([f"w{i}" for i in range(many)], steps),
            "at": np.tile(times, many), "x": rng.normal(size=many * steps),
        }
    )  # fmt: skip
    rows, codec = coded(frame, time="at", entity="who")
    made = codec.decode(torch.rand(50, *codec.shape, generator=torch.Generator().manual_seed(0)))
    at = made.table.column("at").to_pandas().to_numpy().reshape(50, steps)
    assert (at == np.asarray(times)).all()
    assert_same(rows.apart().table, codec.decode(codec.encode(rows)).table, without=("who",))


def hours(count: int, missing: tuple[int, ...] = ()) -> pd.DataFrame:
    stamps = pd.date_range("2020-02-28", periods=count, freq="h")
    frame = pd.DataFrame({"at": stamps, "x": np.sin(np.arange(count) / 5), "n": np.arange(count)})
    return frame.drop(index=list(missing))


def test_small_gaps_are_filled_with_missing_values_and_large_ones_part_the_record():
    frame = hours(100, missing=(20, 21, *range(50, 70)))
    raw = read(frame.sample(frac=1, random_state=0), length=10)
    rows = raw.rows
    assert isinstance(rows, Spans)
    assert len(rows) == 41 + 21  # windows of 10 in pieces of 50 and 30
    table = rows.table
    assert table.column("x").null_count == 2
    assert table.column("at").null_count == 0
    assert any("2 steps lack" in note for note in raw.notes)
    stamps = table.column("at").to_numpy()
    for start in rows.starts:
        assert (np.diff(stamps[start : start + 10]) == np.timedelta64(1, "h")).all()


def test_the_clock_turns_with_the_hours():
    rows, codec = coded(hours(24 * 40), length=30)
    assert codec.blocks[0] == 24
    assert codec.timed.turning == 1
    x = codec.encode(rows[:5])
    assert_close(x[:, 1:, :24], x[:, :-1, :24].roll(1, 2))
    first = rows.table.column("at").to_pylist()[int(rows.starts[3])]
    assert x[3, 0, :24].argmax() == first.hour


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_zones_and_types_of_stamps_are_kept(zone):
    frame = hours(100)
    frame["at"] = frame["at"].dt.tz_localize(zone)
    rows, codec = coded(frame, length=12)
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    assert made["at"].dtype == frame["at"].dtype


@pytest.mark.parametrize(
    ("stamps", "kind", "words"),
    [
        (pd.date_range("2000-01-31", periods=60, freq="ME"), "months", "a step a month"),
        (pd.date_range("2000-01-01", periods=40, freq="QS"), "months", "a step each 3 months"),
        (pd.bdate_range("2000-01-03", periods=200), "workdays", "a step each working day"),
        (pd.date_range("2000-01-01", periods=200, freq="15min"), "even", "a step each 15 minutes"),
    ],
)
def test_intervals_are_found_and_given_back(stamps, kind, words):
    frame = pd.DataFrame({"at": stamps, "x": np.random.default_rng(0).normal(size=len(stamps))})
    rows, codec = coded(frame, length=8)
    assert codec.clock is not None
    assert codec.clock.kind == kind
    assert codec.clock.told() == words
    made = codec.decode(codec.encode(rows)).apart()
    for at in range(0, len(made), 9):
        known = rows.apart().table.column("at").to_pylist()[at * 8 : at * 8 + 8]
        drawn = made.table.column("at").to_pylist()[at * 8 : at * 8 + 8]
        if kind == "months":
            assert [d.month for d in drawn] == [d.month for d in known]
            days = [(a.day, b.day) for a, b in zip(drawn, known, strict=True) if a.month != 2]
            assert all(a == b for a, b in days)  # the last of each month, or the first
        elif kind == "workdays":
            assert all(d.weekday() < 5 for d in drawn)
            assert [d.weekday() for d in drawn] == [d.weekday() for d in known]
        else:
            assert len({b - a for a, b in pairwise(drawn)}) == 1


def test_uneven_gaps_between_stamps_are_modelled():
    rng = np.random.default_rng(0)
    stamps = np.cumsum(rng.integers(1, 500, 300)).astype("datetime64[s]")
    rows, codec = coded(pd.DataFrame({"t": stamps, "v": rng.normal(size=300)}), length=10)
    made, real = codec.decode(codec.encode(rows)).apart(), rows.apart()
    for at in range(0, len(real), 20):
        span = slice(10 * at, 10 * at + 10)
        gaps = [np.diff(t.table.column("t").to_numpy()[span].astype(int)) for t in (made, real)]
        np.testing.assert_allclose(*gaps, atol=0.51)


numbers = st.one_of(
    st.floats(width=32), st.floats(-1e6, 1e6), st.just(float("nan")), st.none(), st.just(0.0)
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(numbers, st.integers(-(2**40), 2**40), st.sampled_from(["", "ä", "b", None])),
        min_size=6, max_size=40,
    ),
    st.integers(2, 5),
)  # fmt: skip
def test_any_record_comes_back_as_it_was(steps, length):
    x, n, text = zip(*steps, strict=True)
    table = pa.table(
        {"x": pa.array(x, pa.float64()), "n": pa.array(n, pa.int64()), "": pa.array(text)}
    )
    if len({str(cell) for cell in x}) == len(set(n)) == len(set(text)) == 1:
        with pytest.raises(SourceError, match="nothing to learn"):
            coded(table, length=length)
        return
    rows, codec = coded(table, length=length)
    assert_close(codec.encode(rows), codec.encode(SERIES_MODALITY.quick(codec, rows)))
    back, known = codec.decode(codec.encode(rows)).table, rows.apart().table
    assert back.column("").equals(known.column(""))
    assert back.column("x").is_null().equals(known.column("x").is_null())
    a, b = (np.asarray(t.column("x").to_numpy(zero_copy_only=False), float) for t in (known, back))
    assert (np.isnan(a) == np.isnan(b)).all()
    assert (np.isinf(a) == np.isinf(b)).all()
    finite = np.isfinite(a)
    if finite.any():
        reach = np.abs(a[finite]).max()
        np.testing.assert_allclose(a[finite], b[finite], rtol=3e-6, atol=3e-6 * reach)
    m, k = (t.column("n").to_numpy() for t in (known, back))
    np.testing.assert_allclose(m, k, rtol=0, atol=1 + 3e-7 * np.ptp(np.array(n, float)))


def test_arrays_come_back_as_arrays():
    values = np.random.default_rng(0).normal(size=(30, 8, 3)).astype(np.float32)
    rows, codec = coded(values)
    assert codec.shape == (8, 3)
    made = SERIES_MODALITY.handed(codec.decode(codec.encode(rows)))
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, values, atol=1e-5)
    taken = SERIES_MODALITY.taken(torch.from_numpy(values[:4]))
    assert_close(codec.encode(taken), codec.encode(rows[:4]))


def test_generated_series_are_taken_back():
    rows, codec = coded(shops())
    frame = SERIES_MODALITY.handed(codec.decode(codec.encode(rows[:9])))
    again = SERIES_MODALITY.taken(frame)
    assert (again.lengths == rows[:9].lengths).all()
    held = sum(codec.blocks[: codec.timed.held])
    assert_close(codec.encode(again)[:, :, held:], codec.encode(rows[:9])[:, :, held:])


def test_parts_are_joined_as_if_they_were_one():
    rows, codec = coded(hours(60), length=10)
    whole = codec.encode(rows[:20])
    parts = [codec.decode(whole[:7]), codec.decode(whole[7:], 7)]
    assert (
        joined(parts)
        .apart()
        .table.drop(["at"])
        .equals(codec.decode(whole).apart().table.drop(["at"]))
    )


def test_parts_of_the_record_are_held_out_whole():
    raw = read(hours(2_000), length=20)
    assert raw.spans is not None
    parts = split(3, len(raw.rows), 0.1, raw.spans)
    rows = raw.rows
    assert isinstance(rows, Spans)
    steps = [np.unique(rows[part].steps()) for part in (parts.train, parts.held_out)]
    assert len(np.intersect1d(*steps)) == 0
    assert 0.05 < len(steps[1]) / 2_000 < 0.15
    assert len(parts.train) + len(parts.held_out) < len(rows)
    assert parts.by_parts


@pytest.mark.parametrize("seed", range(5))
def test_held_out_parts_are_spread_over_the_record(seed):
    raw = read(hours(2_000), length=20)
    assert raw.spans is not None
    held_out = split(seed, len(raw.rows), 0.1, raw.spans).held_out
    begun = raw.spans[held_out, 0]
    places = np.unique(begun)
    assert len(places) == 5  # of 50 parts of 40 steps
    np.testing.assert_array_equal(places // 10, np.arange(5))
    assert len({tuple(np.unique(raw.spans[split(s, len(raw.rows), 0.1, raw.spans).held_out]))
                for s in range(10)}) > 5  # fmt: skip


def test_series_of_which_each_is_a_part_are_held_out_as_rows_are():
    raw = read(np.random.default_rng(0).normal(size=(200, 8, 2)), length=8)
    assert not split(3, len(raw.rows), 0.1, raw.spans).by_parts


def test_columns_from_other_series_depend_on_nothing():
    values = np.repeat(np.arange(50.0)[:, None, None], 4, 1).repeat(2, 2)
    rows, _ = coded(values)
    assert SERIES_MODALITY.independent is not None
    made = SERIES_MODALITY.independent(rows, np.random.default_rng(0))
    apart = SERIES_MODALITY.handed(made)
    assert (apart.std(1) == 0).all()  # a column's steps stay together
    assert sorted(apart[:, 0, 0]) == sorted(apart[:, 0, 1]) == list(range(50))
    assert (apart[:, 0, 0] != apart[:, 0, 1]).mean() > 0.8


def wide(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(30, len(names))), columns=names)


def test_a_wide_table_is_taken_for_steps_where_the_length_is_said():
    rows, _ = coded(wide([f"c{i}" for i in range(40)]), length=5)
    assert rows.shape == (26, 5, 40)


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        (hours(30), {"time": "when"}, "--time when: there is no such column; there are: at, x, n"),
        (hours(30), {"entity": "who"}, "--entity who"),
        (hours(30), {"length": 40}, "no series has 40 steps: the longest without a gap has 30"),
        (hours(30), {"time": "x"}, "cannot be read as a time"),
        (hours(30).assign(end=hours(30)["at"]), {}, "name the one that is the time with --time"),
        (hours(30).assign(end=hours(30)["at"]), {"time": "at"}, "column 'end'"),
        (
            wide([f"c{i}" for i in range(40)]),
            {"length": None},
            "each row were a series.*--wide.*--length",
        ),
        (pd.DataFrame({"t": [1, 1, 1, 2, 2, 2], "x": range(6)}), {"time": "t"}, "--entity"),
        (
            pd.DataFrame({"t": range(50), "who": [f"p{i}" for i in range(50)], "x": range(50)}),
            {"time": "t", "entity": "who", "length": None},
            "no series has 2 steps: the longest without a gap has 1",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(frame, options, words):
    with pytest.raises(SourceError, match=words):
        coded(frame, **{"length": 5, **options})


def test_a_time_in_numbers_is_no_channel_to_judge():
    frame = pd.DataFrame({"year": np.arange(80), "x": np.sin(np.arange(80))})
    rows, codec = coded(frame, length=8, time="year")
    assert SERIES_MODALITY.courses is not None
    (found,) = SERIES_MODALITY.courses(codec, [rows])
    assert found.names == ("x",)


def test_pieces_between_gaps_that_are_too_short_are_left_out_and_counted():
    days = np.concatenate([np.arange(100), np.arange(150, 153), np.arange(200, 260)])
    raw = read(pd.DataFrame({"day": days, "x": np.sin(days)}), length=10, time="day")
    assert len(raw.rows) == 91 + 51
    assert any(note.startswith("3 steps lie in pieces") for note in raw.notes)


def test_short_records_are_kept_from_being_learnt_by_heart():
    assert SERIES_MODALITY.advice is not None
    shares, rates = [], []
    for count, channels in ((1_000, 1), (50_000, 8), (50_000, 24)):
        values = np.random.default_rng(0).normal(size=(count // 10, 10, channels))
        raw = read(values)
        advice = SERIES_MODALITY.advice(raw, SERIES_MODALITY.fit(raw))
        assert advice is not None
        run = draft("series", advice.settings)
        shares.append(run.network.options["dropout"])
        rates.append(run.optimization.lr_warm_up)
    assert shares[0] > shares[1] > shares[2] == 0
    assert rates[0] < rates[1] == rates[2]


@pytest.mark.parametrize(("many", "length", "share"), [(60, 10, 0.1), (60, 5, 0.5), (20, 10, 0.5)])
def test_many_whole_series_are_not_learnt_by_heart_as_windows_that_overlap_are(many, length, share):
    frame = pd.DataFrame(
        {
            "who": np.repeat([f"w{i}" for i in range(many)], 10), "at": np.tile(range(10), many),
            "x": np.random.default_rng(0).normal(size=10 * many),
        }
    )  # fmt: skip
    raw = read(frame, time="at", length=length)
    assert SERIES_MODALITY.advice is not None
    advice = SERIES_MODALITY.advice(raw, SERIES_MODALITY.fit(raw))
    assert advice is not None
    assert advice.settings["network"]["options"]["dropout"] == share


@pytest.mark.parametrize(("length", "batch"), [(8, 128), (24, 128), (64, 48), (1000, 16)])
def test_of_longer_windows_fewer_are_in_an_update(length, batch):
    assert SERIES_MODALITY.advice is not None
    values = np.random.default_rng(0).normal(size=(100, length, 1))
    raw = read(values)
    advice = SERIES_MODALITY.advice(raw, SERIES_MODALITY.fit(raw))
    assert advice is not None
    assert draft("series", advice.settings).optimization.batch == batch


@pytest.mark.parametrize(
    ("form", "told"), [("%Y %b", "a step a month"), ("%Y-%m", "a step a month"),
                       ("%YQ%q", "a step each 3 months")]
)  # fmt: skip
def test_stamps_of_months_and_quarters_are_a_time(form, told, tmp_path):
    every = 3 if "q" in form else 1
    days = np.arange("2001-01", "2011-01", every, dtype="M8[M]").astype("M8[D]")
    texts = formatted(pa.array(days), form)
    path = tmp_path / "a.csv"
    values = np.random.default_rng(0).normal(size=len(days))
    csv.write_csv(pa.table({"when": texts, "x": values}), path)
    raw = finished(SERIES_MODALITY.load(path, SeriesSettings(time="when", length=6)))
    assert f"Time: {told}." in raw.notes
    codec = SERIES_MODALITY.fit(raw)
    made = codec.decode(codec.encode(raw.rows[:9])).records().table.column("when")
    assert parsed(as_text(made.combine_chunks(), codec.schema.field("when")), form) is not None


@pytest.mark.parametrize("odd", ["2021-01-32", "2021-W05", "soon"])
def test_what_is_no_time_is_named_with_the_way_out(odd, tmp_path):
    days = [str(day) for day in np.arange("2021-01-01", "2021-01-30", dtype="M8[D]")]
    path = tmp_path / "a.csv"
    csv.write_csv(pa.table({"when": [*days, odd], "x": np.arange(30.0) % 7}), path)
    with pytest.raises(SourceError, match=f"'when' holds '{odd}', which.*--time"):
        finished(SERIES_MODALITY.load(path, SeriesSettings(time="when", length=6)))
