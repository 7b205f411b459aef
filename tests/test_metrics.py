"""Distances, neighbours and modes against closed forms, brute force and SciPy."""

import numpy as np
import pytest
from scipy.linalg import helmert, sqrtm
from scipy.spatial.distance import cdist

from gantlet.metrics import (
    coverage,
    density,
    frechet_distance,
    grid_centres,
    mode_report,
    precision,
    recall,
    ring_centres,
    sliced_wasserstein,
    squared_mmd,
    stacked_modes,
)
from gantlet.metrics.neighbours import visits

DISTANCES = [frechet_distance, squared_mmd, sliced_wasserstein]
MNIST_COUNTS = np.array([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])  # train set


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def with_moments(rng, n: int, mean, covariance) -> np.ndarray:
    """n samples whose mean and unbiased covariance are exactly these."""
    x = rng.normal(size=(n, len(mean)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return x @ np.linalg.cholesky(covariance).T + mean


# Fréchet distance


def test_frechet_distance_of_axis_aligned_gaussians_is_the_closed_form(rng):
    real = with_moments(rng, 50, [0.0, 1.0, 2.0], np.diag([1.0, 4.0, 9.0]))
    fake = with_moments(rng, 70, [1.0, 1.0, 0.0], np.diag([4.0, 4.0, 1.0]))
    assert frechet_distance(real, fake) == pytest.approx(1 + 4 + 1 + 0 + 4, abs=1e-10)


def test_frechet_distance_agrees_with_sqrtm_on_random_features(rng):
    real = rng.normal(size=(300, 20)) @ rng.normal(size=(20, 20))
    fake = rng.normal(size=(200, 20)) @ rng.normal(size=(20, 20)) + 1
    product = np.cov(real, rowvar=False) @ np.cov(fake, rowvar=False)
    expected = (
        np.square(real.mean(0) - fake.mean(0)).sum()
        + real.var(0, ddof=1).sum()
        + fake.var(0, ddof=1).sum()
        - 2 * np.trace(sqrtm(product)).real
    )
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-11, abs=1e-9)


def test_frechet_distance_agrees_with_sqrtm_where_samples_are_fewer_than_dimensions(rng):
    real, fake = rng.normal(size=(12, 40)), 2 * rng.normal(size=(25, 40)) + 1
    # Helmert's contrasts hold all of Σ in n − 1 rows, so that this square root is of full rank.
    a, b = helmert(12) @ real / np.sqrt(11), helmert(25) @ fake / np.sqrt(24)
    overlap = np.trace(sqrtm(a @ b.T @ b @ a.T)).real
    means = np.square(real.mean(0) - fake.mean(0)).sum()
    expected = means + np.square(a).sum() + np.square(b).sum() - 2 * overlap
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-11, abs=1e-9)


def test_frechet_distance_does_not_see_empty_dimensions(rng):
    real, fake = rng.normal(size=(100, 5)), rng.normal(size=(90, 5)) * 3
    into_50, _ = np.linalg.qr(rng.normal(size=(50, 5)))
    embedded = frechet_distance(real @ into_50.T, fake @ into_50.T)
    assert embedded == pytest.approx(frechet_distance(real, fake), rel=1e-11, abs=1e-9)


def test_frechet_distance_of_equal_distributions_is_its_known_bias(rng):
    d, n = 6, 500
    draws = [frechet_distance(rng.normal(size=(n, d)), rng.normal(size=(n, d))) for _ in range(200)]
    assert np.mean(draws) == pytest.approx((2 * d + d * (d + 1) / 2) / n, rel=0.1)


# All distances


@pytest.mark.parametrize("distance", [frechet_distance, sliced_wasserstein])
@pytest.mark.parametrize("shape", [(100, 7), (7, 30), (50, 1)])
def test_distance_of_a_set_to_itself_is_0(distance, shape, rng):
    x = rng.normal(size=shape)
    assert distance(x, x) == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("distance", [frechet_distance, sliced_wasserstein])
def test_distance_to_a_set_moved_by_mu_is_its_squared_length(distance, rng):
    x, mu = rng.normal(size=(80, 10)), rng.normal(size=10)
    assert distance(x, x + mu) == pytest.approx(np.square(mu).sum(), rel=1e-10)


@pytest.mark.parametrize("distance", DISTANCES)
def test_distances_are_symmetric_and_blind_to_the_order_of_rows(distance, rng):
    real, fake = rng.normal(size=(60, 4)), rng.normal(size=(45, 4)) + 0.5
    expected = distance(real, fake)
    assert distance(fake, real) == pytest.approx(expected, rel=1e-10)
    assert distance(rng.permutation(real), fake) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_single_row_is_refused(distance, rng):
    with pytest.raises(ValueError, match="at least 2 rows"):
        distance(rng.normal(size=(1, 4)), rng.normal(size=(9, 4)))


