"""Penalties on D, one value per sample and unweighted, and the entropy term on G.

D must judge each sample alone (no batch norm): only then is the gradient of the summed logits
the gradient of each logit, and a penalty a property of the sample.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.linalg import vector_norm

from gantlet.types import Discriminator, Noise, PerSample, Samples, Scored

Perturb = Callable[[Samples, Noise, str], Samples]


class Anchors(NamedTuple):
    """Running means of D's logits on reals and on fakes."""

    real: Float[Tensor, ""]
    fake: Float[Tensor, ""]


class Surroundings(NamedTuple):
    """What a penalty may use besides the two scored batches."""

    noise: Noise
    anchors: Anchors
    perturb: Perturb


Penalty = Callable[[Discriminator, Scored, Scored, Surroundings], PerSample]


def r1(_D: Discriminator, real: Scored, _fake: Scored, _: Surroundings) -> PerSample:
    """½ ‖∇D(x)‖² at real x.  Mescheder et al. 2018, eq. 9."""
    return real.slope.square().sum(1) / 2


def r2(_D: Discriminator, _real: Scored, fake: Scored, _: Surroundings) -> PerSample:
    """½ ‖∇D(x̃)‖² at generated x̃.  Mescheder et al. 2018, eq. 10."""
    return fake.slope.square().sum(1) / 2


def gradient_penalty(
    D: Discriminator, real: Scored, fake: Scored, around: Surroundings
) -> PerSample:
    """(‖∇D(x̂)‖ − 1)² at x̂ drawn evenly between x and x̃.  Gulrajani et al. 2017, eq. 3."""
    share = around.noise.uniform("gradient_penalty", *[1] * (real.x.ndim - 1)).to(real.x)
    first_fakes = fake.x[:: len(fake.x) // len(real.x)]
    between = (share * real.x + (1 - share) * first_fakes).detach()
    return (vector_norm(_slope_at(D, between, real.y), dim=1) - 1).square()


DRAGAN_SPREAD = 0.5  # in units of the data, which the codec brings to about unit scale


def dragan(D: Discriminator, real: Scored, _fake: Scored, around: Surroundings) -> PerSample:
    """(‖∇D(x + δ)‖ − 1)², δ ~ N(0, c²).  Kodali et al. 2017, eq. 2.

    The authors' code scales δ by the batch's spread; a constant keeps every sample alone.
    """
    delta = around.noise.normal("dragan", *real.x.shape[1:]).to(real.x)
    near = (real.x + DRAGAN_SPREAD * delta).detach()
    return (vector_norm(_slope_at(D, near, real.y), dim=1) - 1).square()


def lecam(_D: Discriminator, real: Scored, fake: Scored, around: Surroundings) -> PerSample:
    """(D(x) − α_fake)² + (D(x̃) − α_real)², α running means.  Tseng et al. 2021, eq. 3."""
    on_fake = (fake.logits - around.anchors.real).square()
    per_real = on_fake.reshape(len(real.logits), -1).mean(1)
    return (real.logits - around.anchors.fake).square() + per_real


def consistency(D: Discriminator, real: Scored, _fake: Scored, around: Surroundings) -> PerSample:
    """(D(x) − D(T(x)))² for a random change T that leaves x real.  Zhang et al. 2020, eq. 3."""
    changed = around.perturb(real.x.detach(), around.noise, "consistency")
    return (real.logits - D(changed, real.y)).square()


REGULARIZERS: dict[str, Penalty] = {
    "r1": r1,
    "r2": r2,
    "gradient_penalty": gradient_penalty,
    "dragan": dragan,
    "lecam": lecam,
    "consistency": consistency,
}

NEEDS_SLOPE = frozenset({"r1", "r2", "gradient_penalty", "dragan"})


class Moments(NamedTuple):
    """Mean and standard deviation of one layer's weights."""

    mean: float
    std: float


def initial_moments(G: nn.Module) -> dict[str, Moments]:
    """Moments of each weight tensor as it stands, to be called before training.

    Layers that start constant (biases, zero-initialised maps) have no distribution to return to
    and are left out.
    """
    moments = {}
    for name, weight in G.named_parameters():
        if weight.numel() > 1 and (std := weight.detach().double().std().item()) > 0:
            moments[name] = Moments(weight.detach().double().mean().item(), std)
    return moments


def relative_entropy(G: nn.Module, origin: Mapping[str, Moments]) -> Float[Tensor, ""]:
    """Σ over layers of KL(N(μ, σ²) ‖ N(μ₀, σ₀²)), Gaussians fitted to weights now and at first.

    KL = log(σ₀/σ) + (σ² + (μ − μ₀)²) / (2σ₀²) − ½. It is zero at initialisation, whatever the
    weights' arrangement, and grows when a layer's weights shrink together, spread or drift: it
    holds the scale of every layer without pulling single weights anywhere, as weight decay does.
    """
    terms = []
    for name, weight in G.named_parameters():  # in one order, whatever that of `origin`
        if name not in origin:
            continue
        mean, std = origin[name]
        variance = weight.var() / std**2
        offset = ((weight.mean() - mean) / std).square()
        terms.append((variance + offset - 1 - variance.log()) / 2)
    return torch.stack(terms).sum()


def _slope_at(D: Discriminator, x: Samples, y: Tensor | None) -> Float[Tensor, "b d"]:
    x = x.requires_grad_()
    return Scored(x, y, D(x, y)).slope
