"""The family for small budgets: good pictures in minutes on a CPU.

G starts as a mixture of Gaussians in the space of the data's principal components, one for each
condition, and learns to correct its draws by a small U-net: from the first step layout, colour and
proportions are about right, and what is to be corrected lies before its eyes. Its output is
clamped to the data's range with the gradient passed through, so that black can be exactly black.
D is a plain strided chain without any norm that also sees the variety of packs of samples. Nearly
all work is done at low resolution, in dense convolutions, where a CPU is fast.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu

from gantlet.config import setting
from gantlet.layers import Geometry, cropped, fitted, geometry
from gantlet.networks.base import Family, Task
from gantlet.networks.mixture import Mixture
from gantlet.networks.unet import UNet, scaled_normal
from gantlet.types import Labels, Latents, PerSample, Samples

EMBEDDED = 32  # numbers in which G sees the condition
MARGIN = 0.5  # beyond the data's range, as far as gradients may lead
SLOPE = 0.2  # of D's leaky ReLU
BASE = 7  # side below which G does not halve
SMALLEST = 4  # side at which D stops halving


@dataclass(frozen=True, kw_only=True)
class SwiftSettings:
    width_G: int = setting(96, "channels of G at the lowest resolution")
    entrance_D: int = setting(16, "channels of D at the picture's resolution")
    width_D: int = setting(32, "channels of D at half of it; doubled at most twice")
    fine_G: int = setting(16, "channels of G at the picture's resolution")
    narrowest: int = setting(32, "channels below which no scale of G between the two goes")
    pack: int = setting(8, "samples whose variety D sees; 1: D judges each alone in training too")
    components: int = setting(160, "principal components that G's mixture of Gaussians spans")


class Clamp(torch.autograd.Function):
    """clamp(x, −1, 1) through which gradients pass, but for those that lead beyond 1 + MARGIN.

    What left the range can come back, and nothing runs away where the output does not change.
    """

    @staticmethod
    def forward(x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - torch passes what apply is given
        return x.clamp(-1, 1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        del output
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - one output, so one gradient
        (x,) = ctx.saved_tensors
        is_leaving = (x.abs() > 1 + MARGIN) & (gradient * x < 0)  # descent goes against it
        return gradient.masked_fill(is_leaving, 0)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - one input, so one tangent
        """How the output moves: unlike `backward`, which is made for descent, a true derivative."""
        (x,) = ctx.saved_tensors
        return tangent.masked_fill(x.abs() > 1, 0)


def scales(task: Task) -> Geometry:
    """A base of 7 to 13 pixels, below which a U-net has nothing to gain, and its doublings."""
    height, width = task.shape[1:]
    return geometry(height, width, smallest_base=min(BASE, max(4, min(height, width) // 2)))


def scale_widths(stages: int, settings: SwiftSettings) -> list[int]:
    """Channels of G at each scale, from the lowest up."""
    widths = [settings.width_G]
    for stage in range(stages):
        narrower = widths[-1] * 2 // 3 if stage == 0 else widths[-1] // 2
        widths.append(max(settings.narrowest, narrower // 16 * 16))
    return [*widths[:-1], settings.fine_G] if stages else widths


class SwiftGenerator(nn.Module):
    """Draws a picture from the mixture, and corrects it by a U-net that also hears z."""

    def __init__(self, task: Task, settings: SwiftSettings) -> None:
        super().__init__()
        self.geometry = at = scales(task)
        self.has_conditions = task.classes > 0
        conditions = max(1, task.classes)
        whole = Task((task.shape[0], *at.doubled), task.classes, task.latent_dim)
        self.mixture = Mixture(whole, settings.components)
        self.embedding = nn.Parameter(torch.randn(conditions, EMBEDDED))
        base = (at.base_height, at.base_width)
        code = task.latent_dim + EMBEDDED
        self.unet = UNet(task.shape[0], scale_widths(at.stages, settings), base, code, conditions)

    def condition(self, z: Latents, y: Labels | None) -> Labels:
        """The labels, or the only condition there is."""
        if y is not None:
            return y
        assert not self.has_conditions, "a network made for classes needs labels"
        return torch.zeros(len(z), dtype=torch.int64, device=z.device)

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        y = self.condition(z, y)
        drawn = self.mixture(z, y)
        code = torch.cat([z, self.embedding[y]], dim=1)
        corrected = drawn + self.unet(drawn.clamp(-1, 1), code, y)
        return cropped(Clamp.apply(corrected), self.geometry)


class SwiftDiscriminator(nn.Module):
    """A strided chain without norm, and the variety of a pack of samples.

    In training D sees, besides each sample's features, how widely each feature spreads over the
    sample's pack, so that a generator of too little variety is found out (minibatch statistics,
    Salimans et al. 2016, 3.2; Karras et al. 2018, 3; packs, Lin et al. 2018). In evaluation the
    spread is one that `settle` noted, and each sample is judged alone.
    """

    typical: Tensor

    def __init__(self, task: Task, settings: SwiftSettings) -> None:
        super().__init__()
        self.geometry, self.pack = scales(task), settings.pack
        sides, width, channels = list(self.geometry.doubled), settings.width_D, task.shape[0]
        # A first layer at full resolution, averaged: a strided one would be blind to some grids,
        # and G would draw them.
        self.enter = nn.Conv2d(channels, settings.entrance_D, 3, 1, 1)
        scaled_normal(self.enter, 9 * channels, gain=2**0.5)
        self.halves = min(sides) > SMALLEST
        if self.halves:
            sides = [side // 2 for side in sides]
        layers: list[nn.Module] = [nn.Conv2d(settings.entrance_D, width, 3, 1, 1)]
        scaled_normal(layers[0], 9 * settings.entrance_D, gain=2**0.5)
        channels = width
        while min(sides) > SMALLEST:
            width = min(2 * width, 4 * settings.width_D)
            kernel = 4 if all(side % 2 == 0 for side in sides) else 3
            layer = nn.Conv2d(channels, width, kernel, 2, 1)
            scaled_normal(layer, channels * kernel**2, gain=2**0.5)
            layers.append(layer)
            sides = [(side + 2 - kernel) // 2 + 1 for side in sides]
            channels = width
        self.layers = nn.ModuleList(layers)
        size = channels * sides[0] * sides[1]
        self.out = nn.Linear(size, 1)
        scaled_normal(self.out, size)
        self.of_variety = nn.Linear(size, 1, bias=False) if self.pack > 1 else None
        if self.of_variety is not None:
            scaled_normal(self.of_variety, size)
            self.register_buffer("typical", torch.zeros(size))
        # Projection (Miyato & Koyama 2018), small at first: the condition is learned, not given.
        rows = torch.randn(task.classes, size) * 0.3 / size**0.5
        self.rows = nn.Parameter(rows) if task.classes else None

    def features(self, x: Samples) -> Float[Tensor, "b features"]:
        """What D sees of each sample by itself."""
        x = fitted(x, self.geometry).contiguous(memory_format=torch.channels_last)
        x = leaky_relu(self.enter(x), SLOPE)
        if self.halves:
            x = avg_pool2d(x, 2)
        for layer in self.layers:
            x = leaky_relu(layer(x), SLOPE)  # b × width × h/2 × w/2
        return x.flatten(1)

    def forward(self, x: Samples, y: Labels | None = None) -> PerSample:
        features = self.features(x)
        logits = self.out(features)[:, 0]
        if self.of_variety is not None:
            spread = self.varieties(features) if self.training else self.typical[None]
            logits = logits + self.of_variety(spread)[:, 0]
        if self.rows is None:
            return logits
        assert y is not None, "a network made for classes needs labels"
        return logits + (features * self.rows[y]).sum(1)

    def varieties(self, features: Float[Tensor, "b features"]) -> Float[Tensor, "b features"]:
        """Standard deviation of each feature over the pack; what is left over is a pack."""
        whole = len(features) // self.pack * self.pack
        packs = [features[:whole].unflatten(0, (-1, self.pack))] if whole else []
        if whole < len(features):
            packs.append(features[whole:][None])
        spreads = [(pack.var(1, correction=0) + 1e-4).sqrt() for pack in packs]
        each = [
            spread.repeat_interleave(pack.shape[1], 0)
            for spread, pack in zip(spreads, packs, strict=True)
        ]
        return torch.cat(each)


@torch.no_grad()
def settle(D: nn.Module, x: Samples) -> None:
    """Notes the variety that is typical of x, for D to assume where it judges samples alone."""
    assert isinstance(D, SwiftDiscriminator)
    if D.of_variety is not None:
        D.typical.copy_(D.varieties(D.features(x)).mean(0))


def prime(G: nn.Module, D: nn.Module, x: Samples, y: Labels | None) -> None:
    """Sets what G knows of the data before the game begins."""
    del D
    assert isinstance(G, SwiftGenerator)
    G.mixture.prime(fitted(x, G.geometry), y)


def hold(G: nn.Module, z: Latents, y: Labels | None, x: Samples) -> PerSample:
    """How far samples have moved from the mixture's draws that G set out from.

    Held loosely, each draw keeps its place in the data's main directions and the game is left to
    decide on all else: G cannot give up a part of the data for what D finds easier to believe.
    """
    assert isinstance(G, SwiftGenerator)
    return G.mixture.distance(z, G.condition(z, y), fitted(x, G.geometry))


SWIFT = Family(
    settings=SwiftSettings,
    generator=SwiftGenerator,
    discriminator=SwiftDiscriminator,
    ranks=(3,),
    prime=prime,
    hold=hold,
    pack=lambda settings: settings.pack,
    settle=settle,
)
