"""The census table Adult: Gantlet with nothing set against ctgan, independent columns and itself.

    python benchmarks/tables.py --data FOLDER --seeds 0 1 2
    python benchmarks/tables.py --data FOLDER --peers real independent ctgan --ctgan-epochs 300

FOLDER holds tables/adult.csv. Of its 32,561 rows 6,513 are the test, by the seed. Every generator
trains in a process of its own, on one thread, on the other 26,048 and gives as many rows; CPU
seconds are of training, reading included. Told from the test by boosted trees (C2ST AUC, .5 is
best), income predicted on the test by trees grown on the generated (TSTR AUC), the quality score of
SDMetrics against the training rows, the share of capital gains of nought, rows that equal a
training row beside the test's own, rows a CPU second of sampling 100,000, the best of three times,
and the process's peak memory.
ctgan is no dependency: where it cannot be imported it is skipped.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from table_peers import PEERS, Row, absent, arrow, failed, frame, judged, made_by, said

TEST = 6_513


def split(source: Path, seed: int, folder: Path) -> tuple[Path, Path]:
    """The lines of the file, apart: those to train on, and those of the test."""
    header, *lines = source.read_text().splitlines()
    order = np.random.default_rng(seed).permutation(len(lines))
    made = []
    for name, places in (("test", order[:TEST]), ("train", order[TEST:])):
        path = folder / f"{name}-{seed}.csv"
        path.write_text("\n".join([header, *(lines[place] for place in places)]) + "\n")
        made.append(path)
    return made[1], made[0]


def zeros(rows: pd.Series) -> float:
    """The share of nought among known numbers."""
    return float((rows.dropna() == 0).mean())


def main() -> int:
    """Trains all, prints the table, and writes rows.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds tables/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--minutes", type=float, default=3.0, help="CPU minutes of Gantlet's")
    parser.add_argument("--ctgan-epochs", type=int, default=300, help="300 is ctgan's default")
    parser.add_argument("--out", type=Path, help="folder for rows, runs and rows.json")
    options = parser.parse_args()
    source = options.data / "tables" / "adult.csv"
    if not source.exists():
        print(f"skipped: there is no {source}")
        return 0
    folder = options.out or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"minutes": options.minutes, "ctgan_epochs": options.ctgan_epochs, "out": folder}
    rows: list[Row] = []
    for seed in options.seeds:
        train, test = split(source, seed, folder)
        known, unseen = arrow(frame(train)), arrow(frame(test))
        for peer in options.peers:
            if why := absent(peer):
                print(f"{peer} is skipped: {why}", flush=True)
                continue
            found = made_by(peer, train, known.num_rows, seed, settings, folder)
            if found is None:
                failed("adult", peer, seed)
                continue
            row = judged("adult", peer, seed, known, unseen, "income", found)
            share = zeros(found[0].column("capital-gain").to_pandas())
            rows.append(row._replace(extra={"capital gains of nought": share}))
            said(rows[-1])
        really = pc.mean(pc.equal(known.column("capital-gain"), 0)).as_py()
        print(f"capital gains of nought in the data: {really:.2%}")
    pace = {row.peer: row.rows_per_second for row in rows}
    if {"gantlet", "ctgan"} <= set(pace):
        print(f"sampling: {pace['gantlet'] / pace['ctgan']:.1f} × ctgan's rows a CPU second")
    (folder / "rows.json").write_text(json.dumps([row._asdict() for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
