"""What can go wrong with a run goes wrong here: nothing is lost, and it is said in words."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import runs
from gantlet.engine.devices import World
from gantlet.events import Drawn, Ended, Noted, RolledBack, Saved, Stepped
from gantlet.execute import ROLLBACKS, Execution, execute
from gantlet.files import StoreError, lock
from gantlet.folder import Folder
from gantlet.networks import NETWORKS
from gantlet.networks.base import Family
from gantlet.networks.mlp import MLP
from gantlet.store import checkpoints, newest, read

SIMULTANEOUS = {"simultaneous": True, "patience": 2}


class Treacherous(nn.Module):
    """A D that answers NaN from its n-th training step on, for as long as `is_bad` says so."""

    calls, is_bad = 0, staticmethod(lambda calls: False)

    def __init__(self, D: nn.Module) -> None:
        super().__init__()
        self.D = D

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        logits = self.D(x, y)
        if not torch.is_grad_enabled():
            return logits
        Treacherous.calls += 1
        return logits * torch.nan if Treacherous.is_bad(Treacherous.calls) else logits


@pytest.fixture
def treacherous(monkeypatch):
    """A family of one's own, as `--load` would add it, and the calls at which D is bad."""

    def badly(is_bad) -> dict[str, Any]:
        monkeypatch.setattr(Treacherous, "calls", 0)
        monkeypatch.setattr(Treacherous, "is_bad", staticmethod(is_bad))
        return {
            "network": {"family": "treacherous"},
            "policy": SIMULTANEOUS,
            "budget": {"steps": 12},
            "keeping": {"checkpoint_seconds": 0.0, "keep": 1000},
        }

    family = Family(
        settings=MLP.settings,
        generator=MLP.generator,
        discriminator=lambda task, settings: Treacherous(MLP.discriminator(task, settings)),
        ranks=(1,),
    )
    monkeypatch.setitem(NETWORKS, "treacherous", family)
    return badly


def are_finite(folder: Path) -> bool:
    """Whether every tensor of every checkpoint is."""
    return all(
        tensor.isfinite().all()
        for path in checkpoints(folder / "checkpoints")
        for tensors in read(path).tensors.values()
        for tensor in tensors.values()
    )


def test_a_spell_of_values_that_are_not_finite_costs_a_roll_back_and_half_the_rate(
    treacherous, tmp_path
):
    bad = treacherous(lambda calls: 6 <= calls < 9)
    events = runs.played(runs.begun(tmp_path, **bad), tmp_path)
    (back,) = [event for event in events if isinstance(event, RolledBack)]
    assert back.lr_scale == 0.5
    assert back.to_step <= 7
    assert "not finite for 3 steps in a row" in back.why
    assert runs.ended(events) == Ended(12, "12 steps are done", False)
    assert runs.meta(tmp_path)["rollbacks"] == 1
    assert runs.meta(tmp_path)["lr_scale"] == 0.5
    assert are_finite(tmp_path)


def test_a_roll_back_undoes_what_was_seen_and_what_waited_since(treacherous, tmp_path):
    bad = treacherous(lambda calls: 6 <= calls < 9) | {"keeping": {"checkpoint_seconds": 60.0}}
    playing = Execution(runs.begun(tmp_path, **bad), Folder(tmp_path), World(), None)
    back = []
    for event in playing.events():
        if isinstance(event, Stepped) and event.tick.step == 4 and not back:
            playing.readings.append(playing.meter.reading(playing.state, {}, 0)[0])
            playing.keeper.waiting = playing.taken().apart()
        if isinstance(event, RolledBack):
            back.append(event.to_step)
            assert playing.keeper.waiting is None
            assert playing.readings == []
    assert back == [0]
    assert {path.name[-2:] for path in checkpoints(tmp_path / "checkpoints")} == {"00", "12"}


def test_after_some_roll_backs_a_run_gives_up_and_keeps_its_last_good_state(treacherous, tmp_path):
    bad = treacherous(lambda calls: calls > 5)
    events = runs.played(runs.begun(tmp_path, **bad), tmp_path)
    back = [event.lr_scale for event in events if isinstance(event, RolledBack)]
    assert back == [0.5**n for n in range(1, ROLLBACKS + 2)]
    end = runs.ended(events)
    assert end.is_failure
    assert f"gave up after {ROLLBACKS} roll-backs" in end.why
    assert are_finite(tmp_path)
    assert runs.meta(tmp_path)["step"] >= 5


@pytest.mark.parametrize("lr", [1e12, 1e38])
def test_an_absurd_learning_rate_ends_in_words_and_never_in_a_checkpoint(lr, tmp_path):
    session = runs.begun(
        tmp_path, policy=SIMULTANEOUS, budget={"steps": 200},
        keeping={"checkpoint_seconds": 0.0, "keep": 1000},
        optimization={"lr_G": lr, "lr_D": lr, "lr_start": 1.0, "burn_in": 0.0},
    )  # fmt: skip
    events = runs.played(session, tmp_path)
    assert runs.ended(events).is_failure
    assert are_finite(tmp_path)


