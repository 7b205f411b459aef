"""One update of either player: the paper on one screen.

Gradients are left in the parameters' `.grad`, added to what is there and weighted by the rows'
share of the global batch, so that micro-batches and processes sum to the whole batch's gradient.
No optimizer steps here.
"""

from collections.abc import Callable, Mapping, Sequence
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
from gantlet.types import (
    Batch,
    Discriminator,
    Hold,
    Labels,
    Latents,
    Samples,
    Scalars,
    Scored,
    Surprisal,
)


class Objective(NamedTuple):
    """What the players play for; made once from the settings."""

    loss: Loss
    penalties: Mapping[str, float]
    penalty_stride: int  # penalties look at every n-th pack, at every step
    pack: int  # samples that D judges together
    labels: LabelSettings
    fakes_per_real: int
    entropy: float
    anchor: float
    likelihood: float  # weight of the data's surprisal in G's loss, in the game
    surprisal: Surprisal | None  # families whose density can be computed have one
    hold: Hold | None  # what the anchor weighs; families that set out from data have one
    prior: Prior
    latent_dim: int
    augment: Augmentation
    perturb: Perturb


class Moment(NamedTuple):
    """What an update needs to know of the state that is not a network."""

    gamma: float  # factor on the penalties
    anchor: float  # factor on the anchor
    augment_p: float
    anchors: Anchors
    origin: Mapping[str, Moments]
    weights_G: Sequence[nn.Parameter]
    weights_D: Sequence[nn.Parameter]


class Made(NamedTuple):
    """k fakes for each real, under the real's label, and what they were made from."""

    z: Latents
    y: Labels | None
    x: Samples


def generated(
    G: nn.Module, batch: Batch, noise: StepNoise, objective: Objective, stream: str
) -> Made:
    """Fakes of a step, their latents named by the stream."""
    k = objective.fakes_per_real
    z = objective.prior(noise, stream, k, objective.latent_dim).flatten(0, 1).to(batch.x.dtype)
    y = None if batch.y is None else batch.y.repeat_interleave(k)
    return Made(z, y, G(z, y))


def discriminator_step(
    G: nn.Module, D: nn.Module, batch: Batch, noise: StepNoise, objective: Objective, now: Moment
) -> Scalars:
    """Adds to D the gradient of its loss and penalties. G is not trained here."""
    with torch.no_grad():
        made = generated(G, batch, noise, objective, "D/z")
    _, _, scalars = _judged_and_descended(D, batch, made, noise, objective, now)
    return scalars


def generator_step(
    G: nn.Module, D: nn.Module, batch: Batch, noise: StepNoise, objective: Objective, now: Moment
) -> Scalars:
    """Adds to G the gradient of its loss and of what holds it. D is not trained here."""
    made = generated(G, batch, noise, objective, "G/z")
    views = _views(objective, now, noise, "G")
    with torch.no_grad():
        real_logits = D(views.real(batch.x), batch.y).repeat_interleave(objective.fakes_per_real)
    loss = objective.loss.generator(real_logits, D(views.fake(made.x), made.y)).mean()
    terms = {"loss": loss} | _holding(G, batch, made, noise, objective, now)
    (torch.stack(list(terms.values())).sum() * noise.rows.share).backward(inputs=now.weights_G)
    return {f"G/{name}": term.detach() for name, term in terms.items()}


def joint_step(
    G: nn.Module, D: nn.Module, batch: Batch, noise: StepNoise, objective: Objective, now: Moment
) -> Scalars:
    """Adds to both players their gradients at the same point, D passing over the fakes once.

    By the chain rule G's gradient at a fake is L_G'(D(x̃))·∇D(x̃): simultaneous play (Mescheder
    et al. 2017) costs G no pass of D of its own, and where R2 has computed the slope, nothing.
    """
    made = generated(G, batch, noise, objective, "D/z")
    real, fake, scalars = _judged_and_descended(D, batch, made, noise, objective, now)
    logits = fake.logits.detach().requires_grad_()
    against = real.logits.detach().repeat_interleave(objective.fakes_per_real)
    loss = objective.loss.generator(against, logits).mean()
    (pull,) = torch.autograd.grad(loss, logits)
    # Where D judges each alone, the pull is a multiple of the slope that R2 has computed.
    is_known = objective.pack == 1 and objective.penalty_stride == 1
    pulled = pull[:, None] * fake.slope.detach() if is_known else fake.pulled(pull)
    at_fakes = pulled.view_as(made.x)
    terms = _holding(G, batch, made, noise, objective, now)
    # The inner product's gradient is G's: its value means nothing.
    held = torch.stack([(made.x * at_fakes).sum(), *terms.values()]).sum()
    (held * noise.rows.share).backward(inputs=now.weights_G)
    scalars["G/loss"] = loss.detach()
    return scalars | {f"G/{name}": term.detach() for name, term in terms.items()}


def likelihood_step(
    G: nn.Module, D: nn.Module, batch: Batch, noise: StepNoise, objective: Objective, now: Moment
) -> Scalars:
    """Adds to G the gradient of the reals' mean surprisal. D has no part in it."""
    del D
    assert objective.surprisal is not None, "the settings were checked"
    loss = objective.surprisal(G, batch.x, batch.y, noise).mean()
    (loss * noise.rows.share).backward(inputs=now.weights_G)
    return {"G/surprisal": loss.detach()}


Step = Callable[[nn.Module, nn.Module, Batch, StepNoise, Objective, Moment], Scalars]


