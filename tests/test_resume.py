"""A run that was stopped, anywhere and any number of times, ends as one that never was."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import gantlet
import runs
from gantlet.config import ConfigError
from gantlet.engine.clock import Recorded
from gantlet.engine.devices import World
from gantlet.engine.train import train
from gantlet.events import Ended, Measured, Noted
from gantlet.execute import ADAPT_EVERY, Execution, execute
from gantlet.folder import Folder

VARIANTS = {
    "as it comes": {},
    "alternating": {"policy": {"simultaneous": False, "d_updates": 2}},
    "anchored to running means": {"objective": {"penalties": {"lecam": 0.1, "r1": 0.5}}},
    "with every penalty": {
        "objective": {
            "penalties": {"r1": 1.0, "gradient_penalty": 0.5, "dragan": 0.5, "consistency": 0.5},
            "penalty_stride": 4,
            "fakes_per_real": 2,
            "entropy": 0.1,
        }
    },
    "augmented as needed": {
        "budget": {"steps": ADAPT_EVERY + 4},
        "augmentation": {
            "name": "points", "adaptive": True, "strength": 0.4, "target": 0.9, "images": 2_000,
        }
    },
    "in micro-batches": {"optimization": {"micro_batch": 5}},
}  # fmt: skip


def same(left: Path, right: Path) -> bool:
    a, b = runs.kept(left), runs.kept(right)
    assert a.keys() == b.keys() == {"G", "D", "G_ema", "training"}
    return all(
        a[file].keys() == b[file].keys()
        and all(torch.equal(a[file][name], b[file][name]) for name in a[file])
        for file in a
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_stopped_twice_ends_bit_for_bit_as_one_that_never_was(variant, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    runs.played(runs.begun(whole, **VARIANTS[variant]), whole)
    last = runs.meta(whole)["step"]
    runs.stopped(runs.begun(parts, **VARIANTS[variant]), parts, last - 7)
    assert runs.steps(runs.stopped(runs.again(parts), parts, 4))[-1] == last - 3
    assert runs.steps(runs.played(runs.again(parts), parts)) == [last - 2, last - 1, last]
    assert same(whole, parts)
    if "augmented" in variant:
        assert runs.meta(whole)["augment_p"] == runs.meta(parts)["augment_p"] < 0.4


def test_penalties_may_be_written_down_in_any_order(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    penalties = VARIANTS["with every penalty"]["objective"]["penalties"]
    for folder, ordered in ((first, penalties), (second, dict(reversed(penalties.items())))):
        runs.played(runs.begun(folder, objective={"penalties": ordered}), folder)
    assert same(first, second)


@pytest.mark.parametrize("stop", [1, 8, 11])
def test_it_does_not_matter_where_it_was_stopped(stop, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    runs.played(runs.begun(whole), whole)
    runs.stopped(runs.begun(parts), parts, stop)
    runs.played(runs.again(parts), parts)
    assert same(whole, parts)


def test_the_number_of_reading_threads_may_change_at_any_time(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    runs.played(runs.begun(whole), whole)
    runs.stopped(runs.begun(parts, workers=3), parts, 4)
    runs.stopped(runs.again(parts, workers=0), parts, 4)
    runs.played(runs.again(parts, workers=1), parts)
    assert same(whole, parts)


def test_how_often_it_is_measured_and_saved_does_not_change_what_is_learned(tmp_path):
    seldom, often = tmp_path / "seldom", tmp_path / "often"
    runs.played(runs.begun(seldom, keeping={"checkpoint_seconds": 1e9}), seldom)
    often_kept = {"checkpoint_seconds": 0.0, "keep": 100, "preview_growth": 1.0}
    runs.played(runs.begun(often, keeping=often_kept), often)
    assert same(seldom, often)
    assert len(list((often / "checkpoints").glob("step-*"))) == 13
    assert len(list((often / "previews").glob("step-*"))) == 13


def replayed(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The state after the run's recorded clock was played again from the beginning."""
    playing = Execution(runs.again(folder), Folder(folder), World(), None)
    clock = Recorded(runs.kept(folder)["training"]["clock"].tolist())
    for _ in train(playing.state, playing.feed, playing.game, clock):
        pass
    return playing.state.tensors()


def test_a_run_by_the_clock_can_be_played_again_bit_for_bit_from_what_it_recorded(tmp_path):
    session = runs.begun(tmp_path, budget={"steps": None, "minutes": 0.7 / 60, "clock": "cpu"})
    runs.stopped(session, tmp_path, 3)
    runs.played(runs.again(tmp_path), tmp_path)
    once, twice = runs.kept(tmp_path), replayed(tmp_path)
    assert len(once["training"]["clock"]) > 5
    for file, tensors in once.items():
        assert all(torch.equal(tensors[name], twice[file][name]) for name in tensors)


