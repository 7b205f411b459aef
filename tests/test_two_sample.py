"""The classifier two-sample test: its level, its power, its intervals, and repeats."""

import numpy as np
import pytest
from scipy.stats import kstest

from gantlet.metrics import two_sample_test
from gantlet.metrics.two_sample import area


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def ring(rng, n: int, radius: float) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi, n)
    points = radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    return points + 0.05 * rng.normal(size=(n, 2))


def test_classifier_guesses_where_distributions_agree(rng):
    tests = [two_sample_test(*rng.normal(size=(2, 100, 3)), seed=i) for i in range(30)]
    assert np.mean([t.accuracy.value for t in tests]) == pytest.approx(0.5, abs=0.03)
    assert kstest([t.p_value for t in tests], "uniform").pvalue > 0.01


def test_classifier_tells_rings_of_two_radii_apart(rng):
    test = two_sample_test(ring(rng, 500, 1.0), ring(rng, 500, 1.2))
    assert test.accuracy.low > 0.8
    assert test.auc.low > 0.85
    assert test.p_value < 1e-9


def test_classifier_comes_near_the_best_possible_for_a_moved_gaussian(rng):
    real, fake = rng.normal(size=(2000, 4)), rng.normal(size=(2000, 4))
    fake[:, 0] += 2  # Bayes: Φ(1) = 0.841
    assert two_sample_test(real, fake).accuracy.value == pytest.approx(0.841, abs=0.03)


def test_repeats_never_stand_on_both_sides(rng):
    real, kinds = rng.normal(size=(600, 8)), rng.normal(size=(30, 8))
    fake = kinds[rng.integers(30, size=600)]
    test = two_sample_test(real, fake)
    held_out = {row.tobytes() for row in fake[test.fake_indices]}
    learned = {row.tobytes() for row in np.delete(fake, test.fake_indices, axis=0)}
    assert not held_out & learned


def test_result_does_not_depend_on_the_order_of_rows(rng):
    real, fake = rng.normal(size=(60, 3)), rng.normal(size=(60, 3)) + 1
    a = two_sample_test(real, fake)
    order = rng.permutation(60)
    b = two_sample_test(real, fake[order])
    assert a.accuracy == b.accuracy
    assert (fake[a.fake_indices] == fake[order][b.fake_indices]).all()
    assert (a.fake_scores == b.fake_scores).all()


def test_area_is_the_share_of_pairs_in_order_and_its_error_that_of_delong(rng):
    real, fake = rng.integers(0, 9, 40) + 1.0, rng.integers(0, 9, 30) + 0.0  # with ties
    pairs = (real[:, None] > fake) + 0.5 * (real[:, None] == fake)
    variance = pairs.mean(1).var(ddof=1) / 40 + pairs.mean(0).var(ddof=1) / 30
    auc = area(real, fake)
    assert auc.value == pytest.approx(pairs.mean())
    assert auc.error == pytest.approx(np.sqrt(variance))
