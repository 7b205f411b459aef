"""The loop: tensors in, trained networks out. The caller decides what happens between steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from gantlet.config import ConfigError, setting
from gantlet.engine.devices import World, autocast
from gantlet.engine.noise import Rows, StepNoise
from gantlet.engine.private import Private, private_likelihood_step
from gantlet.engine.schedule import OptimizationSettings, Rates, rates
from gantlet.engine.state import TrainState
from gantlet.engine.step import (
    Moment,
    Objective,
    Step,
    discriminator_step,
    generator_step,
    joint_step,
    likelihood_step,
)
from gantlet.types import Batch, Scalars

Draw = Callable[[int, Rows], Batch]  # (update, rows) → reals; updates are counted over the run


@dataclass(frozen=True, kw_only=True)
class PolicySettings:
    """Who moves, how often and in what order."""

    d_updates: int = setting(1, "updates of D for each one of G")
    simultaneous: bool = setting(False, "both gradients are taken before either player moves")
    patience: int = setting(10, "updates in a row that may be skipped for non-finite gradients")

    def __post_init__(self) -> None:
        if self.d_updates < 1:
            raise ConfigError(f"policy.d_updates = {self.d_updates}: at least 1")


@runtime_checkable  # so that tests can check signatures
class TellsProgress(Protocol):
    """A clock, running or recorded."""

    @property
    def elapsed(self) -> float: ...
    def progress(self, state: TrainState) -> float: ...


class Game(NamedTuple):
    """What does not change between steps."""

    objective: Objective
    optimization: OptimizationSettings
    policy: PolicySettings
    precision: str = "float32"
    world: World = World()
    private: Private | None = None  # steps of likelihood are noisy then, and there are no others


class Tick(NamedTuple):
    """One step done: where training stands, the rates it used, and means over the batch."""

    step: int
    images: int
    progress: float
    rates: Rates
    scalars: Scalars
    moved: bool  # False: a gradient was not finite, and its player was left as it was


WARM_UP_BETA1 = 0.9  # Adam's memory of a gradient that no opponent changes


class NonFinite(ArithmeticError):
    """Gradients were not finite for more updates in a row than the policy's patience."""


def train(state: TrainState, draw: Draw, game: Game, clock: TellsProgress) -> Iterator[Tick]:
    """Plays until the clock stands at 1; one tick a step, `state` being up to date at each.

    Raises:
        NonFinite: the players' gradients stay infinite or NaN; weights are as before.
    """
    skipped = 0
    while (progress := game.world.agreed(clock.progress(state))) < 1:
        now = rates(game.optimization, progress, state.images)
        scalars, moved = _played(state, draw, game, now)
        skipped = 0 if moved else skipped + 1
        if skipped > game.policy.patience:
            raise NonFinite(f"gradients were not finite for {skipped} steps in a row")
        if moved:
            state.average(now.ema)
            if not now.is_warm_up:
                state.remember(scalars["D/real"], scalars["D/fake"])
        state.step += 1
        state.images += game.optimization.batch * game.policy.d_updates
        state.clock.append(progress)
        state.elapsed = clock.elapsed
        yield Tick(state.step, state.images, progress, now, scalars, moved)


def _played(state: TrainState, draw: Draw, game: Game, now: Rates) -> tuple[Scalars, bool]:
    """One step of the game: D's updates and G's; whether every player could move."""
    _set_rates(state.opt_D, now.lr_D * state.lr_scale, game.optimization.beta1, now.beta2)
    if now.is_warm_up:
        return _warmed_up(state, draw, game, now)
    _set_rates(state.opt_G, now.lr_G * state.lr_scale, game.optimization.beta1, now.beta2)
    first = state.step * (game.policy.d_updates + 1)
    last = first + game.policy.d_updates
    alone = game.policy.d_updates - game.policy.simultaneous
    scalars: Scalars = {}
    finite = True
    for update in range(first, first + alone):
        scalars |= _gradients(discriminator_step, state, [state.weights_D], draw, game, now, update)
        finite &= _moved(state.opt_D, state.weights_D, scalars, "D/gradient")
    if game.policy.simultaneous:
        scalars |= _gradients(
            joint_step, state, [state.weights_D, state.weights_G], draw, game, now, last
        )
        finite &= _moved(state.opt_D, state.weights_D, scalars, "D/gradient")
    else:
        scalars |= _gradients(generator_step, state, [state.weights_G], draw, game, now, last)
    finite &= _moved(state.opt_G, state.weights_G, scalars, "G/gradient")
    return scalars, finite


