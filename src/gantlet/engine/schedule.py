"""What changes while training goes on: rates, penalties, averaging, all functions of progress."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from gantlet.config import ConfigError, setting


@dataclass(frozen=True, kw_only=True)
class OptimizationSettings:
    """Adam's settings for both players and how they change from the run's start to its end."""

    warm_up: float = setting(
        0.0, "share of the run, at its start, in which G learns from the data's likelihood alone"
    )
    lr_warm_up: float = setting(2e-3, "learning rate of the generator in that share")
    batch: int = setting(64, "samples in one update, over all processes")
    micro_batch: int | None = setting(None, "samples at once; none: the whole batch")
    lr_G: float = setting(1e-3, "learning rate of the generator after burn-in")
    lr_D: float = setting(1e-3, "learning rate of the discriminator after burn-in")
    lr_start: float = setting(1.0, "factor on both rates at the start of burn-in")
    lr_end: float = setting(0.05, "factor on both rates at the end of the run")
    cooldown: float = setting(0.5, "share of the run, at its end, over which the rates fall")
    beta1: float = setting(0.0, "Adam's memory of the gradient")
    beta2_start: float = setting(0.9, "Adam's memory of the gradient's square at the start")
    beta2: float = setting(0.99, "the same after burn-in")
    burn_in: float = setting(0.1, "share of the run in which the start values pass into the others")
    gamma_start: float = setting(1.0, "factor on the penalties at the start of the run")
    gamma_end: float = setting(1.0, "factor on the penalties at the end of the run")
    anchor_end: float = setting(1.0, "factor on G's anchor at the end of the run")
    ema_images: float = setting(20_000.0, "half-life of G's average, in real samples, at most")
    ema_share: float = setting(0.05, "half-life of G's average as a share of the real samples seen")

    def __post_init__(self) -> None:
        for name in (
            "batch", "micro_batch", "lr_G", "lr_D", "lr_warm_up", "ema_images", "ema_share",
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(
                    f"optimization.{name} = {getattr(self, name)}: it must be positive"
                )
        for name in ("beta1", "beta2_start", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"optimization.{name} = {getattr(self, name)}: it lies in 0 ≤ β < 1"
                )
        for name in ("gamma_start", "gamma_end"):
            if getattr(self, name) <= 0:
                raise ConfigError(
                    f"optimization.{name} = {getattr(self, name)}: it must be positive; "
                    "to do without penalties set objective.penalties={}"
                )
        for name in ("burn_in", "cooldown", "warm_up"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"optimization.{name} = {getattr(self, name)}: a share lies between 0 and 1"
                )


WARM_UP_RISE = 0.03  # of the warm-up, over which its learning rate rises from nought


class Rates(NamedTuple):
    """Everything that the schedule sets for one step."""

    lr_G: float
    lr_D: float
    beta2: float
    gamma: float  # factor on the penalties
    anchor: float  # factor on G's anchor
    ema: float  # share of the average that is kept
    is_warm_up: bool = False  # G learns by likelihood, the game has not begun


def cosine(start: float, end: float, t: float) -> float:
    """From `start` at t ≤ 0 to `end` at t ≥ 1 along half a cosine."""
    t = min(1.0, max(0.0, t))
    return end + (start - end) * (1 + math.cos(math.pi * t)) / 2


def geometric(start: float, end: float, t: float) -> float:
    """From `start` at t = 0 to `end` at t = 1 by equal ratios."""
    return start ** (1 - t) * end**t


def rates(settings: OptimizationSettings, progress: float, images: int) -> Rates:
    """The schedule at `progress` in [0, 1], `images` reals having been shown to the players.

    What is said of the run's start and end is meant of the game, which follows the warm-up.
    """
    halflife = max(1.0, min(settings.ema_images, images * settings.ema_share))
    ema = 0.5 ** (settings.batch / halflife)
    if progress < settings.warm_up:
        return _warm_up(settings, progress / settings.warm_up, ema)
    progress = (progress - settings.warm_up) / max(1 - settings.warm_up, 1e-12)
    burn = progress / settings.burn_in if settings.burn_in else 1.0
    cool = 1.0
    if settings.cooldown:
        cool = cosine(1.0, settings.lr_end, 1 - (1 - progress) / settings.cooldown)
    factor = cosine(settings.lr_start, 1.0, burn) * cool
    return Rates(
        lr_G=settings.lr_G * factor,
        lr_D=settings.lr_D * factor,
        beta2=cosine(settings.beta2_start, settings.beta2, burn),
        anchor=1 + (settings.anchor_end - 1) * progress,
        gamma=geometric(settings.gamma_start, settings.gamma_end, progress),
        ema=ema,
    )


def _warm_up(settings: OptimizationSettings, progress: float, ema: float) -> Rates:
    rise = min(1.0, progress / WARM_UP_RISE)
    return Rates(
        lr_G=settings.lr_warm_up * rise, lr_D=0.0, beta2=settings.beta2,
        gamma=settings.gamma_start, anchor=1.0, ema=ema, is_warm_up=True,
    )  # fmt: skip
