"""Learning by likelihood with noise: DP-SGD (Abadi et al. 2016, algorithm 1).

Each row is in a step by chance, its gradient is shortened to a set length, and normal noise is
added to the sum. So whether any one row was there at all changes little in what is learned. The
noise follows from the system's entropy and from no seed: who could draw it again could take it off.
"""

import os
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gantlet.engine.privacy import PrivacySettings
from gantlet.types import Batch, Scalars, Steepness

ROUNDING = 1e-4  # by which rows are shortened more, so that arithmetic makes none too long


class Private(NamedTuple):
    """What noisy steps need to know."""

    clip: float  # length of a row's gradient, at most
    noise: float  # deviation of the noise, over that
    rows: int  # in a step, on average
    steepness: Steepness
    chance: torch.Generator  # on the CPU


def private(settings: PrivacySettings, rows: int, steepness: Steepness) -> Private:
    """Rules of noisy steps, with noise that nobody can draw again."""
    assert settings.noise is not None, "it is found before a run begins"
    return Private(settings.clip, settings.noise, rows, steepness, unrepeatable())


def unrepeatable() -> torch.Generator:
    """A generator that starts from the system's entropy."""
    return torch.Generator().manual_seed(int.from_bytes(os.urandom(8), "big") >> 1)


def private_likelihood_step(
    G: nn.Module, weights: list[nn.Parameter], batch: Batch, rules: Private
) -> Scalars:
    """Leaves in `.grad` the noisy mean of the rows' shortened gradients of their surprisal.

    The mean is over as many rows as are expected: how many there were would tell of each.
    """
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    surprisal = batch.x.new_zeros(1)
    if len(batch.x):
        surprisal, lengths = rules.steepness(G, batch.x, batch.y)
        loss = (shortening(lengths, rules.clip) * surprisal).sum() / rules.rows
        loss.backward(inputs=weights)
    for weight in weights:
        assert weight.grad is not None, "it was set"
        weight.grad += noise_on(weight, rules.noise * rules.clip / rules.rows, rules.chance)
    return {"G/surprisal": surprisal.detach().mean()}


def shortening(lengths: Tensor, clip: float) -> Tensor:
    """min(1, clip / length), and nought where the length is no number."""
    factors = (clip / (lengths.detach() * (1 + ROUNDING))).clamp_max(1.0)
    return torch.where(lengths.isfinite(), factors, 0.0)


def noise_on(like: Tensor, deviation: float, chance: torch.Generator) -> Tensor:
    """Normal numbers of that deviation, in the shape and place of a tensor."""
    return deviation * torch.randn(like.shape, generator=chance).to(like)
