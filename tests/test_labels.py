"""Targets of the cross-entropy: formulas, the D they lead to, flips and refusals."""

import math

import pytest
import torch
from scipy.optimize import minimize_scalar
from torch.testing import assert_close

from gantlet.config import ConfigError, build
from gantlet.engine.objective import AugmentationSettings, ObjectiveSettings, objective
from gantlet.labels import LabelSettings, Targets, smoothed, targets
from gantlet.losses import LOSSES, cross_entropy
from tiny import drawn, noise_of


def asked(b: int = 4, k: int = 2, **settings: float) -> Targets:
    return targets(LabelSettings(**settings), torch.zeros(b), torch.zeros(b, k), noise_of(b))


def best_logit(p: float, q: float, **settings: float) -> float:
    """The logit that minimises the cross-entropy where reals have density p and fakes q."""
    wanted = Targets(*(t.double() for t in asked(1, 1, **settings)))

    def expected_loss(logit: float) -> float:
        here, elsewhere = torch.tensor([logit, 0.0], dtype=torch.float64).split(1)
        on_real = cross_entropy(here, elsewhere[:, None], wanted)
        on_fake = cross_entropy(elsewhere, here[:, None], wanted)
        return (p * on_real + q * on_fake).item()

    return minimize_scalar(expected_loss, bounds=(-9, 9), options={"xatol": 1e-9}).x


def test_targets_are_one_and_zero_unless_a_setting_moves_them():
    assert torch.equal(asked().real, torch.ones(4))
    assert torch.equal(asked().fake, torch.zeros(4, 2))


def test_one_sided_smoothing_leaves_the_fakes_alone():
    assert_close(asked(real=0.9).real, torch.full((4,), 0.9))
    assert torch.equal(asked(real=0.9).fake, torch.zeros(4, 2))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_a_uniform_share_gives_half_of_itself_to_either_of_the_two_classes(share):
    assert_close(asked(uniform=share).real, torch.full((4,), 1 - share / 2))
    assert_close(asked(uniform=share).fake, torch.full((4, 2), share / 2))
    assert smoothed(0.8, share) + smoothed(0.2, share) == pytest.approx(1)  # a distribution still


@pytest.mark.parametrize("t", [0.05, 0.3, 0.5, 0.9])
def test_a_target_alone_is_the_probability_that_the_best_discriminator_gives(t):
    log_odds = math.log(t / (1 - t))
    assert best_logit(1, 0, real=t) == pytest.approx(log_odds, abs=1e-5)
    assert best_logit(0, 1, fake=t) == pytest.approx(log_odds, abs=1e-5)


def test_the_best_discriminator_gives_the_mean_target_of_what_it_sees():
    # (α·p + β·q) / (p + q): Salimans et al. 2016, section 3.4
    p, q, alpha, beta = 0.5, 0.2, 0.9, 0.1
    mean = (alpha * p + beta * q) / (p + q)
    log_odds = math.log(mean / (1 - mean))
    assert best_logit(p, q, real=alpha, fake=beta) == pytest.approx(log_odds, abs=1e-5)


@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_each_target_is_flipped_with_the_probability_asked_for(p):
    b, k = 5000, 3
    flipped = asked(b, k, flip=p)
    shares = torch.cat([flipped.real[:, None] == 0, flipped.fake == 1], 1).double().mean(0)
    deviation = math.sqrt(p * (1 - p) / b)
    assert_close(shares, torch.full_like(shares, p), atol=4 * deviation, rtol=0)


def test_a_real_and_its_fakes_are_flipped_independently():
    flipped = asked(5000, 2, flip=0.5)
    columns = torch.cat([flipped.real[:, None] == 0, flipped.fake == 1], 1).double()
    correlations = torch.corrcoef(columns.T) - torch.eye(3)
    assert correlations.abs().max() < 4 / math.sqrt(5000)


def test_a_flipped_real_is_asked_for_what_a_fake_is_and_the_other_way_round():
    plain = asked(6, 2, real=0.9, fake=0.2, uniform=0.1)
    flipped = asked(6, 2, real=0.9, fake=0.2, uniform=0.1, flip=1.0)
    assert torch.equal(flipped.real, plain.fake[:, 0])
    assert torch.equal(flipped.fake, plain.real[:, None].expand(6, 2))


def test_flips_of_a_part_of_the_batch_are_those_of_the_whole_batch():
    settings = LabelSettings(flip=0.5)
    whole = targets(settings, torch.zeros(8), torch.zeros(8, 2), noise_of(8))
    part = targets(settings, torch.zeros(3), torch.zeros(3, 2), noise_of(8, 2, 5))
    assert torch.equal(part.real, whole.real[2:5])
    assert torch.equal(part.fake, whole.fake[2:5])
    assert 0 < whole.fake.mean() < 1


@pytest.mark.parametrize("name", ["real", "fake", "uniform", "flip"])
@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
def test_a_share_outside_of_zero_to_one_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=rf"labels\.{name} = {value}.* 0 and 1"):
        build(LabelSettings, {name: value})


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_heeds_targets_exactly_where_it_says_so(name):
    real, fake = drawn(5), drawn(5, 2, seed=1)
    hard = Targets(torch.ones_like(real), torch.zeros_like(fake))
    soft = Targets(torch.full_like(real, 0.8), torch.full_like(fake, 0.1))
    loss = LOSSES[name].discriminator
    moved = bool((loss(real, fake, hard) != loss(real, fake, soft)).any())
    assert moved == LOSSES[name].has_targets


@pytest.mark.parametrize("name", LOSSES)
def test_label_settings_are_refused_by_a_loss_that_would_ignore_them(name):
    settings = ObjectiveSettings(loss=name, penalties={}, labels=LabelSettings(real=0.9))
    if LOSSES[name].has_targets:
        assert objective(settings, AugmentationSettings()).labels.real == 0.9
    else:
        with pytest.raises(ConfigError, match=f"'{name}' has no targets.*nonsaturating"):
            objective(settings, AugmentationSettings())
