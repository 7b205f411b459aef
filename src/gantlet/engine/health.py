"""What can go wrong with a game, told from numbers, in words, with what to do.

Every rule looks at readings that any modality yields; the thresholds are on ratios, so that no
rule knows the scale of the data or of the logits.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Reading(NamedTuple):
    """The numbers of one tick, averaged since the last."""

    step: int
    progress: float
    D_loss: float
    G_loss: float
    real_right: float  # share of reals that D calls real
    fake_right: float  # share of fakes that D calls fake
    real: float  # mean logits
    fake: float
    held_out: float  # mean logit on reals kept from training; NaN where there are none
    G_gradient: float  # norms, of the whole player
    D_gradient: float
    diversity: float  # spread of the generated over spread of the real, 1 being equal
    distance: float  # held-out distance of the averaged generator
    floor: float  # the same distance of real against real
    skipped: int  # updates since the last tick that were skipped as not finite
    rank: float = math.nan  # by what states are chosen: smaller is better
    rank_floor: float = math.nan  # the same of real against real; runs of old know none
    is_warm_up: bool = False  # G learns by likelihood alone: D has not been asked yet


class Verdict(NamedTuple):
    """One finding: its kind, what is the case, and what to do."""

    kind: str
    words: str
    advice: str


Rule = Callable[[Sequence[Reading]], Verdict | None]
SETTLED = 0.2  # share of the run before which nothing is called converged
RECENT = 3  # readings that must agree, so that a single noisy one raises nothing


def diverged(readings: Sequence[Reading]) -> Verdict | None:
    """Non-finite updates, a distance grown tenfold and still growing, or samples that fly off."""
    now = readings[-1]
    if now.skipped or not math.isfinite(now.D_loss + now.G_loss):
        return Verdict(
            "diverged",
            f"{now.skipped} updates were not finite and were skipped",
            "lower optimization.lr_G and lr_D, or raise the penalties r1 and r2",
        )
    best = min(r.distance for r in readings)
    tail = [r.distance for r in readings[-RECENT:]]
    grows = len(tail) == RECENT and all(a < b for a, b in pairwise(tail))
    if grows and tail[0] > 3 * best and tail[-1] > 10 * max(best, now.floor):
        return Verdict(
            "diverged",
            f"the held-out distance rose from {best:.3g} to {now.distance:.3g}",
            "stop: the best checkpoint is kept; lower the learning rates or raise gamma",
        )
    # A distance that is bounded can stand still while samples fly off.
    spread = [r.diversity for r in readings[-RECENT:]]
    if len(spread) == RECENT and min(spread) > 4 and spread[-1] > 0.8 * spread[0]:
        return Verdict(
            "diverged",
            f"generated samples spread {now.diversity:.3g} times as far as the real ones",
            "lower optimization.lr_G and lr_D, or raise the penalties r1 and r2",
        )
    return None


def discriminator_too_strong(readings: Sequence[Reading]) -> Verdict | None:
    """D is never wrong and G's distance does not fall."""
    tail = readings[-RECENT:]
    never_wrong = all(min(r.real_right, r.fake_right) > 0.98 for r in tail)
    if len(tail) < RECENT or not never_wrong or tail[-1].distance < 0.9 * tail[0].distance:
        return None
    return Verdict(
        "D_too_strong",
        f"D tells {tail[-1].fake_right:.0%} of the fakes and {tail[-1].real_right:.0%} of the "
        "reals apart, and the samples do not get better",
        "raise the penalties r1 and r2, lower optimization.lr_D, or augment",
    )


def discriminator_too_weak(readings: Sequence[Reading]) -> Verdict | None:
    """D guesses although the distance says that there is something to see."""
    tail = readings[-RECENT:]
    guesses = all(r.real_right + r.fake_right < 1.04 for r in tail)  # or does worse
    visible = all(r.distance > 4 * r.floor for r in tail)
    if len(tail) < RECENT or not guesses or not visible:
        return None
    return Verdict(
        "D_too_weak",
        "D cannot tell real from fake although the distance can",
        "lower the penalties r1 and r2, widen the network, or raise optimization.lr_D",
    )


def discriminator_memorises(readings: Sequence[Reading]) -> Verdict | None:
    """D rates held-out reals like fakes: it knows the training set by heart."""
    tail = readings[-RECENT:]
    gaps = [(r.real - r.held_out) / max(r.real - r.fake, 1e-12) for r in tail]
    sure = all(r.real - r.fake > 0 and r.real_right > 0.7 for r in tail)
    if len(tail) < RECENT or not sure or not all(gap > 0.5 for gap in gaps):
        return None
    return Verdict(
        "D_memorises",
        f"D's margin on held-out reals is {1 - gaps[-1]:.0%} of that on training reals",
        "set augmentation.adaptive=true, bring more data, or end earlier",
    )


