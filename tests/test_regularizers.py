"""Penalties on D in closed form, one value per sample, differentiable again."""

import pytest
import torch
from scipy.stats import kstest
from torch import Tensor
from torch.autograd import gradcheck
from torch.func import functional_call
from torch.linalg import vector_norm
from torch.testing import assert_close

from gantlet.regularizers import DRAGAN_SPREAD, NEEDS_SLOPE, REGULARIZERS
from gantlet.types import Discriminator
from tiny import (
    Smooth,
    drawn,
    linear,
    linear_by_class,
    noise_of,
    quadratic,
    scored,
    surroundings,
)

every = pytest.mark.parametrize("name", REGULARIZERS)
UNIT_SLOPE = ["gradient_penalty", "dragan"]  # penalties that want slopes of norm one
ZERO_SLOPE = ["r1", "r2"]


def shifted(by: Tensor):
    return lambda x, _noise, _name: x + by


def scaled(x, noise, name):
    """x times a factor of each sample's own."""
    return x * (1 + noise.uniform(name, *[1] * (x.ndim - 1)).to(x))


def penalty(
    name: str, D: Discriminator, x: Tensor, fake: Tensor, y=None, *, noise=None, perturb=scaled
) -> Tensor:
    y_fake = None if y is None else y.repeat_interleave(len(fake) // len(x))
    around = surroundings(noise or noise_of(len(x)), perturb)
    return REGULARIZERS[name](D, scored(D, x, y), scored(D, fake, y_fake), around)


@pytest.mark.parametrize("name", ZERO_SLOPE)
def test_slope_penalties_of_a_linear_discriminator_are_half_its_squared_weight(name):
    w = torch.tensor([3.0, -4.0], dtype=torch.float64)
    assert_close(
        penalty(name, linear(w), drawn(5, 2), drawn(5, 2)), torch.full((5,), 12.5).double()
    )


def test_r1_is_taken_at_the_reals_and_r2_at_the_fakes():
    half = drawn(3, 3)
    A, x, fake = half + half.T, drawn(4, 3, seed=1), drawn(8, 3, seed=2)
    assert_close(penalty("r1", quadratic(A), x, fake), (x @ A).square().sum(1) / 2)
    assert_close(penalty("r2", quadratic(A), x, fake), (fake @ A).square().sum(1) / 2)


@pytest.mark.parametrize("name", UNIT_SLOPE)
def test_unit_slope_penalties_vanish_for_unit_slope(name):
    w = torch.tensor([0.6, 0.8], dtype=torch.float64)
    values = penalty(name, linear(w), drawn(5, 2), drawn(5, 2, seed=1))
    assert_close(values, torch.zeros(5).double(), atol=1e-15, rtol=0)


@pytest.mark.parametrize("name", UNIT_SLOPE)
@pytest.mark.parametrize("slope", [0.5, 3.0])
def test_unit_slope_penalties_are_the_squared_distance_of_the_slope_from_one(name, slope):
    w = torch.tensor([0.6, 0.8], dtype=torch.float64) * slope
    values = penalty(name, linear(w), drawn(5, 2), drawn(5, 2, seed=1))
    assert_close(values, torch.full((5,), (slope - 1) ** 2).double())


@pytest.mark.parametrize("name", sorted(NEEDS_SLOPE))
def test_samples_of_unequal_slopes_get_unequal_penalties_and_not_one_norm_of_the_batch(name):
    w = torch.tensor([[3.0, 4.0], [0.6, 0.8]], dtype=torch.float64)  # slopes 5 and 1
    y = torch.tensor([0, 1, 0])
    values = penalty(name, linear_by_class(w), drawn(3, 2), drawn(3, 2, seed=1), y)
    steep, unit = (12.5, 0.5) if name in ZERO_SLOPE else (16.0, 0.0)
    assert_close(values, torch.tensor([steep, unit, steep]).double())


def test_gradient_penalty_looks_at_points_spread_evenly_between_real_and_fake():
    x = torch.ones(2000, 1, dtype=torch.float64)  # slope of ½x² at x̂ is x̂, so we can read x̂ off
    values = penalty("gradient_penalty", quadratic(torch.eye(1).double()), x, 0 * x)
    assert kstest(1 - values.detach().sqrt(), "uniform").pvalue > 0.01


def test_gradient_penalty_pairs_each_real_with_a_fake_of_its_own():
    x, fake = drawn(3, 2), drawn(6, 2, seed=1)
    fake[::2] = x  # the first of each real's two fakes lies on it, so all points between do
    values = penalty("gradient_penalty", quadratic(torch.eye(2).double()), x, fake)
    assert_close(values, (vector_norm(x, dim=1) - 1).square())


def test_dragan_looks_at_points_spread_normally_about_the_reals():
    x = torch.full((2000, 1), 100.0, dtype=torch.float64)
    values = penalty("dragan", quadratic(torch.eye(1).double()), x, 0 * x)
    assert kstest((1 + values.detach().sqrt() - 100) / DRAGAN_SPREAD, "norm").pvalue > 0.01


def test_lecam_holds_reals_to_the_mean_of_fakes_and_fakes_to_that_of_reals():
    w, x, fake = drawn(2), drawn(3, 2, seed=1), drawn(6, 2, seed=2)
    on_real = (x @ w + 0.2) ** 2  # the anchors are 0.3 on reals and −0.2 on fakes
    on_fake = torch.stack([(fake[::2] @ w - 0.3) ** 2, (fake[1::2] @ w - 0.3) ** 2]).mean(0)
    assert_close(penalty("lecam", linear(w), x, fake), on_real + on_fake)


def test_lecam_vanishes_where_every_logit_stands_at_the_other_sides_anchor():
    D = linear(torch.tensor([1.0], dtype=torch.float64))
    real, fake = torch.full((4, 1), -0.2).double(), torch.full((4, 1), 0.3).double()
    values = penalty("lecam", D, real, fake)
    assert_close(values, torch.zeros(4).double(), atol=1e-14, rtol=0)


def test_consistency_vanishes_where_nothing_is_changed():
    D, x, y = Smooth(2), drawn(4, 2), torch.tensor([0, 1, 1, 0])
    values = penalty("consistency", D, x, x, y, perturb=shifted(torch.zeros(2).double()))
    assert torch.equal(values, torch.zeros(4).double())


def test_consistency_of_a_linear_discriminator_is_the_square_of_what_the_change_adds():
    w, by = drawn(2), drawn(2, seed=1)
    values = penalty("consistency", linear(w), drawn(4, 2), drawn(4, 2), perturb=shifted(by))
    assert_close(values, (w @ by).square().expand(4))


@every
@pytest.mark.parametrize("k", [1, 2])
def test_the_penalty_of_a_sample_is_the_same_alone_as_in_its_batch(name, k):
    b, y = 5, torch.tensor([0, 1, 1, 0, 1])
    D, x, fake = Smooth(6), drawn(b, 2, 3, seed=3), drawn(b * k, 2, 3, seed=4)
    whole = penalty(name, D, x, fake, y)
    for i in range(b):
        parts = x[i : i + 1], fake[i * k : (i + 1) * k], y[i : i + 1]
        alone = penalty(name, D, *parts, noise=noise_of(b, i, i + 1))
        own = slice(i * k, (i + 1) * k) if len(whole) == b * k else slice(i, i + 1)
        assert_close(alone, whole[own])
    assert whole.std() > 1e-4


@every
def test_the_gradient_of_a_penalty_in_the_weights_is_that_of_finite_differences(name):
    D, y = Smooth(3), torch.tensor([0, 1, 1])
    x, fake = drawn(3, 3, seed=3), drawn(3, 3, seed=4)
    names, weights = zip(*D.named_parameters(), strict=True)

    def mean_penalty(*values: Tensor) -> Tensor:
        at = dict(zip(names, values, strict=True))
        return penalty(name, lambda x, y: functional_call(D, at, (x, y)), x, fake, y).mean()

    gradients = torch.autograd.grad(mean_penalty(*weights), weights)
    assert all((gradient != 0).any() for gradient in gradients)
    assert gradcheck(mean_penalty, weights)


@every
def test_a_penalty_needs_slopes_exactly_where_it_is_listed_so(name):
    def deaf(x: Tensor, _y: Tensor | None) -> Tensor:
        """A D through which no slope passes."""
        return weight * x.detach().flatten(1).sum(1)

    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    if name in NEEDS_SLOPE:
        with pytest.raises(RuntimeError, match="not have been used"):
            penalty(name, deaf, drawn(3, 2), drawn(3, 2))
    else:
        values = penalty(name, deaf, drawn(3, 2), drawn(3, 2))
        assert torch.autograd.grad(values.sum(), weight)[0] != 0
