"""CPU-seconds and memory of views 1 and 2 on large features, against the usual implementations.

    python benchmarks/metric_speed.py --rows 50000 --threads 2 --prdc path/to/prdc

Ours and the peers run in processes of their own, one after the other, so that each has its own
clock and its own peak of memory. The features lie on disk and are mapped; pages that were
touched count as memory, for both. Of the peers, prdc holds three n × n matrices: it is run at
sizes that fit and its time is extrapolated by n², which is said in the output.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.linalg import sqrtm

from gantlet.metrics.clusters import cluster_modes
from gantlet.metrics.frechet import FrechetPair, Prepared
from gantlet.metrics.kernel import kernel_estimate
from gantlet.metrics.neighbours import neighbour_estimates
from gantlet.metrics.two_sample import two_sample_test
from gantlet.metrics.vendi import vendi_ratio

PRDC_ROWS = (2_000, 4_000, 8_000)


def main() -> None:
    options = parsed()
    if options.part:
        print(json.dumps(part(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_features(Path(folder), options.rows, options.columns)
        made = {}
        for name in ("ours", "peers"):
            made[name] = json.loads(child(options, name, folder))
            print(name, json.dumps(made[name], indent=2), flush=True)
    ours, peers = (sum(made[name]["seconds"].values()) for name in ("ours", "peers"))
    print(f"{options.rows} rows x {options.columns}, {options.threads} threads, CPU-seconds:")
    print(
        f"ours {ours:.0f}, peers {peers:.0f} (prdc's extrapolated): {peers / ours:.2f} times less"
    )
    print(f"peak memory of ours: {made['ours']['peak_gb']:.2f} GB")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--columns", type=int, default=2_048)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prdc", default="", help="a folder or wheel to import prdc from")
    parser.add_argument("--part", choices=("ours", "peers"), help="one side only, from --features")
    parser.add_argument("--features", default="")
    return parser.parse_args()


def child(options: argparse.Namespace, name: str, folder: str) -> str:
    threads = str(options.threads)
    limits = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    paths = [path for path in (options.prdc, os.environ.get("PYTHONPATH", "")) if path]
    command = [sys.executable, __file__, "--part", name, "--features", folder]
    done = subprocess.run(
        command,
        env={**os.environ, **limits, "PYTHONPATH": os.pathsep.join(paths)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()[-1]


def write_features(folder: Path, rows: int, columns: int) -> None:
    """Two sets from 100 clusters, their spread over directions falling as in trained networks."""
    shared = np.random.default_rng(0)
    scale = (1 + np.arange(columns)) ** -0.5
    centres = shared.normal(size=(100, columns)) * scale
    for seed, name in ((1, "real"), (2, "fake")):
        draw = np.random.default_rng(seed)
        made = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (rows, columns))
        for start in range(0, rows, 2_000):
            count = min(2_000, rows - start)
            noise = draw.normal(size=(count, columns)) * scale
            made[start : start + count] = centres[draw.integers(100, size=count)] + noise * 0.7
        made.flush()


def part(options: argparse.Namespace) -> dict:
    real, fake = (
        np.load(Path(options.features) / f"{name}.npy", mmap_mode="r") for name in ("real", "fake")
    )
    seconds, peaks = {}, {}
    jobs = our_jobs(real, fake) if options.part == "ours" else peer_jobs(real, fake)
    for name in list(jobs):
        job = jobs.pop(name)  # what it alone holds goes with it, as in an evaluation
        start = time.process_time()
        job()
        seconds[name] = round(time.process_time() - start, 1)
        peaks[name] = peak_gb()
        print(name, seconds[name], peaks[name], file=sys.stderr, flush=True)
    if options.part == "peers":
        seconds["prdc"] = round(extrapolated_prdc(real, fake), 1)
    return {"seconds": seconds, "peak_gb": peak_gb(), "peaks_gb": peaks}


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def our_jobs(real, fake) -> dict[str, Callable[[], object]]:
    half, pair = len(real) // 2, FrechetPair(Prepared(real), Prepared(fake, seed=1))
    return {
        "frechet": pair.distance_estimate,
        "frechet without end": pair.infinity_estimate,
        "kernel": lambda: kernel_estimate(real, fake),
        "two-sample": lambda: two_sample_test(real, fake),
        "vendi": lambda: vendi_ratio(real, fake),
        "modes": lambda: cluster_modes(real[:half], real[half:], fake, 50),
        "neighbours and realism": lambda: neighbour_estimates(real, fake),
    }


def peer_jobs(real, fake) -> dict[str, Callable[[], object]]:
    """Textbook implementations, in float64: only value and, of KID, the usual subsets."""

    def frechet() -> float:
        (mu, sigma), (nu, tau) = (
            (x.mean(0, dtype=np.float64), np.cov(x, rowvar=False)) for x in (real, fake)
        )
        root = sqrtm(sigma @ tau).real
        return float(np.square(mu - nu).sum() + np.trace(sigma + tau - 2 * root))

    def kid() -> float:
        draw, size = np.random.default_rng(0), min(1_000, len(real))
        values = []
        for _ in range(100):
            x, y = (z[np.sort(draw.permutation(len(z))[:size])].astype(float) for z in (real, fake))
            xx, yy, xy = ((a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
            within = xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)
            values.append(within / (size * (size - 1)) - 2 * xy.mean())
        return float(np.mean(values))

    return {"frechet": frechet, "kid": kid}


def extrapolated_prdc(real, fake) -> float:
    from prdc import compute_prdc  # noqa: PLC0415  # a peer that need not be installed

    sizes = np.array([n for n in PRDC_ROWS if n <= len(real)])
    taken = []
    for n in sizes:
        x, y = np.array(real[:n]), np.array(fake[:n])
        start = time.process_time()
        compute_prdc(x, y, nearest_k=5)
        taken.append(time.process_time() - start)
        print("prdc", n, round(taken[-1], 1), file=sys.stderr, flush=True)
    squares = sizes.astype(float) ** 2
    return float(squares @ taken / (squares @ squares)) * len(real) ** 2


if __name__ == "__main__":
    main()
