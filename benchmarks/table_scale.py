"""A table of many rows, from its file to codes: rows a CPU second and peak memory of each step.

    python benchmarks/table_scale.py                        # 10 million rows × 20 columns, CSV
    python benchmarks/table_scale.py --rows 1000000 --kind parquet --columns 40

The columns are of mixed kinds: numbers with a long tail, whole numbers, some with nulls or with
mostly noughts, categories of 3 to 40,000 values, stamps, days, truths and an identifier. The file
and what is kept of it lie in a temporary folder that is removed, twice the file's size together.

Each step runs in a process of its own that does those before it too, so that its peak is what a
training run's would be by then; the time is the step's own. `read` finds the types and converts
the file, `fit` finds the codec, `code` makes what training picks its batches from, and `feed`
encodes batches of 512 rows in no order.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

STEPS = ("read", "fit", "code", "feed")
PART = 500_000  # rows made at once
BATCH, BATCHES = 512, 200


def categories(rng: np.random.Generator, count: int, distinct: int) -> pa.Array:
    """Texts, the first ones the most frequent."""
    names = pa.array([f"value {number}" for number in range(distinct)])
    drawn = np.minimum(rng.geometric(min(1.0, 4 / distinct), count) - 1, distinct - 1)
    return names.take(pa.array(drawn))


def lognormal(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Numbers with a long tail, nearly all distinct."""
    del start
    return pa.array(rng.lognormal(size=count))


def prices(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Two decimals."""
    del start
    return pa.array(np.round(rng.gamma(2, 40, count), 2))


def gaps(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Numbers, one in ten of them missing."""
    del start
    return pa.array(rng.normal(size=count), mask=rng.random(count) < 0.1)


def noughts(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Whole numbers, nine in ten of them nought."""
    del start
    return pa.array(np.where(rng.random(count) < 0.9, 0, rng.integers(1, 10**5, count)))


def wholes(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Whole numbers of a million values."""
    del start
    return pa.array(rng.integers(0, 10**6, count))


def stamps(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Seconds of three years."""
    del start
    return pa.array(1_600_000_000 + rng.integers(0, 10**8, count), pa.timestamp("s"))


def days(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Days of ten years."""
    del start
    return pa.array(rng.integers(15_000, 19_000, count).astype(np.int32), pa.date32())


def truths(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Three in ten are true."""
    del start
    return pa.array(rng.random(count) < 0.3)


def identifiers(rng: np.random.Generator, count: int, start: int) -> pa.Array:
    """Numbers one step apart."""
    del rng
    return pa.array(np.arange(start, start + count))


def texts(distinct: int) -> Callable[[np.random.Generator, int, int], pa.Array]:
    """A column of so many categories."""
    return lambda rng, count, start: categories(rng, count, distinct)


COLUMNS = (
    lognormal, texts(3), prices, noughts, texts(20), stamps, gaps, wholes, texts(200), truths,
    lognormal, days, texts(2_000), prices, identifiers, wholes, texts(40_000), noughts, gaps,
    texts(8),
)  # fmt: skip


def write(path: Path, rows: int, columns: int) -> None:
    """The table, a part at a time; more columns than COLUMNS take them in turn again."""
    writer: Any = None
    for start in range(0, rows, PART):
        count, rng = min(PART, rows - start), np.random.default_rng(start)
        made = [COLUMNS[place % len(COLUMNS)](rng, count, start) for place in range(columns)]
        part = pa.table({f"column {place}": cells for place, cells in enumerate(made)})
        if writer is None:
            opened = csv.CSVWriter if path.suffix == ".csv" else parquet.ParquetWriter
            writer = opened(path, part.schema)
        writer.write_table(part)
    writer.close()


def work(path: Path, last: int, said: Any) -> None:
    """The steps up to one; its CPU seconds, the process's peak, and how many rows it went over."""
    from gantlet.modalities import TABLE  # noqa: PLC0415 # what the file was made with is no part
    from gantlet.modalities.table import TableSettings  # noqa: PLC0415

    began = time.process_time()
    reading, raw = TABLE.load(path, TableSettings(cache=str(path.parent))), None
    while raw is None:
        try:
            next(reading)
        except StopIteration as stop:
            raw = stop.value
    times, rows = [time.process_time()], len(raw.rows)
    if last >= STEPS.index("fit"):
        codec = TABLE.fit(raw)
        times.append(time.process_time())
        if last >= STEPS.index("code"):
            quick = TABLE.quick(codec, raw.rows)
            times.append(time.process_time())
            if last >= STEPS.index("feed"):
                order = np.random.default_rng(0).integers(0, rows, (BATCHES, BATCH))
                for batch in order:
                    codec.encode(quick[batch])
                times.append(time.process_time())
                rows = order.size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said.send((times[-1] - (times[-2] if len(times) > 1 else began), peak, rows))


def main() -> int:
    """Writes the file, works on it, and prints a line a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--columns", type=int, default=len(COLUMNS))
    parser.add_argument("--kind", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / f"table.{options.kind}"
        maker = processes.Process(target=write, args=(path, options.rows, options.columns))
        maker.start()
        maker.join()
        print(f"{options.rows:,} rows × {options.columns} columns, {path.stat().st_size:,} bytes")
        for last, step in enumerate(STEPS):
            heard, said = processes.Pipe(duplex=False)
            worker = processes.Process(target=work, args=(path, last, said))
            worker.start()
            said.close()
            worker.join()
            if worker.exitcode:
                return 1
            seconds, peak, rows = heard.recv()
            pace = rows / max(seconds, 1e-9)
            print(f"{step:>5} {seconds:8.1f} CPU-s {pace:11,.0f} rows/CPU-s, peak {peak:,.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
