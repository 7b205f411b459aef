"""Losses against naive formulas, their optimal D, their gradients at the extremes, symmetries."""

import math

import pytest
import torch
from jaxtyping import TypeCheckError
from scipy.optimize import minimize_scalar
from torch import Tensor, sigmoid
from torch.autograd.functional import jacobian
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.testing import assert_close

from gantlet.labels import Targets
from gantlet.losses import LOSSES
from tiny import drawn

every = pytest.mark.parametrize("name", LOSSES)
FIXED = [name for name in LOSSES if name not in ("relativistic", "wasserstein")]
DIES = {"minimax"}  # losses of G whose gradient vanishes where D is sure
TURNS = {"least_squares"}  # losses of G that pull logits back once they are high enough


def D_loss(name: str, real: Tensor, fake: Tensor) -> Tensor:
    asked = Targets(torch.ones_like(real), torch.zeros_like(fake))
    return LOSSES[name].discriminator(real, fake, asked)


def G_loss(name: str, real: Tensor, fake: Tensor) -> Tensor:
    return LOSSES[name].generator(real, fake)


def bce(logits: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(
        logits, torch.full_like(logits, target), reduction="none"
    )


FORMULAS = {  # written with probabilities, absolute values and logarithms: right, but unstable
    "relativistic": (
        lambda r, f: -torch.log(sigmoid(r[:, None] - f)).mean(1),
        lambda r, f: -torch.log(1 - sigmoid(r - f)),
    ),
    "nonsaturating": (
        lambda r, f: bce(r, 1.0) + bce(f, 0.0).sum(1),
        lambda _r, f: -torch.log(sigmoid(f)),
    ),
    "minimax": (
        lambda r, f: -(torch.log(sigmoid(r)) + torch.log(1 - sigmoid(f)).sum(1)),
        lambda _r, f: torch.log(1 - sigmoid(f)),
    ),
    "hinge": (
        lambda r, f: (1 - r + (1 - r).abs()) / 2 + ((1 + f + (1 + f).abs()) / 2).mean(1),
        lambda _r, f: -f,
    ),
    "least_squares": (
        lambda r, f: (r**2 - 2 * r + 1) / 2 + (f**2).mean(1) / 2,
        lambda _r, f: (f**2 - 2 * f + 1) / 2,
    ),
    "wasserstein": (lambda r, f: (f - r[:, None]).mean(1), lambda _r, f: -f),
}


@every
@pytest.mark.parametrize("k", [1, 3])
def test_both_players_losses_equal_the_formula_written_out_naively(name, k):
    real, fake = 2 * drawn(50), 2 * drawn(50, k, seed=1)
    of_discriminator, of_generator = FORMULAS[name]
    assert_close(D_loss(name, real, fake), of_discriminator(real, fake))
    assert_close(G_loss(name, real, fake[:, 0]), of_generator(real, fake[:, 0]))


OPTIMA = {  # the best logit where reals have density p and fakes q, with k fakes for each real
    "nonsaturating": lambda p, q, k: math.log(p / (k * q)),
    "minimax": lambda p, q, k: math.log(p / (k * q)),
    "hinge": lambda p, q, _k: math.copysign(1.0, p - q),
    "least_squares": lambda p, q, _k: p / (p + q),
}


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize(("p", "q"), [(0.5, 0.2), (0.1, 0.7)])
def test_the_logit_that_minimises_the_loss_is_the_one_that_theory_names(name, k, p, q):
    def expected_loss(logit: float) -> float:
        here, elsewhere = torch.tensor([logit, 0.0], dtype=torch.float64).split(1)
        on_real = D_loss(name, here, elsewhere.expand(1, k))
        on_fake = D_loss(name, elsewhere, here.expand(1, k))
        return (p * on_real + q * on_fake).item()

    best = minimize_scalar(expected_loss, bounds=(-8, 8), options={"xatol": 1e-9}).x
    assert best == pytest.approx(OPTIMA[name](p, q, k), abs=1e-5)


def test_the_best_relativistic_logits_differ_by_those_of_the_density_ratio():
    p, q = (0.7, 0.3), (0.2, 0.8)  # densities of reals and fakes at two points a and b

    def expected_loss(gap: float) -> float:
        logits = torch.tensor([gap, 0.0], dtype=torch.float64)
        total = 0.0
        for i, pi in enumerate(p):
            for j, qj in enumerate(q):
                pair = D_loss("relativistic", logits[i : i + 1], logits[j : j + 1, None])
                total += pi * qj * pair.item()
        return total

    best = minimize_scalar(expected_loss, bounds=(-8, 8), options={"xatol": 1e-9}).x
    assert best == pytest.approx(math.log(p[0] / q[0]) - math.log(p[1] / q[1]), abs=1e-5)


@every
def test_at_the_boundary_either_player_gains_by_moving_its_own_way(name):
    start = LOSSES[name].boundary(torch.zeros(1), torch.zeros(1, 2)).item()
    real, fake = torch.full((1,), start), torch.full((1, 2), start)
    on_real, on_fake = jacobian(lambda r, f: D_loss(name, r, f).sum(), (real, fake))
    on_sample = jacobian(lambda f: G_loss(name, real, f).sum(), fake[:, 0])
    assert (on_real < -0.1).all()
    assert (on_fake > 0.1).all()
    assert (on_sample < -0.1).all()


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - TURNS))
def test_a_higher_logit_on_a_fake_never_costs_the_generator(name):
    fake = torch.linspace(-30, 30, 241, dtype=torch.float64)
    assert (G_loss(name, torch.zeros_like(fake), fake).diff() <= 0).all()


