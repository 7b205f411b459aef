"""How steep a chain's surprisal is in its weights, sample by sample, at the cost of one pass back.

A layer's gradient at one sample is the outer product of what goes in and of the slope at what comes
out, and so its length is known without it (Goodfellow 2015, *Efficient per-example gradient
computations*, arXiv:1510.01799); of a matrix with paths cut, only the weights that are left count.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gantlet.networks.chain_rows import ChoiceRows
from gantlet.types import PerSample


class Passed(NamedTuple):
    """What a pass over samples went through, without anything left out."""

    made: Int[Tensor, "b blocks"]  # the choices, counted over all blocks
    inputs: list[Float[Tensor, "b width"]]  # of each layer but the first
    leaning: Float[Tensor, "b choices"]  # of the logits, what choices have of their parents
    sums: list[Float[Tensor, "b units"]]  # that come out of each layer, the first's too
    surprisal: PerSample


def lengths(
    passed: Passed,
    place: Int[Tensor, "width"],
    rows: ChoiceRows,
    freedom: Float[Tensor, ""],
    moved: Sequence[Float[Tensor, "... choices"]],
) -> PerSample:
    """‖∇s(x)‖ over all weights, for each x by itself; the graph is kept for a pass of the caller's.

    Args:
        place: of each hidden unit, ascending; it is fed by units of the same place or before it
        rows: what the choices' weights are made of, the first layer's and the last one's alike
        moved: for each kind of number that a block has one of, the logits' slope in it
    """
    entering, *hidden, leaving = torch.autograd.grad(
        passed.surprisal.sum(), passed.sums, retain_graph=True
    )
    # Each choice made has weights of its own and a slope, of which the units of a later place
    # hear; and the label has a row, of which all do.
    fed = (freedom.square() + rows.place[passed.made].square()).cumsum(1)
    fed = torch.cat([torch.ones_like(fed[:, :1]), 1 + fed], dim=1)[:, place]
    squares = (entering.square() * fed).sum(1)
    heard = [inputs.detach().square().cumsum(1) for inputs in passed.inputs]
    for before, slope in zip(heard, hidden, strict=False):
        squares = squares + (slope.square() * (_up_to(before, place, place) + 1)).sum(1)  # 1: bias
    blocks = torch.arange(passed.made.shape[1], device=place.device)
    own = torch.zeros_like(passed.made, dtype=leaving.dtype)
    own = own.index_add(1, rows.block, (freedom * leaving).square())
    along = torch.zeros_like(own).index_add(1, rows.block, leaving * rows.place)
    last = ((own + along.square()) * _up_to(heard[-1], place, blocks)).sum(1)
    squares = squares + last + leaving.square().sum(1)
    for slope in moved:
        per_block = torch.zeros_like(own).index_add(1, rows.block, leaving * slope)
        squares = squares + per_block.square().sum(1)
    return squares.sqrt()


def _up_to(
    heard: Float[Tensor, "b width"], place: Int[Tensor, "width"], own: Int[Tensor, "units"]
) -> Float[Tensor, "b units"]:
    """Sums over the inputs whose place is at or before each unit's own."""
    return heard[:, torch.searchsorted(place, own, right=True) - 1]
