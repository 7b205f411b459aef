"""No crash, full disk or second process costs a checkpoint that was whole."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from gantlet.files import StoreError, lock, write_json
from gantlet.store import checkpoints, newest, write

SMALL = {"G": {"w": torch.tensor([1.5, -2.0])}}


def run(script: str, *arguments: object, prefix: tuple[str, ...] = ()) -> str:
    """What `script` prints in a process of its own."""
    done = subprocess.run(
        [*prefix, sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_a_dead_writer_left_is_cleared_by_the_next(tmp_path):
    (tmp_path / ".aside-step-000000000004").mkdir()
    (tmp_path / ".aside-step-000000000004" / "G.safetensors").write_bytes(b"half")
    write(tmp_path, 5, SMALL, {})
    assert sorted(os.listdir(tmp_path)) == [".turn", "step-000000000005"]


def test_writers_of_one_folder_take_turns(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda step: write(tmp_path, step % 6, SMALL, {}), range(24)))
    assert newest(tmp_path) == (tmp_path / "step-000000000005", ())
    assert len(checkpoints(tmp_path)) == 6


def test_a_json_file_is_replaced_whole_and_refused_values_leave_the_old_one(tmp_path):
    path = tmp_path / "run.json"
    write_json(path, {"名": 1})
    assert json.loads(path.read_bytes()) == {"名": 1}
    with pytest.raises(StoreError, match=r"run.json: lr = inf"):
        write_json(path, {"lr": float("inf")})
    assert json.loads(path.read_bytes()) == {"名": 1}
    (tmp_path / ".run.json.0.aside").touch()
    os.utime(tmp_path / ".run.json.0.aside", (0, 0))
    write_json(path, {"名": 2})
    assert os.listdir(tmp_path) == ["run.json"]


def test_a_file_where_the_folder_should_be_is_named_with_the_way_out(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(StoreError, match=r"run/step-.*needed: 8 bytes.*move it away"):
        write(tmp_path / "run", 0, SMALL, {})
    with pytest.raises(StoreError, match="move it away"), lock(tmp_path / "run"):
        pass


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from gantlet.store import newest, prune, read, write
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
amid = 0
for number in range(rounds):
    choice = newest(folder)
    step = int(choice.path.name[5:]) + 1 if choice.path else 0
    told, tell = os.pipe()
    writer = os.fork()
    if not writer:
        while True:
            write(folder, step, {"G": {"w": torch.full((20_000,), float(step))}}, {})
            os.write(tell, step.to_bytes(8, "big"))
            prune(folder, 2)
            step += 1
    first = os.read(told, 8)
    time.sleep(random.Random(number).uniform(0, 0.05))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    os.close(tell)
    last = int.from_bytes((first + os.read(told, 2**16))[-8:], "big")
    amid += any(name.startswith(".aside-step") for name in os.listdir(folder))
    choice = newest(folder)
    assert not choice.damaged, choice
    found = read(choice.path)
    assert found.step >= last and (found.tensors["G"]["w"] == found.step).all()
    os.close(told)
    if amid == 5:
        break
print(amid)
"""


@pytest.mark.skipif(os.name == "nt", reason="forks and kills by signal")
def test_a_writer_killed_at_any_moment_leaves_every_checkpoint_it_reported(tmp_path):
    killed_amid_a_write = int(run(KILLED, tmp_path, 80))
    assert killed_amid_a_write > 0


TOO_LARGE = """
import os, resource, sys
from pathlib import Path
import torch
from gantlet.files import StoreError, write_json
from gantlet.package import pack
from gantlet.store import newest, write
folder = Path(sys.argv[1])
small, large = {"G": {"w": torch.zeros(10)}}, {"G": {"w": torch.zeros(10_000)}}
write(folder, 1, small, {})
pack(folder / "x.gantlet", small, {})
before = sorted(os.listdir(folder)), (folder / "x.gantlet").read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))
for keep in [lambda: write(folder, 2, large, {}), lambda: pack(folder / "x.gantlet", large, {})]:
    try:
        keep()
    except StoreError as error:
        print(error)
assert before == (sorted(os.listdir(folder)), (folder / "x.gantlet").read_bytes())
assert newest(folder) == (folder / "step-000000000001", ())
"""


@pytest.mark.skipif(os.name == "nt", reason="limits the size of files as only Unix does")
def test_a_file_beyond_the_systems_limit_costs_nothing_that_was_kept(tmp_path):
    first, second = run(TOO_LARGE, tmp_path).splitlines()
    assert "step-000000000002: File too large (needed: 40,000 bytes)" in first
    assert "x.gantlet: File too large (needed: 4" in second
    assert "ulimit -f" in first


FULL = """
import os, subprocess, sys
from pathlib import Path
import torch
from gantlet.files import StoreError, lock
from gantlet.store import newest, write
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
large = {"G": {"w": torch.zeros(8_000)}}
write(folder, 1, large, {})
try:
    write(folder, 2, large, {})
except StoreError as error:
    print(error)
subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
try:
    write(folder, 2, large, {})
except StoreError as error:
    print(error)
assert sorted(os.listdir(folder)) == [".turn", "step-000000000001"]
assert newest(folder) == (folder / "step-000000000001", ())
"""


def can_mount() -> bool:
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_mount(), reason="needs a small disk of its own to fill (unshare)")
def test_a_full_and_a_read_only_disk_cost_nothing_that_was_kept(tmp_path):
    private = ("unshare", "--user", "--map-root-user", "--mount")
    full, read_only = run(FULL, tmp_path, prefix=private).splitlines()
    assert "No space left on device (needed: 32,000 bytes, free: " in full
    assert "free some space" in full
    assert "Read-only file system" in read_only
    assert "choose a folder that can be written" in read_only


HOLDS = """
import sys, time
from pathlib import Path
from gantlet.files import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_process_holds_a_folder_until_it_lets_go_or_is_killed(tmp_path):
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with (
            pytest.raises(StoreError, match=rf"another process \(pid {holder.pid} on .*training"),
            lock(tmp_path),
        ):
            pass
        holder.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    with lock(tmp_path), pytest.raises(StoreError, match=f"pid {os.getpid()} on"), lock(tmp_path):
        pass
    with lock(tmp_path):
        assert json.loads((tmp_path / ".lock.json").read_bytes())["pid"] == os.getpid()
    assert not (tmp_path / ".lock.json").exists()