@every
def test_losses_and_gradients_stay_finite_in_float32_at_extreme_logits(name):
    signs = torch.cartesian_prod(*[torch.tensor([-100.0, 100.0])] * 3)
    real, fake = signs[:, 0].requires_grad_(), signs[:, 1:].clone().requires_grad_()
    loss = D_loss(name, real, fake) + G_loss(name, real, fake[:, 0])
    gradients = torch.autograd.grad(loss.sum(), (real, fake))
    assert all(tensor.isfinite().all() for tensor in (loss, *gradients))


@every
def test_the_generators_gradient_dies_where_discriminator_is_sure_only_for_minimax(name):
    fake = torch.tensor([-100.0], requires_grad=True)
    (slope,) = torch.autograd.grad(G_loss(name, torch.tensor([100.0]), fake).sum(), fake)
    if name in DIES:
        assert slope.abs() < 1e-30
    else:
        assert slope <= -1


def test_the_non_saturating_gradient_is_minus_one_however_sure_discriminator_is():
    fake = torch.tensor([-30.0, -100.0, -1e4], requires_grad=True)
    (slope,) = torch.autograd.grad(G_loss("nonsaturating", torch.zeros(3), fake).sum(), fake)
    assert torch.equal(slope, torch.full((3,), -1.0))


@every
def test_a_discriminator_that_is_sure_and_wrong_is_told_so(name):
    real, fake = torch.tensor([-100.0]), torch.tensor([[100.0]])
    on_real, on_fake = jacobian(lambda r, f: D_loss(name, r, f).sum(), (real, fake))
    assert on_real <= -1
    assert on_fake >= 1


@every
def test_no_samples_loss_depends_on_another_samples_logits(name):
    real, fake = drawn(4), drawn(4, 2, seed=1)
    of_real, of_fake = jacobian(lambda r, f: D_loss(name, r, f), (real, fake))
    of_sample = jacobian(lambda f: G_loss(name, real, f), fake[:, 0])
    others = ~torch.eye(4, dtype=torch.bool)
    assert (of_real[others] == 0).all()
    assert (of_fake[others] == 0).all()
    assert (of_sample[others] == 0).all()
    assert (of_sample.diagonal() != 0).all()


@every
def test_the_order_of_the_fakes_of_a_real_does_not_matter(name):
    real, fake = drawn(6), drawn(6, 3, seed=1)
    assert_close(D_loss(name, real, fake), D_loss(name, real, fake[:, [2, 0, 1]]))


@every
def test_a_loss_ignores_a_constant_on_all_logits_exactly_where_its_boundary_follows_it(name):
    real, fake, shift = drawn(6), drawn(6, 3, seed=1), 0.7
    boundary = LOSSES[name].boundary
    moved = boundary(real + shift, fake + shift) - boundary(real, fake)
    change = D_loss(name, real + shift, fake + shift) - D_loss(name, real, fake)
    if name in FIXED:
        assert moved == 0
        assert (change.abs() > 1e-3).any()
    else:
        assert moved.item() == pytest.approx(shift)
        assert_close(change, torch.zeros_like(change))


@pytest.mark.parametrize("name", sorted(set(FIXED) - {"hinge"}))
@pytest.mark.parametrize("k", [1, 4])
def test_a_fixed_boundary_is_the_best_logit_where_reals_and_fakes_are_equally_likely(name, k):
    boundary = LOSSES[name].boundary(torch.zeros(2), torch.zeros(2, k)).item()
    assert boundary == pytest.approx(OPTIMA[name](0.4, 0.4, k))


@every
def test_the_boundary_parts_logits_that_lie_well_apart(name):
    real, fake = torch.tensor([0.9, 1.1]), torch.tensor([[-0.8, -1.4], [-1.3, -0.9]])
    assert fake.max() < LOSSES[name].boundary(real, fake) < real.min()


@every
def test_fakes_that_would_be_broadcast_over_the_reals_are_refused_by_the_signature(name):
    with pytest.raises(TypeCheckError):
        D_loss(name, torch.zeros(3), torch.zeros(1, 2))
