"""The kernel distance told from characteristic functions, against closed forms."""

import math

import numpy as np
import pytest

from gantlet.metrics.characteristic import characteristic_distance


def normal(seed: int, count: int, scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).standard_normal((count, 2))


def test_a_set_is_at_no_distance_from_itself_in_any_order():
    x = normal(0, 500)
    assert characteristic_distance(x, x[::-1]) == pytest.approx(0, abs=1e-25)


def test_two_normal_clouds_are_as_far_apart_as_the_gaussian_kernel_says():
    # E k(x, y) = h² / (h² + s + t) in two dimensions, for normal x and y of variances s and t.
    width, other = 0.5, 0.6
    real, fake = normal(1, 8_000), normal(2, 8_000, other)
    h = width**2
    same = h / (h + 2) + h / (h + 2 * other**2)
    expected = same - 2 * h / (h + 1 + other**2)
    found = characteristic_distance(real, fake, width, frequencies=4_000)
    assert found == pytest.approx(expected, rel=0.08)


def test_equal_distributions_are_apart_by_what_few_rows_add():
    found = [characteristic_distance(normal(n, 400), normal(n + 50, 400)) for n in range(20)]
    assert np.mean(found) == pytest.approx(2 / 400, rel=0.1)


def test_the_unit_of_the_data_does_not_matter():
    real, fake = normal(3, 300), normal(4, 300, 0.5)
    there = characteristic_distance(1e6 * real, 1e6 * fake)
    assert math.isclose(there, characteristic_distance(real, fake), rel_tol=1e-9)
