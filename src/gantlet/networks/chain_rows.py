"""A row of weights for each choice: its share of a slope along its block, and some of its own.

Choices of a number lie in order, and a slope is what few rows can teach of them: f·u + t·v is the
row of the choice at t, where v is its block's and u its own. Adam moves both alike, so that f says
how fast what choices have for themselves is learned beside what they have in common.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

ROWS = 20  # for each choice, from which its own weights are learned as fast as slopes
LEAST = 0.1  # of that pace, with however few rows


class ChoiceRows(nn.Module):
    """Weights of all choices, `width` a choice."""

    block: Tensor  # of each choice
    place: Tensor  # of each choice along its block, of mean 0 and mean square 1
    bend: Tensor  # highest at both ends of a block, lowest in its middle; of mean square 1 too

    def __init__(self, sizes: tuple[int, ...], width: int, scale: float) -> None:
        """Begins with numbers of this deviation, half their variance common and half own."""
        super().__init__()
        counts = torch.tensor(sizes)
        block = torch.arange(len(sizes)).repeat_interleave(counts)
        number = torch.arange(len(block)) - (counts.cumsum(0) - counts)[block]
        angle = torch.pi * (number + 0.5) / counts[block]
        self.register_buffer("block", block, persistent=False)
        self.register_buffer("place", 2**0.5 * torch.cos(angle), persistent=False)
        self.register_buffer("bend", 2**0.5 * torch.cos(2 * angle), persistent=False)
        half = scale / 2**0.5
        self.own = nn.Parameter(torch.randn(len(block), width) * half)
        self.slope = nn.Parameter(torch.randn(len(sizes), width) * half)

    def forward(self, freedom: Float[Tensor, ""]) -> Float[Tensor, "choices width"]:
        return freedom * self.own + self.place[:, None] * self.slope[self.block]


def freedom(rows: int, choices: int) -> float:
    """The factor on choices' own weights where there are so many rows to learn from."""
    return min(1.0, max(LEAST, rows / (ROWS * choices)))
