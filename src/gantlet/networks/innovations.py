"""What is new in each step of a series: values against their best linear guess, at unit scale.

The guess is a recursive vector autoregression (Lütkepohl 2005, ch. 9): each value from those of the
last two steps and from those before it in its own, with weights of their own for the first steps,
and, where held choices tell what level a series wanders about, from these.
Smooth or slowly wandering series differ from it by a tiny fraction of
their spread, and it is by that fraction that generated ones are told from real ones.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

ORDER = 2  # steps that the guess looks back; more would let small errors grow without bound
RIDGE = 1e-9  # of the values' unit variance: smooth series are nearly linear in their last steps
ANCHOR_RIDGE = 20.0  # steps for which a held choice counts as if it told nothing
PIECE = 1 << 16  # steps that are taken up at once
FITTED = 1 << 17  # steps that the guesses are fitted on, at most: they have few weights
ROWS = 20  # steps for each weight of a guess, at least; with fewer it looks less far back
SMALLEST = 1e-5  # scale of what is new, in the values' units
FARTHEST = 10.0  # innovations as networks see them: what lies beyond is a rupture
SMALLEST_SHARE = 1e-4  # of the largest variance of a step's values, that is whitened
MARGIN = 0.02  # of its range, by which a value or an innovation may leave it

Values = Float[Tensor, "b t c"]
Row = Float[Tensor, "b c"]
Anchors = Float[Tensor, "b t anchors"]


class Innovations(nn.Module):
    """x ↔ (x − guess) / scale, step by step; set from data, never learned by the game."""

    weights: Float[Tensor, "order1 lags c"]
    within: Float[Tensor, "order1 c c"]  # from earlier values of the same step to later ones
    bias: Float[Tensor, "order1 c"]
    pull: Float[Tensor, "order1 anchors c"]  # of held choices, towards the level that they tell
    scale: Float[Tensor, "order1 c"]
    change: Float[Tensor, "c"]  # typical, from a step to the next
    centre: Float[Tensor, "c"]  # of a step's values
    whitening: Float[Tensor, "c c"]  # makes values of a step uncorrelated, at unit scale
    low: Float[Tensor, "c"]
    high: Float[Tensor, "c"]
    least: Float[Tensor, "order1 c"]  # innovations
    most: Float[Tensor, "order1 c"]

    def __init__(self, channels: int, anchors: int = 0) -> None:
        super().__init__()
        self.channels = channels
        shape = (ORDER + 1, anchors, channels)
        self.register_buffer("pull", torch.zeros(shape), persistent=anchors > 0)
        self.register_buffer("weights", torch.zeros(ORDER + 1, ORDER * channels, channels))
        self.register_buffer("within", torch.zeros(ORDER + 1, channels, channels))
        self.register_buffer("bias", torch.zeros(ORDER + 1, channels))
        for name in ("scale", "change"):
            shape = (ORDER + 1, channels) if name == "scale" else (channels,)
            self.register_buffer(name, torch.ones(shape))
        self.register_buffer("centre", torch.zeros(channels))
        self.register_buffer("whitening", torch.eye(channels))
        self.register_buffer("least", torch.full((ORDER + 1, channels), -FARTHEST))
        self.register_buffer("most", torch.full((ORDER + 1, channels), FARTHEST))
        self.register_buffer("low", torch.full((channels,), -FARTHEST))
        self.register_buffer("high", torch.full((channels,), FARTHEST))

    @torch.no_grad()
    def prime(self, x: Values, there: Values, anchors: Anchors | None = None) -> None:
        """Fits the guesses by least squares, a little shrunk, on the values that are there."""
        x, there = x.double(), there.double()
        anchors = x[:, :, :0] if anchors is None else anchors
        seen = _Seen(x, there, self._lags(x), anchors)
        for order in range(ORDER + 1):
            back = order * self.channels
            for channel in range(self.channels):
                count, own = seen.rows(order, channel), channel
                if not count:
                    continue
                if count < ROWS * (back + channel + 1):
                    if order:
                        for part in (self.weights, self.within, self.bias, self.pull, self.scale):
                            part[order, ..., channel] = part[order - 1, ..., channel]
                        continue
                    own = 0
                solution, left = seen.solved(order, channel, own)
                pull, lagged, within, bias = solution.split([anchors.shape[2], back, own, 1])
                self.pull[order, :, channel] = pull.to(self.pull)
                self.weights[order, :back, channel] = lagged.to(self.weights)
                self.within[order, :own, channel] = within.to(self.within)
                self.bias[order, channel] = bias.item()
                self.scale[order, channel] = max(left, SMALLEST)
        self._fit_whitening(x[(there > 0).all(2)])
        both = there[:, 1:] * there[:, :-1]
        steps = (x[:, 1:] - x[:, :-1]).square() * both
        typical = (steps.sum((0, 1)) / both.sum((0, 1)).clamp_min(1)).sqrt()
        self.change.copy_(typical.clamp_min(SMALLEST))
        _widened(self.low, self.high, x.flatten(0, 1))
        new = self.of(x.to(self.scale), anchors.to(self.scale)) * there.to(self.scale)
        for order in range(min(ORDER + 1, x.shape[1])):
            last = x.shape[1] if order == ORDER else order + 1
            _widened(self.least[order], self.most[order], new[:, order:last].flatten(0, 1))

    def _fit_whitening(self, x: Float[Tensor, "n c"]) -> None:
        """The inverse root of the covariance of a step's values (Bell & Sejnowski 1997)."""
        if not self.channels or len(x) < ROWS * (self.channels + 1):
            return
        shares, axes = torch.linalg.eigh(torch.cov(x.T).reshape(self.channels, self.channels))
        least = max(SMALLEST_SHARE * shares[-1].item(), SMALLEST)
        self.centre.copy_(x.mean(0))
        self.whitening.copy_(axes * shares.clamp_min(least).rsqrt() @ axes.T)

    def whitened(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Values of a step, uncorrelated with each other, at unit scale."""
        return ((x - self.centre) @ self.whitening).clamp(-FARTHEST, FARTHEST)

    def _lags(self, x: Values) -> Float[Tensor, "b t lags"]:
        padded = torch.cat([x.new_zeros(len(x), ORDER, self.channels), x], dim=1)
        steps = x.shape[1]
        return torch.cat(
            [padded[:, ORDER - back : ORDER - back + steps] for back in range(1, ORDER + 1)], dim=2
        )

    def orders(self, steps: int) -> Tensor:
        """How many steps each guess looks back."""
        return torch.arange(steps, device=self.scale.device).clamp_max(ORDER)

    def of(self, x: Values, anchors: Anchors | None = None) -> Values:
        """What is new in each step, in units of what is typical."""
        anchors = x[:, :, :0] if anchors is None else anchors
        shown = torch.cat([anchors, self._lags(x), x], 2)
        pull = self.pull[:, : anchors.shape[2]]
        weights = torch.cat([pull, self.weights, self.within], 1)
        first = min(ORDER, x.shape[1])
        guesses = [shown[:, t : t + 1] @ weights[t] + self.bias[t] for t in range(first)]
        guesses.append(shown[:, first:] @ weights[ORDER] + self.bias[ORDER])
        return (x - torch.cat(guesses, dim=1)) / self.scale[self.orders(x.shape[1])]

    def guess(
        self, before: list[Row], like: Row, anchors: Float[Tensor, "b anchors"] | None = None
    ) -> Row:
        """The guess of the step after these, before any of its own values are known."""
        order = min(len(before), ORDER)
        total = self.bias[order].expand_as(like)
        if anchors is not None and anchors.shape[1]:
            total = total + anchors @ self.pull[order]
        for back in range(1, order + 1):
            rows = self.weights[order, (back - 1) * self.channels : back * self.channels]
            total = total + before[-back] @ rows
        return total

    @property
    def novelty(self) -> Float[Tensor, "c"]:
        """By how much the guess from earlier steps alone is wrong, against the typical change."""
        within = torch.eye(self.channels).to(self.scale) - self.within[-1]
        # Summed by hand: a product would be rounded to bfloat16 where a GPU trains in that.
        wrong = (self.scale[-1][:, None] * torch.linalg.inv(within)).square().sum(0)
        return (wrong.sqrt() / self.change).clamp_max(1)

    def changes(self, x: Values) -> Values:
        """Each step less the step before it, in units of what is typical; the first is nought."""
        steps = (x[:, 1:] - x[:, :-1]) / self.change
        return torch.cat([torch.zeros_like(x[:, :1]), steps], dim=1)

    def told(self, x: Values, new: Values) -> Float[Tensor, "b t four_c"]:
        """Values, the same whitened, changes and innovations, all at about unit scale.

        Args:
            new: `of` these values
        """
        new = new.clamp(-FARTHEST, FARTHEST)
        changes = self.changes(x).clamp(-FARTHEST, FARTHEST)
        return torch.cat([x, self.whitened(x), changes, new], dim=2)


class _Seen:
    """All that guesses are fitted on, taken up in pieces: what is held is wide."""

    def __init__(self, x: Values, there: Values, lags: Tensor, anchors: Anchors) -> None:
        every = math.ceil(x.shape[0] * x.shape[1] / FITTED)
        self._all = x, there > 0, lags, anchors
        self._some = x[::every], there[::every] > 0, lags[::every], anchors[::every]
        self.channels, self.held = x.shape[2], anchors.shape[2]
        self._common: dict[int, Tensor] = {}

    def rows(self, order: int, channel: int) -> int:
        """Values of a channel that are there, where a guess looks so many steps back."""
        there, steps = self._seen(order)[1], self._steps(order)
        return int(there[:, steps, channel].sum())

    def solved(self, order: int, channel: int, own: int) -> tuple[Float[Tensor, "inputs"], float]:
        """Weights of what is held, of the lags, of so many earlier values and 1; and the error."""
        gram, first = self._gram(order, channel), self.held + order * self.channels
        used = [*range(first + own), len(gram) - 1]
        count = self.rows(order, channel)
        ridge = torch.full_like(gram[0, used], RIDGE * count)
        ridge[: self.held] += ANCHOR_RIDGE * len(self._seen(order)[0]) / len(self._all[0])
        normal = gram[used][:, used] + torch.diag(ridge)
        solution = torch.linalg.solve(normal, gram[used, first + channel])
        error = torch.zeros_like(gram[0])
        error[used], error[first + channel] = -solution, 1
        left = (error @ gram @ error).item() / count
        return solution, math.sqrt(max(left, 0.0))

    def _gram(self, order: int, channel: int) -> Float[Tensor, "all all"]:
        """Products of all that a guess may use, over the steps in which a channel is there."""
        if order not in self._common:
            self._common[order] = self._products(order, lambda there: there.all(2))
        rest = self._products(order, lambda there: there[:, :, channel] & ~there.all(2))
        return self._common[order] + rest

    def _products(self, order: int, wanted: Callable[[Tensor], Tensor]) -> Float[Tensor, "all all"]:
        """Of what is held, the lags, the values and 1, over the steps that are wanted."""
        x, there, lags, anchors = self._seen(order)
        steps, back = self._steps(order), order * self.channels
        width = self.held + back + self.channels + 1
        total = x.new_zeros(width, width)
        series = max(1, PIECE // x.shape[1])
        for start in range(0, len(x), series):
            part = slice(start, start + series)
            kept = wanted(there[part, steps])
            values = x[part, steps][kept]
            every = [
                anchors[part, steps][kept].to(x), lags[part, steps, :back][kept], values,
                torch.ones_like(values[:, :1]),
            ]  # fmt: skip
            piece = torch.cat(every, 1)
            total += piece.T @ piece
        return total

    def _seen(self, order: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self._some if order == ORDER else self._all

    def _steps(self, order: int) -> slice:
        return slice(order, None if order == ORDER else order + 1)


def _widened(low: Float[Tensor, "c"], high: Float[Tensor, "c"], seen: Float[Tensor, "n c"]) -> None:
    """Sets the ends of what was seen, and a little more."""
    least, most = seen.amin(0), seen.amax(0)
    low.copy_(least - MARGIN * (most - least))
    high.copy_(most + MARGIN * (most - least))
