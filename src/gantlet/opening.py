"""Where a trained GAN is read from: a run's folder, or a package that `Gan.save` wrote."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gantlet import package, store
from gantlet.conditions import Clusters, clusters_of
from gantlet.config import ConfigError
from gantlet.engine.state import fill
from gantlet.folder import Folder
from gantlet.gan import Gan
from gantlet.measure import Calibration
from gantlet.modalities import MODALITIES
from gantlet.networks import task_of
from gantlet.run import players, resolved
from gantlet.sampling import Conditions


def opened(path: str | Path) -> Gan:
    """The GAN in a run's folder (its best checkpoint) or in a package that `Gan.save` wrote.

    Raises:
        ConfigError: there is neither.
        CorruptCheckpoint: the package was damaged.
    """
    path = Path(path)
    if path.is_dir():
        return of_folder(Folder(path))
    if not path.is_file():
        raise ConfigError(f"{path}: there is no run folder and no package here")
    checkpoint = package.unpack(path)
    tensors = checkpoint.tensors
    clusters = Clusters(**tensors["clusters"]) if "clusters" in tensors else None
    return _built(tensors, checkpoint.meta, tensors["G"], clusters, path)


def of_folder(folder: Folder) -> Gan:
    """The best checkpoint's averaged generator and its discriminator."""
    facts = folder.facts()
    path = folder.best() or folder.newest().path
    if path is None:
        raise ConfigError(f"{folder.path}: no whole checkpoint yet; `gantlet resume {folder.path}`")
    checkpoint = store.read(path)
    meta = {**facts, **checkpoint.meta, "codec": folder.codec(), "run": facts["run"]}
    tensors = checkpoint.tensors
    return _built(tensors, meta, tensors["G_ema"], clusters_of(folder.path), folder.path)


def _built(
    tensors: Mapping[str, Mapping[str, torch.Tensor]],
    meta: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    clusters: Clusters | None,
    path: Path,
) -> Gan:
    run = resolved(meta["run"])
    task = task_of(meta["task"])
    G, D, _ = players(run.network, task, run.seed)
    fill(G, weights, str(path))
    fill(D, tensors["D"], str(path))
    conditions = Conditions(
        tuple(meta["conditions"]["weights"]), bool(meta["conditions"]["hidden"])
    )
    return Gan(
        generator=G.eval().requires_grad_(False),
        discriminator=D.eval().requires_grad_(False),
        run=run,
        task=task,
        codec=MODALITIES[run.modality].codec(meta["codec"]),
        classes=tuple(meta["classes"]),
        conditions=conditions,
        calibration=Calibration(*meta["calibration"]),
        clusters=clusters,
        path=path,
    )
