"""Building blocks shared by network families: geometry, resampling, conditioning."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad


class Geometry(NamedTuple):
    """How a picture of any size is reached from a small base by doublings.

    The doubled base may be larger than the picture by less than 2^stages: G crops, D pads.
    """

    height: int
    width: int
    base_height: int
    base_width: int
    stages: int

    @property
    def doubled(self) -> tuple[int, int]:
        """Height and width of the base after all doublings."""
        return self.base_height << self.stages, self.base_width << self.stages

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Left, right, top, bottom margins between the picture and the doubled base."""
        extra_w = (self.base_width << self.stages) - self.width
        extra_h = (self.base_height << self.stages) - self.height
        return extra_w // 2, extra_w - extra_w // 2, extra_h // 2, extra_h - extra_h // 2


def geometry(height: int, width: int, smallest_base: int = 4) -> Geometry:
    """As many doublings as leave the smaller side of the base at `smallest_base` or more."""
    stages = max(0, int(math.log2(min(height, width) / smallest_base)))
    return Geometry(height, width, -(-height >> stages), -(-width >> stages), stages)


def fitted(x: Float[Tensor, "b c h w"], shape: Geometry) -> Float[Tensor, "b c H W"]:
    """x with its edges repeated up to the doubled base."""
    return pad(x, shape.padding, mode="replicate") if any(shape.padding) else x


def cropped(x: Float[Tensor, "b c H W"], shape: Geometry) -> Float[Tensor, "b c h w"]:
    """The inverse of `fitted`."""
    left, _, top, _ = shape.padding
    return x[:, :, top : top + shape.height, left : left + shape.width]


class Bias(nn.Module):
    """One learned number per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.bias


class Embedding(nn.Module):
    """A unit-variance vector for each class; nothing (b × 0) where the data has no classes."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(classes, dim)) if classes else None

    def forward(self, z: Float[Tensor, "b d"], y: Int[Tensor, "b"] | None) -> Float[Tensor, "b D"]:
        if self.table is None:
            return z
        assert y is not None, "a network made for classes needs labels"
        return torch.cat([z, self.table[y]], dim=1)


class Projection(nn.Module):
    """⟨φ(x), e(y)⟩ / √d with one learned row per class.  Miyato & Koyama 2018, eq. 5."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(max(1, classes), dim))
        self.classes = classes

    def forward(self, features: Float[Tensor, "b d"], y: Int[Tensor, "b"] | None) -> Tensor:
        if self.classes:
            assert y is not None, "a network made for classes needs labels"
            rows = self.rows[y]
        else:
            rows = self.rows
        return (features * rows).sum(1) / features.shape[1] ** 0.5


TRIANGLE = (1.0, 2.0, 1.0)


def _triangle(x: Tensor, total: float) -> Tensor:
    side = torch.tensor(TRIANGLE, dtype=x.dtype, device=x.device)
    kernel = side[:, None] * side
    return (kernel * (total / kernel.sum())).expand(x.shape[1], 1, 3, 3)


def upsampled(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 2*h 2*w"]:
    """Twice the size, interpolated by the [1, 2, 1] kernel."""
    kernel = _triangle(x, 4.0)
    return conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1, groups=x.shape[1])


def downsampled(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h//2 w//2"]:
    """Half the size, averaged by the [1, 2, 1] kernel."""
    return conv2d(x, _triangle(x, 1.0), stride=2, padding=1, groups=x.shape[1])