# Squared MMD


def test_squared_mmd_is_the_mean_kernel_over_pairs_of_different_rows(rng):
    real, fake = rng.normal(size=(1100, 3)), rng.normal(size=(1030, 3)) + 0.2  # over one block
    rr, ff, rf = ((a @ b.T / 3 + 1) ** 3 for a, b in [(real, real), (fake, fake), (real, fake)])
    within = [k[~np.eye(len(k), dtype=bool)].mean() for k in (rr, ff)]
    assert squared_mmd(real, fake) == pytest.approx(sum(within) - 2 * rf.mean(), rel=1e-9)


def test_squared_mmd_of_two_points_is_the_closed_form():
    real, fake = np.tile([1.0, 0.0], (5, 1)), np.tile([0.0, 2.0], (7, 1))
    assert squared_mmd(real, fake) == pytest.approx(1.5**3 + 3**3 - 2 * 1**3)


def test_squared_mmd_of_equal_distributions_is_0_on_average(rng):
    draws = [squared_mmd(rng.normal(size=(50, 4)), rng.normal(size=(60, 4))) for _ in range(400)]
    assert min(draws) < 0
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(len(draws))


# Sliced Wasserstein distance


def test_sliced_wasserstein_of_uneven_sets_is_that_of_their_repeated_rows(rng):
    real, fake = rng.normal(size=(4, 3)), rng.normal(size=(6, 3)) * 2
    repeated = sliced_wasserstein(np.repeat(real, 3, axis=0), np.repeat(fake, 2, axis=0))
    assert sliced_wasserstein(real, fake) == pytest.approx(repeated, rel=1e-12)


def test_sliced_wasserstein_of_scaled_rows_is_the_trace_of_their_moments(rng):
    x = rng.normal(size=(500, 6))
    expected = np.square(x).sum(1).mean() * (3 - 1) ** 2  # on every axis W₂² = 4 E (θ·x)²
    assert sliced_wasserstein(x, 3 * x, directions=600) == pytest.approx(expected, rel=1e-10)


def test_sliced_wasserstein_follows_its_seed_and_settles_with_more_directions(rng):
    real, fake = rng.normal(size=(200, 30)), rng.normal(size=(200, 30)) ** 3
    draws = {
        count: [sliced_wasserstein(real, fake, count, seed) for seed in range(8)]
        for count in (10, 1000)
    }
    assert sliced_wasserstein(real, fake, 10, 3) == draws[10][3]
    assert np.std(draws[1000]) < np.std(draws[10]) / 4
    assert np.mean(draws[10]) == pytest.approx(np.mean(draws[1000]), rel=0.2)


# Precision, recall, density, coverage


def brute_force(real: np.ndarray, fake: np.ndarray, k: int) -> dict[str, float]:
    real_radii = np.sort(cdist(real, real), 1)[:, k]
    fake_radii = np.sort(cdist(fake, fake), 1)[:, k]
    between = cdist(real, fake)
    return {
        "precision": (between <= real_radii[:, None]).any(0).mean(),
        "recall": (between <= fake_radii).any(1).mean(),
        "density": (between <= real_radii[:, None]).sum(0).mean() / k,
        "coverage": (between.min(1) <= real_radii).mean(),
    }


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("m", "n", "d"), [(700, 600, 2), (90, 1100, 8), (300, 200, 64)])
def test_neighbour_metrics_agree_with_brute_force(m, n, d, k, rng):
    real, fake = rng.normal(size=(m, d)), 0.8 * rng.normal(size=(n, d)) + 0.2
    measured = {f.__name__: f(real, fake, k) for f in (precision, recall, density, coverage)}
    assert measured == pytest.approx(brute_force(real, fake, k), abs=1e-12)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_neighbours_are_the_same_whatever_the_block_size(block, rng):
    points, centres = rng.normal(size=(40, 6)), rng.normal(size=(70, 6))
    whole, parts = visits(points, centres, 4, 10_000), visits(points, centres, 4, block)
    assert np.array_equal(whole.balls, parts.balls)
    assert np.array_equal(whole.points, parts.points)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_identical_points_lie_in_each_others_balls_of_radius_0(offset, rng):
    real = np.repeat(rng.normal(size=(20, 300)) + offset, 6, axis=0)
    fake = real[::6]
    assert precision(real, fake) == 1
    assert recall(real, real) == 1
    assert density(real, fake, 5) == pytest.approx(6 / 5)
    assert coverage(real, fake, 5) == 1
    assert coverage(real, fake[:5], 5) == pytest.approx(5 / 20)


