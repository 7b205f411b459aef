"""Generators of tables side by side, each in a process of its own, and the judge of them all."""

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gantlet.metrics.boosted import boosted_two_sample, transfer
from gantlet.metrics.privacy import equal_to_any
from gantlet.metrics.table_quality import table_quality
from gantlet.modalities.tables.matrix import matrices
from gantlet.modalities.tables.records import Records

MANY = 100_000  # rows that sampling is timed by
CODES = 10  # distinct values of a whole number up to which ctgan is told that it is a category
UNKNOWN = ("?", "")  # what texts say where nothing is known
EPOCH = {False: pd.Timestamp(0), True: pd.Timestamp(0, tz="UTC")}

Options = Mapping[str, Any]


class Made(NamedTuple):
    """Generated rows, the CPU seconds of training, and rows a CPU second of sampling."""

    rows: pa.Table
    seconds: float
    pace: float


class Row(NamedTuple):
    """What is said of one generator on one table; NaN where it does not apply."""

    table: str
    peer: str
    seed: int
    seconds: float
    c2st: float
    tstr: float
    quality: float
    shapes: float
    pairs: float
    copies: float
    copies_of_held_out: float
    rows_per_second: float
    megabytes: float
    extra: dict[str, float]


def real(source: Path, count: int, seed: int, options: Options) -> Made:
    """The training rows themselves: what a perfect generator would score against the test."""
    del seed, options
    return Made(arrow(frame(source)).slice(0, count), 0.0, np.nan)


def independent(source: Path, count: int, seed: int, options: Options) -> Made:
    """Every column shuffled by itself."""
    del options
    rng = np.random.default_rng(seed)
    known = frame(source)
    rows = {name: known[name].to_numpy()[rng.permutation(len(known))[:count]] for name in known}
    made = pd.DataFrame(rows).astype(known.dtypes)
    return Made(arrow(made), 0.0, np.nan)


def pace(draw: Callable[[int], object]) -> float:
    """Rows a CPU second, the best of three: what else runs can only slow it down."""
    seconds = []
    for _ in range(3):
        began = time.process_time()
        draw(MANY)
        seconds.append(time.process_time() - began)
    return MANY / min(seconds)


def ctgan(source: Path, count: int, seed: int, options: Options) -> Made:
    """ctgan as its manual says; it refuses missing values, which are filled before.

    Whole numbers of few values are named as categories, as are texts and truths; stamps become
    seconds. Numbers get their median, categories a category of their own where they are missing.
    """
    import torch  # noqa: PLC0415 # in the process of the peer alone
    from ctgan import CTGAN  # noqa: PLC0415

    torch.set_num_threads(1)
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # else it works in processes that nobody counts
    began = time.process_time()
    known = frame(source)
    kinds, discrete = known.dtypes, []
    for name in known:
        column = known[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            column = (column - EPOCH[column.dt.tz is not None]).dt.total_seconds()
        is_whole = pd.api.types.is_integer_dtype(column) and column.nunique() <= CODES
        if is_whole or not pd.api.types.is_numeric_dtype(column):
            discrete.append(name)
            column = column.astype(object).where(column.notna(), "missing")
        known[name] = column if name in discrete else column.fillna(column.median())
    model = CTGAN(epochs=options["ctgan_epochs"])
    model.set_random_state(seed)
    model.fit(known, discrete)
    trained = time.process_time()
    made = model.sample(count)
    for name, kind in kinds.items():
        if name in discrete:
            made[name] = made[name].where(made[name] != "missing", None)
        elif pd.api.types.is_datetime64_any_dtype(kind):
            made[name] = pd.to_datetime((made[name] * 1e9).astype("int64"))
            zone = getattr(kind, "tz", None)
            made[name] = (
                made[name].dt.tz_localize("UTC").dt.tz_convert(zone) if zone else made[name]
            )
    return Made(arrow(made), trained - began, pace(model.sample))


def gantlet(source: Path, count: int, seed: int, options: Options) -> Made:
    """`gantlet train` with nothing set but budget, seed and one thread."""
    import gantlet  # noqa: PLC0415

    budget = {"minutes": options["minutes"], "clock": "cpu"}
    settings = {"seed": seed, "threads": 1, "budget": budget}
    known = source if source.suffix == ".csv" else frame(source)
    began = time.process_time()
    gan = gantlet.train(known, settings=settings, out=f"{options['out']}/{source.stem}-{seed}")
    trained = time.process_time()
    return Made(arrow(gan.sample(count)), trained - began, pace(gan.sample))


PEERS: dict[str, Callable[[Path, int, int, Options], Made]] = {
    "real": real, "independent": independent, "ctgan": ctgan, "gantlet": gantlet,
}  # fmt: skip


def absent(peer: str) -> str:
    """Why a peer cannot be had, or nothing."""
    return "" if peer != "ctgan" or find_spec("ctgan") else "ctgan is not installed"


def frame(source: Path) -> pd.DataFrame:
    """A table as pandas reads it."""
    if source.suffix == ".csv":
        return pd.read_csv(source, skipinitialspace=True, keep_default_na=False)
    return pd.read_parquet(source)


def arrow(rows: Any) -> pa.Table:
    """Whatever a generator gave, in Arrow's memory."""
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, pd.DataFrame):
        return pa.Table.from_pandas(rows, preserve_index=False)
    if isinstance(rows, Records):
        return rows.table
    return rows.to_arrow()


