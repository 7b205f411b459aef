"""The steps' gradients are those of the formulas, however the batch is cut and whoever asks."""

import math

import pytest
import torch
from torch import Tensor

import games
from gantlet.augment import AUGMENTATIONS
from gantlet.engine.noise import Rows
from gantlet.engine.step import discriminator_step, generator_step, joint_step
from gantlet.labels import LabelSettings
from gantlet.losses import LOSSES
from gantlet.regularizers import REGULARIZERS, relative_entropy

every_loss = pytest.mark.parametrize("loss", LOSSES)
fakes = pytest.mark.parametrize("k", [1, 3])

log, sigmoid = torch.log, torch.sigmoid
D_FORMULAS = {
    "relativistic": lambda real, fake: -log(sigmoid(real[:, None] - fake)).mean(1),
    "nonsaturating": lambda real, fake: -log(sigmoid(real)) - log(1 - sigmoid(fake)).sum(1),
    "minimax": lambda real, fake: -log(sigmoid(real)) - log(1 - sigmoid(fake)).sum(1),
    "hinge": lambda real, fake: (1 - real).clamp(min=0) + (1 + fake).clamp(min=0).mean(1),
    "least_squares": lambda real, fake: (real - 1) ** 2 / 2 + (fake**2).mean(1) / 2,
    "wasserstein": lambda real, fake: fake.mean(1) - real,
}
G_FORMULAS = {
    "relativistic": lambda real, fake: -log(sigmoid(fake - real)),
    "nonsaturating": lambda _, fake: -log(sigmoid(fake)),
    "minimax": lambda _, fake: log(1 - sigmoid(fake)),
    "hinge": lambda _, fake: -fake,
    "least_squares": lambda _, fake: (fake - 1) ** 2 / 2,
    "wasserstein": lambda _, fake: -fake,
}


def drawn_fakes(G, batch, objective, stream: str) -> tuple[Tensor, Tensor]:
    """k fakes for each real from z of that stream, each under its real's label."""
    k, rows = objective.fakes_per_real, Rows(0, len(batch.x), len(batch.x))
    z = games.noise(rows).normal(stream, k, games.LATENT_DIM).reshape(-1, games.LATENT_DIM).double()
    y = batch.y[:, None].expand(-1, k).reshape(-1)
    return G(z, y), y


def squared_slope(D, x: Tensor, y: Tensor) -> Tensor:
    """‖∇D(x)‖² of one sample alone."""
    x = x[None].detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(x, y[None]).sum(), x, create_graph=True)
    return slope.square().sum()


def gradient_of(value: Tensor, player) -> list[Tensor]:
    found = torch.autograd.grad(
        value, list(player.parameters()), allow_unused=True, retain_graph=True
    )
    return [
        torch.zeros_like(weight) if gradient is None else gradient
        for gradient, weight in zip(found, player.parameters(), strict=True)
    ]


@every_loss
@fakes
@pytest.mark.parametrize("stride", [1, 4])
def test_the_discriminators_gradient_is_that_of_its_loss_and_penalties_written_out(loss, k, stride):
    G, D = games.players()
    batch, gamma = games.reals(0, games.WHOLE), 0.7
    rules = games.rules(
        loss=loss, fakes_per_real=k, penalty_stride=stride, penalties={"r1": 0.5, "r2": 0.25}
    )
    discriminator_step(G, D, batch, games.noise(), rules, games.moment(G, D, gamma=gamma))
    x_fake, y_fake = drawn_fakes(G, batch, rules, "D/z")
    adversarial = D_FORMULAS[loss](D(batch.x, batch.y), D(x_fake, y_fake).unflatten(0, (12, k)))
    chosen = range(0, 12, stride)
    r1 = torch.stack([squared_slope(D, batch.x[i], batch.y[i]) / 2 for i in chosen])
    r2 = torch.stack(
        [
            squared_slope(D, x_fake[i * k + j], y_fake[i * k + j]) / 2
            for i in chosen
            for j in range(k)
        ]
    )
    total = adversarial.mean() + gamma * (0.5 * r1.mean() + 0.25 * r2.mean())
    assert games.far(games.gradients(D), gradient_of(total, D)) < 1e-12


