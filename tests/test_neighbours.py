"""Neighbours, balls and realism against brute force, an independent package and expectations."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gantlet.metrics import close, leading
from gantlet.metrics.clouds import clouds
from gantlet.metrics.nearest import nearest_between, nearest_within
from gantlet.metrics.neighbours import (
    coverage,
    density,
    neighbour_estimates,
    own_neighbours,
    precision,
    recall,
    visits,
)

FIGURES = ("precision", "recall", "density", "coverage")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def pair(rng, m=400, n=300, d=10, dtype=np.float64):
    return rng.normal(size=(m, d)).astype(dtype), (0.9 * rng.normal(size=(n, d))).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [37, 100, 4096])
def test_nearest_neighbours_are_those_of_brute_force(dtype, block, rng):
    real, fake = pair(rng, dtype=dtype)
    (one,) = clouds(real, block=block)
    within = np.sort(cdist(real.astype(float), real.astype(float), "sqeuclidean"), 1)[:, 1:6]
    assert nearest_within(one, 5, 5, block).squared == pytest.approx(within, rel=1e-12)
    points, centres = clouds(fake, real, block=block)
    near = nearest_between(points, centres, 1, block=block)
    between = cdist(fake.astype(float), real.astype(float))
    assert np.array_equal(near.which[:, 0], between.argmin(1))


def test_distances_below_the_rounding_of_float32_are_still_told_apart(rng):
    d = 300
    real = (rng.normal(size=d) + 1e-5 * rng.normal(size=(200, d))).astype(np.float32)
    real = np.concatenate([real, rng.normal(size=(200, d)).astype(np.float32)])
    (one,) = clouds(real)
    wide = real.astype(float)
    exact = [np.sort(np.square(wide - row).sum(1))[5] for row in wide]
    assert np.array_equal(nearest_within(one, 5, 5).squared[:, 4], exact)


def test_estimates_are_the_plain_figures(rng):
    real, fake = pair(rng)
    made = neighbour_estimates(real, fake)
    assert made.precision.value == precision(real, fake)
    assert made.recall.value == recall(real, fake)
    assert made.density.value == density(real, fake)
    assert made.coverage.value == coverage(real, fake)
    for figure in made[:4]:
        assert figure.low < figure.value < figure.high


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_everything_is_the_same_whatever_the_block_size_and_the_order(dtype, rng):
    real, fake = pair(rng, dtype=dtype)
    whole, parts = (neighbour_estimates(real, fake, block=block) for block in (4096, 37))
    assert np.array_equal(whole.in_manifold, parts.in_manifold)
    assert np.array_equal(whole.covered, parts.covered)
    assert whole.realism == pytest.approx(parts.realism, rel=1e-6)
    p, q = rng.permutation(len(real)), rng.permutation(len(fake))
    moved = neighbour_estimates(real[p], fake[q], block=101)
    assert [x.value for x in moved[:4]] == [x.value for x in whole[:4]]
    assert [x.value for x in parts[:4]] == [x.value for x in whole[:4]]
    assert [x.error for x in moved[:4]] == pytest.approx([x.error for x in whole[:4]], rel=1e-6)


def test_neighbours_of_the_real_set_serve_for_many_others(rng):
    real, fake = pair(rng)
    made = neighbour_estimates(real, fake, own=own_neighbours(real))
    for one, again in zip(neighbour_estimates(real, fake), made, strict=True):
        assert np.array_equal(one, again)


def test_rows_are_told_as_brute_force_tells_them(rng):
    real, fake = pair(rng)
    made = neighbour_estimates(real, fake)
    radii, between = np.sort(cdist(real, real), 1), cdist(real, fake)
    kept = radii[:, 3] <= np.median(radii[:, 3])
    assert made.realism == pytest.approx((radii[kept, 3, None] / between[kept]).max(0))
    assert made.remoteness == pytest.approx(between.min(1) / radii[:, 5])
    assert np.array_equal(made.in_manifold, (between <= radii[:, 3, None]).any(0))
    assert np.array_equal(made.covered, made.remoteness <= 1)


def clustered(rng, rows: int) -> np.ndarray:
    """Six clusters in 64 dimensions, copies among them, and rows far from all."""
    scale = (1 + np.arange(64)) ** -0.5
    made = 2 * np.random.default_rng(7).normal(size=(6, 64))[rng.integers(6, size=rows)]
    made += 0.7 * rng.normal(size=(rows, 64))
    made[:10], made[10:20] = made[20:30], 9 * made[30:40]
    return (made * scale).astype(np.float32)


def test_everything_is_exactly_the_same_where_leading_coordinates_are_looked_at_first(
    rng, monkeypatch
):
    real, fake = clustered(rng, 1500), clustered(rng, 1300)
    fake[40:60] = real[40:60]
    full = neighbour_estimates(real, fake, block=500)
    points, centres = clouds(fake, real)
    near = nearest_between(points, centres, 3, 3)
    monkeypatch.setattr(leading, "ROWS", 1000)
    monkeypatch.setattr(leading, "COLUMNS", 64)
    monkeypatch.setattr(close, "PATCH", 32)
    points, centres = clouds(fake, real)
    assert points.lead is not None
    for block in (2048, 500, 333):
        sieved = neighbour_estimates(real, fake, block=block)
        for whole, part in zip(full, sieved, strict=True):
            assert np.array_equal(whole, part)
    assert np.array_equal(nearest_between(points, centres, 3, 3, 500).squared, near.squared)


def test_rows_lie_no_farther_apart_in_leading_coordinates(rng, monkeypatch):
    monkeypatch.setattr(leading, "ROWS", 1000)
    monkeypatch.setattr(leading, "COLUMNS", 64)
    real, fake = clustered(rng, 1500), clustered(rng, 1300)
    fake[:400] = real[:400] * np.float32(1 + 1e-6)
    one, other = (cloud.lead for cloud in clouds(real, fake))
    assert one is not None
    assert other is not None
    low = one.lower_bounds(slice(0, 1500), other, slice(0, 1300))
    between = cdist(real[one.order].astype(float), fake[other.order].astype(float), "sqeuclidean")
    assert (low <= between).all()
    assert np.quantile(low / between, 0.5) > 0.6


def test_a_copy_of_a_real_row_is_as_real_as_can_be_and_nothing_is_remote_from_its_copy(rng):
    real, _ = pair(rng)
    made = neighbour_estimates(real, real.copy())
    assert np.isinf(made.realism).mean() >= 0.5  # all within the half with smaller radii
    assert (made.remoteness == 0).all()
    assert made.precision.value == made.recall.value == made.coverage.value == 1


def test_errors_are_the_spread_over_redraws_of_both_sets():
    made = []
    for seed in range(60):
        real, fake = pair(np.random.default_rng(seed), 300, 300, 8)
        made.append(neighbour_estimates(real, fake))
    for name in FIGURES:
        figures = [getattr(one, name) for one in made]
        spread = np.std([figure.value for figure in figures])
        error = np.sqrt(np.mean([figure.error**2 for figure in figures]))
        assert 0.75 < error / spread < 1.5, name
        truth = np.mean([figure.value for figure in figures])
        assert np.mean([figure.low <= truth <= figure.high for figure in figures]) > 0.88, name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prdc_agrees(dtype, rng, capsys):
    prdc = pytest.importorskip("prdc")
    real, fake = pair(rng, 500, 400, 30, dtype)
    with capsys.disabled():
        theirs = prdc.compute_prdc(real.astype(float), fake.astype(float), nearest_k=5)
    ours = {f.__name__: f(real, fake, 5) for f in (precision, recall, density, coverage)}
    assert ours == pytest.approx(theirs, abs=1e-12)  # `<` differs from `<=` at ties only


def test_features_that_are_no_numbers_are_refused(rng):
    real, fake = pair(rng)
    fake[3, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        visits(fake, real, 3)
