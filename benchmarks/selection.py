"""Is the checkpoint that a run chooses its best one?  Three runs that are made to spoil late.

    python benchmarks/selection.py --data FOLDER --out runs/selection

FOLDER holds fashion-mnist/ and mnist/ (idx files), whose pictures are halved to 14×14, so that a
short run has many looks. In the last third the learning rates rise up to twentyfold (Fashion-MNIST,
grid) or fivefold while the penalties fade away (MNIST). The state at every look is judged
afterwards by what choosing never saw: pictures by the Fréchet distance of 20,000 samples to the
test set in the 128 features of a classifier trained on the training set, points by the mean kernel
distance of eight times 100,000 to 100,000 drawn anew, at two thirds of the width that choosing
looks at. The checkpoint that `best.json` names should be within 5 % of the best. What this distance
itself scatters by is told from other samples of the best state. Runs that are there already are
judged again.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.torch import load_file, save_file

import gantlet
from gantlet.engine.devices import World
from gantlet.events import Measured
from gantlet.execute import Execution
from gantlet.folder import Folder
from gantlet.metrics import frechet_distance
from gantlet.metrics.characteristic import WIDTH, characteristic_distance
from gantlet.metrics.classifier import features, trained
from gantlet.modalities.base import finished
from gantlet.modalities.clouds import CLOUDS
from gantlet.modalities.idx import idx_file, read_idx
from gantlet.prepare import prepared

WANTED = 1.05
PICTURES, POINTS = 20_000, 100_000
DRAWS = 8  # samples of points that each state is judged by; of pictures one
LATE = {"cooldown": 0.34}
SPOILED: dict[str, tuple[float, dict[str, Any]]] = {  # CPU minutes a run, and what spoils it
    "fashion-mnist": (2.5, {**LATE, "lr_end": 20.0}),
    "mnist": (2.5, {**LATE, "lr_end": 5.0, "gamma_end": 1e-6}),
    "grid": (0.8, {**LATE, "lr_end": 20.0}),
}
Distance = Callable[[Any], float]


class Row(NamedTuple):
    """What became of one run, the true distances of its states by step."""

    name: str
    truth: dict[int, float]
    chosen: int
    again: float  # the best state's true distance by other samples
    look_share: float  # of the CPU time, that looking took

    @property
    def ratio(self) -> float:
        return self.truth[self.chosen] / min(self.truth.values())


def main() -> int:
    """Trains what is not there, judges every checkpoint, prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--only", nargs="+", choices=SPOILED, default=list(SPOILED))
    parser.add_argument("--most", type=int, default=30, help="states judged in a run")
    options = parser.parse_args()
    rows = []
    for name in options.only:
        try:
            source = name if name in CLOUDS else _pictures(options.data / name, "train")
        except ValueError as error:
            print(f"{name} skipped: {error}")
            continue
        out = options.out / name
        if not (out / "looks.json").is_file():
            played(source, name, out)
        rows.append(judged(name, out, true_distance(name, options.data), options.most))
    print("| run | looks judged | best | chosen | last | chosen / best | best again | looking |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        best = min(row.truth, key=lambda step: row.truth[step])
        shown = [f"{row.truth[s]:.4g} (step {s:,})" for s in (best, row.chosen, max(row.truth))]
        print(
            f"| {row.name} | {len(row.truth)} | {' | '.join(shown)} | {row.ratio:.3f} "
            f"| {row.again:.4g} | {row.look_share:.1%} |"
        )
    return 0 if rows and all(row.ratio <= WANTED for row in rows) else 1


def played(source: str | np.ndarray, name: str, out: Path) -> None:
    """One run, the averaged generator at every look kept aside; what looking cost."""
    minutes, optimization = SPOILED[name]
    settings = {
        "seed": 0, "threads": 1, "optimization": optimization,
        "budget": {"minutes": minutes, "clock": "cpu"},
    }  # fmt: skip
    aside = out.with_name(f"{out.name}-generators")
    aside.mkdir(parents=True)
    folder = Folder(out)
    execution = Execution(finished(prepared(source, settings, folder)), folder, World(), None)
    began = last = time.process_time()
    looking = 0.0
    for event in execution.events():
        now = time.process_time()
        if isinstance(event, Measured):
            looking += now - last  # nothing else lies between a look and the event before it
            weights = execution.state.G_ema.state_dict()
            tensors = {key: value.contiguous() for key, value in weights.items()}
            save_file(tensors, aside / f"{event.reading.step:09d}.safetensors")
        last = now
    (out / "looks.json").write_text(json.dumps({"share": looking / (last - began)}))


def judged(name: str, out: Path, distance: Distance, most: int) -> Row:
    """The true distance of the chosen state and of others, evenly spread."""
    chosen = int(json.loads((out / "best.json").read_text())["checkpoint"].removeprefix("step-"))
    files = {int(p.stem): p for p in out.with_name(f"{out.name}-generators").iterdir()}
    steps = sorted(step for step in files if step)
    spread = np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int)
    some = {steps[i] for i in spread}
    gan = gantlet.load(out)
    count, draws = (POINTS, DRAWS) if name in CLOUDS else (PICTURES, 1)
    truth = {}
    for step in sorted(some | {chosen}):
        gan.generator.load_state_dict(load_file(files[step]))
        truth[step] = typical(distance, gan, count, range(draws))
        mark = "  <- chosen" if step == chosen else ""
        print(f"{name}: step {step:,} {truth[step]:.4g}{mark}", flush=True)
    (out / "truth.json").write_text(json.dumps(truth))
    best = min(truth, key=lambda step: truth[step])
    gan.generator.load_state_dict(load_file(files[best]))
    again = typical(distance, gan, count, range(draws, 2 * draws))
    return Row(name, truth, chosen, again, json.loads((out / "looks.json").read_text())["share"])


def typical(distance: Distance, gan: gantlet.Gan, count: int, seeds: range) -> float:
    """The mean distance of samples of these seeds: of points one sample's varies by a sixth."""
    return float(np.mean([distance(gan.sample(count, seed=seed)) for seed in seeds]))


def true_distance(name: str, data: Path) -> Distance:
    """Distance of samples to rows that neither training nor choosing saw."""
    if name in CLOUDS:
        fresh, _ = CLOUDS[name](np.random.default_rng(10**6), POINTS)
        return lambda rows: characteristic_distance(fresh, rows, WIDTH * 2 / 3, seed=1)
    y = read_idx(_idx(data / name, "train", "labels")).astype(np.int64)
    net = finished(trained(_pictures(data / name, "train"), y, epochs=1))
    unseen = features(net, _pictures(data / name, "t10k"))
    return lambda rows: frechet_distance(unseen, features(net, rows))


def _pictures(folder: Path, part: str) -> np.ndarray:
    """Pictures of half the size, each pixel the mean of four."""
    x = read_idx(_idx(folder, part, "images"))
    n, height, width = x.shape
    halves = x.reshape(n, height // 2, 2, width // 2, 2).mean((2, 4), dtype=np.float32)
    return halves.round().astype(np.uint8)[..., None]


def _idx(folder: Path, part: str, kind: str) -> Path:
    return idx_file(folder, part, f"{kind}-idx{3 if kind == 'images' else 1}-ubyte")


if __name__ == "__main__":
    sys.exit(main())
