"""Levels that a record wanders about: told apart, drawn first, and kept to."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch.testing import assert_close

from gantlet.modalities.base import finished
from gantlet.modalities.series import SERIES_MODALITY, SeriesCodec, SeriesSettings
from gantlet.modalities.timelines.regimes import (
    LEAST_CHANGE,
    Regimes,
    fit_regimes,
    regimes,
    window_features,
)
from gantlet.modalities.timelines.spans import Spans
from gantlet.networks import NETWORKS, Task
from gantlet.networks.base import task_of
from gantlet.networks.course_generator import CourseGenerator
from gantlet.networks.course_settings import CourseSettings
from gantlet.networks.innovations import ORDER, Innovations
from gantlet.types import Timed
from tiny import drawn

COURSE = NETWORKS["course"]
LEVELS = (-20.0, 5.0, 30.0)
DAY = 24


def record(days: int) -> pd.DataFrame:
    """Hours of days, each about one of three levels."""
    rng = np.random.default_rng(0)
    about = np.repeat(rng.choice(LEVELS, days), DAY)
    stamps = pd.date_range("2021-01-01", periods=DAY * days, freq="h")
    values = about + rng.normal(size=DAY * days) + np.sin(2 * np.pi * np.arange(DAY * days) / DAY)
    return pd.DataFrame({"time": stamps, "value": values})


def coded(days: int, stride: int = DAY) -> tuple[Spans, SeriesCodec]:
    settings = SeriesSettings(length=DAY, time="time", stride=stride)
    raw = finished(SERIES_MODALITY.load(record(days), settings))
    codec = SERIES_MODALITY.codec(json.loads(json.dumps(SERIES_MODALITY.fit(raw).plain())))
    assert isinstance(raw.rows, Spans)
    assert isinstance(codec, SeriesCodec)
    return raw.rows, codec


@pytest.mark.parametrize(("windows", "count"), [(9, None), (39, None), (60, 3), (1e6, 6)])
def test_no_more_regimes_than_windows_side_by_side_or_windows_that_differ(windows, count):
    levels = np.repeat(np.arange(6.0), 9)[:, None] ** 2
    found = fit_regimes(np.concatenate([levels, 0 * levels], 1), windows)
    assert (None if found is None else len(found)) == count


@pytest.mark.parametrize("part", [0, 1], ids=["level", "changes"])
def test_windows_alike_are_of_one_regime(part):
    rng = np.random.default_rng(1)
    whose = rng.integers(3, size=400)
    features = rng.normal(size=(400, 4))
    features[:, 2 * part : 2 * part + 2] += np.array(LEVELS)[whose, None]
    found = fit_regimes(features, 60)
    assert found is not None
    told = found.of(features)
    assert {len(np.unique(told[whose == one])) for one in range(3)} == {1}
    assert len(np.unique(told)) == 3


def test_means_and_changes_of_windows_that_overlap():
    values = np.random.default_rng(2).normal(size=(50, 3)) + 1e3
    starts = np.array([0, 3, 3, 41])
    stops = np.array([10, 5, 50, 50])
    cut = [values[a:b] for a, b in zip(starts, stops, strict=True)]
    steps = [np.square(np.diff(part, axis=0)).mean(0) for part in cut]
    found = window_features(values, starts, stops)
    np.testing.assert_allclose(found[:, :3], [part.mean(0) for part in cut], rtol=1e-12)
    wanted = np.log(np.sqrt(np.array(steps) + LEAST_CHANGE**2))
    np.testing.assert_allclose(found[:, 3:], wanted, rtol=1e-9)


def test_a_window_of_one_step_changes_as_little_as_one_that_does_not_change():
    values = np.array([[5.0], [-3.0], [-3.0], [8.0]])
    found = window_features(values, np.array([0, 3, 1]), np.array([1, 4, 3]))
    np.testing.assert_allclose(found[:, 0], [5, 8, -3])
    np.testing.assert_allclose(found[:, 1], np.log(LEAST_CHANGE))


def test_a_record_in_stretches_holds_its_regime_after_the_calendar():
    rows, codec = coded(days=800)
    assert codec.clock is not None
    assert codec.clock.stretch
    assert codec.regimes is not None
    place = len(codec.clock.sizes)
    assert codec.timed.kind == place
    assert codec.timed.held == place + 1
    assert codec.blocks[place] == len(codec.regimes)
    x = codec.encode(rows)
    start = sum(codec.blocks[:place])
    told = x[:, :, start : start + len(codec.regimes)]
    assert_close(told, told[:, :1].expand_as(told))
    values = x[:, :, -1].double()
    steps = values.diff(dim=1).square().mean(1)
    features = torch.stack([values.mean(1), 0.5 * (steps + LEAST_CHANGE**2).log()], 1)
    chosen = codec.regimes.of(features.numpy())
    np.testing.assert_array_equal(told[:, 0].argmax(1).numpy(), chosen)
    assert_close(codec.encode(codec.decode(x))[:, :, start:], x[:, :, start:], rtol=0, atol=1e-5)


def test_a_dry_run_tells_of_the_regimes():
    settings = SeriesSettings(length=DAY, time="time", stride=DAY)
    found = finished(SERIES_MODALITY.survey(record(800), settings))
    _, codec = coded(days=800)
    assert codec.regimes is not None
    told = f"Windows are of {len(codec.regimes)} kinds by level and by how much they change"
    assert f"{told}, which are told apart." in found.notes


def test_a_record_whose_stretches_are_not_told_apart_has_no_regimes():
    _, codec = coded(days=300)
    assert codec.clock is not None
    assert not codec.clock.stretch
    assert codec.regimes is None
    assert codec.timed.kind == -1


def test_a_codec_of_before_there_were_regimes_is_read():
    _, codec = coded(days=800)
    plain = codec.plain()
    del plain["regimes"]
    old = SERIES_MODALITY.codec(plain)
    assert isinstance(old, SeriesCodec)
    assert old.regimes is None
    assert old.timed.held == codec.timed.held - 1


def test_regimes_come_back_from_their_plain_form():
    _, codec = coded(days=800)
    assert isinstance(codec.regimes, Regimes)
    again = SERIES_MODALITY.codec(json.loads(json.dumps(codec.plain())))
    assert isinstance(again, SeriesCodec)
    assert again.regimes is not None
    np.testing.assert_array_equal(again.regimes.centres, codec.regimes.centres)
    assert again.regimes.weight == codec.regimes.weight


def test_regimes_of_before_changes_counted_go_by_levels():
    old = regimes([[-1.0, 0.0], [2.0, 3.0]])
    assert old is not None
    assert old.of(np.array([[-0.8, 0.1, 9.0, 9.0], [2.5, 2.0, -9.0, 0.0]])).tolist() == [0, 1]
    again = regimes(json.loads(json.dumps(old.plain())))
    assert again is not None
    np.testing.assert_array_equal(again.centres, old.centres)
    assert again.weight == 0


def wandering(count: int, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x_t = ½ x_{t−1} + ½ level + 0.1 ε: held choice and values."""
    levels = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64)
    held = torch.eye(3, dtype=torch.float64)[torch.arange(count) % 3]
    x = held @ levels + 0.1 * drawn(count)
    rows = [x]
    for t in range(1, steps):
        rows.append(0.5 * rows[-1] + 0.5 * held @ levels + 0.1 * drawn(count, seed=t))
    return held[:, None].expand(-1, steps, -1), torch.stack(rows, 1)[:, :, None]


