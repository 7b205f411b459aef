"""Groups, the jackknife, Wilson's interval and differences."""

import numpy as np
import pytest

from gantlet.metrics.intervals import (
    batches,
    canonical_order,
    difference,
    groups,
    jackknife,
    normal,
    proportion,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_groups_go_with_the_rows_and_are_equally_large(rng):
    x = rng.normal(size=(103, 4)).astype(np.float32)
    order = rng.permutation(103)
    group = groups(x, 10, seed=3)
    assert (groups(x[order], 10, seed=3) == group[order]).all()
    assert set(np.bincount(group)) == {10, 11}


def test_canonical_order_is_one_for_all_orders(rng):
    x = rng.normal(size=(50, 3))[rng.integers(50, size=80)]  # with repeats
    y = rng.permutation(x)
    assert (x[canonical_order(x)] == y[canonical_order(y)]).all()


def test_jackknife_of_a_mean_without_each_row_is_its_standard_error(rng):
    x = rng.normal(size=30)
    left_out = [np.delete(x, i).mean() for i in range(30)]
    assert jackknife(x.mean(), left_out).error == pytest.approx(x.std(ddof=1) / np.sqrt(30))
    assert batches(x.tolist()).error == pytest.approx(x.std(ddof=1) / np.sqrt(30))


def test_wilson_interval_solves_its_equation():
    p, n = 0.3, 50
    estimate = proportion(p, p * (1 - p) / n, n)
    for end in (estimate.low, estimate.high):
        assert abs(end - p) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) / n), rel=1e-5)


def test_a_share_of_1_is_not_certain():
    assert proportion(1.0, 0.0, 100).high == 1.0
    assert proportion(1.0, 0.0, 100).low == pytest.approx(1 / (1 + 1.959964**2 / 100))


def test_difference_of_equal_errors_has_the_p_value_of_the_normal():
    gap = difference(normal(1.96 * np.sqrt(2), 1.0), normal(0.0, 1.0))
    assert gap.p_value == pytest.approx(0.05, abs=1e-4)
