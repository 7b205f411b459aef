"""When states are written, and that the best one is not lost where writing has to wait."""

import json

import pytest
import torch

from gantlet import store
from gantlet.engine.best import SHORTEST_PAUSE
from gantlet.folder import Folder
from gantlet.keeping import Keeper, Taken
from gantlet.run import KeepingSettings

SOON = SHORTEST_PAUSE / 4


class Run:
    """A keeper, its time, and a state whose only weight the next step changes in place."""

    def __init__(self, path):
        self.path, self.now, self.weight = path, 0.0, torch.zeros(1)
        self.keeper = Keeper(Folder(path), KeepingSettings(), lambda: self.now)

    def taken(self, step, distance):
        self.weight.fill_(step)
        return Taken(step, {"G": {"weight": self.weight}}, {"step": step}, distance)

    def look(self, step, distance, *, better, after=SOON):
        self.now += after
        return [s.step for s in self.keeper.look(lambda: self.taken(step, distance), better)]

    def best(self):
        named = json.loads((self.path / "best.json").read_text(encoding="utf-8"))
        checkpoint = store.read(self.path / "checkpoints" / named["checkpoint"])
        return checkpoint.tensors["G"]["weight"].item(), named["distance"]


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_the_first_best_state_is_written_at_once_and_the_next_waits(run):
    assert run.look(1, 0.9, better=True) == [1]
    assert run.look(2, 0.5, better=True) == []
    assert run.best() == (1, 0.9)


def test_what_waits_is_written_as_it_was_as_soon_as_it_may(run):
    run.look(1, 0.9, better=True)
    run.look(2, 0.5, better=True)
    assert run.look(3, 0.7, better=False) == []
    assert run.look(4, 0.8, better=False, after=SHORTEST_PAUSE) == [2]
    assert run.best() == (2, 0.5)
    assert run.look(5, 0.8, better=False, after=2 * SHORTEST_PAUSE) == []


def test_of_two_that_wait_the_later_is_the_better(run):
    run.look(1, 0.9, better=True)
    run.look(2, 0.5, better=True)
    run.look(3, 0.4, better=True)
    run.keeper.save(run.taken(4, 0.8), better=False)
    assert run.best() == (3, 0.4)
    assert not (run.path / "checkpoints" / "step-000000000002").exists()


def test_the_last_state_of_a_run_does_not_cost_it_the_best_that_waits(run):
    run.look(1, 0.9, better=True)
    run.look(2, 0.5, better=True)
    saved = run.keeper.save(run.taken(3, 0.8), better=False)
    assert [(s.step, s.is_best) for s in saved] == [(2, True), (3, False)]
    assert run.best() == (2, 0.5)


def test_a_better_last_state_takes_the_place_of_what_waits(run):
    run.look(1, 0.9, better=True)
    run.look(2, 0.5, better=True)
    assert [s.step for s in run.keeper.save(run.taken(3, 0.3), better=True)] == [3]
    assert run.best() == (3, 0.3)


def test_a_checkpoint_by_the_clock_brings_what_waits_with_it(run):
    run.look(1, 0.9, better=True)
    run.keeper.saved_in = 1e6  # a disk so slow that no second best state is ever worth it
    run.look(2, 0.5, better=True)
    assert run.look(3, 0.8, better=False, after=61.0) == [2, 3]
    assert run.best() == (2, 0.5)
