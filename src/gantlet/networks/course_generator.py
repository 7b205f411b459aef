"""G for series: each step drawn given all before it, each number of it given those before it.

A recurrent network (GRU, Cho et al. 2014) tells what was; a masked autoencoder (Germain et al.
2015) draws the step: choices by the inverse of their distribution function, values from a mix of
normals (Graves 2013, §4) around the best linear guess. So G has a density as well as a gradient.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear, log_softmax

from gantlet.networks.base import Task
from gantlet.networks.chain_generator import Dropout
from gantlet.networks.course_held import Held, Late
from gantlet.networks.course_parts import Layout, drawn
from gantlet.networks.course_settings import CourseSettings
from gantlet.networks.course_step import SLOPE, Matrices, Step
from gantlet.networks.innovations import FARTHEST, Innovations
from gantlet.types import Labels, Latents, Noise, PerSample, Samples


class CourseGenerator(nn.Module):
    """z → steps in turn; every step looks at all before it through the recurrent state."""

    def __init__(self, task: Task, settings: CourseSettings) -> None:
        super().__init__()
        self.layout, self.settings = Layout(task), settings
        layout, width = self.layout, settings.width
        sizes = [stop - start for start, stop in layout.own]
        self.first = Step(sizes, layout.values, settings)
        self.later = Step(sizes, layout.values, settings)
        self.news = Innovations(layout.values, len(layout.anchors))
        self.by_class = nn.Parameter(torch.randn(max(1, task.classes), width) * 0.1)
        self.held = Held(layout.held, layout.late, width) if layout.held else None
        known = 2 * settings.memory + layout.held_total
        self.late = Late(layout.late, known, width) if layout.late else None
        told = sum(sizes) + 4 * layout.values
        self.memory = nn.GRU(told, settings.memory, batch_first=True)
        self.enter = nn.Linear(settings.memory + told, width)
        self.step = nn.Parameter(torch.randn(layout.steps, width) * 0.1)

    def forward(self, z: Latents, y: Labels | None = None) -> Samples:
        return self.gone_on(z, y, None)

    def gone_on(
        self, z: Latents, y: Labels | None, begun: Float[Tensor, "b begun width"] | None
    ) -> Samples:
        """Samples whose first steps are these, and all others drawn given them."""
        layout, matrices = self.layout, [self.first.matrices(), self.later.matrices()]
        z = z[:, : layout.latents]
        if begun is not None and layout.timed.kind >= 0:
            begun = self._of_a_kind(z, y, begun)
        start = self._start(y, len(z))
        held = z[:, :0] if self.held is None else self.held(z, start)
        held = held if begun is None else begun[:, 0, : layout.held_total]
        memories: list[Tensor] = []
        memory = z.new_zeros(len(z), self.settings.memory)
        told = z.new_zeros(len(z), self.memory.input_size)
        values: list[Tensor] = []
        out: list[Tensor] = []
        alive = z.new_ones(len(z), 1)
        for t in range(layout.steps):
            memory = self._remembered(told, memory)
            memories.append(memory)
            now = self._turned(held, t)
            sums = start + self.enter(torch.cat([memory, told], 1)) + self.step[t]
            sums = sums if self.held is None else sums + self.held.told(now)
            guess = self.news.guess(values, z[:, : layout.values], layout.anchor(now))
            if begun is not None and t < begun.shape[1]:
                row = begun[:, t, layout.held_total :]
                choices, value = row.split([row.shape[1] - layout.values, layout.values], 1)
            else:
                draw = z[:, len(layout.held) + t * self._numbers :][:, : self._numbers]
                before = values[-1] if values else torch.zeros_like(guess)
                choices, value = self._step(sums, draw, guess, before, alive, t, matrices[t > 0])
            if layout.timed.ended:
                alive = alive * (1 - choices[:, 1:2])
            order = min(t, len(self.news.scale) - 1)
            new = (value - guess - value @ self.news.within[order]) / self.news.scale[order]
            before = values[-1] if values else value
            changed = (value - before) / self.news.change
            changed, new = (part.clamp(-FARTHEST, FARTHEST) for part in (changed, new))
            told = torch.cat([choices, value, self.news.whitened(value), changed, new], 1)
            values.append(value)
            out.append(torch.cat([now, choices, value], 1))
        rows = torch.stack(out, dim=1)
        if self.late is None or begun is not None:
            return rows
        places = list(layout.timed.late)
        known = self._known(torch.stack(memories, dim=1), held)
        late = self.late(z[:, places], known, layout.held_total)
        own = rows[:, :, : layout.held_total] + late[:, None]
        return torch.cat([own, rows[:, :, layout.held_total :]], dim=2)

    def _of_a_kind(
        self, z: Latents, y: Labels | None, begun: Float[Tensor, "b begun width"]
    ) -> Float[Tensor, "b begun width"]:
        """The same, of a kind drawn given these steps, which alone do not tell it."""
        place = self.layout.timed.kind
        start, stop = self.layout.held[place]
        told = []
        for one in torch.eye(stop - start).to(begun):
            rows = begun.clone()
            rows[:, :, start:stop] = one
            told.append(-self.surprisal(rows, y, None))
        drawn_one = drawn(torch.stack(told, 1).softmax(1), z[:, place])
        parts = (begun[:, :, :start], drawn_one[:, None].expand(-1, begun.shape[1], -1))
        return torch.cat([*parts, begun[:, :, stop:]], 2)

    def _known(
        self, memory: Float[Tensor, "b t memory"], held: Float[Tensor, "b held"]
    ) -> Float[Tensor, "b known"]:
        """What late choices are told from; they do not shape it."""
        assert self.held is not None
        return torch.cat(
            [memory[:, -1].detach(), memory.mean(1).detach(), held * self.held.early], 1
        )

    @property
    def _numbers(self) -> int:
        """Latents of a step."""
        return len(self.layout.own) + 2 * self.layout.values

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
        net = self.later if t else self.first
        first: list[Tensor] = []
        second: list[Tensor] = []
        choices, values = [z[:, :0]], [z[:, :0]]
        blocks, taken, asked = len(self.layout.own), 0, 0
        order = min(t, len(self.news.scale) - 1)
        scale = self.news.scale[order]
        for i, (given, wanted) in enumerate(zip(net.inputs, net.outputs, strict=True)):
            own = slice(net.seen[i - 1] if i else 0, net.seen[i])
            x = leaky_relu(sums[:, own], SLOPE)
            first.append(x)
            known, bias = torch.cat(first, 1), net.hidden_bias[own]
            mixed = linear(known, matrices.hidden[own, : own.stop], bias)
            second.append(x + leaky_relu(mixed, SLOPE))
            rows, bias = matrices.out[asked : asked + wanted], net.out_bias[asked : asked + wanted]
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
                mixture = net.mixture(told)
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

    def _novelty(self) -> Float[Tensor, "told"]:
        """How little of each number that a step is told of the last settles what comes next."""
        of = self.news.novelty
        all_of_them = of.amin().expand_as(of) if len(of) else of
        choices = of.new_ones(self.memory.input_size - 4 * len(of))
        return torch.cat([choices, of, all_of_them, of, of])

    def surprisal(self, x: Samples, y: Labels | None, noise: Noise | None) -> PerSample:
        """−ln p of the choices and −ln of the values' density, in nats, summed over the steps.

        They may be fewer than all: those that a series begins with.
        """
        layout = self.layout
        start, total = self._start(y, len(x)), x.new_zeros(len(x))
        sums = start[:, None]
        if self.held is not None:
            held = x[:, :, : layout.held_total]
            total, about = self.held.surprisal(held[:, 0], start), self.held.told(held)
            if noise is not None and self.settings.forget:
                about = about * (noise.uniform("G/forget", 1, 1) >= self.settings.forget)
            sums = sums + about
        own, values = x[:, :, layout.held_total : layout.total], x[:, :, layout.total :]
        there, going = layout.there(x), layout.going(x)
        anchors = layout.anchor(x)
        new = self.news.of(values, anchors)
        told = torch.cat([own, self.news.told(values, new)], 2)
        told = torch.cat([torch.zeros_like(told[:, :1]), told[:, :-1]], 1)
        left_out = Dropout(noise, self.settings.dropout)
        heard = left_out(told)
        memory = left_out(self.memory(heard)[0])
        if self.late is not None:
            held = x[:, 0, : layout.held_total]
            total = total + self.late.surprisal(held, self._known(memory, held))
        told = told.lerp(heard, self._novelty())
        sums = sums + self.enter(torch.cat([memory, told], 2)) + self.step[: x.shape[1]]
        shown = torch.cat([own, there * new.clamp(-FARTHEST, FARTHEST)], 2)
        out = torch.cat(
            [
                self.first.told(sums[:, :1], shown[:, :1], left_out),
                self.later.told(sums[:, 1:], shown[:, 1:], left_out),
            ],
            dim=1,
        )
        was_going = torch.cat([torch.ones_like(going[:, :1]), going[:, :-1]], 1)
        at = 0
        for i, (begin, stop) in enumerate(layout.own):
            logits = out[:, :, at : at + stop - begin]
            told_by = (log_softmax(logits, 2) * x[:, :, begin:stop]).sum(2)
            counts = was_going if i < layout.timed.ended else going
            total = total - (told_by * counts).sum(1)
            at += stop - begin
        if layout.values:
            mixture = self.later.mixture(out[:, :, at:].unflatten(2, (layout.values, -1)))
            scale = self.news.scale[self.news.orders(x.shape[1])]
            density = mixture.log_density(new) - scale.log()
            total = total - (density * there).sum((1, 2))
        return total
