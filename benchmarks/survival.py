"""Kills a run again and again with `kill -9`, and compares it with one that was left alone.

    python benchmarks/survival.py                 # 50 kills, some 8 minutes on one busy core
    python benchmarks/survival.py --kills 5 --steps 1500 --source digits

Every kill strikes at a random moment of a session's life: while it starts, trains, measures or
saves. When a run is done and kills are left, the next seed's begins. Ends with status 1 unless
SHA-256 over the bytes of every tensor of G, D and the average of G is that of the undisturbed run.
"""

import argparse
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from gantlet import store
from gantlet.folder import Folder

SETTINGS = [
    "--set", "device=cpu", "--set", "threads=1", "--set", "keeping.checkpoint_seconds=0.2",
    "--set", "keeping.measured=100", "--set", "keeping.preview=16",
]  # fmt: skip
SMALL = {
    "digits": [
        "--set",
        "network.options={width_G=32, width_D=8}",
        "--set",
        "optimization.batch=16",
    ],
}
POINTS = ["--set", "network.options={width=16}", "--set", "optimization.batch=32"]


class Row(NamedTuple):
    """One run that was killed, beside one that was not."""

    seed: int
    kills: int
    damaged: int  # checkpoints found damaged
    same: dict[str, bool]


def main() -> int:
    arguments = parsed()
    chance = random.Random(arguments.seed)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        left, seed = arguments.kills, 0
        while left:
            rows.append(compared(Path(scratch), arguments, seed, left, chance))
            left, seed = left - rows[-1].kills, seed + 1
            print(line(rows[-1]), flush=True)
    print("\n" + table(rows))
    total = sum(row.kills for row in rows)
    good = all(all(row.same.values()) for row in rows)
    print(f"\n{total} kills, {len(rows)} runs of {arguments.steps} steps: "
          f"{'bit-identical' if good else 'NOT identical'}")  # fmt: skip
    return int(not good)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"{__doc__}".split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--steps", type=int, default=3_000)
    parser.add_argument("--source", default="ring")
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which it is killed")
    return parser.parse_args()


def compared(
    scratch: Path, arguments: argparse.Namespace, seed: int, most: int, chance: random.Random
) -> Row:
    """A run left alone, and the same run killed at most so many times."""
    alone, hunted = scratch / f"alone-{seed}", scratch / f"hunted-{seed}"
    begun = time.monotonic()
    process = started(train(arguments, seed, alone))
    while not Folder(alone).newest().path and process.poll() is None:
        time.sleep(0.05)
    ready = time.monotonic() - begun  # it is under way
    assert process.wait() == 0, "the undisturbed run failed"
    kills = damaged = 0
    command = train(arguments, seed, hunted)
    while kills < most:
        process = started(command)
        try:
            process.wait(timeout=chance.uniform(0, 2.2 * ready))
            break  # it was done before it was hit
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        damaged += len(Folder(hunted).newest().damaged)
        if Folder(hunted).exists:
            command = ["resume", str(hunted), "--json"]
    if process.returncode < 0:
        process = started(command)
        process.communicate()
    assert process.returncode == 0, "the last session failed"
    ours, theirs = digests(hunted), digests(alone)
    return Row(seed, kills, damaged, {name: ours[name] == theirs[name] for name in theirs})


def train(arguments: argparse.Namespace, seed: int, folder: Path) -> list[str]:
    steps = ["--steps", str(arguments.steps), "--seed", str(seed)]
    small = SMALL.get(arguments.source, POINTS)
    return ["train", arguments.source, "--out", str(folder), "--json", *steps, *SETTINGS, *small]


def started(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "gantlet", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 over the bytes of every tensor of the newest checkpoint, by file."""
    path = Folder(folder).newest().path
    assert path is not None, f"{folder} holds no checkpoint"
    found = {}
    for name, tensors in store.read(path).tensors.items():
        digest = hashlib.sha256(path.name.encode())
        for key in sorted(tensors):
            digest.update(key.encode() + tensors[key].contiguous().numpy().tobytes())
        found[name] = digest.hexdigest()
    return {name: found[name] for name in ("G", "D", "G_ema")}


def line(row: Row) -> str:
    return f"seed {row.seed}: {row.kills} kills, " + json.dumps(row.same)


def table(rows: list[Row]) -> str:
    lines = ["| seed | kills | damaged checkpoints | G | D | EMA |",
             "| ---: | ---: | ---: | --- | --- | --- |"]  # fmt: skip
    for row in rows:
        same = " | ".join("same" if value else "DIFFERS" for value in row.same.values())
        lines.append(f"| {row.seed} | {row.kills} | {row.damaged} | {same} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
