"""The textbook DCGAN of Radford et al. 2016: for teaching, and as the peer to be compared with.

Both players hold batch norm, which couples the samples of a batch: a gradient penalty is not
defined on this D, and micro-batches would change the mathematics.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from gantlet.config import setting
from gantlet.layers import Embedding, Projection, cropped, fitted, geometry
from gantlet.networks.base import Family, Task
from gantlet.types import Labels, Latents, PerSample, Samples


@dataclass(frozen=True, kw_only=True)
class DcganSettings:
    width: int = setting(32, "channels at the highest resolution; doubled at each halving")


def _initialised(module: nn.Module) -> None:
    """N(0, 0.02²) weights, as in section 4 of the paper."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)


class DcganGenerator(nn.Module):
    def __init__(self, task: Task, settings: DcganSettings) -> None:
        super().__init__()
        self.geometry = at = geometry(*task.shape[1:])
        widths = [settings.width << stage for stage in reversed(range(max(1, at.stages)))]
        self.embedding = Embedding(task.classes, task.latent_dim)
        inputs = task.latent_dim * (2 if task.classes else 1)
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(inputs, widths[0], (at.base_height, at.base_width), bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        for wide, narrow in pairwise(widths):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
            ]
        last = (4, 2, 1) if at.stages else (3, 1, 1)
        layers += [nn.ConvTranspose2d(widths[-1], task.shape[0], *last), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        _initialised(self)

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        return cropped(self.layers(self.embedding(z, y)[:, :, None, None]), self.geometry)


class DcganDiscriminator(nn.Module):
    def __init__(self, task: Task, settings: DcganSettings) -> None:
        super().__init__()
        self.geometry = at = geometry(*task.shape[1:])
        widths = [settings.width << stage for stage in range(max(1, at.stages))]
        first = (4, 2, 1) if at.stages else (3, 1, 1)
        layers: list[nn.Module] = [
            nn.Conv2d(task.shape[0], widths[0], *first),
            nn.LeakyReLU(0.2),
        ]
        for narrow, wide in pairwise(widths):
            layers += [
                nn.Conv2d(narrow, wide, 4, 2, 1, bias=False),
                nn.BatchNorm2d(wide),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Conv2d(widths[-1], 1, (at.base_height, at.base_width), bias=False)
        self.classes = Projection(task.classes, widths[-1]) if task.classes else None
        _initialised(self)

    def forward(self, x: Samples, y: Labels | None = None) -> PerSample:
        features: torch.Tensor = self.layers(fitted(x, self.geometry))
        logits = self.head(features).flatten()
        if self.classes is None:
            return logits
        return logits + self.classes(features.mean((2, 3)), y)


DCGAN = Family(
    settings=DcganSettings,
    generator=DcganGenerator,
    discriminator=DcganDiscriminator,
    ranks=(3,),
    is_sample_wise=False,
)
