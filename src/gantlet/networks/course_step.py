"""A step of a series, number by number: a masked autoencoder (Germain et al. 2015).

It gives logits for choices and, for values, a mix of normals (Graves 2013, §4).
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear, log_softmax, softplus

from gantlet.networks.course_parts import masks
from gantlet.networks.course_settings import CourseSettings

SLOPE = 0.1  # of the leaky ReLUs
NARROWEST = -5.0  # ln of a normal's scale, of what is typically new


class Mixture(NamedTuple):
    """Normals in units of what is typically new, one mixture for each value."""

    shares: Float[Tensor, "*b k"]  # their logarithms
    means: Float[Tensor, "*b k"]
    scales: Float[Tensor, "*b k"]  # their logarithms

    def log_density(self, at: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        """ln p of what is new."""
        off = (at[..., None] - self.means) * torch.exp(-self.scales)
        return (self.shares - 0.5 * off.square() - self.scales).logsumexp(-1) - 0.5 * math.log(
            2 * math.pi
        )


class Matrices(NamedTuple):
    """Those of a step, with all paths cut that lead from a number to itself or back."""

    rows: Float[Tensor, "inputs width"]
    hidden: Float[Tensor, "width width"]
    out: Float[Tensor, "outputs width"]


class Step(nn.Module):
    """From what is known of a step beforehand to what each of its numbers is drawn from."""

    place: Tensor

    def __init__(self, sizes: Sequence[int], values: int, settings: CourseSettings) -> None:
        """
        Args:
            sizes: of the step's choices, that are drawn before its values
        """
        super().__init__()
        width, self.normals = settings.width, settings.normals
        self.inputs = [*sizes, *[1] * values]
        self.outputs = [*sizes, *[3 * settings.normals] * values]
        place = torch.arange(width) * len(self.inputs) // width
        self.register_buffer("place", place, persistent=False)
        # Hidden units that may know of all before each number.
        self.seen = [int((place <= i).sum()) for i in range(len(self.inputs))]
        self.rows = nn.Parameter(torch.randn(sum(self.inputs), width) * len(self.inputs) ** -0.5)
        self.hidden = nn.Parameter(torch.randn(width, width) * (2 / width) ** 0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(width))
        self.out = nn.Parameter(torch.randn(sum(self.outputs), width) * 0.3 / width**0.5)
        normals = torch.zeros(3, settings.normals)
        normals[1], normals[2] = torch.linspace(-1, 1, settings.normals), -0.5
        self.out_bias = nn.Parameter(
            torch.cat([torch.zeros(sum(sizes)), normals.flatten().repeat(values)])
        )

    def matrices(self) -> Matrices:
        """The matrices as they may be used."""
        seen, up_to, asked = masks(self.place, self.inputs, self.outputs)
        return Matrices(
            self.rows * seen.to(self.rows), self.hidden * up_to.to(self.rows),
            self.out * asked.to(self.rows),
        )  # fmt: skip

    def told(
        self,
        sums: Float[Tensor, "b t width"],
        shown: Float[Tensor, "b t inputs"],
        left_out: Callable[[Tensor], Tensor],
    ) -> Float[Tensor, "b t outputs"]:
        """All that the numbers are drawn from, where the numbers are known."""
        matrices = self.matrices()
        hidden = leaky_relu(sums + shown @ matrices.rows, SLOPE)
        hidden = hidden + leaky_relu(linear(hidden, matrices.hidden, self.hidden_bias), SLOPE)
        return linear(left_out(hidden), matrices.out, self.out_bias)

    def mixture(self, told: Float[Tensor, "*b out"]) -> Mixture:
        """What a value is drawn from."""
        shares, means, scales = told.unflatten(-1, (3, self.normals)).unbind(-2)
        scales = NARROWEST + softplus(scales - NARROWEST)
        return Mixture(log_softmax(shares, -1), means, scales)