@every_loss
@fakes
def test_the_generators_gradient_is_that_of_its_loss_and_entropy_written_out(loss, k):
    G, D = games.players()
    batch = games.reals(0, games.WHOLE)
    rules = games.rules(loss=loss, fakes_per_real=k, entropy=0.2)
    moment = games.moment(G, D)
    generator_step(G, D, batch, games.noise(), rules, moment)
    x_fake, y_fake = drawn_fakes(G, batch, rules, "G/z")
    real = D(batch.x, batch.y)[:, None].expand(-1, k).reshape(-1)
    total = G_FORMULAS[loss](real, D(x_fake, y_fake)).mean()
    total = total + 0.2 * relative_entropy(G, moment.origin)
    assert games.far(games.gradients(G), gradient_of(total, G)) < 1e-12


@every_loss
@fakes
@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("p", [0.0, 0.6])
def test_the_joint_step_gives_both_players_the_gradients_at_one_point(loss, k, stride, p):
    G, D = games.players()
    batch = games.reals(0, games.WHOLE)
    rules = games.rules(
        loss=loss, fakes_per_real=k, penalty_stride=stride, strength=p, entropy=0.1,
        penalties={"r1": 0.5, "r2": 0.25},
    )  # fmt: skip
    moment = games.moment(G, D, augment_p=p)
    joint_step(G, D, batch, games.noise(), rules, moment)
    of_G, of_D = games.gradients(G), games.gradients(D)
    D.zero_grad()
    discriminator_step(G, D, batch, games.noise(), rules, moment)
    assert games.far(of_D, games.gradients(D)) < 1e-12
    x_fake, y_fake = drawn_fakes(G, batch, rules, "D/z")
    of_fakes = games.noise(Rows(0, 12 * k, 12 * k))
    augment = AUGMENTATIONS["image" if p else "none"]
    real = D(augment(batch.x, p, games.noise(), "D/real"), batch.y).repeat_interleave(k)
    fake = D(augment(x_fake, p, of_fakes, "D/fake"), y_fake)
    total = LOSSES[loss].generator(real, fake).mean() + 0.1 * relative_entropy(G, moment.origin)
    assert games.far(of_G, gradient_of(total, G)) < 1e-12


def squared_slopes(D, x: Tensor, y: Tensor) -> Tensor:
    """‖∇ Σ D‖² at each sample of one pack alone."""
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(x, y).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1)


PACK, PACKS = 8, Rows(0, 24, 24)


@every_loss
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_where_discriminator_judges_packs_both_gradients_are_those_of_packs_written_out(
    loss, k, stride
):
    (G, _), D = games.players(), games.judge_of_packs(PACK)
    batch, gamma = games.reals(0, PACKS), 0.7
    rules = games.rules(
        loss=loss, fakes_per_real=k, penalty_stride=stride, pack=PACK,
        penalties={"r1": 0.5, "r2": 0.25},
    )  # fmt: skip
    joint_step(G, D, batch, games.noise(PACKS), rules, games.moment(G, D, gamma=gamma))
    x_fake, y_fake = drawn_fakes(G, batch, rules, "D/z")
    reals = [(batch.x[i : i + PACK], batch.y[i : i + PACK]) for i in range(0, 24, PACK)]
    fakes = [(x_fake[i : i + PACK], y_fake[i : i + PACK]) for i in range(0, 24 * k, PACK)]
    on_real, on_fake = (torch.cat([D(*pack) for pack in packs]) for packs in (reals, fakes))
    of_G = G_FORMULAS[loss](on_real.repeat_interleave(k), on_fake).mean()
    assert games.far(games.gradients(G), gradient_of(of_G, G)) < 1e-12
    r1 = torch.cat([squared_slopes(D, *pack) / 2 for pack in reals[::stride]])
    of_chosen = [fakes[i * k + j] for i in range(0, 3, stride) for j in range(k)]
    r2 = torch.cat([squared_slopes(D, *pack) / 2 for pack in of_chosen])
    of_D = D_FORMULAS[loss](on_real, on_fake.unflatten(0, (24, k))).mean()
    of_D = of_D + gamma * (0.5 * r1.mean() + 0.25 * r2.mean())
    assert games.far(games.gradients(D), gradient_of(of_D, D)) < 1e-12


