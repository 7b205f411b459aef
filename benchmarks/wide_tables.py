"""Wide tables of few rows: are the dependences of many columns kept, with nothing set?

    python benchmarks/wide_tables.py
    python benchmarks/wide_tables.py --columns 600 --minutes 2

Two tables whose correlations are known: *pairs*, each column nearly the next one's double
(correlation .96) and all else independent; *factors*, where five hidden numbers move all columns.
Beside what is generated stand as many fresh rows, and the table's columns shuffled.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import gantlet

GENERATED = 4_000


def pairs(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Every other column is the one before it and a little noise."""
    x = rng.normal(size=(rows, columns))
    x[:, 1::2] = x[:, ::2] + 0.3 * rng.normal(size=(rows, columns // 2))
    return x


def factors(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Columns as far as five hidden numbers move them, the same way each time, and noise."""
    loads = 0.45 * np.random.default_rng(99).normal(size=(5, columns))
    return rng.normal(size=(rows, 5)) @ loads + 0.6 * rng.normal(size=(rows, columns))


def told(name: str, made: np.ndarray, truth: np.ndarray) -> None:
    """How the correlations of some rows relate to those of many."""
    above = np.triu_indices(made.shape[1], 1)
    found, true = (np.corrcoef(x.T)[above] for x in (made, truth))
    slope = (found * true).sum() / (true * true).sum()
    away = np.sqrt(((found - true) ** 2).mean())
    strong = np.abs(true) > 0.5
    print(
        f"{name:>28}  strength kept {slope:.2f}   above .5: {_share(found, true, strong)}   "
        f"root mean square away {away:.3f}",
        flush=True,
    )


def _share(found: np.ndarray, true: np.ndarray, strong: np.ndarray) -> str:
    return f"{np.median(found[strong] / true[strong]):.2f}" if strong.any() else "–"


def main() -> int:
    """Trains on both tables and prints what is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for table in (pairs, factors):
        rng = np.random.default_rng(options.seed)
        x = table(rng, options.rows, options.columns)
        truth = table(rng, 100_000, options.columns)
        frame = pd.DataFrame(x, columns=[f"c{i}" for i in range(options.columns)])
        began = time.process_time()
        gan = gantlet.train(
            frame, minutes=options.minutes, out=Path(tempfile.mkdtemp()) / "run",
            settings={"seed": options.seed},
        )  # fmt: skip
        spent = time.process_time() - began
        made = gan.sample(GENERATED, seed=options.seed).to_numpy()
        print(f"{table.__name__}: {options.rows} x {options.columns}, {spent:.0f} CPU seconds")
        told("generated", made, truth)
        told("fresh rows", table(rng, GENERATED, options.columns), truth)
        told("the table itself", x, truth)
        told("its columns shuffled", np.stack([rng.permutation(c) for c in x.T], 1), truth)
    return 0


if __name__ == "__main__":
    sys.exit(main())
