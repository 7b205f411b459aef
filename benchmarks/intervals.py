"""Do the 95 % intervals hold? Coverage by simulation, on Gaussians and on real features.

    python benchmarks/intervals.py
    python benchmarks/intervals.py --data FASHION_MNIST_FOLDER --repetitions 300

Each repetition draws both sets anew. The truth is the mean of the figure over all repetitions; for
the classifier's accuracy and AUC it is what that very classifier reaches on a large fresh set.
Real features are principal components of Fashion-MNIST, drawn from disjoint
halves of the training pictures, so that both populations are known.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gantlet.metrics import (
    frechet_distance,
    frechet_estimate,
    gaussian_floor,
    kernel_estimate,
)
from gantlet.metrics.intervals import Estimate, proportion
from gantlet.metrics.neighbours import neighbour_estimates
from gantlet.metrics.two_sample import area, trained
from gantlet.modalities.idx import idx_file, read_idx

FRESH = 4000  # rows of each kind that tell a classifier's true accuracy
Draw = Callable[[np.random.Generator, int], np.ndarray]


class Scene(NamedTuple):
    """Two populations, and how many rows are drawn of each."""

    name: str
    n: int
    real: Draw
    fake: Draw


def gaussians() -> list[Scene]:
    scenes = []
    for d in (16, 64):
        for name, scale, shift in (("null", 1.0, 0.0), ("moved, wider", 1.15, 0.15)):

            def real(rng, n, d=d):
                return rng.normal(size=(n, d))

            def fake(rng, n, d=d, scale=scale, shift=shift):
                return scale * rng.normal(size=(n, d)) + shift

            scenes.append(Scene(f"N, d = {d}, {name}", 300, real, fake))
    return scenes


def pictures(folder: Path) -> list[Scene]:
    """Fashion-MNIST against itself, blurred, and with a class missing."""
    x, y = (
        read_idx(idx_file(folder, "train", k)) for k in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    flat = x.reshape(len(x), -1) / 255.0
    mean = flat.mean(0)
    _, vectors = np.linalg.eigh(np.cov(flat[:10_000], rowvar=False))
    axes = vectors[:, ::-1][:, :32]
    blurred = x.astype(np.float64)
    blurred = (blurred + np.roll(blurred, 1, 1) + np.roll(blurred, 1, 2)) / 3
    seen, soft = ((z.reshape(len(x), -1) / k - mean) @ axes for z, k in ((x, 255), (blurred, 255)))

    def from_rows(rows: np.ndarray) -> Draw:
        return lambda rng, n: rows[rng.choice(len(rows), n, replace=False)]

    real = from_rows(seen[:30_000])
    fakes = {
        "null": seen[30_000:],
        "blurred": soft[30_000:],
        "class missing": seen[30_000:][y[30_000:] != 3],
    }
    return [Scene(f"Fashion-MNIST, {k}", 300, real, from_rows(v)) for k, v in fakes.items()]


def simulate(scene: Scene, repetitions: int, seed: int) -> dict[str, tuple[float, float, float]]:
    """For each figure: truth, coverage, mean width of half the interval over 1.96 sd."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[tuple[Estimate, float]]] = {}
    fresh = scene.real(rng, FRESH), scene.fake(rng, FRESH)
    for _ in range(repetitions):
        real, fake = scene.real(rng, scene.n), scene.fake(rng, scene.n)
        near = neighbour_estimates(real, fake)
        figures = {"FD": frechet_estimate(real, fake), "KD": kernel_estimate(real, fake)}
        figures |= {k: getattr(near, k) for k in ("precision", "recall", "density", "coverage")}
        for name, estimate in figures.items():
            rows.setdefault(name, []).append((estimate, np.nan))
        for name, pair in _classifier(real, fake, fresh).items():
            rows.setdefault(name, []).append(pair)
    return {name: _summary(pairs) for name, pairs in rows.items()}


def _classifier(
    real: np.ndarray, fake: np.ndarray, fresh: tuple[np.ndarray, np.ndarray]
) -> dict[str, tuple[Estimate, float]]:
    half = len(real) // 2
    judge = trained(real[:half], fake[:half])
    a, b = judge.logits(real[half:]), judge.logits(fake[half:])
    accuracy = float(((a > 0).mean() + (b <= 0).mean()) / 2)
    n = len(a) + len(b)
    c, d = (judge.logits(x) for x in fresh)
    return {
        "C2ST accuracy": (
            proportion(accuracy, accuracy * (1 - accuracy) / n, n),
            float(((c > 0).mean() + (d <= 0).mean()) / 2),
        ),
        "C2ST AUC": (area(a, b), area(c, d).value),
    }


def _summary(pairs: list[tuple[Estimate, float]]) -> tuple[float, float, float]:
    values = np.array([e.value for e, _ in pairs])
    truths = np.array([t for _, t in pairs])
    truths = np.where(np.isnan(truths), values.mean(), truths)
    held = np.mean([e.low <= t <= e.high for (e, _), t in zip(pairs, truths, strict=True)])
    width = np.mean([e.high - e.low for e, _ in pairs]) / 2 / 1.96
    return float(truths.mean()), float(held), float(width / (values - truths).std())


def floors(repetitions: int, seed: int) -> None:
    print("\n| m | n | d | mean FD of equal Gaussians | closed form | ratio |")
    print("|--:|--:|--:|--:|--:|--:|")
    rng = np.random.default_rng(seed)
    for m, n, d in ((500, 500, 16), (500, 300, 64), (100, 100, 64), (50, 80, 64)):
        draws = [
            frechet_distance(rng.normal(size=(m, d)), rng.normal(size=(n, d)))
            for _ in range(repetitions)
        ]
        truth, floor = float(np.mean(draws)), gaussian_floor(m, n, d)
        print(f"| {m} | {n} | {d} | {truth:.4f} | {floor:.4f} | {floor / truth:.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of Fashion-MNIST's idx files")
    parser.add_argument("--repetitions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("gaussian", "real"), help="one kind of features alone")
    options = parser.parse_args()
    scenes = [] if options.only == "real" else gaussians()
    if options.only == "gaussian":
        print("Real features are left out: --only gaussian.\n")
    elif options.data:
        scenes += pictures(options.data)
    else:
        print("Fashion-MNIST is skipped: --data names no folder.\n")
    began = time.process_time()
    print(f"{options.repetitions} repetitions, 300 rows a set\n")
    print(
        "| populations | figure | truth | covered | half width / 1.96 sd |\n|:--|:--|--:|--:|--:|"
    )
    for scene in scenes:
        for name, (truth, held, width) in simulate(
            scene, options.repetitions, options.seed
        ).items():
            print(f"| {scene.name} | {name} | {truth:.4f} | {held:.1%} | {width:.2f} |", flush=True)
    floors(options.repetitions // 3, options.seed)
    print(f"\n{time.process_time() - began:.0f} CPU seconds")


if __name__ == "__main__":
    main()
