"""Do the defaults converge?  Six data sets, ten CPU minutes each, nothing set by hand.

    python benchmarks/converge.py --data FOLDER --seeds 0 1 2 --minutes 10 --only emoji cifar10

FOLDER holds fashion-mnist/, mnist/ (idx files), emoji/ (archive or folder) and cifar10/, unpacked:
an archive of folders has no classes.
What is absent is skipped by name. For each run: the held-out distance at its end over its floor and
over its best, diversity, the health verdicts ever given, and a grid of samples to look at.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gantlet
from gantlet.events import Ended, Measured
from gantlet.modalities.base import finished
from gantlet.modalities.idx import idx_file

BAD = {"diverged", "collapsing", "dead_gradient"}


def sources(folder: Path) -> dict[str, tuple[str | Path | None, dict[str, Any]]]:
    """Name → source (nothing where it is absent) and what must be said of how to read it."""
    return {
        "digits": ("digits", {}),
        "fashion": (_idx(folder / "fashion-mnist"), {}),
        "mnist": (_idx(folder / "mnist"), {}),
        "emoji": (_first(folder / "emoji"), {"resolution": "32"}),
        "cifar10": (_first(folder / "cifar10"), {"labels": False}),
        "cifar10-by-class": (_first(folder / "cifar10"), {"labels": True}),
    }


def _idx(folder: Path) -> Path | None:
    try:
        return idx_file(folder, "train", "images-idx3-ubyte")
    except ValueError:
        return None


def _first(folder: Path) -> Path | None:
    if (folder / "train").is_dir():
        return folder / "train"
    archives = sorted([*folder.glob("*.tar"), *folder.glob("*.tar.gz"), *folder.glob("*.zip")])
    return archives[0] if archives else None


def converged(name: str, source: str | Path, data: dict[str, Any], out: Path, options: Any) -> dict:
    """One run; what became of it."""
    settings = {
        "seed": options.seed, "threads": 1, "data": data,
        "budget": {"minutes": options.minutes, "clock": "cpu"},
    }  # fmt: skip
    began, readings, kinds, failure = time.process_time(), [], set(), False
    for event in gantlet.fit(source, out=out, settings=settings):
        if isinstance(event, Measured):
            readings.append(event.reading)
            kinds |= {verdict.kind for verdict in event.verdicts}
        failure |= isinstance(event, Ended) and event.is_failure
    last, best = readings[-1], min(r.distance for r in readings)
    gan = gantlet.load(out)
    finished(gan.writing(out.with_suffix(".png"), 256, seed=1))
    return {
        "name": name, "seed": options.seed, "seconds": time.process_time() - began,
        "steps": last.step, "first": readings[0].distance, "last": last.distance, "best": best,
        "floor": last.floor, "diversity": last.diversity, "verdicts": sorted(kinds),
        "is_sound": not failure and not kinds & BAD,
    }  # fmt: skip


def main() -> int:
    """Runs what was asked for and prints a row for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--minutes", type=float, default=10.0, help="CPU minutes a run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", help="names of data sets")
    parser.add_argument("--out", type=Path, help="folder for runs, grids and rows.jsonl")
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    print(
        f"{'data':>17} seed  CPU s  steps  first → last (best, floor)  diversity  sound  verdicts"
    )
    unsound = 0
    for name, (source, data) in sources(options.data).items():
        if options.only and name not in options.only:
            continue
        if source is None:
            print(f"{name:>17} skipped: it is not in {options.data}")
            continue
        for seed in options.seeds:
            options.seed = seed
            row = converged(name, source, data, out / f"{name}-{seed}", options)
            unsound += not row["is_sound"]
            with (out / "rows.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            print(
                f"{name:>17} {seed:>4} {row['seconds']:6.0f} {row['steps']:6d}  "
                f"{row['first']:.3g} → {row['last']:.3g} ({row['best']:.3g}, {row['floor']:.3g})  "
                f"{row['diversity']:9.2f}  {row['is_sound']!s:>5}  {', '.join(row['verdicts'])}",
                flush=True,
            )
    return 1 if unsound else 0


if __name__ == "__main__":
    sys.exit(main())
