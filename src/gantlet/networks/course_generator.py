"""G for series: each step drawn given all before it, each number of it given those before it.

A recurrent network (GRU, Cho et al. 2014) tells what was; a masked autoencoder (Germain et al.
2015) draws the step: choices by the inverse of their distribution function, values from a mix of
normals (Graves 2013, §4) around the best linear guess. So G has a density as well as a gradient.
"""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear, log_softmax, softplus

from gantlet.networks.base import Task
from gantlet.networks.chain import Dropout
from gantlet.networks.course_held import Held
from gantlet.networks.course_parts import Layout, drawn, masks
from gantlet.networks.course_settings import CourseSettings
from gantlet.networks.innovations import FARTHEST, Innovations
from gantlet.types import Labels, Latents, Noise, PerSample, Samples

SLOPE = 0.1  # of the leaky ReLUs
NARROWEST = -5.0  # ln of a normal's scale, of what is typically new


class Mixture(NamedTuple):
    """Normals in units of what is typically new, one mixture for each value."""

    shares: Float[Tensor, "*b k"]  # their logarithms
    means: Float[Tensor, "*b k"]
    scales: Float[Tensor, "*b k"]  # their logarithms

    def log_density(self, at: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        """ln p of what is new."""
        off = (at[..., None] - self.means) * torch.exp(-self.scales)
        return (self.shares - 0.5 * off.square() - self.scales).logsumexp(-1) - 0.5 * math.log(
            2 * math.pi
        )


class Matrices(NamedTuple):
    """Those of a step, with all paths cut that lead from a number to itself or back."""

    rows: Float[Tensor, "inputs width"]
    hidden: Float[Tensor, "width width"]
    out: Float[Tensor, "outputs width"]


class CourseGenerator(nn.Module):
    """z → steps in turn; every step looks at all before it through the recurrent state."""

    place: Tensor

    def __init__(self, task: Task, settings: CourseSettings) -> None:
        super().__init__()
        self.layout, self.settings = Layout(task), settings
        layout, width = self.layout, settings.width
        sizes = [stop - start for start, stop in layout.own]
        self.inputs = [*sizes, *[1] * layout.values]
        self.outputs = [*sizes, *[3 * settings.normals] * layout.values]
        place = torch.arange(width) * len(self.inputs) // width
        self.register_buffer("place", place, persistent=False)
        self.seen = [int((place <= i).sum()) for i in range(len(self.inputs))]
        self.news = Innovations(layout.values)
        self.by_class = nn.Parameter(torch.randn(max(1, task.classes), width) * 0.1)
        self.held = Held(layout.held, width) if layout.held else None
        told = sum(sizes) + 3 * layout.values
        self.memory = nn.GRU(told, settings.memory, batch_first=True)
        self.enter = nn.Linear(settings.memory + told, width)
        self.step = nn.Parameter(torch.randn(layout.steps, width) * 0.1)
        self.rows = nn.Parameter(torch.randn(sum(self.inputs), width) * len(self.inputs) ** -0.5)
        self.hidden = nn.Parameter(torch.randn(width, width) * (2 / width) ** 0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(width))
        self.out = nn.Parameter(torch.randn(sum(self.outputs), width) * 0.3 / width**0.5)
        normals = torch.zeros(3, settings.normals)
        normals[1], normals[2] = torch.linspace(-1, 1, settings.normals), -0.5
        self.out_bias = nn.Parameter(
            torch.cat([torch.zeros(sum(sizes)), normals.flatten().repeat(layout.values)])
        )

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        return self.gone_on(z, y, None)

    def gone_on(
        self, z: Latents, y: Labels | None, begun: Float[Tensor, "b begun width"] | None
    ) -> Samples:
        """Samples whose first steps are these, and all others drawn given them."""
        layout, matrices = self.layout, self.matrices()
        z = z[:, : layout.latents]
        start = self._start(y, len(z))
        held = z[:, :0] if self.held is None else self.held(z, start)
        held = held if begun is None else begun[:, 0, : layout.held_total]
        memory = z.new_zeros(len(z), self.settings.memory)
        told = z.new_zeros(len(z), self.memory.input_size)
        values: list[Tensor] = []
        out: list[Tensor] = []
        alive = z.new_ones(len(z), 1)
        for t in range(layout.steps):
            memory = self._remembered(told, memory)
            now = self._turned(held, t)
            sums = start + self.enter(torch.cat([memory, told], 1)) + self.step[t]
            sums = sums if self.held is None else sums + now @ self.held.about
            guess = self.news.guess(values, z[:, : layout.values])
            if begun is not None and t < begun.shape[1]:
                row = begun[:, t, layout.held_total :]
                choices, value = row.split([row.shape[1] - layout.values, layout.values], 1)
            else:
                draw = z[:, len(layout.held) + t * self._numbers :][:, : self._numbers]
                before = values[-1] if values else torch.zeros_like(guess)
                choices, value = self._step(sums, draw, guess, before, alive, t, matrices)
            if layout.timed.ended:
                alive = alive * (1 - choices[:, 1:2])
            order = min(t, len(self.news.scale) - 1)
            new = (value - guess - value @ self.news.within[order]) / self.news.scale[order]
            before = values[-1] if values else value
            changed = (value - before) / self.news.change
            changed, new = (part.clamp(-FARTHEST, FARTHEST) for part in (changed, new))
            told = torch.cat([choices, value, changed, new], 1)
            values.append(value)
            out.append(torch.cat([now, choices, value], 1))
        return torch.stack(out, dim=1)

    @property
    def _numbers(self) -> int:
        """Latents of a step."""
        return len(self.layout.own) + 2 * self.layout.values

    def matrices(self) -> Matrices:
        """The step's matrices as they may be used."""
        seen, up_to, asked = masks(self.place, self.inputs, self.outputs)
        return Matrices(
            self.rows * seen.to(self.rows), self.hidden * up_to.to(self.rows),
            self.out * asked.to(self.rows),
        )  # fmt: skip

    def _remembered(self, told: Tensor, memory: Tensor) -> Tensor:
        weights: Any = (
            self.memory._flat_weights
        )  # into, within, and both biases: as torch keeps them
        return torch.gru_cell(told, memory, *weights)

    def _turned(self, held: Float[Tensor, "b held"], t: int) -> Float[Tensor, "b held"]:
        if not self.layout.timed.turning or t == 0:
            return held
        size = self.layout.blocks[0]
        return torch.cat([held[:, :size].roll(t % size, 1), held[:, size:]], dim=1)

    def _start(self, y: Labels | None, count: int) -> Float[Tensor, "b width"]:
        return (self.by_class if y is None else self.by_class[y]).expand(count, -1)

    def _step(
        self,
        sums: Float[Tensor, "b width"],
        z: Float[Tensor, "b numbers"],
        guess: Float[Tensor, "b values"],
        before: Float[Tensor, "b values"],
        alive: Float[Tensor, "b 1"],
        t: int,
        matrices: Matrices,
    ) -> tuple[Float[Tensor, "b choices"], Float[Tensor, "b values"]]:
        first: list[Tensor] = []
        second: list[Tensor] = []
        choices, values = [z[:, :0]], [z[:, :0]]
        blocks, taken, asked = len(self.layout.own), 0, 0
        order = min(t, len(self.news.scale) - 1)
        scale = self.news.scale[order]
        for i, (given, wanted) in enumerate(zip(self.inputs, self.outputs, strict=True)):
            own = slice(self.seen[i - 1] if i else 0, self.seen[i])
            x = leaky_relu(sums[:, own], SLOPE)
            first.append(x)
            mixed = linear(
                torch.cat(first, 1), matrices.hidden[own, : own.stop], self.hidden_bias[own]
            )
            second.append(x + leaky_relu(mixed, SLOPE))
            rows, bias = matrices.out[asked : asked + wanted], self.out_bias[asked : asked + wanted]
            told = linear(torch.cat(second, 1), rows[:, : own.stop], bias)
            if i < blocks:
                one = drawn(told.softmax(1), z[:, i])
                if i >= self.layout.timed.ended:
                    one = one * alive
                elif t:  # what is over stays over
                    one = one * alive + (1 - alive) * one.new_tensor([0.0, 1.0])
                if self.layout.timed.ended and i == 0:
                    alive = alive * one[:, :1]
                choices.append(one)
            else:
                j = i - blocks
                mixture = self._mixture(told)
                pick = drawn(mixture.shares.exp(), z[:, blocks + 2 * j])
                mean, width = (pick * mixture.means).sum(1), (pick * mixture.scales).sum(1).exp()
                new = mean + width * z[:, blocks + 2 * j + 1]
                new = new.clamp(self.news.least[order, j], self.news.most[order, j])
                value = guess[:, j] + new * scale[j]
                value = value.clamp(self.news.low[j], self.news.high[j])
                there = self._there(choices, j) * alive[:, 0]
                value = there * value + (1 - there) * before[:, j] * alive[:, 0]
                values.append(value[:, None])
                one = there[:, None] * ((value - guess[:, j]) / scale[j])[:, None]
                one = one.clamp(-FARTHEST, FARTHEST)
                guess = guess + values[-1] * self.news.within[order, j]
            sums = sums + one @ matrices.rows[taken : taken + given]
            taken, asked = taken + given, asked + wanted
        return torch.cat(choices, 1), torch.cat(values, 1)

    def _there(self, choices: list[Tensor], value: int) -> Float[Tensor, "b"]:
        block = self.layout.governed[value]
        if block < 0:
            return torch.ones_like(choices[0].new_zeros(len(choices[0])))
        return choices[1 + block - len(self.layout.held)][:, 0]

    def _mixture(self, told: Float[Tensor, "*b out"]) -> Mixture:
        shares, means, scales = told.unflatten(-1, (3, self.settings.normals)).unbind(-2)
        scales = NARROWEST + softplus(scales - NARROWEST)
        return Mixture(log_softmax(shares, -1), means, scales)

    def surprisal(self, x: Samples, y: Labels | None, noise: Noise | None) -> PerSample:
        """−ln p of the choices and −ln of the values' density, in nats, summed over all steps."""
        layout, matrices = self.layout, self.matrices()
        start, total = self._start(y, len(x)), x.new_zeros(len(x))
        sums = start[:, None]
        if self.held is not None:
            held = x[:, :, : layout.held_total]
            total, about = self.held.surprisal(held[:, 0], start), held @ self.held.about
            if noise is not None and self.settings.forget:
                about = about * (noise.uniform("G/forget", 1, 1) >= self.settings.forget)
            sums = sums + about
        own, values = x[:, :, layout.held_total : layout.total], x[:, :, layout.total :]
        there, going = layout.there(x), layout.going(x)
        new = self.news.of(values)
        told = torch.cat([own, self.news.told(values)], 2)
        told = torch.cat([torch.zeros_like(told[:, :1]), told[:, :-1]], 1)
        left_out = Dropout(noise, self.settings.dropout)
        memory = left_out(self.memory(told)[0])
        sums = sums + self.enter(torch.cat([memory, told], 2)) + self.step
        shown = torch.cat([own, there * new.clamp(-FARTHEST, FARTHEST)], 2)
        hidden = leaky_relu(sums + shown @ matrices.rows, SLOPE)
        hidden = hidden + leaky_relu(linear(hidden, matrices.hidden, self.hidden_bias), SLOPE)
        out = linear(left_out(hidden), matrices.out, self.out_bias)
        was_going = torch.cat([torch.ones_like(going[:, :1]), going[:, :-1]], 1)
        at = 0
        for i, (begin, stop) in enumerate(layout.own):
            logits = out[:, :, at : at + stop - begin]
            told_by = (log_softmax(logits, 2) * x[:, :, begin:stop]).sum(2)
            counts = was_going if i < layout.timed.ended else going
            total = total - (told_by * counts).sum(1)
            at += stop - begin
        if layout.values:
            mixture = self._mixture(out[:, :, at:].unflatten(2, (layout.values, -1)))
            scale = self.news.scale[self.news.orders(layout.steps)]
            density = mixture.log_density(new) - scale.log()
            total = total - (density * there).sum((1, 2))
        return total
