"""Settings are found, not asked for: what a run will do, and why."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gantlet.config import ConfigError, layered, plain, read
from gantlet.engine.devices import best_device
from gantlet.feed import loads
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import Found
from gantlet.networks import NETWORKS, Task
from gantlet.private_plan import noised, preset
from gantlet.probe import Speed, speed
from gantlet.run import Run, resolved

RECIPES = Path(__file__).parent / "recipes"
DEFAULT_MINUTES = 10.0
FEW = 10_000  # samples below which D's view is augmented as it begins to memorise


class Plan(NamedTuple):
    """A resolved run, the reasons for what was found, and what the machine can do with it."""

    run: Run
    task: Task
    reasons: tuple[str, ...]
    speed: Speed | None  # none where the user fixed the threads and asked for no survey


def recipe(modality: str, device: str, wishes: Mapping[str, Any]) -> dict[str, Any]:
    """The preset of a modality, and what differs from it on that device.

    What it says for its own network family is left out where another family is wished for.
    """
    files = [RECIPES / f"{modality}.toml", RECIPES / f"{modality}.{device}.toml"]
    presets = [MODALITIES[modality].defaults, *(read(file) for file in files if file.is_file())]
    base = layered(*presets, {"modality": modality})
    own = base.get("network", {}).get("family")
    family = wishes.get("network", {}).get("family", own)
    if family != own:
        base["network"] = {"family": own}
        if family in NETWORKS and NETWORKS[family].hold is None:
            base = layered(base, {"objective": {"anchor": 0.0}})
        if family in NETWORKS and NETWORKS[family].surprisal is None:
            none = {"objective": {"likelihood": 0.0}, "optimization": {"warm_up": 0.0}}
            base = layered(base, none)
    return base


def draft(modality: str, wishes: Mapping[str, Any]) -> Run:
    """The run before anything is known of the data."""
    device = wishes.get("device") or best_device()
    base = layered(recipe(modality, device, wishes), preset(wishes))
    return resolved(layered(base, {"device": device}, wishes))


def planned(
    modality: str,
    found: Found,
    classes: int,
    variance: float,
    wishes: Mapping[str, Any],
    *,
    probed: bool,
) -> Plan:
    """The run for this data on this machine: the recipe, what was found, and the user's wishes.

    Args:
        classes: conditions that G and D will be given; 0 for none.
        variance: of the encoded data, summed over its dimensions.
        probed: whether to measure speed even where nothing depends on it.
    """
    reasons: list[str] = []
    device = wishes.get("device") or best_device()
    base = recipe(modality, device, wishes)
    machine: dict[str, Any] = {"device": device, "workers": loads(found.shape)}
    reasons.append(f"device {device}: the fastest that this machine offers")
    if device == "cuda":
        machine["precision"] = "bfloat16"
        reasons.append("precision bfloat16: halves the work of a GPU; weights stay float32")
    augmentation = MODALITIES[modality].augmentation
    if augmentation is not None and found.count < FEW:
        machine["augmentation"] = {"name": augmentation, "adaptive": True}
        reasons.append(f"adaptive augmentation: {found.count:,} samples are soon known by heart")
    if found.advice is not None and "family" not in wishes.get("network", {}):
        machine = layered(machine, found.advice.settings)
        reasons.append(found.advice.why)
    machine = layered(machine, preset(wishes))
    limits = machine.get("budget", {}) | wishes.get("budget", {})
    if not limits.keys() & {"minutes", "images", "steps"}:
        machine["budget"] = {"minutes": DEFAULT_MINUTES}
        reasons.append(f"{DEFAULT_MINUTES:g} minutes: the default; change it with --minutes")
    run = resolved(layered(base, machine, wishes))
    if run.objective.penalties is None:
        run, reason = _with_penalties(run, variance)
        reasons.append(reason)
    _check_batch(run, found.count)
    run, why = noised(run, found.count)
    reasons += why
    task = Task(found.shape, classes, run.objective.latent_dim, found.blocks, found.timed)
    needed = NETWORKS[run.network.family].latent_dim
    if needed is not None and "latent_dim" not in wishes.get("objective", {}):
        task = task._replace(latent_dim=needed(task))
        run = resolved(layered(plain(run), {"objective": {"latent_dim": task.latent_dim}}))
    measured = None
    if probed or ("threads" not in wishes and device == "cpu"):
        candidates = [run.threads] if "threads" in wishes else _thread_counts(device)
        measured = speed(run, task, candidates)
        run = resolved(layered(plain(run), {"threads": measured.threads}))
        reasons.append(
            f"{measured.threads} thread{'s' * (measured.threads > 1)}: "
            f"the fewest that reach nearly the best of {len(candidates)} tried"
        )
    return Plan(run, task, tuple(reasons), measured)


def _with_penalties(run: Run, variance: float) -> tuple[Run, str]:
    """r1 and r2 at γ = gamma · variance, or none where D has no slope at a single sample.

    D's logit changes by some units over the distances between samples, whose squares go with the
    variance: so γ·‖∇D‖² keeps its place in the loss at any resolution, contrast and scale.
    """
    if not NETWORKS[run.network.family].is_sample_wise:
        weights, reason = {}, f"no penalties: batch norm in {run.network.family} couples samples"
    else:
        gamma = run.objective.gamma * variance
        weights = {"r1": gamma, "r2": gamma}
        reason = f"γ = {gamma:.3g}: {run.objective.gamma:g} of the data's total variance"
    objective = {"objective": {"penalties": weights}}
    return resolved(layered(plain(run), objective)), reason


def _check_batch(run: Run, count: int) -> None:
    if count < 2:
        raise ConfigError(
            f"{count} sample found: a GAN needs at least 2 to learn a distribution from, "
            "and does well from a few hundred on"
        )


def _thread_counts(device: str) -> list[int]:
    if device != "cpu":
        return [torch.get_num_threads()]
    most = os.cpu_count() or 1
    counts = [1]
    while counts[-1] * 2 <= min(most, 16):
        counts.append(counts[-1] * 2)
    return counts
