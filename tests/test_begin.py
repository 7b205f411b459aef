"""Two processes that begin a run in one new folder: one has it, the other is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import runs
from gantlet.files import StoreError
from gantlet.folder import Folder

# Each waits, its data read, for the other, so that both have passed the look for a run.
RACER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import runs
from gantlet.folder import Folder
folder, me = Path(sys.argv[1]), sys.argv[2]
begin = Folder.begin
def together(self, *given):
    (folder.parent / me).touch()
    while len(list(folder.parent.glob("racer-*"))) < 2:
        time.sleep(0.001)
    begin(self, *given)
Folder.begin = together
runs.played(runs.begun(folder, seed=int(me[-1])), folder)
"""


def test_of_two_that_begin_at_once_one_trains_and_the_other_says_why_not(tmp_path):
    folder = tmp_path / "run"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, folder, f"racer-{n}", Path(__file__).parent],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for n in (1, 2)
    ]  # fmt: skip
    said = [racer.communicate(timeout=200)[1] for racer in racers]
    assert sorted(racer.returncode for racer in racers) == [0, 1], said
    loser = next(n for n, racer in enumerate(racers) if racer.returncode)
    assert "another process" in said[loser]
    assert "choose another folder" in said[loser]
    assert Folder(folder).facts()["run"]["seed"] == 2 - loser
    assert runs.meta(folder)["step"] == 12


def test_a_run_is_never_begun_over_another(tmp_path):
    runs.played(runs.begun(tmp_path), tmp_path)
    facts = (tmp_path / "run.json").read_bytes()
    with pytest.raises(StoreError, match="another process began a run here"):
        runs.begun(tmp_path, seed=5)
    assert (tmp_path / "run.json").read_bytes() == facts
