"""The family for series: a recurrent G with a density, and a D of convolutions over time."""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, leaky_relu

from gantlet.layers import Projection
from gantlet.networks.base import Family, Task
from gantlet.networks.course_generator import CourseGenerator
from gantlet.networks.course_parts import Layout
from gantlet.networks.course_settings import CourseSettings
from gantlet.networks.innovations import Innovations
from gantlet.types import Labels, Latents, Noise, PerSample, Samples

REACH = 5  # steps that a convolution sees
FEWEST = 6  # steps that are not halved again


class CourseDiscriminator(nn.Module):
    """Residual convolutions over values, changes and innovations, at every scale of time."""

    def __init__(self, task: Task, settings: CourseSettings) -> None:
        super().__init__()
        self.layout, width = Layout(task), settings.width_D
        self.news = Innovations(self.layout.values, len(self.layout.anchors))
        self.enter = nn.Conv1d(self.layout.total + 4 * self.layout.values, width, 1)
        steps, stages = self.layout.steps, [self._convolution(width)]
        while steps >= 2 * FEWEST:
            stages.append(self._convolution(width))
            steps //= 2
        self.stages = nn.ModuleList(stages)
        self.mixed = nn.Linear(2 * width, width)
        self.out = Projection(task.classes, width)
        for layer in (self.enter, self.mixed, *stages):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    @staticmethod
    def _convolution(width: int) -> nn.Conv1d:
        return nn.Conv1d(width, width, REACH, padding=REACH // 2)

    def forward(self, x: Samples, y: Labels | None = None) -> PerSample:
        values = x[:, :, self.layout.total :]
        news = self.news.told(values, self.news.of(values, self.layout.anchor(x)))
        told = torch.cat([x[:, :, : self.layout.total], news], dim=2)
        hidden: Tensor = self.enter(told.transpose(1, 2))
        for number, stage in enumerate(self.stages):
            if number:
                hidden = avg_pool1d(hidden, 2)
            hidden = hidden + leaky_relu(stage(hidden), 0.2)
        pooled = torch.cat([hidden.mean(2), hidden.square().mean(2)], dim=1)
        return self.out(leaky_relu(self.mixed(pooled), 0.2), y)


def _prime(G: nn.Module, D: nn.Module, x: Samples, y: Labels | None) -> None:
    """Fits the linear guesses, and sets out from the held choices' shares."""
    del y
    assert isinstance(G, CourseGenerator)
    assert isinstance(D, (CourseGenerator, CourseDiscriminator))
    layout = G.layout
    G.news.prime(x[:, :, layout.total :], layout.there(x), layout.anchor(x))
    D.news.load_state_dict(G.news.state_dict())
    if G.held is not None:
        G.held.prime(x[:, 0, : layout.held_total])


def _surprisal(G: nn.Module, x: Samples, y: Labels | None, noise: Noise | None) -> PerSample:
    assert isinstance(G, CourseGenerator), "a course's density is a course's"
    return G.surprisal(x, y, noise)


@torch.no_grad()
def _gone_on(G: nn.Module, z: Latents, y: Labels | None, begun: Tensor) -> Samples:
    assert isinstance(G, CourseGenerator), "a course is asked"
    return G.gone_on(z, y, begun)


COURSE = Family(
    settings=CourseSettings,
    generator=CourseGenerator,
    discriminator=CourseDiscriminator,
    ranks=(2,),
    prime=_prime,
    surprisal=_surprisal,
    gone_on=_gone_on,
    latent_dim=lambda task: Layout(task).latents,
    wants_time=True,
    at_once=4,
)
