"""What the players play for: the settings, and the functions they name."""

from dataclasses import dataclass

from gantlet.augment import AUGMENTATIONS
from gantlet.config import ConfigError, setting
from gantlet.engine.step import Objective
from gantlet.labels import LabelSettings
from gantlet.latents import PRIORS
from gantlet.losses import LOSSES
from gantlet.regularizers import REGULARIZERS, Perturb
from gantlet.types import Hold, Surprisal


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """Losses, penalties, targets and prior."""

    loss: str = setting("relativistic", "the adversarial loss", one_of=LOSSES)
    penalties: dict[str, float] | None = setting(
        None, f"weights of penalties on D, of {', '.join(REGULARIZERS)}; none: r1 and r2 by gamma"
    )
    gamma: float = setting(2e-4, "weight of r1 and r2 over the data's total variance")
    penalty_stride: int = setting(1, "penalties look at every n-th pack of samples, at every step")
    labels: LabelSettings = LabelSettings()  # noqa: RUF009 - frozen, so it can be shared
    fakes_per_real: int = setting(1, "generated samples for each real one in D's loss")
    entropy: float = setting(0.0, "weight λ of the relative entropy of G's weights")
    anchor: float = setting(
        0.0, "weight of G's samples staying near where G set out from, if its family does"
    )
    likelihood: float = setting(
        0.0, "weight of the data's surprisal in G's loss, if its family can compute it"
    )
    prior: str = setting("normal", "distribution of z", one_of=PRIORS)
    latent_dim: int = setting(64, "numbers in z")
    perturb: str = setting(
        "image", "change that the consistency penalty applies", one_of=AUGMENTATIONS
    )


@dataclass(frozen=True, kw_only=True)
class AugmentationSettings:
    """What D sees, and how strongly changed."""

    name: str = setting("none", "augmentation of what D sees", one_of=AUGMENTATIONS)
    strength: float = setting(0.0, "probability of each change; the first value where adaptive")
    adaptive: bool = setting(False, "follow D's overfitting (Karras et al. 2020)")
    target: float = setting(0.6, "overfitting that adaptive strength steers to")
    images: int = setting(100_000, "real samples in which adaptive strength can go from 0 to 1")


PERTURBATION = 1.0  # the consistency penalty always applies its change


def objective(
    settings: ObjectiveSettings,
    augmentation: AugmentationSettings,
    hold: Hold | None = None,
    surprisal: Surprisal | None = None,
    pack: int = 1,
) -> Objective:
    """The functions that the settings name.

    Raises:
        ConfigError: a penalty that does not exist, or label settings that the loss ignores.
    """
    assert settings.penalties is not None, "penalties are found before anyone plays"
    for name in settings.penalties:
        if name not in REGULARIZERS:
            raise ConfigError(
                f"unknown penalty 'objective.penalties.{name}'; "
                f"there are: {', '.join(REGULARIZERS)}"
            )
    loss = LOSSES[settings.loss]
    if settings.labels != LabelSettings() and not loss.has_targets:
        able = ", ".join(name for name, other in LOSSES.items() if other.has_targets)
        raise ConfigError(
            f"objective.labels: loss '{settings.loss}' has no targets to smooth or flip; "
            f"set objective.loss to one of: {able}"
        )
    for name in ("fakes_per_real", "latent_dim", "penalty_stride"):
        if getattr(settings, name) < 1:
            raise ConfigError(f"objective.{name} = {getattr(settings, name)}: at least 1")
    if settings.anchor and hold is None:
        raise ConfigError(
            f"objective.anchor = {settings.anchor}: this network family sets out from no data; "
            "set it to 0, or network.family='swift'"
        )
    if settings.likelihood and surprisal is None:
        raise ConfigError(
            f"objective.likelihood = {settings.likelihood}: this network family's density is "
            "unknown; set it to 0"
        )
    change = AUGMENTATIONS[settings.perturb]
    perturb: Perturb = lambda x, noise, stream: change(x, PERTURBATION, noise, stream)  # noqa: E731
    return Objective(
        loss=loss,
        # In one order however they were written down: sums of gradients depend on it.
        penalties={name: weight for name, weight in sorted(settings.penalties.items()) if weight},
        penalty_stride=settings.penalty_stride,
        pack=pack,
        labels=settings.labels,
        fakes_per_real=settings.fakes_per_real,
        entropy=settings.entropy,
        anchor=settings.anchor,
        likelihood=settings.likelihood,
        surprisal=surprisal,
        hold=hold,
        prior=PRIORS[settings.prior],
        latent_dim=settings.latent_dim,
        augment=AUGMENTATIONS[augmentation.name],
        perturb=perturb,
    )
