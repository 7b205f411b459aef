"""A run: every setting, composed, and the players it describes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gantlet.config import ConfigError, build, setting
from gantlet.engine.clock import BudgetSettings
from gantlet.engine.devices import PRECISIONS, World, opened, placed
from gantlet.engine.objective import AugmentationSettings, ObjectiveSettings, objective
from gantlet.engine.privacy import PrivacySettings
from gantlet.engine.private import private
from gantlet.engine.schedule import OptimizationSettings
from gantlet.engine.state import TrainState, started
from gantlet.engine.train import Game, PolicySettings
from gantlet.networks import NETWORKS, Task
from gantlet.regularizers import NEEDS_SLOPE
from gantlet.types import Batch, Steepness


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """The family of both players and its own settings."""

    family: str = setting("mlp", "kind of network", one_of=NETWORKS)
    options: dict[str, Any] = setting({}, "settings of the family, e.g. network.options.width")


@dataclass(frozen=True, kw_only=True)
class KeepingSettings:
    """What a run writes and when."""

    hold_out: float = setting(0.1, "share of the data kept from training, to judge with")
    checkpoint_seconds: float = setting(60.0, "time between checkpoints")
    keep: int = setting(3, "checkpoints kept besides the best")
    preview: int = setting(64, "samples in each preview")
    preview_growth: float = setting(1.4, "ratio between the steps at which previews are drawn")
    measured: int = setting(1000, "samples in each measurement of the held-out distance")
    measure_share: float = setting(0.035, "part of the time that measuring may take")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Every setting of a run, resolved; what `run.json` holds."""

    modality: str = setting("image", "kind of data")
    seed: int = setting(0, "all randomness follows from it")
    device: str = setting("cpu", "cpu, cuda or mps")
    precision: str = setting("float32", "arithmetic of the networks", one_of=PRECISIONS)
    threads: int = setting(1, "CPU threads")
    workers: int = setting(0, "threads that read data ahead")
    clusters: int = setting(0, "conditions found where the data has no classes; 0: none")
    cluster_rows: int = setting(40, "rows that a cluster has on average, at least")
    data: dict[str, Any] = setting({}, "how the source is read")
    network: NetworkSettings = NetworkSettings()
    objective: ObjectiveSettings = ObjectiveSettings()  # noqa: RUF009 - the same
    policy: PolicySettings = PolicySettings()  # noqa: RUF009 - the same
    optimization: OptimizationSettings = OptimizationSettings()  # noqa: RUF009 - the same
    augmentation: AugmentationSettings = AugmentationSettings()  # noqa: RUF009 - the same
    budget: BudgetSettings = BudgetSettings()  # noqa: RUF009 - the same
    privacy: PrivacySettings = PrivacySettings()  # noqa: RUF009 - the same
    keeping: KeepingSettings = KeepingSettings()


def players(
    network: NetworkSettings, task: Task, seed: int
) -> tuple[nn.Module, nn.Module, nn.Module]:
    """G, D and a second G, their weights following from the seed alone."""
    family = NETWORKS[network.family]
    if len(task.shape) not in family.ranks:
        able = [name for name, other in NETWORKS.items() if len(task.shape) in other.ranks]
        raise ConfigError(
            f"network.family = '{network.family}' does not take samples of shape {task.shape}; "
            f"choose one of: {', '.join(able)}"
        )
    settings = build(family.settings, network.options, "network.options.")
    if family.wants_blocks and not task.blocks:
        raise ConfigError(
            f"network.family = '{network.family}' is made for data of choices, such as tables, "
            "and these have none; choose another family"
        )
    if family.wants_time and task.timed is None:
        raise ConfigError(
            f"network.family = '{network.family}' is made for series, and these are none; "
            "choose another family"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return (
            family.generator(task, settings),
            family.discriminator(task, settings),
            family.generator(task, settings),
        )


def begun(run: Run, task: Task, example: Batch | None = None) -> TrainState:
    """The state of a run before its first step, on its device.

    Args:
        example: samples of the data, from which some families set up G.
    """
    device = opened(run.device)
    networks = players(run.network, task, run.seed)
    prime = NETWORKS[run.network.family].prime
    if prime is not None and example is not None:
        prime(*networks[:2], example.x, example.y)
    G, D, G_ema = (placed(network, device, run.precision) for network in networks)
    state = started(G, D, G_ema, run.seed)
    state.micro_batch = run.optimization.micro_batch
    state.augment_p = run.augmentation.strength
    return state


def game(run: Run, world: World | None = None) -> Game:
    """The rules that the settings describe.

    Raises:
        ConfigError: rules that contradict each other, such as a slope penalty on a D whose
            batch norm couples the samples.
    """
    family = NETWORKS[run.network.family]
    penalties = run.objective.penalties or {}
    slopes = sorted(name for name in NEEDS_SLOPE if penalties.get(name))
    world = world or World()
    if not family.is_sample_wise:
        if slopes:
            raise ConfigError(
                f"objective.penalties.{slopes[0]}: batch norm in '{run.network.family}' couples "
                "the samples, so D has no slope at a single one; set objective.penalties={} "
                "or choose another network.family"
            )
        if run.optimization.micro_batch or world.size > 1:
            raise ConfigError(
                f"network.family = '{run.network.family}' holds batch norm: micro-batches or "
                "several processes would change the mathematics; choose another family"
            )
    rules = None
    if run.privacy.is_asked:
        rules = private(run.privacy, run.optimization.batch, private_family(run, world))
    if run.optimization.warm_up and family.surprisal is None:
        raise ConfigError(
            f"optimization.warm_up = {run.optimization.warm_up}: the density of "
            f"network.family = '{run.network.family}' is unknown; set it to 0"
        )
    pack = family.pack(build(family.settings, run.network.options, "network.options."))
    if run.optimization.batch % (pack * world.size):
        multiple = pack * world.size
        raise ConfigError(
            f"optimization.batch = {run.optimization.batch}: D judges packs of {pack} in each of "
            f"{world.size} processes; take a multiple of {multiple}, or network.options.pack=1"
        )
    return Game(
        objective=objective(run.objective, run.augmentation, family.hold, family.surprisal, pack),
        optimization=run.optimization,
        policy=run.policy,
        precision=run.precision,
        world=world,
        private=rules,
    )


def private_family(run: Run, world: World) -> Steepness:
    """How private steps learn; refuses what would tell of rows without noise.

    Raises:
        ConfigError: names the setting and the way out.
    """
    family, asked = NETWORKS[run.network.family], f"privacy.epsilon = {run.privacy.epsilon}"
    if family.steepness is None:
        able = ", ".join(name for name, other in NETWORKS.items() if other.steepness is not None)
        raise ConfigError(
            f"{asked}: what a single sample teaches network.family = '{run.network.family}' is not "
            f"known by itself, so it cannot be limited; privacy is for tables (family {able})"
        )
    if run.optimization.warm_up < 1:
        raise ConfigError(
            f"optimization.warm_up = {run.optimization.warm_up} with {asked}: D would see rows "
            "without noise; leave it at 1"
        )
    if run.budget.target is not None or run.budget.plateau is not None:
        raise ConfigError(f"{asked}: budget.target and budget.plateau end by what rows say")
    if run.clusters:
        raise ConfigError(f"{asked}: clusters = {run.clusters} are found in the rows; set it to 0")
    if world.size > 1:
        raise ConfigError(f"{asked}: several processes would each add noise; train with one")
    return family.steepness


def resolved(values: Mapping[str, Any]) -> Run:
    """The run that nested plain values describe."""
    return build(Run, values)
