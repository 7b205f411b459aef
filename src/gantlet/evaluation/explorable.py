"""A generator whose latent space can be walked: a trained one, or any function of z and labels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from gantlet.engine.noise import Rows, StepNoise
from gantlet.gan import Gan
from gantlet.latents import PRIORS
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import Preview
from gantlet.sampling import Conditions, drawn_labels
from gantlet.types import Generator, Labels, Latents, Samples

NO_CONDITIONS = Conditions()
STORED = 64  # latents that the trivial generator knows, under each label


@dataclass(frozen=True, kw_only=True)
class Explorable:
    """G as a function on the CPU, how its z and y are drawn, and how a sample is shown."""

    generator: Generator  # of latents of any float type
    latent_dim: int
    prior: str = "normal"
    conditions: Conditions = NO_CONDITIONS
    coins: int = 0  # numbers of z of which G reads the sign alone
    decode: Callable[[Samples], Any]
    preview: Callable[[Any], Preview]  # of decoded rows

    def latents(self, count: int, seed: int, name: str) -> Latents:
        """Draws of the prior, the same for the same seed and name."""
        noise = StepNoise(seed, 0, Rows(0, count, count), torch.device("cpu"))
        return PRIORS[self.prior](noise, name, 1, self.latent_dim).flatten(0, 1)

    def labels(self, count: int, seed: int, name: str) -> Labels | None:
        """Labels as frequent as in the data; none where G takes none."""
        drawn = drawn_labels(self.conditions, seed, name, count)
        return None if drawn is None else torch.from_numpy(drawn)

    @property
    def has_labels(self) -> bool:
        """Whether there is more than one label to go between."""
        return len(self.conditions.weights) > 1


def explorable(gan: Gan) -> Explorable | None:
    """The generator of a GAN; none where it makes choices, which have no slope."""
    if gan.task.blocks or gan.task.timed:
        return None
    modality, some = MODALITIES[gan.run.modality], next(gan.generator.parameters())

    def generator(z: Latents, y: Labels | None) -> Samples:
        x = gan.generator(z.to(some), None if y is None else y.to(some.device))
        return x.float().cpu()

    return Explorable(
        generator=generator, latent_dim=gan.run.objective.latent_dim,
        prior=gan.run.objective.prior, conditions=gan.conditions,
        coins=int(gan.run.network.options.get("signs", 0)), decode=gan.codec.decode,
        preview=lambda rows: modality.preview(rows, None),
    )  # fmt: skip


def of_stored(it: Explorable, seed: int) -> Explorable:
    """A trivial generator: it knows a few samples of G, and gives the one whose z is nearest.

    All its samples are as good as G's, and yet there is nothing between them.
    """
    stored = it.latents(STORED, seed, "stored").double()

    def generator(z: Latents, y: Labels | None) -> Samples:
        chosen = _nearest(z, stored)
        keys = chosen if y is None else chosen + STORED * y
        used, places = torch.unique(keys, return_inverse=True)
        labels = None if y is None else used // STORED
        return it.generator(stored[used % STORED], labels)[places]

    return replace(it, generator=generator)


def _nearest(z: Tensor, stored: Tensor) -> Int[Tensor, "b"]:
    """By ‖z − s‖² less ‖z‖², which is the same for all."""
    return (stored.square().sum(1) - 2 * z.double() @ stored.T).argmin(1)
