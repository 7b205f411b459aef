"""A chain of choices for tables: each drawn given all before it, all from one z.

G is the triangular map of a masked autoencoder (Germain et al. 2015): p(x) = Π p(xᵢ | x₁ … xᵢ₋₁),
and x = G(z) takes each choice by the inverse of its distribution function at Φ(zᵢ). So G has a
density that likelihood can be computed of, and is a generator like any other: the game's gradient
goes straight through the choices (Bengio et al. 2013).
"""

from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding_bag, leaky_relu, linear

from gantlet.config import ConfigError, setting
from gantlet.networks.base import Task
from gantlet.networks.chain_drawing import SLOPE, Block, Weights, drawn
from gantlet.networks.chain_rows import ChoiceRows
from gantlet.networks.chain_steepness import Passed, lengths
from gantlet.types import Labels, Latents, Noise, PerSample, Samples


@dataclass(frozen=True, kw_only=True)
class ChainSettings:
    width: int = setting(160, "units in each hidden layer of G")
    depth: int = setting(1, "hidden layers of G")
    forget: float = setting(
        0.1, "share of earlier choices hidden from G as it learns by likelihood"
    )
    dropout: float = setting(0.1, "share of hidden units left out as G learns by likelihood")
    width_D: int = setting(256, "units in each hidden layer of D")

    def __post_init__(self) -> None:
        for name in ("forget", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"network.options.{name} = {getattr(self, name)}: 0 ≤ share < 1")


