"""What a run that promises privacy does otherwise, and what it may say of itself."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from gantlet.config import ConfigError, layered, plain
from gantlet.engine.devices import World
from gantlet.engine.privacy import Spending, noises, spent, usual_delta
from gantlet.engine.private import noise_on, unrepeatable
from gantlet.engine.state import TrainState
from gantlet.networks import NETWORKS
from gantlet.run import Run, private_family, resolved
from gantlet.session import Session

STEPS = 1500
PRESET: dict[str, Any] = {
    "clusters": 0,
    "optimization": {"warm_up": 1.0, "batch": 1024},  # the game shows D rows without noise
}
AT_ONCE = 4096  # rows that are counted side by side


def preset(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that suit a private run, or none where no privacy is asked for."""
    if wishes.get("privacy", {}).get("epsilon") is None:
        return {}
    steps = {} if "steps" in wishes.get("budget", {}) else {"budget": {"steps": STEPS}}
    return layered(PRESET, steps)


def noised(run: Run, count: int) -> tuple[Run, tuple[str, ...]]:
    """The run with δ and the noise found, and why.

    Args:
        count: rows to train on.

    Raises:
        ConfigError: too few rows, no number of steps, or Opacus is not installed.
    """
    settings, steps = run.privacy, run.budget.steps
    if settings.epsilon is None:
        return run, ()
    private_family(run, World())  # whether it can be at all comes first
    if steps is None:
        raise ConfigError("privacy.epsilon is spent by steps: set budget.steps")
    if count < 2 * run.optimization.batch:
        raise ConfigError(
            f"privacy.epsilon: {count:,} rows are too few for steps of {run.optimization.batch:,}, "
            "so noise would drown them; set optimization.batch to half of them or fewer"
        )
    delta, rate = settings.delta or usual_delta(count), run.optimization.batch / count
    of_counts, of_steps = noises(settings.epsilon, delta, rate, steps)
    found = {
        "delta": delta, "noise": settings.noise or of_steps,
        "noise_counts": settings.noise_counts or of_counts,
    }  # fmt: skip
    cost = spent(Spending(found["noise_counts"], found["noise"], rate, steps), delta)
    if cost > settings.epsilon:
        raise ConfigError(
            f"privacy.noise = {found['noise']:g}, privacy.noise_counts = "
            f"{found['noise_counts']:.3g}: {steps:,} steps would cost ε = {cost:.3g}, more than "
            f"privacy.epsilon = {settings.epsilon:g}; leave them to be found"
        )
    reason = (
        f"noise of {found['noise']:.3g} times the clip on each of {steps:,} steps and of "
        f"{found['noise_counts']:.3g} on the counts: together they cost ε = {cost:.3g} "
        f"at δ = {delta:g}. G learns by likelihood alone, and its last state is kept"
    )
    return resolved(layered(plain(run), {"privacy": found})), (reason,)


def set_out(state: TrainState, session: Session) -> None:
    """Lets both generators of a private run set out from noisy sums, where their family can."""
    run, train = session.run, session.split.train
    tally = NETWORKS[run.network.family].tally
    if run.privacy.noise_counts is None or tally is None:
        return
    sums: torch.Tensor | None = None
    for start in range(0, len(train), AT_ONCE):
        x = session.codec.encode(session.raw.rows[train[start : start + AT_ONCE]])
        part = tally.of(state.G, x).double().sum(0)
        sums = part if sums is None else sums + part
    assert sums is not None, "there are rows to train on"
    deviation = run.privacy.noise_counts * tally.length(session.task)
    noisy = sums + noise_on(sums, deviation, unrepeatable())
    for G in (state.G, state.G_ema):
        tally.set_out(G, noisy.to(next(G.parameters())), deviation)


def promised(run: Run, count: int, steps: int) -> str | None:
    """What may be said of the generator after so many steps, and what may not.

    Nothing where no privacy was asked for.
    """
    settings = run.privacy
    if settings.noise is None or settings.noise_counts is None or settings.delta is None:
        return None
    rate = run.optimization.batch / count
    cost = spent(Spending(settings.noise_counts, settings.noise, rate, steps), settings.delta)
    return (
        f"the generator is (ε = {math.ceil(cost * 100) / 100:g}, δ = {settings.delta:g})-"
        f"differentially private with regard to one row more or less: DP-SGD, {steps:,} steps, "
        f"each row in a step with probability {rate:.3g}, gradients clipped to "
        f"{settings.clip:g}, noise of {settings.noise:.3g} times that, reckoned by Opacus. The "
        "columns' names, kinds, categories, ranges and rules are taken for public knowledge. "
        "Nothing is promised of the run's log, its reports, or people with more than one row"
    )
