"""Numbers that stand still, or that only take the values of a grid, as those of instruments do."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gantlet
from gantlet.modalities.base import finished
from gantlet.modalities.series import SERIES_MODALITY, SeriesCodec, SeriesSettings
from gantlet.modalities.timelines.levels import OFTEN, STILL, fit_level, level
from gantlet.modalities.timelines.spans import Spans

LENGTH, SPELL = 10, 12


def hanging(count: int = 1_500) -> pd.DataFrame:
    """Two noisy gauges that hang together, for a fifth of the time, and one that never does."""
    rng = np.random.default_rng(0)
    gauges = rng.normal(size=(count, 3)).cumsum(0) * 0.1 + rng.normal(size=(count, 3))
    for start in range(SPELL, count - SPELL, 5 * SPELL):
        gauges[start : start + SPELL, :2] = gauges[start, :2]
    return pd.DataFrame(gauges, columns=["a", "b", "free"])


def coded(frame: pd.DataFrame) -> tuple[Spans, SeriesCodec]:
    raw = finished(SERIES_MODALITY.load(frame, SeriesSettings(length=LENGTH)))
    codec = SERIES_MODALITY.codec(json.loads(json.dumps(SERIES_MODALITY.fit(raw).plain())))
    assert isinstance(raw.rows, Spans)
    assert isinstance(codec, SeriesCodec)
    return raw.rows, codec


def test_standing_still_is_a_choice_that_no_series_begins_with():
    rows, codec = coded(hanging())
    assert codec.blocks == (2, 2)
    x = codec.encode(rows).numpy()
    values = hanging()[["a", "b"]].to_numpy()
    windows = np.lib.stride_tricks.sliding_window_view(values, LENGTH, axis=0).transpose(0, 2, 1)
    same = np.diff(windows, axis=1, prepend=np.nan) == 0
    np.testing.assert_array_equal(x[:, :, [1, 3]], same)
    np.testing.assert_array_equal(x[:, :, [0, 2]], ~same)
    np.testing.assert_array_equal(np.diff(x[:, :, 4:6], axis=1)[same[:, 1:]], 0)


def test_what_stood_still_comes_back():
    rows, codec = coded(hanging())
    back = codec.decode(codec.encode(rows)).table.to_pandas()
    wanted = rows.apart().table.to_pandas()
    np.testing.assert_allclose(back, wanted, rtol=1e-6, atol=1e-5)
    within = np.arange(len(back)) % LENGTH > 0
    stood = (wanted["a"].diff() == 0) & within
    assert stood.mean() > 0.1
    assert (back["a"].diff()[stood] == 0).all()


def test_generated_numbers_stand_still_as_often_and_as_long(tmp_path):
    settings = {
        "modality": "series", "threads": 1, "data": {"length": LENGTH}, "budget": {"steps": 300},
        "network": {"options": {"memory": 16, "width": 32, "width_D": 16, "dropout": 0.0}},
        "optimization": {"batch": 64, "warm_up": 0.9, "lr_warm_up": 0.01},
        "keeping": {"measured": 200, "measure_share": 1e-6},  # at the end alone: by no clock
    }  # fmt: skip
    made = gantlet.train(hanging(), settings=settings, out=tmp_path / "s").sample(1_000)
    same = made.groupby("series")[["a", "b", "free"]].diff().dropna() == 0
    real = hanging().diff().iloc[1:] == 0
    assert same["free"].mean() < 0.001
    assert same["a"].mean() == pytest.approx(real["a"].mean(), abs=0.04)
    assert (same["a"] == same["b"]).mean() > 0.98
    one, two = same["a"].to_numpy().reshape(-1, LENGTH - 1)[:, [3, 4]].T
    assert two[one].mean() == pytest.approx(1 - 1 / (SPELL - 1), abs=0.1)


@pytest.mark.parametrize(
    ("values", "stands"),
    [
        (np.repeat(np.arange(500.0), 2), False),  # pairs are chance
        (np.r_[np.arange(2_000.0), np.full(9, 7.5)], False),  # once in a record
        (np.r_[np.arange(1_000.0), np.full(9, 7.5)], True),
        (np.r_[np.arange(1_000.0), np.zeros(400)], False),  # a choice of its own
        (np.where(np.arange(1_000) % 10 < 8, np.nan, np.arange(1_000.0)), False),
    ],
)
def test_long_runs_of_equal_numbers_are_told_from_chance(values, stands):
    found = fit_level(pa.array(values))
    assert found is not None
    assert bool(found.same) == stands


def test_values_of_a_grid_that_is_no_decimal_one_are_the_only_ones_that_come_back():
    rng = np.random.default_rng(0)
    grid = np.sort(rng.normal(size=40))
    found = fit_level(pa.array(rng.choice(grid, 40 * OFTEN)))
    assert found is not None
    found = level(found.type, json.loads(json.dumps(found.plain())))
    heights = rng.normal(size=1_000) * 2
    made = found.join(np.zeros(1_000, np.int64), heights).to_numpy()
    assert set(made) <= set(grid)
    wanted = np.clip(heights * found.scale + found.center, grid[0], grid[-1])
    nearest = np.abs(wanted[:, None] - grid).min(1)
    np.testing.assert_allclose(np.abs(made - wanted), nearest, atol=1e-12)


@pytest.mark.parametrize(
    ("least", "apart", "step"), [(0, 10, 10), (0.1, 0.25, 25), (-203, 5, 5), (7, 1, 1)]
)
def test_numbers_that_are_tens_or_quarters_stay_so(least, apart, step):
    rng = np.random.default_rng(0)
    places = rng.permutation(np.repeat(np.arange(90), 3))
    found = fit_level(pa.array(least + apart * places))
    assert found is not None
    assert found.step == step
    found = level(found.type, json.loads(json.dumps(found.plain())))
    heights = rng.normal(size=1_000)
    made = (found.join(np.zeros(1_000, np.int64), heights).to_numpy() - least) / apart
    np.testing.assert_allclose(made, np.round(made), atol=1e-9)
    wanted = np.clip((heights * found.scale + found.center - least) / apart, 0, 89)
    assert np.abs(made - wanted).max() < 0.5 + 1e-9


def test_whole_knots_in_miles_stay_so():
    rng = np.random.default_rng(0)
    knots = np.abs(rng.normal(0, 30, 4_000)).round()
    assert is_grid((knots * 1.15078).round(2))
    assert not is_grid(knots)
    assert not is_grid(rng.lognormal(2, 1, 4_000).round())  # a long tail has gaps, too
    assert not is_grid(np.where(knots < 60, 0.0, knots))


def is_grid(values: np.ndarray) -> bool:
    found = fit_level(pa.array(values))
    assert found is not None
    made = found.join(np.zeros(999, np.int64), np.random.default_rng(1).normal(size=999)).to_numpy()
    assert not found.grid or set(made) <= set(values)
    return bool(found.grid)


def test_few_numbers_a_step_apart_may_be_so_by_chance():
    found = fit_level(pa.array(np.repeat(np.arange(0, 110, 10), 20)))
    assert found is not None
    assert found.step == 1


def test_values_that_seldom_come_twice_are_no_grid():
    found = fit_level(pa.array(np.repeat(np.random.default_rng(0).normal(size=100), OFTEN - 1)))
    assert found is not None
    assert not found.grid


def test_equal_numbers_in_short_runs_are_numbers_like_any_other():
    rng = np.random.default_rng(0)
    short = np.repeat(rng.permutation(300) / 10, rng.integers(1, STILL + 1, 300))
    values = np.concatenate(
        [
            short,
            np.full(STILL + 1, 77.7),
            np.full(3, 5.5),
            np.full(30, 77.7),
            short + 100,
            [np.nan] * 9,
            short,
        ]
    )
    found = fit_level(pa.array(values, from_pandas=False))
    assert found is not None
    assert found.same
    choice, heights = found.split(pa.array(values, from_pandas=False))
    stands = np.flatnonzero(choice == found.same)
    first = len(short) + 1 + np.arange(STILL)
    np.testing.assert_array_equal(stands, [*first, *(STILL + 4 + first[0] + np.arange(29))])
    np.testing.assert_allclose(found.join(choice, heights).to_numpy(), values)
