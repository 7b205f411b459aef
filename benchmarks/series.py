"""Series of 24 and 64 steps: Gantlet with nothing set against published generators and itself.

    python benchmarks/series.py --data FOLDER --minutes 5 --seeds 0 1 2 3 4
    python benchmarks/series.py --data FOLDER --only sines stocks etth1 etth1-64 --out rows.jsonl

FOLDER holds ETTh1.csv and google_stock.csv. Records are cut at every step and scaled to 0 to 1 by
their extremes; the date is left out. As many series as there are real ones are sampled, at most
10,000, and judged: the customary discriminative score (0 is best), the customary predictive score
beside what real series teach, the strong classifier's |accuracy − ½| and AUC (.5 is best), and what
strong judges foretell of real steps, beside those that learned on real ones. The floor is one half
of the real series against the other. The predictive score is also given of the series that the run
learned from, and of both on those that it kept from training. CPU seconds are of training, on one
thread; scores at 64 steps depend on the updates that a processor makes in them.
A peer is a function in `PEERS` of (data set, count, seed, options).
"""

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from gantlet.folder import Folder
from gantlet.metrics.course_classifier import course_two_sample
from gantlet.metrics.course_foretelling import foretelling_scores
from gantlet.metrics.courses import Windows, scaled
from gantlet.metrics.customary import discriminative_scores, predictive_scores
from gantlet.modalities.base import finished
from gantlet.prepare import reopened

MOST = 10_000  # series that are judged
WEEK = 168  # hourly steps
JUDGES = (0, 1, 2)  # seeds of the customary classifiers, and of predictors that are given besides
# Seeds of the customary predictors: one by itself is off by .003, nine together still by .001, by
# which the score on generated series is above the one on real series.
PREDICTORS = tuple(range(27))
FILES = {
    "stocks": ("google_stock.csv", 24), "etth1": ("ETTh1.csv", 24), "etth1-64": ("ETTh1.csv", 64),
}  # fmt: skip
SETS = ("sines", *FILES)
# Discriminative and predictive score, as their papers say.
PUBLISHED = {
    "sines": "TimeGAN .011/.093, COT-GAN .254/.100, Diffusion-TS .006/.093",
    "stocks": "TimeGAN .102/.038, COT-GAN .230/.047, Diffusion-TS .067/.036",
}

Options = Mapping[str, Any]


class Set(NamedTuple):
    """A data set: what a generator is given, and its windows in their own units."""

    source: Path | np.ndarray
    windows: Windows
    is_scaled: bool  # lies in 0 to 1 as it is


class Parts(NamedTuple):
    """Places of the windows that a run learned from, and of those that it kept from training."""

    learned: np.ndarray
    unseen: np.ndarray


class Made(NamedTuple):
    """Generated windows, and the CPU seconds and updates of training."""

    windows: Windows
    seconds: float
    updates: int = 0
    parts: Parts | None = None


def sines(count: int = 10_000, steps: int = 24, channels: int = 5, seed: int = 0) -> Windows:
    """(sin(f·t + φ) + 1) / 2, f and φ of each channel uniform in 0 to .1: TimeGAN's set."""
    frequency, phase = np.random.default_rng(seed).uniform(0, 0.1, (2, count, 1, channels))
    return (np.sin(frequency * np.arange(steps)[:, None] + phase) + 1) / 2


