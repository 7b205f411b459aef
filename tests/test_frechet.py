"""Moments and the Fréchet distance against SciPy, closed forms and other implementations."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from gantlet.metrics import (
    frechet_distance,
    frechet_estimate,
    frechet_infinity,
    gaussian_floor,
)
from gantlet.metrics.moments import Moments


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def by_sqrtm(real: np.ndarray, fake: np.ndarray) -> float:
    a, b = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    means = np.square(real.mean(0) - fake.mean(0)).sum()
    return float(means + np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b)).real)


def test_moments_are_those_of_numpy(rng):
    x = (rng.normal(size=(2500, 7)) + 1000).astype(np.float32)  # over two blocks, far from 0
    moments = Moments.of(x)
    assert moments.mean == pytest.approx(x.mean(0, dtype=np.float64), rel=1e-14)
    expected = np.cov(x, rowvar=False, dtype=np.float64)
    assert moments.covariance == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_moments_do_not_depend_on_the_order_of_rows_to_the_last_bit(rng):
    x = rng.normal(size=(2500, 7)).astype(np.float32)
    a, b = Moments.of(x), Moments.of(rng.permutation(x))
    assert (a.mean == b.mean).all()
    assert (a.scatter == b.scatter).all()


def test_moments_of_parts_add_up_to_those_of_the_whole(rng):
    x = rng.normal(size=(300, 5))
    both = Moments.of(x[:90] + 0) + Moments.of(x[90:] + 0)
    whole = Moments.of(x)
    assert both.n == whole.n
    assert both.mean == pytest.approx(whole.mean, abs=1e-14)
    assert both.scatter == pytest.approx(whole.scatter, rel=1e-12, abs=1e-11)


@pytest.mark.parametrize("shape", [(300, 20), (41, 20), (39, 20)])  # either side of 2 d rows
def test_frechet_distance_agrees_with_scipy(shape, rng):
    real = rng.normal(size=shape) @ rng.normal(size=(20, 20))
    fake = rng.normal(size=shape) @ rng.normal(size=(20, 20)) + 1
    assert frechet_distance(real, fake) == pytest.approx(by_sqrtm(real, fake), rel=1e-9)


def test_frechet_distance_of_many_rows_of_low_rank_is_that_in_their_span(rng):
    real, fake = rng.normal(size=(500, 5)), rng.normal(size=(400, 5)) * 3
    into_50, _ = np.linalg.qr(rng.normal(size=(50, 5)))
    expected = by_sqrtm(real, fake)
    embedded = frechet_distance(real @ into_50.T, fake @ into_50.T)
    assert embedded == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_agrees_with_torch_fidelity(rng):
    fidelity = pytest.importorskip("torch_fidelity.metric_fid", exc_type=ImportError)
    real, fake = rng.normal(size=(900, 64)), 1.1 * rng.normal(size=(800, 64)) + 0.1
    moments = [{"mu": x.mean(0), "sigma": np.cov(x, rowvar=False)} for x in (real, fake)]
    expected = fidelity.fid_statistics_to_metric(*moments, verbose=False)
    value = frechet_distance(real, fake)
    assert value == pytest.approx(expected["frechet_inception_distance"], rel=1e-6)


def test_frechet_distance_agrees_with_the_eigenvalues_of_the_product(rng):
    """The arithmetic of torch-fidelity and of many others, written out."""
    real, fake = rng.normal(size=(900, 64)), 1.1 * rng.normal(size=(800, 64)) + 0.1
    a, b = (np.cov(x, rowvar=False) for x in (real, fake))
    root = np.sqrt(np.linalg.eigvals(a @ b).astype(complex)).real.sum()
    means = np.square(real.mean(0) - fake.mean(0)).sum()
    expected = means + np.trace(a) + np.trace(b) - 2 * root
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [30, 200])
def test_frechet_figures_do_not_depend_on_the_order_of_rows_to_the_last_bit(n, rng):
    real, fake = rng.normal(size=(n, 20)), rng.normal(size=(n, 20)) + 0.1
    for figure in (frechet_distance, frechet_estimate, frechet_infinity):
        assert figure(real, fake) == figure(rng.permutation(real), rng.permutation(fake))


@pytest.mark.parametrize(
    ("m", "n", "d"), [(200, 120, 16), (80, 60, 40), (20, 30, 40), (25, 60, 40)]
)
def test_floor_of_gaussians_is_the_mean_distance_of_equal_ones(m, n, d, rng):
    draws = [frechet_distance(rng.normal(size=(m, d)), rng.normal(size=(n, d))) for _ in range(60)]
    assert gaussian_floor(m, n, d) == pytest.approx(np.mean(draws), rel=0.03)


def test_floor_of_few_dimensions_is_its_first_order():
    assert gaussian_floor(10**6, 10**6, 8) == pytest.approx((2 * 8 + 8 * 9 / 2) / 10**6, rel=1e-3)


@pytest.mark.parametrize(("n", "scale"), [(200, 1.0), (200, 1.2), (30, 1.2)])
def test_frechet_interval_covers_the_expectation_at_its_sizes(n, scale, rng):
    estimates = [
        frechet_estimate(rng.normal(size=(n, 16)), scale * rng.normal(size=(n, 16)))
        for _ in range(200)
    ]
    truth = np.mean([e.value for e in estimates])
    assert np.mean([e.low <= truth <= e.high for e in estimates]) >= 0.91


def test_frechet_infinity_knows_no_bias(rng):
    n, d = 300, 16
    draws = [
        frechet_infinity(rng.normal(size=(n, d)), 1.5 * rng.normal(size=(n, d))).value
        for _ in range(100)
    ]
    assert np.mean(draws) == pytest.approx(0.25 * d, rel=0.03)


def test_frechet_estimate_of_singular_features_is_finite(rng):
    low = rng.normal(size=(5, 30))
    real, fake = rng.normal(size=(200, 5)) @ low, rng.normal(size=(200, 5)) @ low * 1.2
    estimate = frechet_estimate(real, fake)
    plain = frechet_estimate(
        real @ np.linalg.qr(low.T)[0], fake @ np.linalg.qr(low.T)[0]
    )  # in the five dimensions that there are
    assert estimate == pytest.approx(plain, rel=1e-3)
