"""Shares of classes behind a classifier's mistakes."""

import numpy as np
import pytest

from gantlet.metrics.label_shares import label_shares


def mistaken(labels: np.ndarray, rng: np.random.Generator, right: float, count: int) -> np.ndarray:
    """What a classifier says that is right so often and else takes one of the next two classes."""
    wrong = (labels + rng.integers(1, 3, size=len(labels))) % count
    return np.where(rng.random(len(labels)) < right, labels, wrong)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_faultless_classifier_leaves_the_counted_shares_as_they_are(rng):
    labels, fake = rng.integers(4, size=400), rng.integers(3, size=300)
    found = label_shares(labels, labels, fake, 4)
    assert np.allclose(found.real, np.bincount(labels, minlength=4) / 400)
    assert np.allclose(found.fake, np.bincount(fake, minlength=4) / 300)


def test_mistakes_that_are_known_exactly_are_taken_back_exactly():
    labels = np.repeat([0, 1], 10)
    predicted = np.array([0] * 8 + [1] * 2 + [1] * 7 + [0] * 3)
    fake = np.array([0] * 55 + [1] * 45)  # ½ of each class, as the classifier sees them
    assert np.allclose(label_shares(labels, predicted, fake, 2).fake, [0.5, 0.5])


def test_a_class_that_is_never_made_is_missing_though_others_are_taken_for_it(rng):
    labels = rng.integers(10, size=2000)
    truly = rng.integers(9, size=2000)  # never the last
    seen = mistaken(truly, rng, 0.6, 10)
    assert (seen == 9).mean() > 0.03
    found = label_shares(labels, mistaken(labels, rng, 0.6, 10), seen, 10)
    assert found.missing.tolist() == [9]
    assert abs(found.fake[9]) < 0.03


def test_equal_shares_are_called_different_as_seldom_as_promised(rng):
    alarms = 0
    for _ in range(300):
        labels, truly = rng.integers(10, size=(2, 1000))
        found = label_shares(
            labels, mistaken(labels, rng, 0.6, 10), mistaken(truly, rng, 0.6, 10), 10
        )
        alarms += len(found.under) + len(found.over) > 0
        assert not len(found.missing)
    assert alarms <= 0.09 * 300


def test_errors_are_those_of_repeated_draws(rng):
    draws, errors = [], []
    for _ in range(300):
        labels, truly = rng.integers(5, size=(2, 800))
        found = label_shares(labels, mistaken(labels, rng, 0.7, 5), mistaken(truly, rng, 0.7, 5), 5)
        draws.append(found.fake - found.real)
        errors.append(found.error)
    assert np.std(draws, axis=0) == pytest.approx(np.mean(errors, axis=0), rel=0.15)