def numbers(path: Path) -> np.ndarray:
    """The numeric columns of a file, without its date."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name != "date"]
    return np.array([[float(row[name]) for name in names] for row in rows])


def opened(name: str, folder: Path) -> Set | None:
    """A data set by its name, or nothing where its file is missing."""
    if name == "sines":
        made = sines()
        return Set(made, made, True)
    file, steps = FILES[name]
    path = folder / file
    if not path.exists():
        return None
    cut = np.lib.stride_tricks.sliding_window_view(numbers(path), steps, axis=0)
    return Set(path, np.ascontiguousarray(cut.transpose(0, 2, 1)), False)


def gantlet(data: Set, count: int, seed: int, options: Options) -> Made:
    """`gantlet.train` with nothing set but length, budget, seed and one thread."""
    import gantlet as package  # noqa: PLC0415 # in the process of the peer alone

    steps, channels = data.windows.shape[1:]
    settings = {
        "modality": "series", "seed": seed, "threads": 1, "data": {"length": steps},
        "budget": {"minutes": options["minutes"], "clock": "cpu"},
    }  # fmt: skip
    source = data.source if isinstance(data.source, np.ndarray) else frame(data.source)
    began = time.process_time()
    gan = package.train(source, out=options["run"], settings=settings)
    seconds = time.process_time() - began
    folder = Folder(Path(options["run"]))
    made, split = gan.sample(count), finished(reopened(folder, source)).split
    parts = Parts(split.train, split.held_out)
    updates = max(event["step"] for event in folder.logged())
    if isinstance(made, np.ndarray):
        return Made(made.astype(np.float64), seconds, updates, parts)
    kept = [name for name in made.columns if name not in ("series", "date")]
    rows = made[kept].to_numpy(dtype=np.float64)
    return Made(rows.reshape(-1, steps, channels), seconds, updates, parts)


def real(data: Set, count: int, seed: int, options: Options) -> Made:
    """Real windows, drawn: what a perfect generator that knows the record by heart would give."""
    del options
    order = np.random.default_rng([seed, 1]).permutation(len(data.windows))
    return Made(data.windows[np.sort(order[:count])], 0.0)


def half(data: Set, count: int, seed: int, options: Options) -> Made:
    """Real windows of half of the record's weeks: all is right, and less is known by heart."""
    del options
    rng = np.random.default_rng([seed, 4])
    weeks = np.arange(len(data.windows)) // WEEK
    chosen = rng.permutation(weeks[-1] + 1)[: (weeks[-1] + 1) // 2]
    places = rng.permutation(np.flatnonzero(np.isin(weeks, chosen)))
    return Made(data.windows[np.sort(places[:count])], 0.0)


PEERS: dict[str, Callable[[Set, int, int, Options], Made]] = {
    "gantlet": gantlet, "real": real, "half": half,
}  # fmt: skip


def frame(path: Path) -> Any:
    """A file as pandas reads it."""
    import pandas as pd  # noqa: PLC0415 # peers that are given arrays need none

    return pd.read_csv(path)


def taught_by_learned(windows: Windows, fake: Windows, parts: Parts) -> dict[str, float]:
    """The predictive score of the windows that a run learned from, and both on those it did not.

    A run that keeps parts of a record for judging itself can teach no more than the rest does.
    """
    learned, unseen = windows[parts.learned], windows[parts.unseen]
    taught = predictive_scores([fake, learned], unseen, JUDGES).mean(1)
    every = predictive_scores([learned], windows, JUDGES).mean()
    return {"predictive_learned": every, "unseen": taught[0], "unseen_learned": taught[1]}


def judged(windows: Windows, fake: Windows, seed: int) -> dict[str, float]:
    """All scores of generated windows, both in 0 to 1."""
    order = np.random.default_rng([seed, 2]).permutation(len(windows))[:MOST]
    known = windows[np.sort(order)]
    half = len(windows) // 2
    every = np.random.default_rng([seed, 3]).permutation(len(windows))
    halves = windows[np.sort(every[:half][:MOST])], windows[np.sort(every[half:][:MOST])]
    told = discriminative_scores([known, halves[0]], [fake, halves[1]], JUDGES).mean(1)
    taught = predictive_scores([fake, known], known, PREDICTORS).mean(1)
    test, floor = course_two_sample(known, fake, seed), course_two_sample(*halves, seed)
    foretold = foretelling_scores(known, [fake], seed)
    return {
        "foretelling": foretold[1], "foretelling_real": foretold[0],
        "discriminative": told[0], "discriminative_floor": told[1], "predictive": taught[0],
        "predictive_real": taught[1], "strong": test.score, "strong_floor": floor.score,
        "strong_auc": test.auc.value, "strong_auc_floor": floor.auc.value,
    }  # fmt: skip


def main() -> int:
    """Trains and judges all, prints a line each, and appends them to a file of JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the two CSV files")
    parser.add_argument("--minutes", type=float, default=5.0, help="CPU minutes of training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--peers", nargs="+", default=["gantlet"], choices=list(PEERS))
    parser.add_argument("--out", type=Path, help="file of JSON lines, appended to")
    parser.add_argument("--runs", type=Path, help="folder for the runs; none: a temporary one")
    options = parser.parse_args()
    torch.set_num_threads(1)
    runs = options.runs or Path(tempfile.mkdtemp())
    for name in options.only:
        data = opened(name, options.data)
        if data is None:
            print(f"{name} is skipped: there is no {FILES[name][0]} in {options.data}")
            continue
        windows = data.windows if data.is_scaled else scaled(data.windows, data.windows)
        print(f"{name}: {len(windows):,} series. Published: {PUBLISHED.get(name, 'none')}")
        for peer in options.peers:
            for seed in options.seeds:
                folder = str(runs / f"{name}-{peer}-{seed}")
                settings = {"minutes": options.minutes, "run": folder}
                made = PEERS[peer](data, min(MOST, len(windows)), seed, settings)
                fake = made.windows
                if not data.is_scaled:
                    fake = scaled(fake, data.windows)
                row = {
                    "set": name, "peer": peer, "seed": seed, "seconds": made.seconds,
                    "updates": made.updates,
                }  # fmt: skip
                row |= judged(windows, fake, seed)
                if made.parts is not None:
                    row |= taught_by_learned(windows, fake, made.parts)
                print(said(row), flush=True)
                if options.out is not None:
                    with options.out.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(row) + "\n")
    return 0


def said(row: Mapping[str, Any]) -> str:
    """One run on a line."""
    unseen = (
        f"  taught by what was learned from {row['predictive_learned']:.4f}, on the unseen "
        f"{row['unseen_learned']:.4f} and by generated {row['unseen']:.4f}"
        if "unseen" in row
        else ""
    )
    return (
        f"{row['set']:9} {row['peer']:8} seed {row['seed']}  {row['seconds']:5.0f} s, "
        f"{row['updates']:,} updates  "
        f"discriminative {row['discriminative']:.3f} (floor {row['discriminative_floor']:.3f})  "
        f"predictive {row['predictive']:.4f} (real {row['predictive_real']:.4f})  "
        f"strong {row['strong']:.3f}, AUC {row['strong_auc']:.3f} (floor "
        f"{row['strong_floor']:.3f}, {row['strong_auc_floor']:.3f}), foretelling "
        f"{row['foretelling']:.3f} (real {row['foretelling_real']:.3f}){unseen}"
    )


if __name__ == "__main__":
    sys.exit(main())
