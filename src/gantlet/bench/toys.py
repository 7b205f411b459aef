"""Ring and grid of Gaussians: the mode coverage protocol of Lin et al. 2018 (PacGAN), 4.1."""

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gantlet.api import fit, load
from gantlet.config import assign, layered
from gantlet.folder import unused
from gantlet.metrics.modes import grid_centres, mode_report, ring_centres
from gantlet.modalities.clouds import GRID_SIGMA, RING_SIGMA

SAMPLES = 2_500
CEILING = 0.9889  # share of a Gaussian within three standard deviations in two dimensions
DEFAULT_MINUTES = 0.95  # just under a minute with reading and setting up


class Toy(NamedTuple):
    """A mixture with its published results: (method, modes, high quality, KL)."""

    name: str
    centres: np.ndarray
    sigma: float
    floor: float  # KL of a perfect sampler at this sample size
    published: tuple[tuple[str, str, str, str], ...]


RING = Toy(
    "ring", ring_centres(), RING_SIGMA, 0.0014,
    (("PacGAN2", "7.9", "95.6 %", "0.07"),),
)  # fmt: skip
GRID = Toy(
    "grid", grid_centres(), GRID_SIGMA, 0.0048,
    (
        ("PacGAN4", "24.8", "93.6 %", "0.04"),
        ("ALI", "24.1", "95.7 %", "0.14"),
        ("VEEGAN", "24.6", "40 %", "–"),
    ),
)  # fmt: skip


def protocol(toy: Toy) -> Callable[[argparse.Namespace], int]:
    """The command that trains on the toy with defaults, once a seed, and prints the table."""

    def command(options: argparse.Namespace) -> int:
        minutes = options.minutes or DEFAULT_MINUTES
        rows = []
        print(f"{'seed':>6} {'modes':>6} {'high quality':>13} {'KL':>8} {'CPU s':>7}")
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            wishes = layered(
                {"seed": seed, "threads": 1, "budget": {"minutes": minutes, "clock": "cpu"}},
                assign(options.set),
            )
            rows.append(_run(toy, options, wishes))
            modes, quality, kl, seconds = rows[-1]
            print(
                f"{seed:>6} {modes:>6.0f} {quality:>13.2%} {kl:>8.4f} {seconds:>7.1f}", flush=True
            )
        means = np.mean(rows, axis=0)
        worst = int(min(row[0] for row in rows))
        print(f"{'mean':>6} {means[0]:>6.1f} {means[1]:>13.2%} {means[2]:>8.4f} {means[3]:>7.1f}")
        print(f"fewest modes {worst} of {len(toy.centres)}")
        print(f"perfect sampler: {len(toy.centres)} modes, {CEILING:.2%}, KL {toy.floor}")
        for name, modes, quality, kl in toy.published:
            print(f"published, {name}: {modes} modes, {quality}, KL {kl}")
        return 0

    return command


def _run(toy: Toy, options: argparse.Namespace, wishes: dict[str, Any]) -> tuple[float, ...]:
    out = unused(options.out / f"{toy.name}-{wishes['seed']}")
    began = time.process_time()
    for _ in fit(toy.name, out=out, settings=wishes):
        pass
    seconds = time.process_time() - began
    report = mode_report(load(out).sample(SAMPLES, seed=1), toy.centres, toy.sigma)
    return report.modes, report.high_quality, report.kl, seconds


ring = protocol(RING)
grid = protocol(GRID)