def test_a_guess_is_pulled_to_the_level_that_is_held():
    held, x = wandering(60_000, 8)
    news = Innovations(1, 3).double()
    news.prime(x, torch.ones_like(x), held)
    assert_close(news.scale[:, 0], torch.full((ORDER + 1,), 0.1).double(), rtol=0.05, atol=0)
    pull = news.pull[ORDER, :, 0]
    assert_close(pull.diff(), torch.tensor([1.25, 1.25]).double(), rtol=0.1, atol=0)
    rows = [x[:, t] for t in range(6)]
    guess = news.guess(rows, x[:, 6], held[:, 6])
    assert_close(guess + news.of(x, held)[:, 6] * news.scale[ORDER], x[:, 6])
    # Without it a guess cannot tell where the first step lies.
    blind = Innovations(1).double()
    blind.prime(x, torch.ones_like(x))
    assert blind.scale[0, 0] > 10 * news.scale[0, 0]
    assert "pull" not in blind.state_dict()


def of_two(kind: int) -> CourseGenerator:
    """One of two kinds, then one value at each of two steps, some 4 higher about the second."""
    task = Task((2, 3), 0, 0, (2,), Timed(held=1, governed=(-1,), kind=kind))
    torch.manual_seed(3)
    settings = CourseSettings(memory=5, width=11, normals=3, width_D=8)
    G, D = COURSE.generator(task, settings).double(), COURSE.discriminator(task, settings).double()
    assert isinstance(G, CourseGenerator)
    x = torch.zeros(200, 2, 3, dtype=torch.float64)
    x[::2, :, 0] = x[1::2, :, 1] = 1
    x[:, :, 2] = drawn(200, 2) + 4 * x[:, :, 1]
    assert COURSE.prime is not None
    COURSE.prime(G, D, x, None)
    return G


@pytest.mark.parametrize("kind", [-1, 0])
def test_the_density_given_what_is_held_integrates_to_one(kind):
    G = of_two(kind)
    grid = torch.linspace(-8, 12, 401, dtype=torch.float64)
    total = 0.0
    for one in torch.eye(2, dtype=torch.float64):
        both = torch.cartesian_prod(grid, grid)[:, :, None]
        rows = torch.cat([one.expand(len(both), 2, 2), both], 2)
        total += torch.exp(-G.surprisal(rows, None, None)).sum().item() * 0.05**2
    assert abs(total - 1) < 2e-3


def test_what_is_begun_goes_on_about_a_level_drawn_given_it():
    """Bayes: of series that G draws whole, those whose first step lies nearby tell the shares."""
    G = of_two(0)
    with torch.no_grad():
        whole = G(drawn(400_000, G.layout.latents))
        firsts = torch.tensor([0.0, 1.5, 2.5, 4.0], dtype=torch.float64)
        for first in firsts:
            near = whole[(whole[:, 0, 2] - first).abs() < 0.05]
            begun = torch.tensor([[[1.0, 0.0, first]]], dtype=torch.float64).expand(20_000, -1, -1)
            made = G.gone_on(drawn(20_000, G.layout.latents, seed=1), None, begun)
            assert_close(made[:, 0, 2], begun[:, 0, 2])
            assert_close(made[:, 0, :2], made[:, 1, :2])
            wanted, found = near[:, 0, 1].mean(), made[:, 0, 1].mean()
            assert abs(wanted - found) < 4 * (0.25 / len(near)) ** 0.5 + 0.02
            assert_close(made[:, 1, 2].mean(), near[:, 1, 2].mean(), rtol=0, atol=0.15)


def test_a_task_comes_back_from_a_run_that_knew_its_kind_as_a_level():
    timed = Timed(held=2, turning=1, ended=1, governed=(-1, 3), late=(0,), kind=1)
    task = Task((4, 9), 0, 30, (2, 3, 2), timed)
    plain = json.loads(json.dumps(task.plain()))
    assert task_of(plain) == task
    plain["timed"]["level"] = plain["timed"].pop("kind")
    assert task_of(plain) == task
