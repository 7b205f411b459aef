"""Trains the same run in one process and in two, and shows how far the weights are apart.

    python benchmarks/two_processes.py                    # starts its two processes itself
    python benchmarks/two_processes.py --steps 50 --processes 4

The global batch is the same, the arithmetic float64. Ends with status 1 if any number of G, D or
the average of G differs by more than 1e-10.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from gantlet.config import layered
from gantlet.engine.clock import Clock
from gantlet.engine.devices import World, joined
from gantlet.engine.train import train
from gantlet.feed import Feed, split
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import finished
from gantlet.networks import Task
from gantlet.run import Run, begun, game, resolved

LIMIT = 1e-10
COUNT, BATCH, CLASSES = 200, 16, 3
BASE: dict[str, Any] = {
    "device": "cpu", "precision": "float64", "seed": 5,
    "optimization": {"batch": BATCH, "ema_images": 500.0},
    "policy": {"simultaneous": True},
    "objective": {"latent_dim": 6, "penalties": {"r1": 0.5, "r2": 0.5}, "perturb": "flip"},
    "network": {"family": "swift", "options": {"width_G": 32, "width_D": 8, "components": 4}},
}  # fmt: skip
RESNET = {"width": 8, "narrowest": 8, "blocks": 1, "group": 4}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "R1 + R2": {},
    "alternating, 2 updates of D": {"policy": {"simultaneous": False, "d_updates": 2}},
    "penalties on every 4th": {"objective": {"penalty_stride": 4}},
    "penalties on every 16th": {"objective": {"penalty_stride": 16}},
    "micro-batches of 3": {"optimization": {"micro_batch": 3}},
    "3 fakes for each real": {"objective": {"fakes_per_real": 3, "loss": "nonsaturating"}},
    "augmented": {"augmentation": {"name": "image", "strength": 0.6}},
    "every penalty, entropy": {
        "objective": {
            "penalties": {"gradient_penalty": 0.3, "dragan": 0.3, "lecam": 0.1, "consistency": 0.3},
            "entropy": 0.01,
        }
    },
    "all of it": {
        "optimization": {"micro_batch": 3},
        "objective": {"penalty_stride": 4, "fakes_per_real": 2, "entropy": 0.01},
        "augmentation": {"name": "image", "strength": 0.6},
    },
    "resnet": {"network": {"family": "resnet"}},
}


def run_of(name: str, steps: int) -> Run:
    values = layered(BASE, CONFIGURATIONS[name], {"budget": {"steps": steps}})
    if name == "resnet":
        values["network"] = {"family": "resnet", "options": RESNET}
    return resolved(values)


def trained(run: Run, world: World) -> dict[str, Tensor]:
    """The weights of all players after the run, on random pictures with classes."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (COUNT, 16, 16, 3), dtype=np.uint8)
    modality = MODALITIES["image"]
    raw = finished(modality.load(pictures, modality.settings()))
    codec, labels = modality.fit(raw), rng.integers(CLASSES, size=COUNT)
    state = begun(run, Task(codec.shape, CLASSES, run.objective.latent_dim))
    rows = split(run.seed, COUNT, 0.1).train
    feed = Feed(raw.rows, codec, rows, labels, run.seed, state.device, state.dtype)
    for _ in train(state, feed, game(run, world), Clock(run.budget)):
        pass
    players = {"G": state.G, "D": state.D, "G_ema": state.G_ema}
    return {
        f"{player}.{name}": weight.detach().clone()
        for player, network in players.items()
        for name, weight in network.named_parameters()
    }


def worker(folder: Path, names: list[str], steps: int) -> None:
    """One of the processes that torchrun starts; every one writes what it ended with."""
    world = joined()
    for name in names:
        weights = trained(run_of(name, steps), world)
        place = folder / f"{list(CONFIGURATIONS).index(name)}-{world.rank}.safetensors"
        save_file({key: value.contiguous() for key, value in weights.items()}, place)
    torch.distributed.barrier()  # one that is torn down while the other still speaks may abort
    torch.distributed.destroy_process_group()


def together(names: list[str], steps: int, processes: int) -> dict[str, list[dict[str, Tensor]]]:
    """What each of the processes ended with, by configuration."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python",
            "--nproc-per-node", str(processes), sys.executable, __file__,
            "--worker", folder, "--steps", str(steps), "--only", *names,
        ]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return {
            name: [
                load_file(Path(folder) / f"{list(CONFIGURATIONS).index(name)}-{rank}.safetensors")
                for rank in range(processes)
            ]
            for name in names
        }


def apart(left: Mapping[str, Tensor], right: Mapping[str, Tensor], player: str) -> float:
    """The largest difference of any weight of that player."""
    return max(
        (left[name] - right[name]).abs().max().item()
        for name in left
        if name.startswith(player + ".")
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"{__doc__}".split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=CONFIGURATIONS, default=[*CONFIGURATIONS])
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    torch.set_num_threads(1)
    arguments = parsed()
    if arguments.worker:
        worker(arguments.worker, arguments.only, arguments.steps)
        return 0
    several = together(arguments.only, arguments.steps, arguments.processes)
    print(f"1 process against {arguments.processes}, batch {BATCH}, {arguments.steps} steps\n")
    print("| configuration | G | D | EMA of G | between processes |")
    print("| --- | ---: | ---: | ---: | ---: |")
    worst = 0.0
    for name in arguments.only:
        alone = trained(run_of(name, arguments.steps), World())
        first, *others = several[name]
        far = [apart(alone, first, player) for player in ("G", "D", "G_ema")]
        between = max(apart(first, other, p) for other in others for p in ("G", "D", "G_ema"))
        print(f"| {name} | " + " | ".join(f"{value:.1e}" for value in [*far, between]) + " |")
        worst = max(worst, *far, between)
    print(f"\nlargest difference {worst:.1e}, limit {LIMIT:.0e}")
    return int(not worst <= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
