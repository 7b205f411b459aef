"""Choices that are made once for a whole series, and what every step is told of them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear, log_softmax

from gantlet.networks.course_parts import drawn
from gantlet.types import PerSample

SLOPE = 0.1  # of the leaky ReLUs


class Held(nn.Module):
    """Each choice given those before it, and given the class if there are classes."""

    def __init__(self, edges: Sequence[tuple[int, int]], width: int) -> None:
        super().__init__()
        self.edges, total = edges, edges[-1][1]
        self.about = nn.Parameter(torch.randn(total, width) * 0.3)  # to later choices and steps
        self.out = nn.Parameter(torch.randn(total, width) * 0.1 / width**0.5)
        self.shares = nn.Parameter(torch.zeros(total))

    def forward(self, z: Float[Tensor, "b h"], hidden: Float[Tensor, "b width"]) -> Tensor:
        """One-hot choices: b × all of them."""
        out = []
        for i, (start, stop) in enumerate(self.edges):
            out.append(drawn(self._logits(hidden, start, stop).softmax(1), z[:, i]))
            hidden = hidden + out[-1] @ self.about[start:stop]
        return torch.cat(out, dim=1)

    def surprisal(
        self, choices: Float[Tensor, "b total"], hidden: Float[Tensor, "b width"]
    ) -> PerSample:
        """−ln p of the choices."""
        total = choices.new_zeros(len(choices))
        for start, stop in self.edges:
            own = choices[:, start:stop]
            total = total - (log_softmax(self._logits(hidden, start, stop), 1) * own).sum(1)
            hidden = hidden + own @ self.about[start:stop]
        return total

    @torch.no_grad()
    def prime(self, choices: Float[Tensor, "n total"]) -> None:
        """Sets out from the choices' shares."""
        for start, stop in self.edges:
            counts = choices[:, start:stop].sum(0)
            shares = torch.log((counts + 1 / (stop - start)) / (len(choices) + 1))
            self.shares[start:stop] = shares.to(self.shares)

    def _logits(self, hidden: Float[Tensor, "b width"], start: int, stop: int) -> Tensor:
        return linear(leaky_relu(hidden, SLOPE), self.out[start:stop], self.shares[start:stop])
