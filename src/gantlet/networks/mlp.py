"""Fully connected players, for points and other short vectors."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gantlet.config import setting
from gantlet.layers import Embedding, Projection
from gantlet.networks.base import Family, Task
from gantlet.types import Labels, Latents, PerSample, Samples


@dataclass(frozen=True, kw_only=True)
class MlpSettings:
    width: int = setting(128, "units in each hidden layer")
    depth: int = setting(3, "hidden layers")


def _hidden(inputs: int, settings: MlpSettings) -> nn.Sequential:
    sizes = [inputs, *[settings.width] * settings.depth]
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.kaiming_normal_(linear.weight, a=0.2)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


class MlpGenerator(nn.Module):
    def __init__(self, task: Task, settings: MlpSettings) -> None:
        super().__init__()
        self.shape = task.shape
        self.embedding = Embedding(task.classes, task.latent_dim)
        self.hidden = _hidden(task.latent_dim * (2 if task.classes else 1), settings)
        self.out = nn.Linear(settings.width, torch.Size(task.shape).numel())

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        return self.out(self.hidden(self.embedding(z, y))).unflatten(1, self.shape)


class MlpDiscriminator(nn.Module):
    def __init__(self, task: Task, settings: MlpSettings) -> None:
        super().__init__()
        self.hidden = _hidden(torch.Size(task.shape).numel(), settings)
        self.out = Projection(task.classes, settings.width)

    def forward(self, x: Samples, y: Labels | None = None) -> PerSample:
        features: Tensor = self.hidden(x.flatten(1))
        return self.out(features, y)


MLP = Family(
    settings=MlpSettings,
    generator=MlpGenerator,
    discriminator=MlpDiscriminator,
    ranks=(1, 2, 3),
)