class ChainGenerator(nn.Module):
    """Hidden unit u serves the blocks from its place ⌊u·blocks/width⌋ on and sees those before."""

    place: Tensor  # of each hidden unit
    first: Tensor  # choice of each block
    parent: Tensor  # of each block, an earlier one that it leans on; −1: none
    added: Tensor  # to each choice's logit, by the choices of its block's parent
    freedom: Tensor  # of choices' own weights; see `chain_rows`
    quick: Tensor  # times a weight's pace: numbers that stand for a whole block; 0: they are still

    def __init__(self, task: Task, settings: ChainSettings) -> None:
        super().__init__()
        blocks, width = task.blocks, settings.width
        self.blocks, self.settings = blocks, settings
        self.total, self.positions = sum(blocks), task.shape[0] - sum(blocks)
        count = len(blocks)
        place = torch.arange(width) * count // width
        self.register_buffer("place", place, persistent=False)
        sizes = torch.tensor(blocks)
        self.register_buffer("first", sizes.cumsum(0) - sizes, persistent=False)
        self.edges = list(pairwise([0, *accumulate(blocks)]))  # choices of each block
        # Units that a block's outcome may be told from: those whose place is at or before it.
        self.seen = [int((place <= i).sum()) for i in range(count)]
        self.register_buffer("parent", torch.full((count,), -1))
        self.register_buffer("added", torch.zeros(self.total, max(blocks)))
        self.register_buffer("freedom", torch.ones(()))
        self.register_buffer("quick", torch.zeros(()))
        self.choices = ChoiceRows(blocks, width, count**-0.5)
        self.by_class = nn.Parameter(torch.zeros(max(1, task.classes), width))
        scale = (2 / width) ** 0.5
        self.hidden = nn.ParameterList(
            [nn.Parameter(torch.randn(width, width) * scale) for _ in range(settings.depth - 1)]
        )
        self.biases = nn.ParameterList(
            [nn.Parameter(torch.zeros(width)) for _ in range(settings.depth - 1)]
        )
        self.out = ChoiceRows(blocks, width, 0.0)
        self.shares = nn.Parameter(torch.zeros(self.total))  # log-shares of the choices, at first
        # Given all before it, a number keeps less of its spread than its shares have: one number
        # of each block narrows it, and one lets go of a parent that others foretell better than.
        both = torch.tensor([[0.0], [1e-4]])  # at nought letting go would have no gradient
        self.per_block = nn.Parameter(both.repeat(1, count))

    def weights(self) -> Weights:
        """The matrices as they may be used."""
        choices, out = self.choices(self.freedom), self.out(self.freedom)
        block = self.out.block[:, None]
        earlier = (block < self.place).to(choices)
        up_to = (self.place <= self.place[:, None]).to(choices)
        seen = (self.place <= block).to(choices)
        hidden = [weight * up_to for weight in self.hidden]
        narrowed, let_go = self.per_block[:, self.out.block]
        shares = self.shares + self.quick * narrowed * self.out.bend
        # A parent is let go of and never leaned on more: that is what few rows mislead to.
        added = self.added * torch.exp(-self.quick * let_go.abs())[:, None]
        return Weights(choices * earlier, hidden, list(self.biases), out * seen, shares, added)

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        uniform, sums = self._uniform(z), self._start(y, len(z))
        if torch.is_grad_enabled():
            return self._drawn(uniform, sums, self.weights())
        return self._fast(uniform, sums, None, hot=True)[0]

    @torch.no_grad()
    def within(
        self, z: Latents, y: Labels | None, allowed: Bool[Tensor, "b choices"]
    ) -> tuple[Samples, PerSample]:
        """Samples of allowed choices only, and ln of the probability that each would fall so.

        Each choice is drawn given those before it alone: samples are those of G given the
        allowed once they are weighted by that probability.
        """
        return self._fast(self._uniform(z), self._start(y, len(z)), allowed.T, hot=True)

    @torch.no_grad()
    def numbered(self, z: Latents, y: Labels | None) -> Float[Tensor, "b numbers"]:
        """G(z) with the number of each choice in place of its block."""
        return self._fast(self._uniform(z), self._start(y, len(z)), None, hot=False)[0]

    def _uniform(self, z: Latents) -> Float[Tensor, "b latents"]:
        # Below one even after rounding, so that some sum always exceeds its share of the last.
        used = z[:, : len(self.blocks) + self.positions]
        return torch.special.ndtr(used).clamp_max(1 - torch.finfo(z.dtype).eps)

    def _start(self, y: Labels | None, count: int) -> Float[Tensor, "b width"]:
        return (self.by_class if y is None else self.by_class[y]).expand(count, -1)

    def _drawn(
        self, uniform: Float[Tensor, "b latents"], sums: Float[Tensor, "b width"], weights: Weights
    ) -> Samples:
        """Choices in turn, with a gradient that takes each for its probabilities."""
        layers: list[list[Tensor]] = [[] for _ in range(len(weights.hidden) + 1)]
        out: list[Tensor] = []
        # Parted at once: the gradient of a slice is as large as all that it was cut from.
        each = (weights.choices, weights.out, weights.shares, weights.added)
        rows, outs, shares, added = (tensor.split(self.blocks) for tensor in each)
        seen = sums[:, :0]
        for i, parent in enumerate(self.parent.tolist()):
            own = slice(self.seen[i - 1] if i else 0, self.seen[i])
            if own.start < own.stop:
                x = leaky_relu(sums[:, own], SLOPE)
                layers[0].append(x)
                for depth, (matrix, bias) in enumerate(
                    zip(weights.hidden, self.biases, strict=True), start=1
                ):
                    before = torch.cat(layers[depth - 1], dim=1)
                    x = x + leaky_relu(linear(before, matrix[own, : own.stop], bias[own]), SLOPE)
                    layers[depth].append(x)
                seen = torch.cat(layers[-1], dim=1)
            logits = linear(seen, outs[i][:, : own.stop], shares[i])
            if parent >= 0:
                logits = logits + linear(out[parent], added[i][:, : self.blocks[parent]])
            p = logits.softmax(1)
            hard = torch.zeros_like(p).scatter_(1, chosen(p, uniform[:, i])[:, None], 1.0)
            out.append(hard + p - p.detach())
            sums = sums + out[-1] @ rows[i]
        return torch.cat([*out, 2 * uniform[:, len(self.blocks) :] - 1], dim=1)

    def _fast(
        self,
        uniform: Float[Tensor, "b latents"],
        sums: Float[Tensor, "b width"],
        allowed: Bool[Tensor, "choices b"] | None,
        *,
        hot: bool,
    ) -> tuple[Samples, PerSample]:
        """The same choices without a gradient, one-hot or by number."""
        units = pairwise([0, *self.seen])
        blocks = [
            Block(slice(*own), slice(*new), parent)
            for own, new, parent in zip(self.edges, units, self.parent.tolist(), strict=True)
        ]
        lines = uniform.T.contiguous()
        made = drawn(lines[: len(blocks)], sums, self.weights(), blocks, allowed, hot=hot)
        choices = made.numbers if made.hot is None else made.hot
        return torch.cat([choices, 2 * lines[len(blocks) :] - 1]).T, made.chance

    def codes(self, x: Samples) -> Int[Tensor, "b blocks"]:
        """The number of each choice within its block."""
        blocks = [x[:, start:stop].argmax(1) for start, stop in self.edges]
        return torch.stack(blocks, dim=1)

    def surprisal(self, x: Samples, y: Labels | None, noise: Noise | None) -> PerSample:
        """−Σ ln p(xᵢ | x₁ … xᵢ₋₁) in nats; positions are uniform and cost nothing."""
        return self._passed(x, y, noise).surprisal

    def steepness(self, x: Samples, y: Labels | None) -> tuple[PerSample, PerSample]:
        """Each sample's surprisal, and the length of its gradient in all of G's weights."""
        passed = self._passed(x, y, None)
        sign = self.per_block[1, self.out.block].sign()
        moved = [self.quick * self.out.bend, -self.quick * sign * passed.leaning]
        return passed.surprisal, lengths(passed, self.place, self.out, self.freedom, moved)

    def _passed(self, x: Samples, y: Labels | None, noise: Noise | None) -> Passed:
        weights, codes = self.weights(), self.codes(x)
        made = codes + self.first
        kept = None
        if noise is not None and self.settings.forget:
            kept = noise.uniform("G/forget", len(self.blocks)) >= self.settings.forget
            kept = kept.to(x.dtype)
        told = embedding_bag(made, weights.choices, mode="sum", per_sample_weights=kept)
        sums, inputs = [self._start(y, len(x)) + told], []
        hidden = leaky_relu(sums[0], SLOPE)
        left_out = Dropout(noise, self.settings.dropout)
        for matrix, bias in zip(weights.hidden, self.biases, strict=True):
            inputs.append(left_out(hidden))
            sums.append(linear(inputs[-1], matrix, bias))
            hidden = hidden + leaky_relu(sums[-1], SLOPE)
        inputs.append(left_out(hidden))
        leaning = self._leaning(codes, weights.added)
        logits = linear(inputs[-1], weights.out, weights.shares) + leaning
        total = [
            cross_entropy(logit, code, reduction="none")
            for logit, code in zip(logits.split(self.blocks, dim=1), codes.unbind(1), strict=True)
        ]
        return Passed(made, inputs, leaning, [*sums, logits], torch.stack(total).sum(0))

    def _leaning(
        self, codes: Int[Tensor, "b blocks"], added: Float[Tensor, "choices k"]
    ) -> Float[Tensor, "b choices"]:
        """What each choice's logit has of its block's parent; nought where there is none."""
        parents = codes.T[self.parent.clamp_min(0)]
        return added.gather(1, parents[self.out.block]).T


def chosen(p: Float[Tensor, "b k"], uniform: Float[Tensor, "b"]) -> Int[Tensor, "b"]:
    """The first choice at which the distribution function exceeds `uniform`."""
    function = p.cumsum(1)
    # The last sum may miss 1 by rounding; what lies beyond it is the last choice's.
    return (function[:, :-1] <= uniform[:, None]).sum(1)


class Dropout:
    """Leaves out units by numbers of the step's own; nothing where there is no noise."""

    def __init__(self, noise: Noise | None, share: float) -> None:
        self.noise, self.share, self.layer = noise if share else None, share, 0

    def __call__(self, hidden: Float[Tensor, "b *t width"]) -> Float[Tensor, "b *t width"]:
        if self.noise is None:
            return hidden
        self.layer += 1
        kept = self.noise.uniform(f"G/dropout/{self.layer}", hidden.shape[-1]) >= self.share
        return hidden * (kept if hidden.ndim == 2 else kept[:, None]) / (1 - self.share)
