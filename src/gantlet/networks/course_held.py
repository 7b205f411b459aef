"""Choices that are made once for a whole series, and what every step is told of them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear, log_softmax, pad

from gantlet.networks.course_parts import drawn
from gantlet.types import PerSample

SLOPE = 0.1  # of the leaky ReLUs


Edges = Sequence[tuple[int, int]]  # first and last number of each choice, the last exclusive


class Held(nn.Module):
    """Each choice given those before it, and given the class if there are classes."""

    early: Tensor

    def __init__(self, edges: Edges, late: Edges, width: int) -> None:
        """
        Args:
            late: those of the edges that are left to `Late`, and 0 until then
        """
        super().__init__()
        self.edges, self.late, total = edges, late, edges[-1][1]
        early = torch.ones(total)
        for start, stop in late:
            early[start:stop] = 0
        self.register_buffer("early", early, persistent=False)
        self.about = nn.Parameter(torch.randn(total, width) * 0.3)  # to later choices and steps
        self.out = nn.Parameter(torch.randn(total, width) * 0.1 / width**0.5)
        self.shares = nn.Parameter(torch.zeros(total))

    def forward(self, z: Float[Tensor, "b h"], hidden: Float[Tensor, "b width"]) -> Tensor:
        """One-hot choices: b × all of them."""
        out = []
        for i, (start, stop) in enumerate(self.edges):
            if (start, stop) in self.late:
                out.append(hidden.new_zeros(len(hidden), stop - start))
                continue
            out.append(drawn(self._logits(hidden, start, stop).softmax(1), z[:, i]))
            hidden = hidden + out[-1] @ self.about[start:stop]
        return torch.cat(out, dim=1)

    def told(self, choices: Float[Tensor, "*b total"]) -> Float[Tensor, "*b width"]:
        """What every step is told of them."""
        return (choices * self.early) @ self.about

    def surprisal(
        self, choices: Float[Tensor, "b total"], hidden: Float[Tensor, "b width"]
    ) -> PerSample:
        """−ln p of the choices."""
        total = choices.new_zeros(len(choices))
        for start, stop in self.edges:
            if (start, stop) in self.late:
                continue
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


class Late(nn.Module):
    """Choices told from the finished series, so that it cannot be learnt by heart by them."""

    def __init__(self, edges: Edges, known: int, width: int) -> None:
        """
        Args:
            known: numbers in what is known of a series
        """
        super().__init__()
        self.edges = edges
        self.enter = nn.Linear(known, width)
        self.out = nn.ModuleList([nn.Linear(width, stop - start) for start, stop in edges])

    def forward(
        self, z: Float[Tensor, "b late"], known: Float[Tensor, "b known"], total: int
    ) -> Float[Tensor, "b total"]:
        """One-hot choices among zeros, each where its edges say."""
        placed = known.new_zeros(len(known), total)
        for i, ((start, stop), logits) in enumerate(
            zip(self.edges, self._logits(known), strict=True)
        ):
            one = drawn(logits.softmax(1), z[:, i])
            placed = placed + pad(one, (start, total - stop))
        return placed

    def surprisal(
        self, choices: Float[Tensor, "b total"], known: Float[Tensor, "b known"]
    ) -> PerSample:
        """−ln p of the choices."""
        total = choices.new_zeros(len(choices))
        for (start, stop), logits in zip(self.edges, self._logits(known), strict=True):
            total = total - (log_softmax(logits, 1) * choices[:, start:stop]).sum(1)
        return total

    def _logits(self, known: Float[Tensor, "b known"]) -> list[Tensor]:
        hidden = leaky_relu(self.enter(known), SLOPE)
        return [out(hidden) for out in self.out]