def _judged_and_descended(
    D: nn.Module,
    batch: Batch,
    made: Made,
    noise: StepNoise,
    objective: Objective,
    now: Moment,
) -> tuple[Scored, Scored, Scalars]:
    k = objective.fakes_per_real
    views = _views(objective, now, noise, "D")
    # Where the slope at every sample is wanted, one pass over reals and fakes is the cheaper.
    judged = _judged_together if objective.penalty_stride == 1 else _judged_apart
    real, fake = judged(D, views, batch, made.x.detach(), made.y)
    fake_logits = fake.logits.unflatten(0, (-1, k))
    asked = targets(objective.labels, real.logits, fake_logits, noise)
    terms = {"loss": objective.loss.discriminator(real.logits, fake_logits, asked).mean()}
    terms |= _penalties(D, real, fake, noise, objective, now)
    total = torch.stack(list(terms.values())).sum() * noise.rows.share
    # The slope at the fakes may be asked for yet, so the graph is kept.
    total.backward(inputs=now.weights_D, retain_graph=True)
    boundary = objective.loss.boundary(real.logits, fake_logits).detach()
    return (
        real,
        fake,
        {f"D/{name}": term.detach() for name, term in terms.items()}
        | {
            "D/real": real.logits.detach().mean(),
            "D/fake": fake.logits.detach().mean(),
            "D/real_right": (real.logits.detach() > boundary).to(batch.x.dtype).mean(),
            "D/fake_right": (fake.logits.detach() < boundary).to(batch.x.dtype).mean(),
        },
    )


def _penalties(
    D: nn.Module, real: Scored, fake: Scored, noise: StepNoise, objective: Objective, now: Moment
) -> dict[str, Tensor]:
    """Each weighted penalty's mean, in the units of a mean over this part of the batch.

    Every n-th pack is chosen by its place in the global batch, so that the expected penalty is
    that of the whole batch and the sum over parts does not depend on how the batch is cut.
    """
    stride, rows = objective.penalty_stride, noise.rows
    places = rows.chosen(stride, objective.pack)
    if len(places) == 0:  # this part holds none of the chosen
        return {name: real.logits.new_zeros(()) for name in objective.penalties}
    views = _views(objective, now, noise, "D")
    if stride > 1:
        noise = noise._replace(places=places)
        own, k = places - rows.start, objective.fakes_per_real
        of_fakes = (own[:, None] * k + torch.arange(k)).flatten()
        chosen = Batch(real.x[own], None if real.y is None else real.y[own])
        y_fake = None if fake.y is None else fake.y[of_fakes]
        views = _views(objective, now, noise, "D")
        real, fake = _judged_together(D, views, chosen, fake.x[of_fakes], y_fake)
    # A part may hold more or fewer of the chosen than its share of the batch.
    of_all = len(Rows(0, rows.total, rows.total).chosen(stride, objective.pack))
    parity = len(places) / of_all / rows.share
    around = Surroundings(noise, now.anchors, objective.perturb)
    seen: Discriminator = lambda x, y: D(views.real(x), y)  # noqa: E731 - a name for its type
    return {
        name: now.gamma * weight * parity * REGULARIZERS[name](seen, real, fake, around).mean()
        for name, weight in objective.penalties.items()
    }


class _Views(NamedTuple):
    """What D sees of reals and of fakes: augmented alike, by draws of their own."""

    real: Callable[[Samples], Samples]
    fake: Callable[[Samples], Samples]


def _views(objective: Objective, now: Moment, noise: StepNoise, stream: str) -> _Views:
    per_fake = noise._replace(each=objective.fakes_per_real)
    augment, p = objective.augment, now.augment_p
    return _Views(
        lambda x: augment(x, p, noise, f"{stream}/real"),
        lambda x: augment(x, p, per_fake, f"{stream}/fake"),
    )


def _judged_apart(
    D: nn.Module, views: _Views, batch: Batch, x_fake: Samples, y_fake: Labels | None
) -> tuple[Scored, Scored]:
    """Reals and fakes in passes of their own; x are leaves, so that slopes can be taken."""
    x, x_fake = batch.x.detach().requires_grad_(), x_fake.detach().requires_grad_()
    return (
        Scored(x, batch.y, D(views.real(x), batch.y)),
        Scored(x_fake, y_fake, D(views.fake(x_fake), y_fake)),
    )


def _judged_together(
    D: nn.Module, views: _Views, batch: Batch, x_fake: Samples, y_fake: Labels | None
) -> tuple[Scored, Scored]:
    """The same in one pass, the slopes at both costing one backward pass between them."""
    x = torch.cat([batch.x, x_fake]).detach().requires_grad_()
    y = None if batch.y is None or y_fake is None else torch.cat([batch.y, y_fake])
    first, last = slice(len(batch.x)), slice(len(batch.x), None)
    whole = Scored(x, y, D(torch.cat([views.real(x[first]), views.fake(x[last])]), y))
    return (
        Scored(x[first], batch.y, whole.logits[first], (whole, first)),
        Scored(x[last], y_fake, whole.logits[last], (whole, last)),
    )


def _holding(
    G: nn.Module, batch: Batch, made: Made, noise: StepNoise, objective: Objective, now: Moment
) -> dict[str, Tensor]:
    """What holds G besides the game, weighted: λ·H(θ_G), the anchor in the data, likelihood."""
    terms = {}
    if objective.entropy:
        terms["entropy"] = objective.entropy * relative_entropy(G, now.origin)
    if objective.anchor and objective.hold is not None:
        terms["anchor"] = objective.anchor * now.anchor * objective.hold(G, *made).mean()
    if objective.likelihood and objective.surprisal is not None:
        surprisal = objective.surprisal(G, batch.x, batch.y, noise).mean()
        terms["surprisal"] = objective.likelihood * surprisal
    return terms
