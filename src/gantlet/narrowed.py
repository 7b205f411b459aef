"""Samples that fit a condition: G is held to the choices that it leaves, the rest is rejected."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gantlet.config import ConfigError
from gantlet.engine.noise import Rows, StepNoise
from gantlet.latents import PRIORS, truncated
from gantlet.modalities.base import Narrowing
from gantlet.sampling import CHUNK, Part
from gantlet.types import Within

AT_ONCE = 8 * CHUNK  # candidates made in one pass
MARGIN = 8.0  # times the mean chance: what is kept with certainty is no less likely than that
MOST_TRIED = 500_000  # candidates in a row none of which fits: it is given up


def narrowed(
    G: nn.Module,
    within: Within | None,
    decode: Callable[[Tensor], Any],
    prior: str,
    latent_dim: int,
    narrowing: Narrowing,
    count: int,
    *,
    seed: int = 0,
    psi: float = 1.0,
) -> Iterator[Part]:
    """`count` samples of G given that they fit, by rejection; no two are copies of one draw.

    A G that can be held to choices makes candidates of allowed ones, each with the probability w
    that it would have fallen so, and w over the largest w seen is what a candidate is kept with
    (von Neumann 1951). The largest is that of a first pass, of which nothing is kept, or more:
    else a kind of row too rare to be in that pass, but far likelier to fall so, would be missed.

    Raises:
        ConfigError: what fits is so rare that no candidate of half a million did.
    """
    some = next(G.parameters())
    allowed = torch.from_numpy(narrowing.allowed).to(some.device).expand(AT_ONCE, -1)
    kept, tried, top = 0, 0, 0.0
    for number in range(2**31):
        noise = StepNoise(seed, number, Rows(0, AT_ONCE, AT_ONCE), some.device)
        z = truncated(PRIORS[prior](noise, "narrowed/z", 1, latent_dim).flatten(0, 1), psi)
        if within is None:
            with torch.no_grad():
                x, chance = G(z.to(some.dtype), None).float(), some.new_zeros(AT_ONCE)
        else:
            x, chance = within(G, z.to(some.dtype), None, allowed)
            if number == 0:
                mean = chance.logsumexp(0).item() - math.log(AT_ONCE)
                top = max(chance.max().item(), min(0.0, mean + math.log(MARGIN)))
                continue
        lucky = torch.log(noise.uniform("narrowed/kept")[:, None].flatten()) < chance - top
        x = x[lucky]
        x = x[torch.from_numpy(_fitting(decode, narrowing, x)).to(x.device)][: count - kept]
        kept, tried = kept + len(x), 0 if len(x) else tried + AT_ONCE
        if len(x):
            yield Part(x, None)
        if kept == count:
            return
        if tried >= MOST_TRIED:
            raise ConfigError(
                f"{narrowing.words}: none of {tried:,} samples in a row fits; ask for something "
                "that is less rare in the data"
            )


def _fitting(
    decode: Callable[[Tensor], Any], narrowing: Narrowing, x: Float[Tensor, "b d"]
) -> Bool[np.ndarray, "b"]:
    return narrowing.fits(decode(x)) if len(x) else np.zeros(0, bool)
