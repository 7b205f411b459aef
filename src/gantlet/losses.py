"""Adversarial losses: for each, what D minimises and what G minimises, one value per real sample.

D sees, for each real sample, k generated ones: `real` is b logits, `fake` is b × k.
All are written in stable form; none takes a logarithm of a probability.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu, softplus

from gantlet.labels import Targets
from gantlet.types import PerSample

FakeLogits = Float[Tensor, "b k"]
DiscriminatorLoss = Callable[[PerSample, FakeLogits, Targets], PerSample]
GeneratorLoss = Callable[[PerSample, PerSample], PerSample]  # (real, fake), one fake per real
Boundary = Callable[[PerSample, FakeLogits], Tensor]


class Loss(NamedTuple):
    """A game: both players' losses, and the logit at which D changes its mind."""

    discriminator: DiscriminatorLoss
    generator: GeneratorLoss
    boundary: Boundary
    has_targets: bool = False  # whether label smoothing, noise and flips mean anything to it


def cross_entropy(real: PerSample, fake: FakeLogits, targets: Targets) -> PerSample:
    """−log D(x) − Σᵢ log(1 − D(x̃ᵢ)) at targets 1 and 0.  Goodfellow et al. 2014, eq. 1.

    With a target t a term is t·softplus(−l) + (1 − t)·softplus(l). The k fakes of a real are
    summed, so the best D is p/(p + k·q): its logit lies log k below that of the game with one.
    """
    on_real = targets.real * softplus(-real) + (1 - targets.real) * softplus(real)
    on_fake = targets.fake * softplus(-fake) + (1 - targets.fake) * softplus(fake)
    return on_real + on_fake.sum(1)


def saturating(_real: PerSample, fake: PerSample) -> PerSample:
    """log(1 − D(x̃)), whose gradient dies where D is sure.  Goodfellow et al. 2014, eq. 1."""
    return -softplus(fake)


def non_saturating(_real: PerSample, fake: PerSample) -> PerSample:
    """−log D(x̃): gradient −1, however sure D is.  Goodfellow et al. 2014, section 3."""
    return softplus(-fake)


def relativistic_discriminator(real: PerSample, fake: FakeLogits, _: Targets) -> PerSample:
    """log(1 + exp(D(x̃) − D(x))), averaged over the fakes of x.  Jolicoeur-Martineau 2019."""
    return softplus(fake - real[:, None]).mean(1)


def relativistic_generator(real: PerSample, fake: PerSample) -> PerSample:
    """log(1 + exp(D(x) − D(x̃))).  Jolicoeur-Martineau 2019; Huang et al. 2024, eq. 2."""
    return softplus(real - fake)


def hinge_discriminator(real: PerSample, fake: FakeLogits, _: Targets) -> PerSample:
    """max(0, 1 − D(x)) + max(0, 1 + D(x̃)).  Lim & Ye 2017, eq. 7."""
    return relu(1 - real) + relu(1 + fake).mean(1)


def least_squares_discriminator(real: PerSample, fake: FakeLogits, _: Targets) -> PerSample:
    """½ (D(x) − 1)² + ½ D(x̃)².  Mao et al. 2017, eq. 9 with a = 0, b = 1."""
    return ((real - 1).square() + fake.square().mean(1)) / 2


def least_squares_generator(_real: PerSample, fake: PerSample) -> PerSample:
    """½ (D(x̃) − 1)².  Mao et al. 2017, eq. 9 with c = 1."""
    return (fake - 1).square() / 2


def wasserstein_discriminator(real: PerSample, fake: FakeLogits, _: Targets) -> PerSample:
    """D(x̃) − D(x); means something only with a penalty on D's slope.  Arjovsky et al. 2017."""
    return fake.mean(1) - real


def raising(_real: PerSample, fake: PerSample) -> PerSample:
    """−D(x̃).  Arjovsky et al. 2017, algorithm 1; Lim & Ye 2017, eq. 8."""
    return -fake


def at(value: float) -> Boundary:
    """The boundary of a loss whose logits have a fixed origin."""
    return lambda real, _fake: torch.full_like(real[:1], value).squeeze(0)


def even_odds(real: PerSample, fake: FakeLogits) -> Tensor:
    """−log k: what the best D says where reals and each of their k fakes are equally likely."""
    return torch.full_like(real[:1], -math.log(fake.shape[1])).squeeze(0)


def midway(real: PerSample, fake: FakeLogits) -> Tensor:
    """The boundary of a loss that fixes logits only up to a constant."""
    return (real.mean() + fake.mean()) / 2


LOSSES: dict[str, Loss] = {
    "relativistic": Loss(relativistic_discriminator, relativistic_generator, midway),
    "nonsaturating": Loss(cross_entropy, non_saturating, even_odds, has_targets=True),
    "minimax": Loss(cross_entropy, saturating, even_odds, has_targets=True),
    "hinge": Loss(hinge_discriminator, raising, at(0.0)),
    "least_squares": Loss(least_squares_discriminator, least_squares_generator, at(0.5)),
    "wasserstein": Loss(wasserstein_discriminator, raising, midway),
}
