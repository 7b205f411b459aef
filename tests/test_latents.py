"""Priors of unit variance, truncation, and paths that keep their promises."""

import math

import pytest
import torch
from scipy.stats import kstest
from torch import Tensor
from torch.linalg import vector_norm
from torch.testing import assert_close

from gantlet.latents import PRIORS, lerp, slerp, truncated
from tiny import drawn, noise_of

every = pytest.mark.parametrize("name", PRIORS)
paths = pytest.mark.parametrize("path", [lerp, slerp])


def unit(x: Tensor) -> Tensor:
    return x / vector_norm(x, dim=-1, keepdim=True)


@every
@pytest.mark.parametrize("dim", [2, 16])
def test_coordinates_of_a_prior_have_zero_mean_unit_variance_and_no_correlation(name, dim):
    n = 20_000
    z = PRIORS[name](noise_of(n), "z", 1, dim)[:, 0]
    moments = z.T @ z / n
    assert_close(z.mean(0), torch.zeros(dim), atol=4 / math.sqrt(n), rtol=0)
    assert_close(moments, torch.eye(dim), atol=5 * math.sqrt(2 / n), rtol=0)


@every
def test_latents_of_a_row_are_its_own_for_each_fake_and_do_not_follow_the_cut(name):
    whole = PRIORS[name](noise_of(8), "z", 3, 5)
    part = PRIORS[name](noise_of(8, 2, 6), "z", 3, 5)
    assert torch.equal(part, whole[2:6])
    assert len(torch.unique(whole.flatten(0, 1), dim=0)) == 24


def test_the_normal_prior_is_normal():
    assert kstest(PRIORS["normal"](noise_of(5000), "z", 1, 1).flatten(), "norm").pvalue > 0.01


def test_the_uniform_prior_fills_the_cube_whose_sides_have_unit_variance():
    z = PRIORS["uniform"](noise_of(5000), "z", 1, 1).flatten()
    assert kstest(z, "uniform", args=(-math.sqrt(3), 2 * math.sqrt(3))).pvalue > 0.01


@pytest.mark.parametrize("dim", [1, 2, 64])
def test_the_sphere_has_radius_root_d(dim):
    z = PRIORS["sphere"](noise_of(100), "z", 2, dim)
    assert_close(vector_norm(z, dim=-1), torch.full((100, 2), math.sqrt(dim)))


def test_directions_on_the_sphere_are_spread_evenly():
    z = PRIORS["sphere"](noise_of(5000), "z", 1, 2)[:, 0]
    angle = torch.atan2(z[:, 1], z[:, 0])
    assert kstest(angle, "uniform", args=(-math.pi, 2 * math.pi)).pvalue > 0.01


@pytest.mark.parametrize("psi", [0.0, 0.5, 1.0])
def test_truncation_scales_the_spread_by_psi_and_keeps_directions(psi):
    z = drawn(100, 8)
    assert_close(truncated(z, psi).std(), psi * z.std())
    assert_close((truncated(z, psi) * z).sum(1), psi * z.square().sum(1))


@paths
def test_a_path_begins_at_one_latent_and_ends_at_the_other(path):
    a, b = drawn(6, 8), drawn(6, 8, seed=1)
    assert_close(path(a, b, 0.0), a)
    assert_close(path(a, b, 1.0), b)


@paths
def test_a_path_is_the_same_walked_backwards(path):
    a, b = drawn(6, 8), drawn(6, 8, seed=1)
    assert_close(path(a, b, 0.3), path(b, a, 0.7))


@paths
def test_each_row_of_a_path_may_be_at_a_place_of_its_own(path):
    a, b = drawn(3, 8), drawn(3, 8, seed=1)
    places = torch.tensor([[0.1], [0.5], [0.9]], dtype=torch.float64)
    together = path(a, b, places)
    for i, t in enumerate([0.1, 0.5, 0.9]):
        assert_close(together[i : i + 1], path(a[i : i + 1], b[i : i + 1], t))


def test_lerp_moves_at_constant_velocity_along_the_straight_line():
    a, b = drawn(4, 3), drawn(4, 3, seed=1)
    assert_close(lerp(a, b, 0.25), 0.75 * a + 0.25 * b)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.8])
def test_slerp_turns_at_constant_speed_and_keeps_the_norm(t):
    a, b = 3 * unit(drawn(6, 8)), 3 * unit(drawn(6, 8, seed=1))
    z = slerp(a, b, t)
    turned, whole = (torch.acos((unit(a) * unit(end)).sum(1)) for end in (z, b))
    assert_close(vector_norm(z, dim=1), torch.full((6,), 3.0).double())
    assert_close(turned, t * whole)


def test_slerp_halfway_between_perpendicular_latents_of_unequal_length():
    a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    assert_close(slerp(a, b, 0.5), torch.full((1, 2), 3 / math.sqrt(2)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slerp_between_parallel_latents_is_the_straight_line(dtype):
    a = drawn(50, 64).to(dtype)
    assert_close(slerp(a, a, 0.4), a)
    assert_close(slerp(a, 2 * a, 0.4), 1.4 * a)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slerp_between_opposite_latents_stays_finite_and_within_their_norm(dtype):
    a = drawn(50, 64).to(dtype)
    for t in (0.0, 0.25, 0.5, 1.0):
        z = slerp(a, -a, t)
        assert z.isfinite().all()
        assert (vector_norm(z, dim=1) <= 1.001 * vector_norm(a, dim=1)).all()
    assert_close(slerp(a, -a, 0.0), a)
    assert_close(slerp(a, -a, 1.0), -a)
