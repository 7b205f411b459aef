"""One update of either player: the paper on one screen.

Gradients are left in the parameters' `.grad`, added to what is there and weighted by the rows'
share of the global batch, so that micro-batches and processes sum to the whole batch's gradient.
No optimizer steps here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gantlet.augment import Augmentation
from gantlet.engine.noise import Rows, StepNoise
from gantlet.labels import LabelSettings, targets
from gantlet.latents import Prior
from gantlet.losses import Loss
from gantlet.regularizers import (
    REGULARIZERS,
    Anchors,
    Moments,
    Perturb,
    Surroundings,
    relative_entropy,
)
from gantlet.types import Batch, Discriminator, Labels, Samples, Scalars, Scored


class Objective(NamedTuple):
    """What the players play for; made once from the settings."""

    loss: Loss
    penalties: Mapping[str, float]
    labels: LabelSettings
    fakes_per_real: int
    entropy: float
    prior: Prior
    latent_dim: int
    augment: Augmentation
    perturb: Perturb


class Moment(NamedTuple):
    """What an update needs to know of the state that is not a network."""

    gamma: float  # factor on the penalties
    augment_p: float
    anchors: Anchors
    origin: Mapping[str, Moments]


def judge(D: Discriminator, x: Samples, y: Labels | None) -> Scored:
    """D's logits of x, with x a leaf so that slopes at it can be taken."""
    x = x.detach().requires_grad_()
    return Scored(x, y, D(x, y))


def seen_through(
    D: Discriminator, augment: Augmentation, p: float, noise: StepNoise, stream: str
) -> Discriminator:
    """D behind an augmentation, which is then part of what penalties differentiate."""
    return lambda x, y: D(augment(x, p, noise, stream), y)


def discriminator_step(
    G: nn.Module, D: nn.Module, batch: Batch, noise: StepNoise, objective: Objective, now: Moment
) -> Scalars:
    """Adds to D the gradient of its loss and penalties. G is not trained here."""
    k = objective.fakes_per_real
    y_fake = None if batch.y is None else batch.y.repeat_interleave(k)
    with torch.no_grad():
        z = objective.prior(noise, "D/z", k, objective.latent_dim).flatten(0, 1)
        x_fake = G(z.to(batch.x.dtype), y_fake)
    D_real = seen_through(D, objective.augment, now.augment_p, noise, "D/real")
    D_fake = seen_through(D, objective.augment, now.augment_p, per_fake(noise, k), "D/fake")
    real, fake = judge(D_real, batch.x, batch.y), judge(D_fake, x_fake, y_fake)
    fake_logits = fake.logits.unflatten(0, (-1, k))
    asked = targets(objective.labels, real.logits, fake_logits, noise)
    terms = {"loss": objective.loss.discriminator(real.logits, fake_logits, asked)}
    around = Surroundings(noise, now.anchors, objective.perturb)
    for name, weight in objective.penalties.items():
        terms[name] = now.gamma * weight * REGULARIZERS[name](D_real, real, fake, around)
    _descend(sum_of_means(terms), D, noise.rows)
    boundary = objective.loss.boundary(real.logits, fake_logits).detach()
    return {f"D/{name}": term.detach().mean() for name, term in terms.items()} | {
        "D/real": real.logits.detach().mean(),
        "D/fake": fake.logits.detach().mean(),
        "D/real_right": (real.logits.detach() > boundary).to(batch.x.dtype).mean(),
        "D/fake_right": (fake.logits.detach() < boundary).to(batch.x.dtype).mean(),
    }


def generator_step(
    G: nn.Module, D: nn.Module, batch: Batch, noise: StepNoise, objective: Objective, now: Moment
) -> Scalars:
    """Adds to G the gradient of its loss and of λ·H(θ_G). D is not trained here."""
    z = objective.prior(noise, "G/z", 1, objective.latent_dim).flatten(0, 1)
    x_fake = G(z.to(batch.x.dtype), batch.y)
    D_real = seen_through(D, objective.augment, now.augment_p, noise, "G/real")
    D_fake = seen_through(D, objective.augment, now.augment_p, noise, "G/fake")
    with torch.no_grad():
        real_logits = D_real(batch.x, batch.y)
    terms = {"loss": objective.loss.generator(real_logits, D_fake(x_fake, batch.y))}
    if objective.entropy:
        terms["entropy"] = objective.entropy * relative_entropy(G, now.origin)
    _descend(sum_of_means(terms), G, noise.rows)
    return {f"G/{name}": term.detach().mean() for name, term in terms.items()}


Step = Callable[[nn.Module, nn.Module, Batch, StepNoise, Objective, Moment], Scalars]


def sum_of_means(terms: Mapping[str, Tensor]) -> Tensor:
    """Σ of each term's mean over its samples."""
    return torch.stack([term.mean() for term in terms.values()]).sum()


def per_fake(noise: StepNoise, k: int) -> StepNoise:
    """Noise with k rows for each real sample."""
    start, stop, total = noise.rows
    return noise._replace(rows=Rows(start * k, stop * k, total * k))


def _descend(objective: Tensor, player: nn.Module, rows: Rows) -> None:
    (objective * rows.share).backward(inputs=[p for p in player.parameters() if p.requires_grad])
