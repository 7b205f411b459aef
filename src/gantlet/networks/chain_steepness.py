"""How steep a chain's surprisal is in its weights, sample by sample, at the cost of one pass back.

A layer's gradient at one sample is the outer product of what goes in and of the slope at what comes
out, and so its length is known without it (Goodfellow 2015, *Efficient per-example gradient
computations*, arXiv:1510.01799); of a matrix with paths cut, only the weights that are left count.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gantlet.types import PerSample


class Passed(NamedTuple):
    """What a pass over samples went through, without anything left out."""

    inputs: list[Float[Tensor, "b width"]]  # of each layer but the first
    sums: list[Float[Tensor, "b units"]]  # that come out of each layer, the first's too
    surprisal: PerSample


def lengths(
    passed: Passed, place: Int[Tensor, "width"], block: Int[Tensor, "choices"]
) -> PerSample:
    """‖∇s(x)‖ over all weights, for each x by itself; the graph is kept for a pass of the caller's.

    Args:
        place: of each hidden unit, ascending; it is fed by units of the same place or before it
        block: of each choice; it is told from units whose place is at or before it
    """
    slopes = torch.autograd.grad(passed.surprisal.sum(), passed.sums, retain_graph=True)
    # Each choice made has a row of weights, of which the units of a later place hear; and the
    # label has one, of which all do.
    squares = (slopes[0].square() * (place + 1)).sum(1)
    outs = [place] * (len(passed.inputs) - 1) + [block]
    for inputs, slope, out in zip(passed.inputs, slopes[1:], outs, strict=True):
        last = torch.searchsorted(place, out, right=True) - 1
        heard = inputs.detach().square().cumsum(1)[:, last]
        squares = squares + (slope.square() * (heard + 1)).sum(1)  # 1: of the bias
    return squares.sqrt()
