"""Fully connected players, for points and other short vectors."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from gantlet.config import ConfigError, setting
from gantlet.layers import Embedding, Projection
from gantlet.networks.base import Family, Task
from gantlet.types import Labels, Latents, PerSample, Samples


@dataclass(frozen=True, kw_only=True)
class MlpSettings:
    width: int = setting(64, "units in each hidden layer")
    depth: int = setting(3, "hidden layers")
    signs: int = setting(0, "last numbers of z of which G sees only the sign")
    waves: int = setting(0, "sines of x that D sees beside x")
    shortest_wave: float = setting(64.0, "highest frequency of those sines, in radians a unit")
    longest_wave: float = setting(0.5, "lowest frequency of those sines")
    wave_decay: float = setting(
        1.0, "power of the frequency with which their amplitude falls; 1: slope one, 0: height one"
    )


def _hidden(inputs: int, settings: MlpSettings) -> nn.Sequential:
    sizes = [inputs, *[settings.width] * settings.depth]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.kaiming_normal_(linear.weight, a=0.2)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


class Waves(nn.Module):
    """x beside sin(ω·x + φ)/|ω|^decay for fixed ω of log-spaced length and random direction.

    After Tancik et al. 2020 (Fourier features), with lengths spread instead of drawn. At decay 1
    each has slope one, so that a penalty on D's slope weighs fine and coarse detail alike; at a
    smaller one D sees finer, and the game is less steady.
    """

    directions: Tensor
    phases: Tensor
    amplitudes: Tensor

    def __init__(self, inputs: int, settings: MlpSettings) -> None:
        super().__init__()
        frequencies = torch.logspace(
            math.log10(settings.longest_wave), math.log10(settings.shortest_wave), settings.waves
        )
        directions = normalize(torch.randn(inputs, settings.waves), dim=0)
        self.register_buffer("directions", directions * frequencies)
        self.register_buffer("phases", torch.rand(settings.waves) * 2 * math.pi)
        self.register_buffer("amplitudes", frequencies**-settings.wave_decay)

    def forward(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b D"]:
        waves = torch.sin(torch.addmm(self.phases, x, self.directions)) * self.amplitudes
        return torch.cat([x, waves], dim=1)


class MlpGenerator(nn.Module):
    """An MLP of z, some numbers of which count by their sign alone.

    A continuous G must join the parts of its support by threads; a coin in z lets it cut them.
    """

    def __init__(self, task: Task, settings: MlpSettings) -> None:
        super().__init__()
        if settings.signs > task.latent_dim:
            raise ConfigError(
                f"network.options.signs = {settings.signs}: z has only {task.latent_dim} numbers"
            )
        self.shape = task.shape
        self.smooth = task.latent_dim - settings.signs
        self.embedding = Embedding(task.classes, task.latent_dim)
        self.hidden = _hidden(task.latent_dim * (2 if task.classes else 1), settings)
        self.out = nn.Linear(settings.width, torch.Size(task.shape).numel())
        nn.init.normal_(self.out.weight, 0.0, settings.width**-0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        z = torch.cat([z[:, : self.smooth], z[:, self.smooth :].sign()], dim=1)
        return self.out(self.hidden(self.embedding(z, y))).unflatten(1, self.shape)


class MlpDiscriminator(nn.Module):
    def __init__(self, task: Task, settings: MlpSettings) -> None:
        super().__init__()
        inputs = torch.Size(task.shape).numel()
        self.waves = Waves(inputs, settings)
        self.hidden = _hidden(inputs + settings.waves, settings)
        self.out = Projection(task.classes, settings.width)

    def forward(self, x: Samples, y: Labels | None = None) -> PerSample:
        return self.out(self.hidden(self.waves(x.flatten(1))), y)


MLP = Family(
    settings=MlpSettings,
    generator=MlpGenerator,
    discriminator=MlpDiscriminator,
    ranks=(1, 2, 3),
)
