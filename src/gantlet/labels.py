"""Targets of the cross-entropy pair: smoothing, noise, flips.

The target is the probability of "real" that D is asked to give. It is 1 for reals and 0 for
fakes unless a setting here moves it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from gantlet.config import ConfigError, setting
from gantlet.types import Noise, PerSample


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """How the targets of the cross-entropy pair depart from 1 and 0."""

    real: float = setting(1.0, "target for reals; below 1 is one-sided smoothing")
    fake: float = setting(0.0, "target for fakes; above 0 smooths the other side as well")
    uniform: float = setting(0.0, "share of the uniform distribution mixed into every target")
    flip: float = setting(0.0, "probability with which a sample's target is turned round")

    def __post_init__(self) -> None:
        for name in ("real", "fake", "uniform", "flip"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"labels.{name} = {getattr(self, name)}: it lies between 0 and 1")


class Targets(NamedTuple):
    """Probability of "real" that D is asked for, for each of b reals and its k fakes."""

    real: PerSample
    fake: Float[Tensor, "b k"]


CLASSES = 2  # real and fake


def smoothed(target: float, uniform: float) -> float:
    """(1 − ε)·target + ε/K with K = 2 classes.  Szegedy et al. 2016, section 7."""
    return (1 - uniform) * target + uniform / CLASSES


def targets(
    settings: LabelSettings, real: PerSample, fake: Float[Tensor, "b k"], noise: Noise
) -> Targets:
    """Targets shaped like the logits, smoothed (Salimans et al. 2016, 3.4) and flipped at random.

    A flip exchanges real and fake before smoothing, so a flipped real is asked for what a fake is.
    """
    high = smoothed(settings.real, settings.uniform)
    low = smoothed(settings.fake, settings.uniform)
    on_real, on_fake = torch.full_like(real, high), torch.full_like(fake, low)
    if settings.flip:
        flipped = noise.uniform("labels/flip", 1 + fake.shape[1]).to(real) < settings.flip
        on_real = torch.where(flipped[:, 0], low, on_real)
        on_fake = torch.where(flipped[:, 1:], high, on_fake)
    return Targets(on_real, on_fake)
