"""The few types that flow between the parts of Gantlet, each named once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

Samples = Float[Tensor, "b *shape"]
Latents = Float[Tensor, "b latent"]
Labels = Int[Tensor, "b"]
PerSample = Float[Tensor, "b"]
Features = Float[Tensor, "n d"]
Scalars = dict[str, Tensor]  # means over the batch, left on the device


class Progress(NamedTuple):
    """How far a long job is: `done` of `total` (0 when not known), and what it does."""

    done: int
    total: int
    what: str


@runtime_checkable  # so that tests can check signatures
class Rows(Protocol):
    """Rows of data in their own form, picked by an integer array; may lie on disk."""

    def __len__(self) -> int: ...
    def __getitem__(self, indices: np.ndarray, /) -> Any: ...


class Batch(NamedTuple):
    """Real samples and, where the data has classes, their labels."""

    x: Samples
    y: Labels | None


@dataclass(frozen=True)
class Scored:
    """What D said of x: all that a loss or a penalty needs."""

    x: Samples
    y: Labels | None
    logits: PerSample
    of: "tuple[Scored, slice] | None" = None  # the larger set that was scored in one pass

    @cached_property
    def slope(self) -> Float[Tensor, "b d"]:
        """∇D at each x, flattened; differentiable, and computed once for all who ask."""
        if self.of is not None:
            whole, rows = self.of
            return whole.slope[rows]
        # Summing is safe because D judges each sample, or each pack of them, alone: it must hold
        # no batch norm.
        (slope,) = torch.autograd.grad(self.logits.sum(), self.x, create_graph=True)
        return slope.flatten(1)

    def pulled(self, weights: PerSample) -> Float[Tensor, "b d"]:
        """Σⱼ wⱼ ∇D(xⱼ) with respect to each x, flattened: right also where D judges packs."""
        whole, rows = self.of or (self, slice(None))
        over_whole = torch.zeros_like(whole.logits)
        over_whole[rows] = weights
        (pull,) = torch.autograd.grad(whole.logits, whole.x, over_whole, retain_graph=True)
        return pull[rows].flatten(1)


Generator = Callable[[Latents, Labels | None], Samples]
Discriminator = Callable[[Samples, Labels | None], PerSample]


@runtime_checkable  # so that tests can check signatures
class Noise(Protocol):
    """Randomness of one step: a function of (seed, step, name), the same on every device."""

    def normal(self, name: str, *shape: int) -> Tensor:
        """Standard normal numbers, one row per sample: b × shape."""
        ...

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), one row per sample: b × shape."""
        ...


class Timed(NamedTuple):
    """How samples that are rows over time, steps × numbers, are made up; all as plain integers.

    A row begins with one-hot choices, then come values. The first `held` choices are made once
    and stand in every row.
    """

    held: int = 0
    turning: int = 0  # of the held: each row has the choice after that of the row before, cyclic
    ended: int = 0  # 1: the next choice tells whether the series goes on (0) or is over (1)
    governed: tuple[int, ...] = ()  # of each value: the choice whose first says it is there; or -1
    late: tuple[int, ...] = ()  # of the held: those that follow from all the rest, not it from them
    kind: int = -1  # of the held: the one that says of which kind a series is; -1: none does


Hold = Callable[[torch.nn.Module, Latents, Labels | None, Samples], PerSample]
# Samples of allowed choices (b × choices) and ln of the probability that each would fall so.
Within = Callable[[torch.nn.Module, Latents, Labels | None, Tensor], tuple[Samples, PerSample]]
# Samples whose first steps are these (b × steps × numbers), all others drawn given them.
GoneOn = Callable[[torch.nn.Module, Latents, Labels | None, Tensor], Samples]
# Samples with the number of each choice in place of its block: many times smaller.
Numbered = Callable[[torch.nn.Module, Latents, Labels | None], Tensor]
# −ln p(x | y) under G; noise, where given, is what G's own regularisation draws from in training.
Surprisal = Callable[[torch.nn.Module, Samples, Labels | None, Noise | None], PerSample]
# The same, and ‖∇(−ln p)‖ over all of G's weights, sample by sample.
Steepness = Callable[[torch.nn.Module, Samples, Labels | None], tuple[PerSample, PerSample]]
