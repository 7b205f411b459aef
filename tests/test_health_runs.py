"""Every verdict comes from a real run that suffers from it; a sound run is told nothing bad."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import games
import runs
from gantlet.config import layered
from gantlet.engine.devices import World
from gantlet.engine.health import RULES, Reading, diagnose
from gantlet.engine.train import train
from gantlet.execute import Execution
from gantlet.folder import Folder

FREE = {"r1": 0.0, "r2": 0.0}
HELD = {"r1": 1.0, "r2": 1.0}
BASE = {
    "network": {
        "options": {
            "width": 32, "depth": 2, "signs": 0, "waves": 16, "wave_decay": 1.0,
            "shortest_wave": 64.0,
        }
    },
    "optimization": {  # rates that stand still
        "batch": 32, "burn_in": 0.0, "cooldown": 0.0, "gamma_start": 1.0, "gamma_end": 1.0,
        "beta1": 0.0, "beta2": 0.99, "ema_share": 0.05,
    },
    "policy": {"simultaneous": True, "patience": 1_000},
    "keeping": {"measured": 200},
}  # fmt: skip
SHARP = {"network": {"options": {"width": 64, "waves": 64}}}


def gaussian(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, 2))


def corners(count: int) -> np.ndarray:
    """Four specks that a sharp D tells from anything else."""
    rng = np.random.default_rng(0)
    return rng.choice([-1.0, 1.0], (count, 2)) + 0.01 * rng.standard_normal((count, 2))


class Case(NamedTuple):
    """What is trained on, how long, and with what settings."""

    data: np.ndarray
    steps: int
    settings: dict[str, Any]


def case(data: np.ndarray, steps: int, lr_G: float, lr_D: float, *more: dict[str, Any]) -> Case:
    rates = {"optimization": {"lr_G": lr_G, "lr_D": lr_D}}
    return Case(data, steps, layered(BASE, rates, *more))


def loss(name: str, penalties: dict[str, float]) -> dict[str, Any]:
    return {"objective": {"loss": name, "penalties": penalties}}


SUFFERING = {
    # Rates far too high and nothing that holds D: samples fly off.
    "diverged": case(runs.cloud(400), 40, 0.3, 0.3, loss("wasserstein", FREE)),
    # G is thrown to where D is sure; there the saturating loss is flat.
    "dead_gradient": case(corners(400), 40, 0.3, 0.02, loss("minimax", FREE), SHARP),
    # Against a D that hardly learns, G piles everything up where D's logit is highest.
    "collapsing": case(runs.cloud(400), 80, 0.02, 1e-4, loss("hinge", FREE)),
    # D learns fast, G not at all.
    "D_too_strong": case(corners(400), 200, 1e-6, 0.01, loss("nonsaturating", FREE), SHARP),
    # Penalties that let D say nothing.
    "D_too_weak": case(
        runs.cloud(400), 60, 1e-3, 1e-3, loss("relativistic", {"r1": 1e5, "r2": 1e5})
    ),
    # Thirty points, a sharp D, and fakes much like the thirty points it never saw.
    "D_memorises": case(
        gaussian(60), 140, 1e-5, 5e-3, loss("nonsaturating", FREE), SHARP,
        {"keeping": {"hold_out": 0.5}, "network": {"options": {"waves": 128}}},
    ),
    # It learns well, until penalties fade away while the rates rise a hundredfold.
    "worsening": case(
        gaussian(2_000), 300, 1e-3, 1e-3, loss("relativistic", HELD), SHARP,
        {"optimization": {"gamma_end": 1e-6, "cooldown": 0.6, "lr_end": 100.0}},
    ),
    "converged": case(
        gaussian(2_000), 300, 3e-3, 3e-3, loss("relativistic", HELD),
        {"network": {"options": {"waves": 0}}, "optimization": {"batch": 64}},
    ),
}  # fmt: skip
SOUND = case(
    runs.cloud(2_000), 200, 2e-3, 2e-3, loss("relativistic", HELD), {"optimization": {"batch": 64}}
)


def readings(case: Case, folder: Path) -> Iterator[list[Reading]]:
    """All readings so far, ten times in the run."""
    settings = layered(case.settings, {"budget": {"steps": case.steps}})
    playing = Execution(runs.begun(folder, case.data, **settings), Folder(folder), World(), None)
    seen, told, skipped = [], [], 0
    for tick in train(playing.state, playing.feed, playing.game, games.steps(case.steps)):
        told += [{name: value.item() for name, value in tick.scalars.items()}] * tick.moved
        skipped += not tick.moved
        if tick.step % (case.steps // 10) == 0:
            means = {name: float(np.mean([t[name] for t in told])) for name in told[0]}
            seen.append(playing.meter.reading(playing.state, means, skipped)[0])
            told, skipped = [], 0
            yield seen


def test_every_rule_has_a_run_that_suffers_from_it():
    assert SUFFERING.keys() == RULES.keys()


@pytest.mark.parametrize("kind", SUFFERING)
def test_a_run_that_suffers_is_told_what_from(kind, tmp_path):
    told = [{v.kind for v in diagnose(seen)} for seen in readings(SUFFERING[kind], tmp_path)]
    assert kind not in told[0]
    assert any(kind in kinds for kinds in told)


def test_a_run_that_gets_better_is_never_told_of_anything_bad(tmp_path):
    seen: list[Reading] = []
    for seen in readings(SOUND, tmp_path):
        assert {v.kind for v in diagnose(seen)} <= {"warming_up", "healthy", "converged"}
    assert seen[-1].distance < 0.8 * seen[0].distance