def diversity_collapses(readings: Sequence[Reading]) -> Verdict | None:
    """Generated samples spread far less than the real ones."""
    tail = readings[-RECENT:]
    if len(tail) < RECENT or not all(r.diversity < 0.35 for r in tail):
        return None
    if tail[-1].diversity > 1.15 * tail[0].diversity:  # it is on its way up
        return None
    return Verdict(
        "collapsing",
        f"generated samples spread only {tail[-1].diversity:.0%} as far as the real ones",
        "use the relativistic loss with r1 and r2, raise gamma, or lower optimization.lr_G",
    )


def gradient_is_dead(readings: Sequence[Reading]) -> Verdict | None:
    """G is told nothing: its gradient is nought beside what it was."""
    tail = readings[-RECENT:]
    peak = max(r.G_gradient for r in readings)
    dead = all(r.G_gradient <= 1e-4 * peak or r.G_gradient == 0 for r in tail)
    if len(tail) < RECENT or not dead:
        return None
    return Verdict(
        "dead_gradient",
        f"G's gradient fell to {tail[-1].G_gradient:.1e}, from {peak:.1e}",
        "use a loss that does not saturate (relativistic, nonsaturating) or penalise D",
    )


def worsening(readings: Sequence[Reading]) -> Verdict | None:
    """The distance, and what states are chosen by, have left their best well behind for good."""
    tail = readings[-RECENT:]
    best = min(readings, key=lambda reading: reading.distance)
    past = 1.5 * best.distance + tail[-1].floor / 2
    chosen = min(readings, key=lambda reading: reading.rank)
    # Ranks may be below nought, as surprisals are: there half of what was learned must be lost.
    past_rank = chosen.rank + max(chosen.rank, chosen.rank - chosen.rank_floor) / 2
    if len(tail) < RECENT or not all(r.distance > past for r in tail):
        return None
    if any(r.rank <= past_rank for r in tail):
        return None
    return Verdict(
        "worsening",
        f"the held-out distance was {best.distance:.3g} at step {best.step:,} and is "
        f"{tail[-1].distance:.3g} now",
        "the best state is kept and is what sample uses; lower the learning rates or raise gamma",
    )


def converged(readings: Sequence[Reading]) -> Verdict | None:
    """The distance stands at its floor, or has not moved for a third of the run."""
    now = readings[-1]
    if now.progress < SETTLED or len(readings) < RECENT:
        return None
    if all(r.distance <= 1.5 * r.floor for r in readings[-RECENT:]):
        return Verdict(
            "converged",
            "the held-out distance tells samples from data hardly better than data from data",
            "look at the samples: it is a coarse measure, and time may help what it cannot see",
        )
    late = [r.distance for r in readings if r.progress > now.progress * 2 / 3]
    early = [r.distance for r in readings if r.progress <= now.progress * 2 / 3]
    if len(late) < 5 or len(early) < 5 or now.progress < 0.3:
        return None
    if np.median(late) > 0.97 * np.median(early[-len(late) :]) and np.median(late) < 1.1 * min(
        early
    ):
        return Verdict(
            "converged",
            f"the held-out distance has stood near {np.median(late):.3g} for a third of the run",
            "more time will change little; widen the network or bring more data",
        )
    return None


RULES: dict[str, Rule] = {
    "diverged": diverged,
    "dead_gradient": gradient_is_dead,
    "collapsing": diversity_collapses,
    "D_too_strong": discriminator_too_strong,
    "D_too_weak": discriminator_too_weak,
    "D_memorises": discriminator_memorises,
    "worsening": worsening,
    "converged": converged,
}

HEALTHY = Verdict("healthy", "the game is balanced", "")
WARMING = Verdict("warming_up", "too early to tell", "")
LEARNING = Verdict("warming_up", "G learns from the data alone: D is not asked", "")


def diagnose(readings: Sequence[Reading]) -> list[Verdict]:
    """What the readings so far show, the worst first; never empty."""
    if not readings:
        return [WARMING]
    if readings[-1].is_warm_up and not readings[-1].skipped:
        return [LEARNING]
    found = [verdict for rule in RULES.values() if (verdict := rule(readings))]
    if found:
        # A game in trouble may stand still, too; that is no comfort then.
        return [v for v in found if v.kind != "converged"] or found
    if len(readings) < RECENT:
        return [WARMING]
    best = min(readings, key=lambda reading: reading.distance)
    if readings[-1].distance > 1.3 * best.distance:
        return [HEALTHY._replace(words=f"{HEALTHY.words}; it was better at step {best.step:,}")]
    return [HEALTHY]
