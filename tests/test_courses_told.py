"""Judges of series: nothing to find in halves of one set, planted faults found, overlaps kept."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gantlet.metrics import course_classifier, course_convolution, customary
from gantlet.metrics.course_classifier import course_two_sample
from gantlet.metrics.courses import scaled
from gantlet.metrics.customary import discriminative_scores, predictive_scores
from gantlet.metrics.overlaps import apart, blocks, lines


def waves(n: int, seed: int, steps: int = 16, channels: int = 2) -> np.ndarray:
    """Slow waves of channels that go together."""
    rng = np.random.default_rng(seed)
    slow, phase = rng.uniform(0.1, 0.4, (n, 1, 1)), rng.uniform(0, 6, (n, 1, 1))
    return np.sin(slow * np.arange(steps)[:, None] + phase + np.arange(channels))


def cut(record: np.ndarray, steps: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(record, steps, axis=0).transpose(0, 2, 1).copy()


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Fewer updates than the judges are given in earnest."""
    monkeypatch.setattr(course_classifier, "TREES", 20)
    monkeypatch.setattr(course_convolution, "UPDATES", 60)
    monkeypatch.setattr(customary, "TELLING", 150)
    monkeypatch.setattr(customary, "FORETELLING", 150)


def test_series_of_the_same_world_are_not_told_apart():
    test = course_two_sample(waves(200, 0), waves(200, 1))
    assert test.auc.low < 0.5 < test.auc.high
    assert test.p_value > 0.01


FAULTS = {
    "noise": lambda x: x + 0.02 * np.random.default_rng(5).normal(size=x.shape),
    "smoothed": lambda x: (x + np.roll(x, 1, 1)) / 2,
    "shuffled in time": lambda x: x[:, np.random.default_rng(5).permutation(x.shape[1])],
    "independent channels": lambda x: np.stack([x[:, :, 0], x[::-1, :, 1]], 2),
    "missing": lambda x: np.where(np.random.default_rng(5).random(x.shape) < 0.05, np.nan, x),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault):
    test = course_two_sample(waves(300, 0), FAULTS[fault](waves(300, 1)))
    assert test.auc.low > 0.75
    assert test.score > 0.2


def test_a_judge_says_the_same_twice():
    sides = waves(60, 0), waves(60, 1)
    first, again = (course_two_sample(*sides) for _ in range(2))
    assert first.auc == again.auc
    assert_array_equal(first.evidence, again.evidence)
    for score in (lambda: discriminative_scores(*([side] for side in sides)),
                  lambda: predictive_scores([sides[0]], sides[1])):  # fmt: skip
        assert_array_equal(score(), score())


def test_series_cut_from_one_record_are_put_in_line_and_kept_apart():
    record = np.random.default_rng(0).normal(size=(600, 2))
    order = np.random.default_rng(1).permutation(591)[:400]
    found = lines(cut(record, 10)[order])
    for one in np.unique(found.record):
        members = found.record == one
        assert len(np.unique(order[members] - found.start[members])) == 1
    is_test = blocks(found, 10) % 5 == 0
    learns = apart(found, is_test, 10)
    assert learns.sum() > 200
    gap = np.abs(order[learns][:, None] - order[is_test])
    assert gap.min() > 5  # what shares less than half of its steps is not recognised


def test_halves_of_one_record_are_one_world_though_they_overlap():
    rng = np.random.default_rng(0)
    record = np.cumsum(rng.normal(size=(900, 2)), 0)
    every = rng.permutation(885)
    series = cut(record, 16)
    test = course_two_sample(series[every[:400]], series[every[400:800]])
    assert test.auc.low < 0.5 < test.auc.high
    assert test.stretches < 30


def test_series_that_share_nothing_are_records_of_their_own():
    found = lines(waves(50, 0))
    assert len(np.unique(found.record)) == 50
    same = lines(np.zeros((50, 6, 1)))
    assert len(np.unique(same.record)) == 1


def test_customary_scores_of_halves_are_small_and_of_faults_large():
    real, other = waves(200, 0, channels=6), waves(200, 1, channels=6)
    noisy = other + 0.5 * np.random.default_rng(5).normal(size=other.shape)
    unit = [scaled(x, real) for x in (other, other + 1)]
    told = discriminative_scores([scaled(real, real)] * 2, unit, seeds=(0, 1), updates=300)
    assert told.shape == (2, 2)
    assert (told[0] < 0.15).all()
    assert (told[1] > 0.2).all()
    own, theirs = predictive_scores([scaled(x, real) for x in (real, 2 - noisy)], unit[0])[:, 0]
    assert own < theirs


def test_a_network_among_others_learns_as_it_does_alone():
    sides = [scaled(waves(100, seed), waves(100, 0)) for seed in range(3)]
    together = predictive_scores(sides, sides[0], seeds=(3,), updates=20)
    alone = predictive_scores(sides[:1], sides[0], seeds=(3,), updates=20)
    assert together[0, 0] == pytest.approx(alone[0, 0], abs=1e-5)


@pytest.mark.parametrize("shape", [(40, 2, 1), (40, 5, 1), (50, 2, 3)])
def test_short_series_of_one_channel_with_holes_can_be_judged(shape):
    x, y = np.random.default_rng(0).normal(size=(2, *shape))
    x[0], y[3, 1] = np.nan, np.nan
    assert 0 <= course_two_sample(x, y).auc.value <= 1
    unit = scaled(x, x), scaled(y, x)
    assert 0 <= discriminative_scores([unit[0]], [unit[1]], updates=3)[0, 0] <= 0.5
    assert np.isfinite(predictive_scores([unit[1]], unit[0], updates=3)).all()


def test_what_cannot_be_judged_is_refused_by_name():
    x = waves(60, 0)
    with pytest.raises(ValueError, match="at least 40"):
        course_two_sample(x[:39], x)
    with pytest.raises(ValueError, match="one shape"):
        discriminative_scores([x], [x[:, 1:]])
    with pytest.raises(ValueError, match="one step"):
        predictive_scores([x[:, :1]], x[:, :1])
