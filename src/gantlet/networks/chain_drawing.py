"""A chain's choices in turn for many samples at a time, without a gradient.

Samples lie side by side, so that what is worked out of a choice is a few long rows. Blocks are
gone through in groups: what a group's units and logits take from the groups before it is one large
product for each matrix, and only what they take from one another is many small ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag, leaky_relu

from gantlet.types import PerSample

SLOPE = 0.1  # of the leaky ReLUs
GROUP = 5  # blocks


class Weights(NamedTuple):
    """A chain's matrices with all paths cut that lead from a choice to itself or back."""

    choices: Float[Tensor, "choices width"]  # a row for each choice of each block
    hidden: list[Float[Tensor, "width width"]]
    biases: list[Float[Tensor, "width"]]  # of the hidden
    out: Float[Tensor, "choices width"]
    shares: Float[Tensor, "choices"]  # what the logits are where nothing is known
    added: Float[Tensor, "choices k"]  # to them, by the choices of each block's parent


class Drawn(NamedTuple):
    """Choices of many samples, by their numbers within each block and, if asked for, one-hot."""

    hot: Float[Tensor, "choices b"] | None
    numbers: Float[Tensor, "blocks b"]
    chance: PerSample  # ln of the probability that they would be among the allowed


class Block(NamedTuple):
    """A block's choices, and the hidden units that none of the blocks before it sees."""

    choices: slice
    units: slice
    parent: int  # the block that it leans on; −1: none


def drawn(
    uniform: Float[Tensor, "blocks b"],
    start: Float[Tensor, "b width"],
    weights: Weights,
    blocks: Sequence[Block],
    allowed: Bool[Tensor, "choices b"] | None,
    *,
    hot: bool,
) -> Drawn:
    """Every block's choice given those before it.

    Args:
        uniform: where in each block's distribution function its choice lies.
        start: what the first layer's sums are before any choice.
    """
    chosen = torch.empty_like(uniform)
    chance = uniform.new_zeros(uniform.shape[1])
    lines_chosen = torch.empty(uniform.T.shape, dtype=torch.int64, device=start.device)
    choices = weights.choices.T.contiguous()
    # One piece of memory: several would go back to the system at the end, to be cleared anew.
    layers = start.new_empty(len(weights.hidden) + 1, start.shape[1], start.shape[0])
    longest = max(block.choices.stop - block.choices.start for block in blocks)
    numbers = torch.arange(longest, device=start.device, dtype=start.dtype)
    out = start.new_empty(len(weights.out) if hot else longest, start.shape[0])
    there = lines_chosen.new_empty(start.shape[0])
    leaning = start.new_empty(longest, start.shape[0])
    up_to = (numbers <= numbers[:, None]).to(start)  # its product with p is p's running sums
    for at in range(0, len(blocks), GROUP):
        group = blocks[at : at + GROUP]
        lines = slice(group[0].choices.start, group[-1].choices.stop)
        units = slice(group[0].units.start, group[-1].units.stop)
        layers[0][units] = _entering(start, weights, lines_chosen[:, :at], units)
        sums, logits = _handed_on(layers, weights, units, lines)
        for number, (own, new, parent) in enumerate(group, start=at):
            near = slice(units.start, new.stop)  # units of the group that the block sees
            _deepened(layers, sums, weights.hidden, new, near)
            count = own.stop - own.start
            values = logits[own.start - lines.start : own.stop - lines.start]
            values.addmm_(weights.out[own, near], layers[-1][near])
            if parent >= 0:
                there.copy_(chosen[parent])
                added = torch.index_select(weights.added[own], 1, there, out=leaning[:count])
                values += added
            if allowed is not None:
                chance += _held(values, allowed[own])
            running = None if allowed is not None else up_to[:count, :count]
            _choose(values, uniform[number], running, chosen[number])
            lines_chosen[:, number] = chosen[number] + own.start
            one = torch.eq(
                numbers[:count, None], chosen[number], out=out[own if hot else slice(count)]
            )
            later = slice(new.stop, units.stop)
            layers[0][later].addmm_(choices[later, own], one)
    return Drawn(out if hot else None, chosen, chance)


def _entering(
    start: Float[Tensor, "b width"],
    weights: Weights,
    chosen: Int[Tensor, "b earlier"],
    units: slice,
) -> Float[Tensor, "units b"]:
    """The first layer's sums in these units, from the choices of earlier groups.

    Each choice's row is looked up: a product with what is one-hot would cost far more.
    """
    # Where blocks outnumber units a group may have none, which torch's kernel fails at.
    if not chosen.shape[1] or units.start == units.stop:
        return start[:, units].T
    rows = weights.choices[:, units].contiguous()
    return (start[:, units] + embedding_bag(chosen, rows, mode="sum")).T


def _handed_on(
    layers: Float[Tensor, "layers width b"], weights: Weights, units: slice, lines: slice
) -> tuple[list[Float[Tensor, "units b"]], Float[Tensor, "lines b"]]:
    """The sums of a group's hidden units, layer by layer, and its logits, from earlier units."""
    earlier = slice(units.start)
    sums = [
        torch.addmm(bias[units, None], matrix[units, earlier], layer[earlier])
        for matrix, bias, layer in zip(weights.hidden, weights.biases, layers, strict=False)
    ]
    out = weights.out[lines, earlier]
    return sums, torch.addmm(weights.shares[lines, None], out, layers[-1][earlier])


def _deepened(
    layers: Float[Tensor, "layers width b"],
    sums: list[Float[Tensor, "units b"]],
    hidden: list[Float[Tensor, "width width"]],
    new: slice,
    near: slice,
) -> None:
    """Works out a block's new units in all layers; `sums` have what earlier groups give."""
    leaky_relu(layers[0][new], SLOPE, inplace=True)
    for depth, matrix in enumerate(hidden):
        x = sums[depth][new.start - near.start : new.stop - near.start]
        leaky_relu(x.addmm_(matrix[new, near], layers[depth][near]), SLOPE, inplace=True)
        torch.add(x, layers[depth][new], out=layers[depth + 1][new])


def _held(logits: Float[Tensor, "k b"], allowed: Bool[Tensor, "k b"]) -> PerSample:
    """ln of the probability of the allowed, which alone are left."""
    # What is left may be too unlikely for its probabilities to be told from nought.
    whole = logits.logsumexp(0)
    logits.masked_fill_(~allowed, -torch.inf)
    return logits.logsumexp(0) - whole


def _choose(
    logits: Float[Tensor, "k b"],
    uniform: Float[Tensor, "b"],
    running: Float[Tensor, "k k"] | None,
    chosen: Float[Tensor, "b"],
) -> None:
    """Puts into `chosen` the first choice whose sum of probabilities exceeds the number drawn.

    Args:
        logits: used up.
        running: its product with p is p's running sums; none where nought must stay nought, for a
            product may add in another order.
    """
    p = logits.sub_(logits.amax(0)).exp_()
    function = p.cumsum(0) if running is None else running @ p
    passed = torch.le(function, uniform * function[-1], out=p)
    torch.sum(passed, 0, out=chosen)
