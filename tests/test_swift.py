"""The swift family: its mixture's moments, its clamp, its hold, and what its D sees of packs."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from gantlet.layers import fitted
from gantlet.networks import NETWORKS, Task
from gantlet.networks.mixture import HELD, Mixture
from gantlet.networks.swift import MARGIN, Clamp
from tiny import drawn

SWIFT = NETWORKS["swift"]
SHAPE, LATENT_DIM = (1, 8, 8), 32


def players(shape: tuple[int, ...] = SHAPE, classes: int = 0, **settings):
    """G and D in float64."""
    task = Task(shape, classes, LATENT_DIM)
    asked = SWIFT.settings(width_G=32, width_D=4, **settings)
    return SWIFT.generator(task, asked).double(), SWIFT.discriminator(task, asked).double()


def gaussian(n: int, dim: int, seed: int) -> Tensor:
    """n samples of a Gaussian in `dim` dimensions, a mean and covariance for each seed."""
    factor = drawn(dim, dim, seed=seed) / dim**0.5 + torch.eye(dim)
    return drawn(n, dim, seed=seed + 1) @ factor + 3 * drawn(dim, seed=seed + 2)


def draws(mixture: Mixture, y: Tensor) -> Tensor:
    return mixture(drawn(len(y), LATENT_DIM, seed=9), y)


@pytest.mark.parametrize("classes", [0, 2])
def test_the_primed_mixture_has_each_conditions_mean_and_covariance(classes):
    dim, n = 6, 3000
    x = torch.cat([gaussian(n, dim, seed) for seed in (10, 20)[: max(1, classes)]])
    y = torch.arange(max(1, classes)).repeat_interleave(n)
    mixture = Mixture(Task((dim,), classes, LATENT_DIM), 160).double()
    mixture.prime(x, y if classes else None)
    for label in range(max(1, classes)):
        asked = torch.full((100_000,), label)
        made, own = draws(mixture, asked), x[y == label]
        scale = own.var(0).mean().item()
        assert_close(made.mean(0), own.mean(0), atol=0.02 * scale**0.5, rtol=0)
        # The prior adds some thousandths of the mean variance to each direction.
        assert_close(torch.cov(made.T), torch.cov(own.T), atol=0.04 * scale, rtol=0)


def test_a_mixture_with_fewer_components_than_the_data_keeps_the_main_ones():
    spread = torch.tensor([3.0, 2.0, 0.1, 0.1], dtype=torch.float64)
    mixture = Mixture(Task((4,), 0, LATENT_DIM), 2).double()
    mixture.prime(drawn(5000, 4) * spread, None)
    made = draws(mixture, torch.zeros(100_000, dtype=torch.long))
    assert_close(made.std(0)[:2], spread[:2], rtol=0.03, atol=0)
    assert (made.std(0)[2:] < 0.05).all()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_data_of_fewer_rows_than_components_still_make_a_mixture(rows):
    x = drawn(rows, *SHAPE)
    mixture = Mixture(Task(SHAPE, 0, LATENT_DIM), 160).double()
    mixture.prime(x, None)
    y = torch.zeros(2000, dtype=torch.long)
    z = drawn(2000, LATENT_DIM, seed=9)
    made = mixture(z, y)
    assert made.isfinite().all()
    assert_close(made.mean(0), x.mean(0), atol=0.2, rtol=0)
    assert_close(mixture.distance(z, y, made), torch.zeros(2000).double(), atol=1e-9, rtol=0)


def test_a_condition_without_rows_draws_from_the_whole():
    mixture = Mixture(Task((3,), 2, LATENT_DIM), 160).double()
    mixture.prime(gaussian(500, 3, 10), torch.zeros(500, dtype=torch.long))
    assert torch.equal(mixture.centres[0], mixture.centres[1])
    assert torch.equal(mixture.factors[0], mixture.factors[1])


def test_the_clamp_cuts_values_and_passes_gradients_but_those_that_lead_far_away():
    far = 1 + 2 * MARGIN
    x = torch.tensor([-far, -far, -1.1, -1.1, 0.2, 1.1, 1.1, far, far], requires_grad=True)
    weights = torch.tensor([1.0, -2.0, 3.0, -4.0, 5.0, 6.0, -7.0, 8.0, -9.0])
    clamped = Clamp.apply(x)
    assert torch.equal(clamped, torch.tensor([-1, -1, -1, -1, 0.2, 1, 1, 1, 1]))
    (gradient,) = torch.autograd.grad((clamped * weights).sum(), x)
    # Descent goes against the gradient: at −far a positive one leads away, at +far a negative one.
    assert torch.equal(gradient, torch.tensor([0.0, -2, 3, -4, 5, 6, -7, 8, 0]))


def test_what_is_driven_out_of_the_range_for_long_stays_near_it():
    x = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=0.1)
    for _ in range(1000):
        optimizer.zero_grad()
        (Clamp.apply(x) * torch.tensor([1.0, -1.0, 0.0])).sum().backward()
        optimizer.step()
    assert 1 < x[1] <= 1 + MARGIN + 0.1 + 1e-6
    assert_close(x[0], -x[1])
    assert x[2] == 0


@pytest.mark.parametrize("shape", [SHAPE, (3, 13, 5)])
def test_samples_stay_within_the_datas_range_and_what_left_it_can_come_back(shape):
    G, _ = players(shape)
    SWIFT.prime(G, G, 3 * drawn(50, *shape), None)
    x = G(drawn(40, LATENT_DIM))
    assert x.abs().max() == 1
    G.zero_grad()
    weights = 1 + drawn(*x.shape, seed=5).abs()  # so that no two sides cancel
    ((x * (x.abs() == 1)).square() * weights).sum().backward()  # which leads inwards
    assert (G.unet.out.bias.grad != 0).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 3, 8), (3, 28, 28), (1, 33, 64), (2, 8, 8)])
def test_generator_halves_to_a_base_of_some_pixels_and_returns_to_the_pictures_size(shape):
    G, D = players(shape)
    base = min(G.unet.base)
    assert 1 <= base <= 13
    assert base >= min(4, *shape[1:])
    x = G(drawn(2, LATENT_DIM))
    assert x.shape == (2, *shape)
    assert D(x).shape == (2,)


@pytest.mark.parametrize("classes", [0, 2])
def test_hold_vanishes_at_the_mixtures_own_draws_and_grows_with_the_square_of_the_way(classes):
    G, _ = players(classes=classes)
    data = 0.1 * drawn(300, *SHAPE)
    SWIFT.prime(G, G, data, torch.arange(300) % 2 if classes else None)
    z, y = drawn(5, LATENT_DIM, seed=3), torch.arange(5) % max(1, classes)
    given = y if classes else None
    own = G.mixture(z, y)
    assert_close(SWIFT.hold(G, z, given, own), torch.zeros(5).double(), atol=1e-12, rtol=0)
    main = drawn(5, HELD, seed=4)
    away = (main @ G.mixture.basis[:HELD]).unflatten(1, SHAPE)
    total = (data.flatten(1) - data.flatten(1).mean(0)).square().sum(1).mean()
    for t in (0.5, 1.0, 3.0):
        expected = t**2 * main.square().sum(1) / (2 * total)
        assert_close(SWIFT.hold(G, z, given, own + t * away), expected, rtol=1e-4, atol=0)


def test_hold_leaves_all_but_the_main_directions_to_the_game():
    G, _ = players()
    SWIFT.prime(G, G, 0.1 * drawn(300, *SHAPE), None)
    z, y = drawn(5, LATENT_DIM, seed=3), torch.zeros(5, dtype=torch.long)
    finer = G.mixture.basis[HELD:].sum(0).reshape(SHAPE)
    moved = SWIFT.hold(G, z, None, G.mixture(z, y) + 10 * finer)
    assert_close(moved, torch.zeros(5).double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("rows", [8, 16, 19, 3])
def test_varieties_are_the_deviations_within_packs_and_within_what_is_left_over(rows):
    _, D = players(pack=8)
    features = drawn(rows, 7)
    found = D.varieties(features)
    for start in range(0, rows, 8):
        own = features[start : start + 8].numpy()
        expected = torch.from_numpy((own.var(0) + 1e-4) ** 0.5)
        assert_close(found[start : start + 8], expected.expand(len(own), 7))


def test_discriminator_hears_of_variety_in_training_and_assumes_the_typical_in_evaluation():
    _, D = players(pack=8)
    x = drawn(8, *SHAPE)
    SWIFT.settle(D, x)
    assert_close(D.typical, (D.features(x).var(0, correction=0) + 1e-4).sqrt())
    # One pack is as various as what was settled on: both modes agree there, and only there.
    same = x[:1].expand(8, *SHAPE)
    in_training, of_same = D(x), D(same)
    D.eval()
    assert_close(D(x), in_training)
    assert ((D(same) - of_same).abs() > 1e-3).all()


def test_a_discriminator_of_packs_of_one_is_the_same_in_training_and_evaluation():
    _, D = players(pack=1)
    x = drawn(6, *SHAPE)
    in_training = D(x)
    SWIFT.settle(D, x)
    assert torch.equal(D.eval()(x), in_training)


def test_odd_pictures_are_held_by_what_is_seen_of_them():
    G, _ = players((3, 13, 5))
    data = 0.1 * drawn(100, 3, 13, 5)
    SWIFT.prime(G, G, data, None)
    assert_close(G.mixture.mean, fitted(data, G.geometry).mean(0).flatten(), atol=1e-6, rtol=0)