@pytest.mark.parametrize("step", [discriminator_step, generator_step, joint_step])
@pytest.mark.parametrize(("pack", "size"), [(4, 4), (4, 8), (8, 8), (8, 16)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("k", [1, 2])
def test_micro_batches_of_whole_packs_sum_to_the_gradient_of_the_whole_batch(
    step, pack, size, stride, k
):
    (G, _), D = games.players(), games.judge_of_packs(pack)
    rules = games.rules(
        fakes_per_real=k, penalty_stride=stride, pack=pack, strength=0.5, name="shift",
        perturb="shift", penalties=dict.fromkeys(REGULARIZERS, 0.3),
    )  # fmt: skip
    moment = games.moment(G, D, augment_p=0.5)
    step(G, D, games.reals(0, PACKS), games.noise(PACKS), rules, moment)
    whole = games.gradients(G) + games.gradients(D)
    G.zero_grad()
    D.zero_grad()
    for rows in PACKS.cut(size):
        step(G, D, games.reals(0, rows), games.noise(rows), rules, moment)
    assert games.far(games.gradients(G) + games.gradients(D), whole) < 1e-12


@pytest.mark.parametrize("step", [discriminator_step, generator_step, joint_step])
@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize(("loss", "k"), [("relativistic", 1), ("nonsaturating", 2)])
def test_micro_batches_sum_to_the_gradient_of_the_whole_batch(step, size, stride, k, loss):
    G, D = games.players()
    asked = LabelSettings(real=0.9, flip=0.2) if LOSSES[loss].has_targets else LabelSettings()
    rules = games.rules(
        loss=loss, fakes_per_real=k, penalty_stride=stride, strength=0.5, entropy=0.1,
        penalties=dict.fromkeys(REGULARIZERS, 0.3), labels=asked,
    )  # fmt: skip
    moment = games.moment(G, D, augment_p=0.5)
    step(G, D, games.reals(0, games.WHOLE), games.noise(), rules, moment)
    whole = games.gradients(G) + games.gradients(D)
    G.zero_grad()
    D.zero_grad()
    for rows in games.WHOLE.cut(size):
        step(G, D, games.reals(0, rows), games.noise(rows), rules, moment)
    assert games.far(games.gradients(G) + games.gradients(D), whole) < 1e-12


def test_every_part_of_a_batch_tells_of_the_same_terms():
    G, D = games.players()
    rules = games.rules(penalty_stride=4, penalties={"r1": 1.0, "lecam": 1.0})
    told = [
        discriminator_step(G, D, games.reals(0, rows), games.noise(rows), rules, games.moment(G, D))
        for rows in games.WHOLE.cut(1)
    ]
    assert {frozenset(scalars) for scalars in told} == {frozenset(told[0])}
    assert told[1]["D/r1"] == 0 < told[0]["D/r1"]


@pytest.mark.parametrize(
    ("step", "moves_G", "moves_D"),
    [(discriminator_step, False, True), (generator_step, True, False), (joint_step, True, True)],
)
def test_a_step_gives_gradients_to_its_own_players_alone_and_moves_none(step, moves_G, moves_D):
    G, D = games.players()
    before = games.weights(G) + games.weights(D)
    rules = games.rules(penalties={"r1": 1.0, "r2": 1.0, "gradient_penalty": 1.0}, entropy=0.1)
    step(G, D, games.reals(0, games.WHOLE), games.noise(), rules, games.moment(G, D))
    assert any(weight.grad is not None for weight in G.parameters()) == moves_G
    assert any(weight.grad is not None for weight in D.parameters()) == moves_D
    after = games.weights(G) + games.weights(D)
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_a_step_adds_to_the_gradients_that_are_there():
    G, D = games.players()
    arguments = (G, D, games.reals(0, games.WHOLE), games.noise(), games.rules())
    joint_step(*arguments, games.moment(G, D))
    once = games.gradients(G) + games.gradients(D)
    joint_step(*arguments, games.moment(G, D))
    twice = games.gradients(G) + games.gradients(D)
    assert games.far(twice, [2 * gradient for gradient in once]) < 1e-14


@every_loss
@fakes
def test_the_share_that_is_told_right_counts_by_the_losss_own_boundary(loss, k):
    G, D = games.players()
    batch, rules = games.reals(0, games.WHOLE), games.rules(loss=loss, fakes_per_real=k)
    told = discriminator_step(G, D, batch, games.noise(), rules, games.moment(G, D))
    x_fake, y_fake = drawn_fakes(G, batch, rules, "D/z")
    real, fake = D(batch.x, batch.y), D(x_fake, y_fake)
    middle = {"relativistic": 0.5 * (real.mean() + fake.mean()), "least_squares": 0.5}
    middle |= {"wasserstein": middle["relativistic"], "hinge": 0.0}
    boundary = middle.get(loss, -math.log(k))
    assert told["D/real_right"] == (real > boundary).double().mean()
    assert told["D/fake_right"] == (fake < boundary).double().mean()
