"""The norm-free residual family of Huang et al. 2024 (NeurIPS), section 3 and appendix.

Any resolution, rectangles, 1 to 4 channels, with classes or without. Both players are the same
chain of residual blocks, turned round; the only resampling is the [1, 2, 1] kernel.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gantlet.config import setting
from gantlet.layers import (
    Bias,
    Embedding,
    Geometry,
    Projection,
    cropped,
    downsampled,
    fitted,
    geometry,
    upsampled,
)
from gantlet.networks.base import Family, Task
from gantlet.types import Labels, Latents, PerSample, Samples

GAIN = (2 / (1 + 0.2**2)) ** 0.5  # of leaky ReLU with slope 0.2
EXPANSION = 2  # of the inner width of a block


@dataclass(frozen=True, kw_only=True)
class ResnetSettings:
    width: int = setting(96, "channels at the lowest resolutions")
    narrowest: int = setting(32, "channels below which no stage goes")
    blocks: int = setting(2, "residual blocks at each resolution")
    group: int = setting(16, "channels in each group of the 3×3 convolutions")


def widths(at: Geometry, settings: ResnetSettings) -> list[int]:
    """Channels at each resolution from the base up: constant up to 32 pixels, then halved."""
    sides = [min(at.base_height, at.base_width) << stage for stage in range(at.stages + 1)]
    return [max(settings.narrowest, settings.width * 32 // max(32, side)) for side in sides]


def _convolution(fan_in: int, fan_out: int, kernel: int, gain: float, groups: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(fan_in, fan_out, kernel, padding=kernel // 2, groups=groups, bias=False)
    nn.init.normal_(layer.weight, 0.0, 1.0)
    with torch.no_grad():
        layer.weight.mul_(gain / layer.weight[0].numel() ** 0.5)
    return layer


class Block(nn.Module):
    """x + W₃·φ(W₂ ∗ φ(W₁·x)): 1×1 up, grouped 3×3, zero-initialised 1×1 down."""

    def __init__(self, width: int, group: int, blocks: int) -> None:
        super().__init__()
        inner = width * EXPANSION
        groups = inner // group if inner % group == 0 else 1
        gain = GAIN * blocks**-0.25
        self.widen = _convolution(width, inner, 1, gain)
        self.widen_bias = Bias(inner)
        self.mix = _convolution(inner, inner, 3, gain, groups)
        self.mix_bias = Bias(inner)
        self.narrow = _convolution(inner, width, 1, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        inner = leaky_relu(self.widen_bias(self.widen(x)), 0.2)
        inner = leaky_relu(self.mix_bias(self.mix(inner)), 0.2)
        return x + self.narrow(inner)


def _stage(width: int, settings: ResnetSettings, blocks: int) -> nn.Sequential:
    return nn.Sequential(*[Block(width, settings.group, blocks) for _ in range(settings.blocks)])


class ResnetGenerator(nn.Module):
    def __init__(self, task: Task, settings: ResnetSettings) -> None:
        super().__init__()
        self.geometry = at = geometry(*task.shape[1:])
        sizes = widths(at, settings)
        blocks = settings.blocks * len(sizes)
        self.embedding = Embedding(task.classes, task.latent_dim)
        inputs = task.latent_dim * (2 if task.classes else 1)
        self.basis = nn.Parameter(torch.randn(sizes[0], at.base_height, at.base_width))
        self.scale = nn.Linear(inputs, sizes[0], bias=False)
        nn.init.normal_(self.scale.weight, 0.0, inputs**-0.5)
        self.stages = nn.ModuleList(_stage(size, settings, blocks) for size in sizes)
        self.changes = nn.ModuleList(
            _convolution(wide, narrow, 1, 1.0) for wide, narrow in pairwise(sizes)
        )
        self.out = _convolution(sizes[-1], task.shape[0], 1, 1.0)
        self.out_bias = Bias(task.shape[0])

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        scale: Tensor = self.scale(self.embedding(z, y))
        x = self.stages[0](self.basis * scale[:, :, None, None])
        for change, stage in zip(self.changes, list(self.stages)[1:], strict=True):
            x = stage(upsampled(change(x)))  # b × width × 2h × 2w
        return cropped(self.out_bias(self.out(x)), self.geometry)


class ResnetDiscriminator(nn.Module):
    def __init__(self, task: Task, settings: ResnetSettings) -> None:
        super().__init__()
        self.geometry = at = geometry(*task.shape[1:])
        sizes = widths(at, settings)[::-1]
        blocks = settings.blocks * len(sizes)
        self.enter = _convolution(task.shape[0], sizes[0], 1, 1.0)
        self.stages = nn.ModuleList(_stage(size, settings, blocks) for size in sizes)
        self.changes = nn.ModuleList(
            _convolution(narrow, wide, 1, 1.0) for narrow, wide in pairwise(sizes)
        )
        base = (at.base_height, at.base_width)
        self.collapse = nn.Conv2d(sizes[-1], sizes[-1], base, groups=sizes[-1], bias=False)
        nn.init.normal_(self.collapse.weight, 0.0, (at.base_height * at.base_width) ** -0.5)
        self.out = Projection(task.classes, sizes[-1])

    def forward(self, x: Samples, y: Labels | None = None) -> PerSample:
        x = self.stages[0](self.enter(fitted(x, self.geometry)))
        for change, stage in zip(self.changes, list(self.stages)[1:], strict=True):
            x = stage(change(downsampled(x)))  # b × width × h/2 × w/2
        return self.out(self.collapse(x).flatten(1), y)


RESNET = Family(
    settings=ResnetSettings,
    generator=ResnetGenerator,
    discriminator=ResnetDiscriminator,
    ranks=(3,),
)
