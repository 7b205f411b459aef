"""Two processes that share a batch end where one does that has it all to itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gantlet.engine.devices import World
from gantlet.engine.noise import Rows

ROOT = Path(__file__).parent.parent
alone_on_unix = pytest.mark.skipif(os.name == "nt", reason="gloo and torchrun as on Unix")


def ran(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, text=True,
        timeout=240, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@alone_on_unix
def test_two_processes_give_the_weights_of_one_at_the_same_batch(tmp_path):
    configurations = [
        "alternating, 2 updates of D",
        "penalties on every 16th",
        "all of it",
    ]
    benchmark = ROOT / "benchmarks" / "two_processes.py"
    done = ran(benchmark, "--steps", 3, "--only", *configurations, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in configurations)


def test_a_world_of_one_leaves_everything_as_it_is():
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.full((3,), 0.3)
    World().sum_gradients([weight])
    assert weight.grad.tolist() == pytest.approx([0.3] * 3)
    assert World().agreed(0.25) == 0.25
    assert World().mean({"a": torch.tensor(2.0)}) == {"a": torch.tensor(2.0)}


def test_a_batch_that_does_not_divide_is_refused_with_one_that_does():
    with pytest.raises(ValueError, match=r"optimization\.batch=12"):
        Rows(0, 10, 10).of_process(0, 4)