def _work(peer: str, source: Path, count: int, seed: int, options: Options, out: Path) -> None:
    made = PEERS[peer](source, count, seed, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pq.write_table(made.rows, out)
    about = {"seconds": made.seconds, "pace": made.pace, "megabytes": peak}
    out.with_suffix(".json").write_text(json.dumps(about))


def made_by(
    peer: str, source: Path, count: int, seed: int, options: Options, folder: Path
) -> tuple[pa.Table, dict[str, float]] | None:
    """Rows of a peer and what they cost, made in a process of its own; none if it failed."""
    out = folder / f"{source.stem}-{peer}-{seed}.parquet"
    if not out.with_suffix(".json").exists():
        work = (peer, source, count, seed, options, out)
        process = multiprocessing.get_context("spawn").Process(target=_work, args=work)
        process.start()
        process.join()
        if process.exitcode:
            return None
    return pq.read_table(out), json.loads(out.with_suffix(".json").read_text())


def judged(
    name: str, peer: str, seed: int, train: pa.Table, test: pa.Table, target: str, found: Any
) -> Row:
    """The figures of a peer: told from the test rows, useful for the target, alike, not copied."""
    made, about = found
    wanted = test.column_names
    parts = [Records(clean(table.select(wanted))) for table in (test, train, made)]
    of_test, of_train, of_made = matrices(parts)
    kinds = of_test.is_categorical
    fake = of_made.values
    enough = fake[np.random.default_rng(seed).permutation(len(fake))[: len(of_test.values)]]
    score = transfer(fake, of_test.values, of_test.names.index(target), kinds).score.value
    quality = table_quality(of_train.values if peer != "real" else of_test.values, fake, kinds)
    return Row(
        name, peer, seed, about["seconds"],
        boosted_two_sample(of_test.values, enough, kinds, seed).auc.value, score,
        quality.quality, quality.shapes, quality.pairs,
        float(equal_to_any(fake, of_train.values).mean()) if peer != "real" else np.nan,
        float(equal_to_any(of_test.values, of_train.values).mean()),
        about["pace"], about["megabytes"], {},
    )  # fmt: skip


def clean(table: pa.Table) -> pa.Table:
    """Texts without blanks around them, and nothing where they say that nothing is known."""
    for place, field in enumerate(table.schema):
        kind = field.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            texts = table.column(place).cast(pa.string()).to_pandas().astype(object).str.strip()
            texts = texts.where(~texts.isin(UNKNOWN), None)
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table


def said(row: Row) -> None:
    """One line of the table of results."""
    extra = "".join(f"  {name} {value:.2%}" for name, value in row.extra.items())
    print(
        f"{row.table:>16} {row.peer:>12} seed {row.seed} {row.seconds:7.1f} s  C2ST {row.c2st:.3f}"
        f"  TSTR {row.tstr:6.3f}  quality {row.quality:.3f} (shapes {row.shapes:.3f}, pairs "
        f"{row.pairs:.3f})  copies {row.copies:.2%} (held out {row.copies_of_held_out:.2%})  "
        f"{row.rows_per_second:9,.0f} rows/s  {row.megabytes:5.0f} MB{extra}",
        flush=True,
    )


def failed(name: str, peer: str, seed: int) -> None:
    """One line where there is nothing to judge."""
    print(f"{name:>16} {peer:>12} seed {seed} failed", file=sys.stdout, flush=True)
