"""Large tables kept on disk as Arrow lays them out, so that they are converted once and mapped.

What is kept is a folder: a file for each column and header.json. It is written beside its place and
renamed when whole, so that what has the right name is whole. A column lies in one piece, as picking
rows of one in many pieces would copy all of it each time.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import platformdirs
import pyarrow as pa
from filelock import FileLock, Timeout

from gantlet.config import plain
from gantlet.modalities.base import Progress, SourceError
from gantlet.modalities.tables.settings import TableSettings

Filling = Generator[Progress, None, dict[str, Any]]

FORMAT = 1  # raise when the same source and settings would give another table
SPARE = 64 * 2**20  # bytes that stay free on the disk


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A table on disk, and what is known of it."""

    table: Callable[[], pa.Table]  # mapped at each call
    header: dict[str, Any]


def place_of(key: str, settings: TableSettings) -> Path:
    """Where a table of this content, read so, is kept."""
    root = Path(settings.cache or platformdirs.user_cache_dir("gantlet")).expanduser().resolve()
    asked = json.dumps(
        {k: v for k, v in plain(settings).items() if k not in ("cache", "bad_share")}
    )
    return root / "tables" / hashlib.sha256(f"{FORMAT} {key} {asked}".encode()).hexdigest()


def found(place: Path) -> Kept | None:
    """The table kept there, if it is there and whole."""
    try:
        header = json.loads((place / "header.json").read_text(encoding="utf-8"))
        table = partial(_mapped_columns, place, header["columns"])
        table()
    except (OSError, ValueError, KeyError):  # Arrow's errors are among these
        return None
    return Kept(table=table, header=header)


def kept(
    place: Path, size: int, fill: Callable[[pa.NativeFile], Filling]
) -> Generator[Progress, None, Kept]:
    """The table, kept first where it is not there.

    Args:
        fill: writes an Arrow file, and returns what the header is to hold.

    Another process that writes the same is waited for, and its work used.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _require_room(place.parent, 2 * size)
        lock = FileLock(f"{place}.lock", thread_local=False)
        yield from _acquired(lock)
        try:
            there = found(place)
            if there is None:
                yield from _filled(place, fill)
        finally:
            lock.release()
    except OSError as error:
        raise SourceError(
            f"{place}: the cache cannot be written: {error}; --set data.cache=FOLDER puts it "
            "elsewhere"
        ) from error
    there = found(place)
    assert there is not None, f"{place} was just written and cannot be opened"
    return there


def _filled(
    place: Path, fill: Callable[[pa.NativeFile], Filling]
) -> Generator[Progress, None, None]:
    aside = Path(f"{place}.partial")  # ours alone while the lock is held
    for left_over in (aside, place):
        if left_over.exists():
            shutil.rmtree(left_over)
    try:
        aside.mkdir()
        rows = aside / "rows.arrow"
        with pa.OSFile(str(rows), "wb") as file:
            header = yield from fill(file)
        columns = yield from _parted(rows)
        rows.unlink()
        header = {**header, "columns": columns}
        (aside / "header.json").write_text(json.dumps(header), encoding="utf-8")
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _parted(rows: Path) -> Generator[Progress, None, int]:
    """Writes each column into a file of its own, beside the rows; their number."""
    count = _mapped(rows).num_columns
    for index in range(count):
        yield Progress(index, count, "laying out the columns")
        # Mapped anew for each: what was read of a map counts as this process's memory until then.
        # The system's allocator gives large pieces back at once; Arrow's own keeps them.
        parts = _mapped(rows).select([index])
        column = parts.combine_chunks(memory_pool=pa.system_memory_pool())
        with (
            pa.OSFile(str(rows.with_name(_column_name(index))), "wb") as file,
            pa.ipc.new_file(file, column.schema) as writer,
        ):
            writer.write_table(column)
    return count


def _column_name(index: int) -> str:
    return f"column-{index:04d}.arrow"


def _mapped(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _mapped_columns(place: Path, count: int) -> pa.Table:
    parts = [_mapped(place / _column_name(index)) for index in range(count)]
    schema = pa.schema([part.schema.field(0) for part in parts], parts[0].schema.metadata)
    return pa.Table.from_arrays([part.column(0) for part in parts], schema=schema)


def _require_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size + SPARE > free:
        raise SourceError(
            f"{folder}: the table needs about {size / 1e9:.2f} GB here and {free / 1e9:.2f} GB are "
            "free; --set data.cache=FOLDER puts it on another disk"
        )


def _acquired(lock: FileLock) -> Generator[Progress, None, None]:
    while True:
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            yield Progress(0, 0, "waiting for another process that reads the same table")
        else:
            return