def test_a_point_on_the_surface_of_a_ball_is_inside():
    real = np.array([[0.0], [1.0], [2.0], [3.0]])
    assert precision(real, np.array([[-1.0], [4.0], [-1.01], [4.01]]), 1) == 0.5


def test_sets_far_apart_share_no_neighbours(rng):
    real, fake = rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + 100
    assert [f(real, fake) for f in (precision, recall, density, coverage)] == [0, 0, 0, 0]


def test_one_sample_that_flew_off_does_not_blur_the_others(rng):
    real, fake = rng.normal(size=(200, 5)), rng.normal(size=(200, 5)) + 1
    kept = precision(real, fake), recall(real, fake)
    fake[7] = 1e9
    assert (precision(real, fake), recall(real, fake)) == pytest.approx(kept, abs=0.011)


def test_recall_is_precision_with_the_roles_swapped(rng):
    real, fake = rng.normal(size=(200, 4)), rng.normal(size=(150, 4)) * 0.5
    assert recall(real, fake) == precision(fake, real)
    assert recall(real, fake) < precision(real, fake)


def test_density_and_coverage_of_equal_distributions_are_their_expectations(rng):
    n, k = 3000, 5
    real, fake = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    ranks = np.arange(1, k + 1)
    expected = 1 - np.prod((n - ranks) / (2 * n - ranks))  # 0.969
    assert coverage(real, fake, k) == pytest.approx(expected, abs=0.012)
    assert density(real, fake, k) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbours_than_samples_are_refused(k, rng):
    with pytest.raises(ValueError, match=f"k = {k}"):
        precision(rng.normal(size=(4, 2)), rng.normal(size=(9, 2)), k)


# Modes


def test_ring_and_grid_are_those_of_the_protocol():
    ring, grid = ring_centres(), grid_centres()
    assert np.linalg.norm(ring, axis=1) == pytest.approx([1.0] * 8)
    assert cdist(ring, ring)[~np.eye(8, dtype=bool)].min() == pytest.approx(2 * np.sin(np.pi / 8))
    assert {tuple(c) for c in grid} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}


@pytest.mark.parametrize(
    ("centres", "sigma", "floor"), [(ring_centres(), 0.01, 0.0014), (grid_centres(), 0.05, 0.0048)]
)
def test_perfect_sampler_of_a_mixture_reaches_its_ceiling_and_floor(centres, sigma, floor, rng):
    reports = []
    for _ in range(300):
        picked = centres[rng.integers(len(centres), size=2500)]
        picked = picked + sigma * rng.normal(size=picked.shape)
        reports.append(mode_report(picked, centres, sigma))
    modes, high_quality, kl = np.array(reports).T
    assert (modes == len(centres)).all()
    assert high_quality.mean() == pytest.approx(1 - np.exp(-9 / 2), abs=5e-4)  # 0.9889
    assert kl.mean() == pytest.approx(floor, abs=2e-4)


def test_mode_report_of_known_samples_is_counted_by_hand():
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    samples = np.array([[0.0, 0.2], [0.29, 0.0], [0.0, 0.31], [10.0, 0.0], [5.0, 5.0]])
    report = mode_report(samples, centres, 0.1)
    assert (report.modes, report.high_quality) == (2, 3 / 5)
    assert report.kl == pytest.approx(2 / 3 * np.log(3 * 2 / 3) + 1 / 3 * np.log(3 * 1 / 3))


def test_mode_report_without_a_high_quality_sample_is_the_worst():
    assert mode_report(np.full((9, 2), 50.0), grid_centres(), 0.05) == (0, 0, np.log(25))


def test_stacked_modes_of_one_class_and_of_all_classes_are_the_extremes():
    assert stacked_modes(np.zeros(50, int)) == (1, np.log(1000))
    assert stacked_modes(np.arange(3000) % 1000) == pytest.approx((1000, 0), abs=1e-12)


def test_stacked_modes_of_triples_are_those_of_their_numbers(rng):
    triples = rng.integers(10, size=(2000, 3))
    assert stacked_modes(triples) == pytest.approx(stacked_modes(triples @ [100, 10, 1]))


@pytest.mark.parametrize(
    ("frequencies", "floor"),
    [(MNIST_COUNTS / 60_000, 0.0235), (np.full(10, 0.1), 0.0193)],
    ids=["mnist", "uniform"],
)
def test_perfect_sampler_of_stacked_digits_scores_the_floor(frequencies, floor, rng):
    reports = [stacked_modes(rng.choice(10, size=(26_000, 3), p=frequencies)) for _ in range(10)]
    assert {report.modes for report in reports} == {1000}
    assert np.mean([report.kl for report in reports]) == pytest.approx(floor, abs=1e-3)
