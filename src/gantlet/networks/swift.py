"""The family for small budgets: good pictures in minutes on a CPU.

G starts as a mixture of Gaussians in the space of the data's principal components, one for each
condition, and learns what is missing as a convolutional correction: from the first step layout,
colour and proportions are about right. It is normalised sample by sample (pixel norm, scaled and
shifted by the condition). Its output is clamped to the data's range with the gradient passed
through, so that black can be exactly black. D is a plain strided chain without any norm. Nearly
all work is done at low resolution, in dense convolutions, where a CPU is fast.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from gantlet.config import setting
from gantlet.layers import cropped, fitted, geometry
from gantlet.networks.base import Family, Task
from gantlet.types import Labels, Latents, PerSample, Samples

EMBEDDED = 32  # numbers in which G sees the condition
SLOPE = 0.2  # of D's leaky ReLU
PRIOR_ROWS = 20  # rows that the overall covariance counts for in each condition's


@dataclass(frozen=True, kw_only=True)
class SwiftSettings:
    width_G: int = setting(96, "channels of G at the lowest resolution")
    width_D: int = setting(32, "channels of D after its first convolution; doubled twice")
    narrowest: int = setting(32, "channels below which no stage of G goes")
    components: int = setting(24, "principal components that G's mixture of Gaussians spans")


class Clamp(torch.autograd.Function):
    """clamp(x, −1, 1) with the gradient of the identity: what left the range can come back."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


