"""Players, noise and scored batches small enough to be known in closed form."""

import torch
from torch import Tensor, nn

from gantlet.engine.noise import Rows, StepNoise
from gantlet.regularizers import Anchors, Surroundings
from gantlet.types import Discriminator, Labels, Noise, Samples, Scored


def noise_of(total: int, start: int = 0, stop: int | None = None, *, seed: int = 0) -> StepNoise:
    """The noise of rows start … stop of a batch of `total`."""
    rows = Rows(start, total if stop is None else stop, total)
    return StepNoise(seed, 0, rows, torch.device("cpu"))


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers in float64."""
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=source)


def linear(w: Tensor) -> Discriminator:
    """D(x) = w·x, whose slope is w everywhere."""
    return lambda x, _y: x.flatten(1) @ w


def linear_by_class(w: Tensor) -> Discriminator:
    """D(x, y) = w_y·x, whose slope is that of the sample's class."""
    return lambda x, y: (x.flatten(1) * w[y]).sum(1)


def quadratic(A: Tensor) -> Discriminator:
    """D(x) = ½ xᵀAx for symmetric A, whose slope is Ax."""
    return lambda x, _y: ((x.flatten(1) @ A) * x.flatten(1)).sum(1) / 2


class Smooth(nn.Module):
    """A D with all its derivatives, conditional on two classes, in float64."""

    def __init__(self, inputs: int, seed: int = 0) -> None:
        super().__init__()
        self.enter = nn.Parameter(drawn(inputs, 4, seed=seed) / 2)
        self.bias = nn.Parameter(drawn(4, seed=seed + 1) / 2)
        self.leave = nn.Parameter(drawn(2, 4, seed=seed + 2) / 2)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return (torch.tanh(x.flatten(1) @ self.enter + self.bias) * self.leave[y]).sum(1)


def scored(D: Discriminator, x: Samples, y: Labels | None = None) -> Scored:
    """What D says of x, x being a leaf so that slopes at it can be taken."""
    x = x.detach().requires_grad_()
    return Scored(x, y, D(x, y))


def surroundings(noise: Noise, perturb=lambda x, _noise, _name: x) -> Surroundings:
    """Anchors at 0.3 and −0.2, and no perturbation but the one given."""
    anchors = Anchors(
        torch.tensor(0.3, dtype=torch.float64), torch.tensor(-0.2, dtype=torch.float64)
    )
    return Surroundings(noise, anchors, perturb)
