"""The kernel distance against plain formulas, other implementations and simulation."""

import numpy as np
import pytest

from gantlet.metrics import kernel as kernel_module
from gantlet.metrics import kernel_estimate, squared_mmd, standardised
from gantlet.metrics.kernel import kernel_estimates


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_squared_mmd_agrees_with_torch_fidelity(rng):
    fidelity = pytest.importorskip("torch_fidelity.metric_kid", exc_type=ImportError)
    real, fake = rng.normal(size=(500, 64)), 1.1 * rng.normal(size=(500, 64)) + 0.1
    rr, rf, ff = ((a @ b.T / 64 + 1) ** 3 for a, b in [(real, real), (real, fake), (fake, fake)])
    expected = fidelity.mmd2(rr, rf, ff)
    assert squared_mmd(real, fake) == pytest.approx(expected, abs=1e-6)


def test_squared_mmd_agrees_with_the_unbiased_formula_written_out(rng):
    real, fake = rng.normal(size=(1500, 64)), 1.1 * rng.normal(size=(1300, 64)) + 0.1
    rr, ff, rf = ((a @ b.T / 64 + 1) ** 3 for a, b in [(real, real), (fake, fake), (real, fake)])
    m, n = len(real), len(fake)
    expected = (rr.sum() - np.trace(rr)) / (m * (m - 1)) + (ff.sum() - np.trace(ff)) / (n * (n - 1))
    assert squared_mmd(real, fake) == pytest.approx(expected - 2 * rf.mean(), abs=1e-12)


def test_kernel_estimate_does_not_depend_on_the_order_of_rows_to_the_last_bit(rng):
    real, fake = rng.normal(size=(1100, 5)), rng.normal(size=(300, 5))
    expected = kernel_estimate(real, fake)
    assert kernel_estimate(rng.permutation(real), rng.permutation(fake)) == expected
    assert expected.value == squared_mmd(real, fake)


@pytest.mark.parametrize(("rows", "work"), [(120, 1e12), (600, 0)])  # all pairs, and parts
@pytest.mark.parametrize("scale", [1.0, 1.15])
def test_kernel_interval_covers_the_expectation(scale, rows, work, rng, monkeypatch):
    monkeypatch.setattr(kernel_module, "WORK", work)
    estimates = [
        kernel_estimate(rng.normal(size=(rows, 16)), scale * rng.normal(size=(rows + 40, 16)))
        for _ in range(200)
    ]
    truth = np.mean([e.value for e in estimates])
    assert 0.91 <= np.mean([e.low <= truth <= e.high for e in estimates]) <= 0.985


def test_kernel_limits_solve_the_equation_of_the_variance_at_the_limit(rng):
    real, fake = rng.normal(size=(200, 6)), 1.2 * rng.normal(size=(150, 6))
    estimate = kernel_estimate(real, fake)
    ordered = [x[np.argsort(np.ascontiguousarray(x).view("V48").ravel())] for x in (real, fake)]
    _, spread = kernel_module._value_and_spread(*ordered, kernel_module._within(ordered[0]))
    for limit in (estimate.low, estimate.high):
        gap = estimate.value - limit
        variance = spread.second + max(spread.first - spread.slope * gap, 0)
        assert abs(gap) == pytest.approx(1.959964 * variance**0.5, rel=1e-6)


def test_slope_is_that_of_a_kernel_whose_eigenvalues_are_known(rng):
    # Of (x y + 1)³ and x = ±1 only 4 x y varies: one eigenvalue, so cubes / squares is 4.
    real, fake = (rng.choice([-1.0, 1.0], size=(900, 1)) for _ in range(2))
    assert kernel_module._slope(real, fake) == pytest.approx(4 * (2 / 900) * 4, rel=0.02)


def test_kernel_estimate_from_parts_is_as_unbiased_and_orderless(rng, monkeypatch):
    real, fake = rng.normal(size=(700, 8)), 1.3 * rng.normal(size=(600, 8))
    monkeypatch.setattr(kernel_module, "WORK", 0)
    parts = kernel_estimate(real, fake)
    assert parts.value == pytest.approx(squared_mmd(real, fake), abs=2 * parts.error)
    assert kernel_estimate(rng.permutation(real), rng.permutation(fake)) == parts


def test_standardised_features_of_the_real_set_have_mean_0_and_deviation_1(rng):
    real, other = rng.normal(3, 2, size=(2000, 4)), rng.normal(size=(10, 4))
    real[:, 3] = other[:, 3] = 7  # constant
    scaled, moved = standardised(real, other)
    assert scaled.mean(0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert scaled.std(0) == pytest.approx([1, 1, 1, 0])
    assert moved[:, :3] == pytest.approx(((other - real.mean(0)) / real.std(0).clip(1e-9))[:, :3])


def test_a_column_that_hardly_varies_in_the_real_set_does_not_outshout_the_others(rng):
    real, other = rng.normal(size=(2000, 10)), rng.normal(size=(2000, 10))
    real[:, 0] *= 1e-6
    scaled, moved = standardised(real, other)
    assert scaled[:, 0].std() < 1e-4
    assert moved[:, 0].std() == pytest.approx(10 / np.sqrt(0.9), rel=0.1)
    assert standardised(np.ones((5, 2)), np.zeros((5, 2)))[1] == pytest.approx(-1)


@pytest.mark.parametrize("work", [1e12, 0])  # all pairs, and parts
def test_several_sets_beside_one_score_as_each_does_alone(work, rng, monkeypatch):
    monkeypatch.setattr(kernel_module, "WORK", work)
    real, *fakes = (rng.normal(size=(n, 8)) for n in (700, 650, 520, 60))
    assert kernel_estimates(real, *fakes) == [kernel_estimate(real, fake) for fake in fakes]