class Mixture(nn.Module):
    """A Gaussian for each condition in the space of principal components, drawn from z.

    Nothing here is learned by the game; `prime` sets it from data.
    """

    def __init__(self, task: Task, components: int) -> None:
        super().__init__()
        size = torch.Size(task.shape).numel()
        self.components = min(components, task.latent_dim, size)
        self.shape, conditions = task.shape, max(1, task.classes)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("basis", torch.zeros(self.components, size))
        self.register_buffer("centres", torch.zeros(conditions, self.components))
        self.register_buffer(
            "factors", torch.zeros(conditions, self.components, self.components)
        )

    def forward(self, z: Latents, y: Labels) -> Samples:
        spread = torch.bmm(self.factors[y], z[:, : self.components, None])[:, :, 0]
        return (self.mean + (self.centres[y] + spread) @ self.basis).unflatten(1, self.shape)

    @torch.no_grad()
    def prime(self, x: Samples, y: Labels | None) -> None:
        """Fits mean, components and each condition's Gaussian to samples of the data."""
        flat = x.detach().float().cpu().flatten(1)
        mean = flat.mean(0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            _, _, directions = torch.svd_lowrank(flat - mean, self.components, niter=3)
        found = directions.shape[1]  # fewer than asked for where there are fewer samples
        coordinates = torch.zeros(len(flat), self.components)
        coordinates[:, :found] = (flat - mean) @ directions
        self.mean.copy_(mean)
        self.basis[:found].copy_(directions.T)
        scale = coordinates.var(0).mean().clamp_min(1e-12) * 1e-3 * torch.eye(self.components)
        labels = torch.zeros(len(flat), dtype=torch.int64) if y is None else y.cpu()
        for label in range(len(self.centres)):
            own = coordinates[labels == label]
            if len(own) == 0:
                own = coordinates
            centred = own - own.mean(0)
            covariance = (centred.T @ centred + PRIOR_ROWS * scale) / len(own) + scale
            self.centres[label].copy_(own.mean(0))
            self.factors[label].copy_(torch.linalg.cholesky(covariance))


class ConditionalNorm(nn.Module):
    """x / rms over channels at each pixel (Karras et al. 2018), scaled and shifted by condition."""

    def __init__(self, channels: int, conditions: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(0.02 * torch.randn(conditions, channels, 1, 1))
        self.shift = nn.Parameter(0.02 * torch.randn(conditions, channels, 1, 1))

    def forward(self, x: Float[Tensor, "b c h w"], y: Labels) -> Float[Tensor, "b c h w"]:
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)
        return x * (1 + self.scale[y]) + self.shift[y]


def _normal(layer: nn.Module, fan_in: float, gain: float = 1.0) -> None:
    for name, weight in layer.named_parameters(recurse=False):
        if name == "bias":
            nn.init.zeros_(weight)
        else:
            nn.init.normal_(weight, 0.0, gain / fan_in**0.5)


class SwiftGenerator(nn.Module):
    def __init__(self, task: Task, settings: SwiftSettings) -> None:
        super().__init__()
        self.geometry = at = geometry(*task.shape[1:])
        self.has_conditions = task.classes > 0
        conditions = max(1, task.classes)
        # One width a resolution from the base up; the last doubling leads to the channels.
        widths = [settings.width_G]
        for stage in range(at.stages - 1):
            narrower = widths[-1] * 2 // 3 if stage == 0 else widths[-1] // 2
            widths.append(max(settings.narrowest, narrower // 16 * 16))
        self.embedding = nn.Parameter(torch.randn(conditions, EMBEDDED))
        inputs = task.latent_dim + EMBEDDED
        self.enter = nn.Linear(inputs, widths[0] * at.base_height * at.base_width, bias=False)
        _normal(self.enter, inputs)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False)
            for wide, narrow in zip(widths, widths[1:], strict=False)
        )
        for up, wide in zip(self.ups, widths, strict=False):
            _normal(up, 4 * wide)
        self.norms = nn.ModuleList(ConditionalNorm(width, conditions) for width in widths)
        last = (4, 2, 1) if at.stages else (3, 1, 1)
        self.out = nn.ConvTranspose2d(widths[-1], task.shape[0], *last)
        _normal(self.out, 4 * widths[-1], gain=0.3)
        doubled = Task((task.shape[0], *at.doubled), task.classes, task.latent_dim)
        self.mixture = Mixture(doubled, settings.components)

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        if y is None:
            assert not self.has_conditions, "a network made for classes needs labels"
            y = torch.zeros(len(z), dtype=torch.int64, device=z.device)
        at = self.geometry
        x = self.enter(torch.cat([z, self.embedding[y]], dim=1))
        x = x.view(len(z), at.base_height, at.base_width, -1).permute(0, 3, 1, 2)
        x = relu(self.norms[0](x, y))
        for up, norm in zip(self.ups, list(self.norms)[1:], strict=True):
            x = relu(norm(up(x), y))  # b × width × 2h × 2w
        return cropped(Clamp.apply(self.out(x) + self.mixture(z, y)), at)


class SwiftDiscriminator(nn.Module):
    def __init__(self, task: Task, settings: SwiftSettings) -> None:
        super().__init__()
        self.geometry = geometry(*task.shape[1:])
        self.has_conditions = task.classes > 0
        sides, width, channels = list(self.geometry.doubled), settings.width_D, task.shape[0]
        layers: list[nn.Module] = []
        while min(sides) > 4:
            kernel = 4 if all(side % 2 == 0 for side in sides) else 3
            layer = nn.Conv2d(channels, width, kernel, 2, 1)
            _normal(layer, channels * kernel**2, gain=2**0.5)
            layers.append(layer)
            sides = [(side + 2 - kernel) // 2 + 1 for side in sides]
            channels, width = width, min(2 * width, 4 * settings.width_D)
        self.layers = nn.ModuleList(layers)
        size = channels * sides[0] * sides[1]
        self.out = nn.Linear(size, 1)
        _normal(self.out, size)
        self.rows = nn.Parameter(torch.randn(max(1, task.classes), size) * 0.3 / size**0.5)

    def forward(self, x: Samples, y: Labels | None = None) -> PerSample:
        x = fitted(x, self.geometry).contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = leaky_relu(layer(x), SLOPE)  # b × width × h/2 × w/2
        features = x.flatten(1)
        logits = self.out(features)[:, 0]
        if not self.has_conditions:
            return logits
        assert y is not None, "a network made for classes needs labels"
        return logits + (features * self.rows[y]).sum(1)  # projection, Miyato & Koyama 2018


def prime(G: nn.Module, x: Samples, y: Labels | None) -> None:
    """Sets what G knows of the data before the game begins."""
    assert isinstance(G, SwiftGenerator)
    G.mixture.prime(fitted(x, G.geometry), y)


SWIFT = Family(
    settings=SwiftSettings,
    generator=SwiftGenerator,
    discriminator=SwiftDiscriminator,
    ranks=(3,),
    prime=prime,
)