def test_closing_the_iterator_keeps_every_step_done(tmp_path):
    events = runs.stopped(runs.begun(tmp_path), tmp_path, 7)
    assert not any(isinstance(event, Ended) for event in events)
    assert runs.meta(tmp_path)["step"] == 7
    with lock(tmp_path):
        pass  # the folder is free again


@pytest.mark.parametrize("kind", [Drawn, Saved])
def test_closing_it_at_any_other_event_keeps_them_as_well(kind, tmp_path):
    events = execute(runs.begun(tmp_path, keeping={"checkpoint_seconds": 0.0}), Folder(tmp_path))
    done = 0
    for event in events:
        done += isinstance(event, Stepped)
        if done == 4 and isinstance(event, kind):
            break
    events.close()
    assert runs.meta(tmp_path)["step"] == 4


def test_a_second_run_in_a_folder_is_refused_while_the_first_one_trains(tmp_path):
    first = execute(runs.begun(tmp_path), Folder(tmp_path))
    next(first)
    with pytest.raises(StoreError, match=rf"pid {os.getpid()} .* is training in this folder"):
        next(execute(runs.again(tmp_path), Folder(tmp_path)))
    first.close()
    assert runs.steps(runs.played(runs.again(tmp_path), tmp_path))[-1] == 12


def test_a_damaged_checkpoint_is_passed_over_and_named(tmp_path):
    keeping = {"checkpoint_seconds": 0.0, "keep": 9}
    whole, hurt = tmp_path / "whole", tmp_path / "hurt"
    runs.played(runs.begun(whole, keeping=keeping), whole)
    runs.stopped(runs.begun(hurt, keeping=keeping), hurt, 6)
    newest_one = newest(hurt / "checkpoints").path
    assert newest_one is not None
    content = bytearray((newest_one / "D.safetensors").read_bytes())
    content[-1] ^= 1
    (newest_one / "D.safetensors").write_bytes(content)
    events = runs.played(runs.again(hurt), hurt)
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert "passed over" in notes[0]
    assert "D.safetensors" in notes[0]
    assert runs.steps(events) == [6, *range(7, 13)]
    for file, tensors in runs.kept(whole).items():
        assert all(torch.equal(runs.kept(hurt)[file][name], tensors[name]) for name in tensors)


def test_a_file_where_the_runs_folder_should_be_is_named_with_the_way_out(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(StoreError, match=r"run: .*move it away"):
        runs.begun(tmp_path / "run")


def test_a_folder_that_can_no_longer_be_written_ends_a_run_in_words(tmp_path):
    session = runs.begun(tmp_path, keeping={"checkpoint_seconds": 0.0})
    events = execute(session, Folder(tmp_path))
    for event in events:
        if isinstance(event, Stepped):
            (tmp_path / "checkpoints").rename(tmp_path / "checkpoints-before")
            (tmp_path / "checkpoints").touch()
            break
    with pytest.raises(StoreError, match=r"checkpoints.*what stood there before is untouched"):
        list(events)
    assert newest(tmp_path / "checkpoints-before").path is not None


FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import runs
from gantlet.files import StoreError
from gantlet.store import newest
folder = Path(sys.argv[1])
runs.stopped(runs.begun(folder), folder, 3)
size = max(path.stat().st_size for path in folder.rglob("*.safetensors"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, resource.RLIM_INFINITY))
try:
    runs.stopped(runs.again(folder), folder, 3)
except StoreError as error:
    print(error)
assert newest(folder / "checkpoints").path.name == "step-000000000003"
"""


@pytest.mark.skipif(os.name == "nt", reason="limits the size of files as only Unix does")
def test_a_disk_that_takes_no_more_costs_nothing_that_was_kept(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, Path(__file__).parent],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "File too large (needed: " in done.stdout
    assert "ulimit -f" in done.stdout


def test_a_run_of_which_only_the_beginning_was_written_is_no_run(tmp_path, monkeypatch):
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gantlet.folder.write_json", crash)  # as it is killed there
    with pytest.raises(KeyboardInterrupt):
        runs.begun(tmp_path)
    monkeypatch.undo()
    assert not Folder(tmp_path).exists
    assert runs.steps(runs.played(runs.begun(tmp_path), tmp_path))[-1] == 12


def test_a_plateau_and_a_target_end_a_run_before_its_steps_do(tmp_path):
    target = runs.played(
        runs.begun(tmp_path / "a", budget={"steps": 10_000, "target": 1e9}), tmp_path / "a"
    )
    assert "the held-out distance reached" in runs.ended(target).why
    assert runs.ended(target).step < 10_000


@pytest.mark.parametrize(("rows", "is_told"), [(40, True), (60, False)])
def test_a_run_that_keeps_no_rows_from_training_says_so(rows, is_told, tmp_path):
    events = runs.played(runs.begun(tmp_path / "run", runs.cloud(rows)), tmp_path / "run")
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert any("no rows are kept from training" in note for note in notes) == is_told
