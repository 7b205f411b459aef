"""Several small recurrent networks that run, and are trained, side by side.

A network of a few units spends its time on the calls, not on the numbers: ten of them in one batch
of matrix products cost hardly more than one.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Recurrent(nn.Module):
    """k networks of one gated recurrent layer (Cho et al. 2014), each with a linear map after it.

    Weights are uniform in ±1/√hidden, those of each network by its own seed.
    """

    def __init__(self, seeds: Sequence[int], inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        shapes = (
            (inputs, 3 * hidden), (1, 3 * hidden), (hidden, 3 * hidden), (1, 3 * hidden),
            (hidden, outputs), (1, outputs),
        )  # fmt: skip
        bound, made = 1 / math.sqrt(hidden), [[] for _ in shapes]
        for seed in seeds:
            source = torch.Generator().manual_seed(seed)
            for parts, shape in zip(made, shapes, strict=True):
                parts.append((2 * torch.rand(shape, generator=source) - 1) * bound)
        self.weights = nn.ParameterList(nn.Parameter(torch.stack(parts)) for parts in made)
        self.hidden = hidden

    def forward(self, x: Float[Tensor, "k t b inputs"]) -> Float[Tensor, "k t b outputs"]:
        """What each network says after each step of its own series."""
        of_input, bias, of_state, state_bias, out, out_bias = self.weights
        count, steps, size, _ = x.shape
        # Update gate, reset gate and candidate at once.
        given = torch.baddbmm(bias, x.flatten(1, 2), of_input).view(count, steps, size, -1)
        state, states, h = x.new_zeros(count, size, self.hidden), [], self.hidden
        for part in given.unbind(1):
            kept = torch.baddbmm(state_bias, state, of_state)
            gates = torch.sigmoid(part[..., : 2 * h] + kept[..., : 2 * h])
            update, reset = gates[..., :h], gates[..., h:]
            candidate = torch.tanh(torch.addcmul(part[..., 2 * h :], reset, kept[..., 2 * h :]))
            state = torch.lerp(candidate, state, update)
            states.append(state)
        seen = torch.stack(states, 1).flatten(1, 2)
        return torch.baddbmm(out_bias, seen, out).view(count, steps, size, -1)