def test_the_clock_stands_still_between_sessions(tmp_path):
    session = runs.begun(tmp_path, budget={"steps": None, "minutes": 0.5})
    runs.stopped(session, tmp_path, 4)
    before = runs.meta(tmp_path)["elapsed"]
    runs.stopped(runs.again(tmp_path), tmp_path, 1)
    clock = runs.kept(tmp_path)["training"]["clock"].tolist()
    assert clock == sorted(clock)
    assert clock[4] * 30 >= before
    assert runs.meta(tmp_path)["elapsed"] >= before


def test_data_that_have_changed_are_refused(tmp_path):
    source = tmp_path / "points.npy"
    np.save(source, runs.cloud())
    run = tmp_path / "run"
    runs.stopped(runs.begun(run, source), run, 2)
    np.save(source, runs.cloud(seed=1))
    with pytest.raises(ConfigError, match=r"points.npy: the data, .*, have changed since .*anew"):
        runs.again(run, source)
    np.save(source, runs.cloud())
    assert runs.steps(runs.stopped(runs.again(run, source), run, 1)) == [3]


ENDS = {"steps": {}, "time": {"steps": None, "minutes": 0.2 / 60}, "target": {"target": 1e9}}


@pytest.mark.parametrize("end", ENDS)
def test_a_run_finished_by_its_budget_or_a_target_says_so_and_does_nothing(end, tmp_path):
    runs.played(runs.begun(tmp_path, budget=ENDS[end]), tmp_path)
    before = sorted(tmp_path.rglob("*"))
    events = runs.played(runs.again(tmp_path), tmp_path)
    assert [type(event) for event in events] == [Noted, Ended]
    assert "finished before; give it more --minutes" in runs.ended(events).why
    assert sorted(tmp_path.rglob("*")) == before


def test_more_minutes_go_on_where_a_finished_run_stood(tmp_path):
    runs.played(runs.begun(tmp_path), tmp_path)
    before = runs.meta(tmp_path)
    events = runs.played(runs.again(tmp_path), tmp_path, minutes=0.4 / 60)
    after = runs.meta(tmp_path)
    assert runs.steps(events)[0] == 13
    assert after["step"] == runs.steps(events)[-1]
    assert after["elapsed"] > before["elapsed"]
    opened, *_, last = runs.kept(tmp_path)["training"]["clock"].tolist()[12:]
    assert opened < last < 1
    assert runs.ended(events).why == "the time is up"


def test_a_new_budget_stays_with_the_run_when_it_is_stopped_again(tmp_path):
    runs.played(runs.begun(tmp_path), tmp_path)
    events = execute(runs.again(tmp_path), Folder(tmp_path), minutes=5)
    for event in events:
        if runs.steps([event]):
            break
    events.close()
    assert runs.meta(tmp_path)["budget"]["minutes"] == 5
    assert runs.steps(runs.stopped(runs.again(tmp_path), tmp_path, 2)) == [14, 15]


def test_the_log_holds_nothing_of_steps_that_are_done_again(tmp_path):
    runs.stopped(runs.begun(tmp_path, keeping={"preview_growth": 1.0}), tmp_path, 9)
    newest = Folder(tmp_path).newest().path
    assert newest is not None
    for file in newest.iterdir():
        file.unlink()
    newest.rmdir()
    runs.stopped(runs.again(tmp_path), tmp_path, 1)
    drawn = [e["step"] for e in Folder(tmp_path).logged() if e["event"] == "drawn"]
    assert drawn == sorted(set(drawn))


def test_measurements_go_on_with_those_of_the_sessions_before(tmp_path):
    runs.played(runs.begun(tmp_path), tmp_path)
    events = runs.played(runs.again(tmp_path), tmp_path, minutes=0.2 / 60)
    logged = [e["step"] for e in Folder(tmp_path).logged() if e["event"] == "measured"]
    new = [event.reading.step for event in events if isinstance(event, Measured)]
    assert logged == [12, *new]


@pytest.mark.parametrize(
    "what", [gantlet.load, lambda path: gantlet.train("ring", out=path, resume=True)]
)
def test_a_run_whose_networks_were_built_otherwise_says_so(what, tmp_path):
    settings = {"budget": {"steps": 5}, "network": {"options": {"width": 16}}}
    gantlet.train("ring", out=tmp_path / "run", settings=settings)
    file = tmp_path / "run" / "run.json"
    facts = json.loads(file.read_text())
    facts["run"]["network"]["options"]["width"] = 24
    file.write_text(json.dumps(facts))
    with pytest.raises(ConfigError, match="made by another version"):
        what(tmp_path / "run")
