"""Fashion-MNIST on one CPU thread: Gantlet with nothing set against the textbook DCGAN.

    python benchmarks/fashion.py --data FOLDER --seeds 3 --seconds 300
    python benchmarks/fashion.py --data FOLDER --seconds 30 60 120 600

Both are judged, in one run, as `gantlet bench fashion` judges: by the Fréchet distance in the 128
features of a classifier that is trained here, on 10,000 samples (bytes, not floats) against the
test set, and by precision, recall, density and coverage on the first 3,000. Seconds are CPU
seconds of the process, reading and setting up included. Each row of Gantlet's curve is a run of
its own with that budget; DCGAN has no schedule, so that its curve is one run.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

import gantlet
from gantlet.bench import pictures
from gantlet.bench.pictures import SAMPLES
from gantlet.networks import NETWORKS, Task

SIDE = 28
RESERVE = 6.0  # seconds of a budget that go into reading, clustering and importing


def dcgan(x: np.ndarray, seed: int, moments: list[float]) -> Iterator[tuple[float, np.ndarray]]:
    """Radford et al. 2016 at 32×32: batch norm, Adam 2e-4, β1 0.5, batch 64; samples at moments."""
    torch.manual_seed(seed)
    family = NETWORKS["dcgan"]
    task = Task((1, 32, 32), 0, 100)
    G, D = (make(task, family.settings()) for make in (family.generator, family.discriminator))
    opt_G, opt_D = (torch.optim.Adam(n.parameters(), 2e-4, betas=(0.5, 0.999)) for n in (G, D))
    padded = torch.from_numpy(np.pad(x, ((0, 0), (2, 2), (2, 2))))
    spent, images = 0.0, 0
    began = time.process_time()
    while moments:
        batch = padded[torch.randint(len(padded), (64,))][:, None].float() / 127.5 - 1
        _dcgan_step(G, D, opt_G, opt_D, batch)
        images += 64
        if time.process_time() - began + spent >= moments[0]:
            spent += time.process_time() - began
            yield moments.pop(0), _dcgan_samples(G)
            began = time.process_time()
    print(f"  DCGAN: {images / spent:.0f} images per CPU second", flush=True)


def _dcgan_step(
    G: nn.Module,
    D: nn.Module,
    opt_G: torch.optim.Adam,
    opt_D: torch.optim.Adam,
    real: torch.Tensor,
) -> None:
    ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
    fake = G(torch.randn(len(real), 100))
    opt_D.zero_grad()
    loss = binary_cross_entropy_with_logits(D(real), ones)
    loss = loss + binary_cross_entropy_with_logits(D(fake.detach()), zeros)
    loss.backward()
    opt_D.step()
    opt_G.zero_grad()
    binary_cross_entropy_with_logits(D(fake), ones).backward()
    opt_G.step()


def _dcgan_samples(G: nn.Module) -> np.ndarray:
    G.eval()
    with torch.no_grad():
        parts = [G(torch.randn(500, 100))[:, 0, 2:-2, 2:-2] for _ in range(SAMPLES // 500)]
    G.train()
    return ((torch.cat(parts) + 1) * 127.5).round().clamp(0, 255).byte().numpy()


def ours(source: Path, seed: int, seconds: float, out: Path) -> tuple[float, np.ndarray]:
    """`gantlet train` with nothing set but budget, seed and one thread; CPU seconds and samples."""
    settings = {
        "seed": seed,
        "threads": 1,
        "budget": {"minutes": (seconds - RESERVE) / 60, "clock": "cpu"},
    }
    began = time.process_time()
    gan = gantlet.train(source, out=out, settings=settings)
    spent = time.process_time() - began
    return spent, gan.sample(SAMPLES, seed=1)[..., 0]


def report(
    task: pictures.Task, test: pictures.Features, who: str, seed: int, seconds: float,
    samples: np.ndarray,
) -> dict:  # fmt: skip
    """Prints one row and returns it."""
    figures = pictures.report(test, task.features(samples[..., None]))
    row = {"who": who, "seed": seed, "seconds": round(seconds, 1), **figures}
    print(
        f"{who:>8} seed {seed} {seconds:6.0f} s  FD {row['fd']:8.3f}  P {row['precision']:.2f} "
        f"R {row['recall']:.2f} D {row['density']:.2f} C {row['coverage']:.2f}",
        flush=True,
    )
    return row


def main() -> int:
    """Trains both, prints the table and the ratios, and writes rows and grids."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the four idx files")
    parser.add_argument("--seconds", type=float, nargs="+", default=[300.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, help="folder for rows.json, runs and grids")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        task = pictures.fashion_task(options)
    except ValueError as error:
        print(f"skipped: {error}")
        return 0
    judge = partial(report, task, task.features(task.test))
    judge("train", 0, 0.0, task.train[:SAMPLES, ..., 0])
    out = options.out or Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in options.seeds:
        for seconds, samples in dcgan(task.train[..., 0], seed, sorted(options.seconds)):
            rows.append(judge("dcgan", seed, seconds, samples))
        for seconds in sorted(options.seconds):
            folder = out / f"gantlet-{seed}-{seconds:g}"
            spent, samples = ours(task.source, seed, seconds, folder)
            rows.append(judge("gantlet", seed, spent, samples) | {"budget": seconds})
            _grid(samples, out / f"gantlet-{seed}-{seconds:g}.png")
    (out / "rows.json").write_text(json.dumps(rows, indent=1))
    for seconds in sorted(options.seconds):
        pair = [
            float(np.median([r["fd"] for r in rows if r["who"] == who and when(r) == seconds]))
            for who in ("dcgan", "gantlet")
        ]
        print(f"{seconds:6.0f} s: {pair[1]:.3f} / {pair[0]:.3f} = {pair[1] / pair[0]:.2f}")
    return 0


def when(row: dict) -> float:
    """The budget that a row belongs to."""
    return row.get("budget", round(row["seconds"]))


def _grid(samples: np.ndarray, path: Path) -> None:
    tiles = samples[:256].reshape(16, 16, SIDE, SIDE).swapaxes(1, 2).reshape(16 * SIDE, -1)
    Image.fromarray(tiles).save(path)


if __name__ == "__main__":
    sys.exit(main())
