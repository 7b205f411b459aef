"""Statistics of series against closed forms, and what is missing left out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gantlet.metrics.course_features import course_features
from gantlet.metrics.course_statistics import (
    autocorrelation,
    cross_correlation,
    extremes,
    extremes_gap,
    profile_gap,
    spectrum,
)
from gantlet.metrics.courses import carried, scaled, shuffled_courses


def autoregressive(n: int, steps: int, phi: float, seed: int = 0) -> np.ndarray:
    """x_t = φ x_{t−1} + e_t, begun in its stationary law, of variance 1."""
    rng = np.random.default_rng(seed)
    x = np.empty((n, steps, 1))
    x[:, 0] = rng.normal(size=(n, 1))
    for t in range(1, steps):
        x[:, t] = phi * x[:, t - 1] + np.sqrt(1 - phi**2) * rng.normal(size=(n, 1))
    return x


def holes(x: np.ndarray, share: float) -> np.ndarray:
    return np.where(np.random.default_rng(9).random(x.shape) < share, np.nan, x)


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.8])
def test_an_autoregression_remembers_by_powers_of_its_coefficient(phi):
    x = autoregressive(20_000, 12, phi)
    assert_allclose(autocorrelation(x, 5)[:, 0], phi ** np.arange(6), atol=0.02)
    assert_allclose(autocorrelation(holes(x, 0.3), 5)[:, 0], phi ** np.arange(6), atol=0.03)


def test_a_wave_of_random_phase_has_a_cosine_for_memory_and_one_line_for_a_spectrum():
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (50_000, 1, 1))
    x = np.sin(2 * np.pi * 4 * np.arange(24)[:, None] / 24 + phase)
    assert_allclose(autocorrelation(x, 6)[:, 0], np.cos(np.pi * np.arange(7) / 3), atol=0.02)
    share = spectrum(x)[:, 0]
    assert share.argmax() + 1 == 4
    assert_allclose(share[2:5], [1 / 6, 2 / 3, 1 / 6], atol=1e-6)  # Hann's window spreads it so


def test_noise_has_a_flat_spectrum_and_no_memory():
    x = np.random.default_rng(0).normal(size=(20_000, 25, 2))
    share = spectrum(x)
    assert_allclose(share.sum(0), 1)
    assert share[1:].std() < 0.003
    assert_allclose(autocorrelation(x)[1:], 0, atol=0.01)


def test_a_channel_that_comes_later_is_seen_at_its_lag():
    x = np.random.default_rng(0).normal(size=(5000, 20, 1))
    both = np.concatenate([x[:, 2:], x[:, :-2]], axis=2)
    found = cross_correlation(both, 4)[:, 0]
    assert found.argmax() == 4 + 2
    assert found[6] == pytest.approx(1, abs=0.02)


def test_statistics_do_not_depend_on_unit_and_order_of_series():
    x = autoregressive(200, 16, 0.5)
    y = (7 - 3 * x)[::-1]
    for profile in (autocorrelation, spectrum):
        assert_allclose(profile(y), profile(x), atol=1e-12)
    assert extremes_gap(x, x[::-1]) == pytest.approx(0, abs=1e-12)


def test_extremes_are_the_ends_and_the_largest_step_of_what_is_known():
    x = np.array([[[1.0], [4.0], [np.nan], [-2.0]], [[np.nan]] * 4])
    assert_array_equal(extremes(x)[:, :, 0], [[-2, 4, 3], [np.nan] * 3])
    assert extremes_gap(x, x + 1) == pytest.approx(2 / 3 / np.nanstd(x))  # steps stay as they are


def test_what_never_varies_or_is_never_known_has_no_memory_and_disturbs_nobody():
    x = autoregressive(50, 8, 0.5)
    wide = np.concatenate([x, np.full_like(x, 0.1), np.full_like(x, np.nan)], axis=2)
    assert np.isnan(autocorrelation(wide)[:, 1:]).all()
    assert np.isnan(spectrum(wide)[:, 1:]).all()
    assert profile_gap(autocorrelation(wide), autocorrelation(wide)) == 0
    assert np.isfinite(extremes_gap(wide, wide))
    assert np.isnan(profile_gap(cross_correlation(x), cross_correlation(x)))  # there is no pair


def test_missing_values_take_the_last_known_and_scaling_goes_by_real_extremes():
    x = np.array([[[np.nan], [1.0], [np.nan], [3.0]], [[np.nan]] * 4])
    assert_array_equal(carried(x)[:, :, 0], [[1, 1, 1, 3], [2, 2, 2, 2]])
    assert_array_equal(scaled(np.array([[[5.0]]]), x), [[[2.0]]])
    assert_array_equal(scaled(x * np.nan, x * np.nan), x * np.nan)


def test_shuffled_series_keep_every_step_and_lose_their_memory():
    x = autoregressive(4000, 6, 0.9)
    mixed = shuffled_courses(x)
    assert_array_equal(np.sort(mixed, 0), np.sort(x, 0))
    assert abs(autocorrelation(mixed, 1)[1, 0]) < 0.03


@pytest.mark.parametrize("shape", [(5, 1, 1), (5, 2, 3), (5, 60, 9)])
def test_every_shape_makes_features_also_of_nothing_known(shape):
    x = np.random.default_rng(0).normal(size=shape)
    x[0], x[1, 0] = np.nan, np.nan
    row, groups = course_features(x)
    assert row.shape == (5, len(groups))
    assert not np.isinf(row).any()
    assert np.isfinite(row[2:, groups == 0]).all()
