"""How the rows of a series lie in a sample, and in what order a step's numbers are drawn."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gantlet.networks.base import Task
from gantlet.networks.chain_generator import chosen
from gantlet.types import Samples, Timed


class Layout:
    """Held choices, then a step's choices, then its values."""

    def __init__(self, task: Task) -> None:
        timed = task.timed or Timed()
        self.steps, self.width = task.shape
        self.timed, self.blocks = timed, task.blocks
        self.total = sum(task.blocks)
        self.values = self.width - self.total
        edges = list(pairwise([0, *accumulate(task.blocks)]))
        self.held, self.own = edges[: timed.held], edges[timed.held :]
        self.held_total = self.own[0][0] if self.own else self.total
        self.late = [edge for i, edge in enumerate(self.held) if i in timed.late]
        early = [edge for edge in self.held if edge not in self.late] if timed.kind >= 0 else []
        self.anchors = [number for start, stop in early for number in range(start, stop)]
        self.governed = timed.governed or (-1,) * self.values
        self.latents = len(self.held) + self.steps * (len(self.own) + 2 * self.values)

    def anchor(self, rows: Float[Tensor, "*b numbers"]) -> Float[Tensor, "*b anchors"]:
        """Of rows, or of their held choices, what tells what values wander about."""
        return rows[..., self.anchors]

    def there(self, x: Samples) -> Float[Tensor, "b t values"]:
        """1 where a value is there, 0 where a choice says that it is not or the series is over."""
        alive = self.going(x)[:, :, None]
        each = [
            x[:, :, self.edge(block)[0]] if block >= 0 else torch.ones_like(x[:, :, 0])
            for block in self.governed
        ]
        return torch.stack(each, dim=2) * alive if each else x.new_zeros(*x.shape[:2], 0)

    def going(self, x: Samples) -> Float[Tensor, "b t"]:
        """1 while the series goes on."""
        if not self.timed.ended:
            return torch.ones_like(x[:, :, 0])
        return 1 - x[:, :, self.own[0][0] + 1]

    def edge(self, block: int) -> tuple[int, int]:
        """First and last number of a block, the last exclusive."""
        return [*self.held, *self.own][block]


def masks(
    place: Tensor, inputs: Sequence[int], outputs: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Which hidden unit may see which input, hidden unit, and which output which hidden unit.

    Args:
        place: of each hidden unit, the item whose outcome it may first be asked for
        inputs, outputs: numbers that each item gives and takes, in the order of the draw
    """
    sizes = (torch.tensor(inputs), torch.tensor(outputs))
    given, asked = (torch.arange(len(size)).repeat_interleave(size) for size in sizes)
    return (
        given[:, None] < place,
        place <= place[:, None],
        place <= asked[:, None],
    )


def drawn(p: Float[Tensor, "b k"], z: Float[Tensor, "b"]) -> Float[Tensor, "b k"]:
    """One-hot choices, with a gradient that takes each for its probabilities."""
    uniform = torch.special.ndtr(z).clamp_max(1 - torch.finfo(z.dtype).eps)
    hard = torch.zeros_like(p).scatter_(1, chosen(p, uniform)[:, None], 1.0)
    return hard + p - p.detach() if torch.is_grad_enabled() else hard
