"""The strong predictive score against closed forms, and what it must not be fooled by."""

import numpy as np
import pytest

from gantlet.metrics import course_foretelling, foretelling_scores
from gantlet.metrics.courses import shuffled_courses


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Fewer trees than in earnest, and every one of them shallow."""
    monkeypatch.setattr(course_foretelling, "TREES", 15)


def autoregression(n: int, phi: float, seed: int, steps: int = 20) -> np.ndarray:
    """x_t = φ x_{t−1} + ε, at rest from the start; two channels."""
    noise = np.random.default_rng(seed).normal(size=(n, steps, 2))
    x = noise / np.sqrt(1 - phi**2)
    for t in range(1, steps):
        x[:, t] = phi * x[:, t - 1] + noise[:, t]
    return x


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_what_learned_on_an_autoregression_is_wrong_by_its_noise(phi):
    """Var ε / Var (x_t − x_{t−1}) is (1 + φ) / 2."""
    sets = (autoregression(800, phi, seed) for seed in range(2))
    floor, score = foretelling_scores(*[next(sets)], list(sets))
    assert (floor, score) == pytest.approx((np.sqrt((1 + phi) / 2),) * 2, rel=0.04)


def test_a_turned_sign_and_shuffled_series_teach_worse_than_nothing():
    real, fake = (autoregression(600, 0.9, seed) for seed in range(2))
    turned = fake * np.resize([1, -1], 20)[:, None]
    floor, score, wrong, shuffled = foretelling_scores(real, [fake, turned, shuffled_courses(fake)])
    assert score == pytest.approx(floor, rel=0.05)
    assert min(wrong, shuffled) > 1.5


def test_bent_dependence_is_found():
    rng = np.random.default_rng(0)
    noise = rng.uniform(size=(2, 900, 12, 1))
    x = 0.1 * noise
    for t in range(1, 12):
        x[:, :, t] = 3.8 * x[:, :, t - 1] * (1 - x[:, :, t - 1]) + 0.01 * noise[:, :, t]
    floor, score = foretelling_scores(x[0], [x[1]])
    assert max(floor, score) < 0.35  # a straight line leaves more than half


def test_a_record_learned_by_heart_does_not_help():
    """Windows of noise: whoever kept the test's own steps would foretell them."""
    record = np.random.default_rng(0).normal(size=(3_000, 1)).cumsum(0)
    windows = np.lib.stride_tricks.sliding_window_view(record, 16, axis=0).transpose(0, 2, 1)
    floor, _ = foretelling_scores(windows, [windows])
    assert floor > 0.97


def test_missing_values_are_left_out_and_the_answer_is_the_same_twice():
    rng = np.random.default_rng(1)
    real, fake = (autoregression(400, 0.5, seed) for seed in range(2))
    for part in (real, fake):
        part[rng.random(part.shape) < 0.2] = np.nan
    real[:, :, 1] = np.nan
    first, again = (foretelling_scores(real, [fake]) for _ in range(2))
    assert np.isfinite(first).all()
    assert (first == again).all()


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (np.zeros((50, 4, 1)), np.zeros((50, 5, 1)), "one shape"),
        (np.zeros((50, 1, 1)), np.zeros((50, 1, 1)), "2 steps"),
        (np.zeros((50, 4, 1)), np.zeros((9, 4, 1)), "at least 40"),
        (np.zeros((50, 4, 1)), np.zeros((50, 4, 1)), "no stretch"),
    ],
)
def test_what_cannot_be_asked_is_refused(real, fake, words):
    with pytest.raises(ValueError, match=words):
        foretelling_scores(real, [fake])