def _warmed_up(state: TrainState, draw: Draw, game: Game, now: Rates) -> tuple[Scalars, bool]:
    """One step of G by likelihood alone; whether it could move."""
    _set_rates(state.opt_G, now.lr_G * state.lr_scale, WARM_UP_BETA1, now.beta2)
    update = state.step * (game.policy.d_updates + 1)
    if game.private is not None:
        batch = draw(update, Rows(0, game.optimization.batch, game.optimization.batch))
        scalars = private_likelihood_step(state.G, state.weights_G, batch, game.private)
    else:
        scalars = _gradients(likelihood_step, state, [state.weights_G], draw, game, now, update)
    return scalars, _moved(state.opt_G, state.weights_G, scalars, "G/gradient")


def _gradients(
    step: Step,
    state: TrainState,
    players: list[list[nn.Parameter]],
    draw: Draw,
    game: Game,
    now: Rates,
    update: int,
) -> Scalars:
    """The players' whole-batch gradients in `.grad`, in as many parts as memory asks for."""
    batch = game.optimization.batch
    own = Rows(0, batch, batch).of_process(game.world.rank, game.world.size)
    moment = Moment(
        now.gamma,
        now.anchor,
        state.augment_p,
        state.anchors,
        state.origin,
        state.weights_G,
        state.weights_D,
    )
    while True:
        try:
            for weight in chain.from_iterable(players):
                weight.grad = None
            total: Scalars = {}
            for rows in own.cut(_part(state, len(own), game.objective.pack)):
                noise = StepNoise(state.seed, update, rows, state.device)
                with autocast(state.device, game.precision):
                    part = step(state.G, state.D, draw(update, rows), noise, game.objective, moment)
                total = part if rows == own else _added(total, part, len(rows) / len(own))
            break
        except (torch.OutOfMemoryError, RuntimeError) as error:
            _halve(state, len(own), game.objective.pack, error)
    game.world.sum_gradients(chain.from_iterable(players))
    return game.world.mean(total)


def _added(total: Scalars, part: Scalars, share: float) -> Scalars:
    return {name: value * share + total.get(name, 0.0) for name, value in part.items()}


def _part(state: TrainState, rows: int, pack: int) -> int:
    """Samples at once: whole packs."""
    return max(pack, (state.micro_batch or rows) // pack * pack)


def _halve(state: TrainState, rows: int, pack: int, error: RuntimeError) -> None:
    """Half as many samples at once from now on; anything but a lack of memory is raised again."""
    lacks_memory = isinstance(error, torch.OutOfMemoryError) or "can't allocate" in str(error)
    size = _part(state, rows, pack)
    if not lacks_memory or size == pack:
        raise error
    state.micro_batch = size // 2
    if state.device.type == "cuda":
        torch.cuda.empty_cache()


def _moved(
    optimizer: torch.optim.Adam, weights: list[nn.Parameter], scalars: Scalars, name: str
) -> bool:
    """Steps the optimizer unless the gradient is not finite; whether it did."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    norm = _norm(gradients)
    scalars[name] = norm
    if not torch.isfinite(norm):
        return False
    optimizer.step()
    return True


def _norm(tensors: list[Tensor]) -> Tensor:
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))  # pyright: ignore[reportPrivateImportUsage] - torch names no public one


def _set_rates(optimizer: torch.optim.Adam, lr: float, beta1: float, beta2: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr
        group["betas"] = (beta1, beta2)
