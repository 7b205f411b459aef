"""A U-net that hears z: from a picture to a correction of it, over all scales.

It is normalised sample by sample (pixel norm, scaled and shifted by the condition), and doubles
its resolution by interpolation: a transposed convolution would leave a grid behind. At the
picture's own resolution it is narrow and at the lowest wide, where dense convolutions are cheap;
without channels at the full resolution it could draw no detail of a pixel's size.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from gantlet.types import Labels


def scaled_normal(layer: nn.Module, fan_in: float, gain: float = 1.0) -> None:
    """Weights ~ N(0, gain² / fan_in), biases 0."""
    for name, weight in layer.named_parameters(recurse=False):
        if name == "bias":
            nn.init.zeros_(weight)
        else:
            nn.init.normal_(weight, 0.0, gain / fan_in**0.5)


class ConditionalNorm(nn.Module):
    """x / rms over channels at each pixel (Karras et al. 2018), scaled and shifted by condition."""

    def __init__(self, channels: int, conditions: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(0.02 * torch.randn(conditions, channels, 1, 1))
        self.shift = nn.Parameter(0.02 * torch.randn(conditions, channels, 1, 1))

    def forward(self, x: Float[Tensor, "b c h w"], y: Labels) -> Float[Tensor, "b c h w"]:
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)
        return x * (1 + self.scale[y]) + self.shift[y]


def doubled(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 2*h 2*w"]:
    """Twice the size by interpolation."""
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Layer(nn.Module):
    """Convolution, optional doubling, norm, ReLU."""

    def __init__(
        self,
        channels: int,
        width: int,
        conditions: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        is_doubling: bool = False,
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, width, kernel, stride, 1, bias=False)
        scaled_normal(self.convolution, kernel**2 * channels)
        self.norm = ConditionalNorm(width, conditions)
        self.is_doubling = is_doubling

    def forward(self, x: Float[Tensor, "b c h w"], y: Labels) -> Float[Tensor, "b d H W"]:
        x = self.convolution(x)
        return relu(self.norm(doubled(x) if self.is_doubling else x, y))


class UNet(nn.Module):
    """From a picture, a code and a condition to a picture-sized correction, small at first."""

    def __init__(
        self,
        channels: int,
        widths: Sequence[int],
        base: tuple[int, int],
        code: int,
        conditions: int,
    ) -> None:
        """Channels of the picture, and of each scale from the lowest, of `base`'s size, up."""
        super().__init__()
        self.base = base
        self.enter = nn.Linear(code, widths[0] * base[0] * base[1], bias=False)
        scaled_normal(self.enter, code)
        self.enter_norm = ConditionalNorm(widths[0], conditions)
        self.look = Layer(channels, widths[-1], conditions)
        self.downs = nn.ModuleList(
            Layer(narrow, wide, conditions, kernel=4, stride=2)
            for narrow, wide in pairwise(reversed(widths))
        )
        self.ups = nn.ModuleList(
            Layer(wide, narrow, conditions, is_doubling=True) for wide, narrow in pairwise(widths)
        )
        self.refine = Layer(widths[-1], widths[-1], conditions)
        self.out = nn.Conv2d(widths[-1], channels, 3, 1, 1)
        scaled_normal(self.out, 9 * widths[-1], gain=0.3)

    def forward(
        self, picture: Float[Tensor, "b c h w"], code: Float[Tensor, "b k"], y: Labels
    ) -> Float[Tensor, "b c h w"]:
        seen = [self.look(picture, y)]
        for down in self.downs:
            seen.append(down(seen[-1], y))  # b × width × h/2 × w/2
        x = self.enter(code).view(len(code), *self.base, -1).permute(0, 3, 1, 2)
        x = relu(self.enter_norm(x, y)) + seen.pop()
        for up in self.ups:
            x = up(x, y) + seen.pop()  # b × width × 2h × 2w
        return self.out(x + self.refine(x, y))
