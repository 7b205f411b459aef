"""Tiny games: players, data and rules small enough to be played many times in a second."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from gantlet.engine.clock import BudgetSettings, Clock
from gantlet.engine.noise import Rows, StepNoise
from gantlet.engine.objective import AugmentationSettings, ObjectiveSettings, objective
from gantlet.engine.schedule import OptimizationSettings
from gantlet.engine.state import TrainState, started
from gantlet.engine.step import Moment, Objective
from gantlet.engine.train import Game, PolicySettings
from gantlet.networks import NETWORKS, Task
from gantlet.regularizers import Anchors, initial_moments
from gantlet.types import Batch

LATENT_DIM = 4
PICTURES, POINTS = (1, 8, 8), (2,)
WHOLE = Rows(0, 12, 12)


def rules(*, strength: float = 0.0, name: str = "image", pack: int = 1, **settings) -> Objective:
    """An objective; `name` and `strength` are those of the augmentation."""
    settings = {"penalties": {}} | settings
    augmentation = AugmentationSettings(name=name if strength else "none", strength=strength)
    return objective(ObjectiveSettings(latent_dim=LATENT_DIM, **settings), augmentation, pack=pack)


def players(
    shape: tuple[int, ...] = PICTURES, classes: int = 3, seed: int = 0
) -> tuple[nn.Module, nn.Module]:
    """A small smooth-enough G and D in float64."""
    family, task = NETWORKS["mlp"], Task(shape, classes, LATENT_DIM)
    settings = family.settings(width=8, depth=2, waves=4)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        G, D = family.generator(task, settings), family.discriminator(task, settings)
    return G.double(), D.double()


def judge_of_packs(pack: int, seed: int = 0) -> nn.Module:
    """A small D in float64 that sees the variety of packs of pictures."""
    family, task = NETWORKS["swift"], Task(PICTURES, 3, LATENT_DIM)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return family.discriminator(task, family.settings(width_D=4, pack=pack)).double()


def reals(update: int, rows: Rows, shape: tuple[int, ...] = PICTURES, classes: int = 3) -> Batch:
    """Reals that follow from the update and the rows alone."""
    source = torch.Generator().manual_seed(1_000 + update)
    x = torch.randn(rows.total, *shape, generator=source, dtype=torch.float64) * 0.5 + 0.3
    y = torch.randint(max(1, classes), (rows.total,), generator=source)
    own = slice(rows.start, rows.stop)
    return Batch(x[own], y[own] if classes else None)


def points(update: int, rows: Rows) -> Batch:
    """A draw of points without classes."""
    return reals(update, rows, POINTS, classes=0)


def noise(rows: Rows = WHOLE, update: int = 0) -> StepNoise:
    return StepNoise(7, update, rows, torch.device("cpu"))


def moment(G: nn.Module, D: nn.Module, *, gamma: float = 0.7, augment_p: float = 0.0) -> Moment:
    """Anchors and an origin that no formula can take for nought."""
    anchors = Anchors(torch.tensor(0.3, dtype=torch.float64), torch.tensor(-0.2).double())
    origin = {n: m._replace(std=1.3 * m.std) for n, m in initial_moments(G).items()}
    return Moment(
        gamma=gamma, anchor=1.0, augment_p=augment_p, anchors=anchors, origin=origin,
        weights_G=list(G.parameters()), weights_D=list(D.parameters()),
    )  # fmt: skip


def gradients(player: nn.Module) -> list[Tensor]:
    """Every gradient of the player, nought where none was given."""
    return [
        torch.zeros_like(weight) if weight.grad is None else weight.grad.clone()
        for weight in player.parameters()
    ]


def far(left: Iterable[Tensor], right: Iterable[Tensor]) -> float:
    """The largest difference, in units of the largest value."""
    pairs = list(zip(left, right, strict=True))
    scale = max(1e-300, *(b.abs().max().item() for _, b in pairs))
    return max((a - b).abs().max().item() for a, b in pairs) / scale


def state(shape: tuple[int, ...] = POINTS, classes: int = 0, seed: int = 0) -> TrainState:
    """Two players before their first step, in float64."""
    (G, D), (G_ema, _) = players(shape, classes, seed), players(shape, classes, seed + 1)
    return started(G, D, G_ema, seed)


def game(given: Objective | None = None, *, policy: dict | None = None, **optimization) -> Game:
    """A game of batches of 12 at rates that stand still."""
    still = {"batch": 12, "lr_end": 1.0, "lr_start": 1.0, "burn_in": 0.0} | optimization
    return Game(
        given or rules(penalties={"r1": 0.1, "r2": 0.1}),
        OptimizationSettings(**still),
        PolicySettings(**(policy or {})),
    )


def steps(count: int) -> Clock:
    return Clock(BudgetSettings(steps=count))


def weights(player: nn.Module) -> list[Tensor]:
    return [weight.detach().clone() for weight in player.parameters()]
