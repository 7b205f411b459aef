"""A path → a table that can be read; the kind of file is told from its first bytes."""

import os
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from gantlet.modalities.base import Progress, SourceError
from gantlet.modalities.idx import is_idx
from gantlet.modalities.listing import is_image_name
from gantlet.modalities.tables.columnar import opened_arrow, opened_parquet
from gantlet.modalities.tables.delimited import opened_text
from gantlet.modalities.tables.json_rows import opened_json
from gantlet.modalities.tables.opened import Opened, Skip
from gantlet.modalities.tables.settings import TableSettings
from gantlet.modalities.tables.sniffing import beginning

TEXTS = (".csv", ".tsv", ".txt", ".tab", ".data")
JSONS = (".jsonl", ".ndjson", ".json")
COLUMNAR = (".parquet", ".pq", ".feather", ".arrow", ".ipc")
PACKED = (".gz", ".bz2", ".zst", ".zstd", ".lz4")
GLANCE = 2_000  # names of a folder looked at

Opening = Generator[Progress, None, Opened]


def is_table_path(path: Path) -> bool:
    """Is this a table by its name, or a folder of such files and no pictures?"""
    if not path.is_dir():
        return _suffix(path.name) in (*TEXTS, *JSONS, *COLUMNAR)
    names = _names(path)[:GLANCE]
    others = (is_image_name(name) or is_idx(Path(name)) or name.endswith((".npz", ".npy"))
              for name in names)  # fmt: skip
    is_table = (_suffix(name) in (*TEXTS, *JSONS, *COLUMNAR) for name in names)
    return not any(others) and any(is_table)


def opened(path: Path, settings: TableSettings) -> Opening:
    """The table in a file, or in the parts that a folder holds.

    Raises:
        SourceError: there is none, or it cannot be read.
    """
    if not path.exists():
        raise SourceError(f"{path}: there is no such file or folder")
    try:
        if path.is_dir():
            return (yield from _opened_folder(path, settings))
        return (yield from _opened_file(path, settings))
    except PermissionError as error:
        raise SourceError(f"{path}: may not be read; change its permissions") from error


def _opened_file(path: Path, settings: TableSettings) -> Opening:
    yield Progress(0, 0, f"looking at {path.name}")
    sample, packer = beginning(path)
    suffix = _suffix(path.name)
    if packer is not None and (suffix in COLUMNAR or sample.startswith((b"PAR1", b"ARROW1"))):
        raise SourceError(f"{path}: is compressed by {packer} once more; unpack it")
    if sample.startswith(b"PAR1"):
        return opened_parquet(path)
    if sample.startswith(b"ARROW1"):
        return opened_arrow(path)
    if suffix in COLUMNAR:
        raise SourceError(f"{path}: is no file of this kind, or was damaged; fetch it again")
    if suffix in JSONS:
        return (yield from opened_json(path, packer))
    return opened_text(path, settings)


def _opened_folder(folder: Path, settings: TableSettings) -> Opening:
    """The parts one after the other, by their names."""
    names = _names(folder)
    kinds = Counter(_suffix(name) for name in names)
    wanted = [kind for kind in kinds if kind in (*TEXTS, *JSONS, *COLUMNAR)]
    if not wanted:
        raise SourceError(f"{folder}: holds no tables (CSV, Parquet, Feather, Arrow, JSON lines)")
    if len(wanted) > 1:
        raise SourceError(
            f"{folder}: holds tables of several kinds ({', '.join(sorted(wanted))}); leave one kind"
        )
    parts: list[Opened] = []
    for name in (name for name in names if _suffix(name) == wanted[0]):
        parts.append((yield from _opened_file(folder / name, settings)))
        if len(parts) > 1:
            _require_alike(parts[0], parts[-1])
    ignored = len(names) - len(parts)
    passed = (f"{ignored} files of other kinds are passed over.",) if ignored else ()
    return _joined(folder, parts, passed)


def _joined(folder: Path, parts: Sequence[Opened], notes: tuple[str, ...]) -> Opened:
    fields = tuple(_common(column) for column in zip(*(part.fields for part in parts), strict=True))

    def batches(skip: Skip, wanted: Sequence[int]) -> Iterator[pa.RecordBatch]:
        kinds = [fields[index].type for index in wanted]
        for part in parts:
            for batch in part.batches(skip, wanted):
                columns = [
                    column if column.type == kind else column.cast(kind)
                    for column, kind in zip(batch.columns, kinds, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, batch.schema.names)

    formats: Counter[str] = Counter()
    for part in parts:
        formats.update(part.formats)
    return replace(
        parts[0],
        name=str(folder),
        fields=fields,
        batches=batches,
        size=sum(part.size for part in parts),
        count=sum(part.count for part in parts),
        key="".join(part.key for part in parts),
        notes=(f"{len(parts)} parts, in the order of their names.", *parts[0].notes, *notes),
        formats=formats,
    )


def _require_alike(first: Opened, part: Opened) -> None:
    missing = [name for name in first.labels if name not in part.labels]
    added = [name for name in part.labels if name not in first.labels]
    if missing or added:
        told = [f"lacks {_listed(missing)}"] * bool(missing) + [f"has {_listed(added)}"] * bool(
            added
        )
        raise SourceError(
            f"{part.name}: its columns are not those of {first.name}: it {' and '.join(told)}; "
            "all parts must have the same columns"
        )
    if first.labels != part.labels:
        raise SourceError(
            f"{part.name}: its columns stand in another order than those of {first.name}: "
            f"{_listed(part.labels)}; write all parts in the same order"
        )
    if first.delimiter != part.delimiter:
        raise SourceError(f"{part.name}: its cells are parted by another sign than in {first.name}")
    for one, other in zip(first.fields, part.fields, strict=True):
        if one.type != other.type and not _are_alike({one.type, other.type}):
            raise SourceError(
                f"{part.name}: column '{other.name}' is of type {other.type}, in {first.name} "
                f"of type {one.type}; write all parts with the same types"
            )


def _are_alike(kinds: set[pa.DataType]) -> bool:
    """A part may have nothing in a column, or in JSON nothing but whole numbers by chance."""
    return pa.null() in kinds or kinds == {pa.int64(), pa.float64()}


def _common(fields: Sequence[pa.Field]) -> pa.Field:
    kinds = {field.type for field in fields} - {pa.null()}
    widest = pa.float64() if pa.float64() in kinds else next(iter(kinds), pa.null())
    return next(field for field in fields if field.type == widest)


def _listed(names: Sequence[Any]) -> str:
    some = ", ".join(f"'{name}'" for name in names[:5])
    return some + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _names(folder: Path) -> list[str]:
    """Files of a folder, sorted; hidden ones and marks of other programs (_SUCCESS) are none."""
    with os.scandir(folder) as entries:
        files = [entry.name for entry in entries if entry.is_file()]
    return sorted(name for name in files if not name.startswith((".", "_")))


def _suffix(name: str) -> str:
    suffixes = [f".{part}" for part in name.lower().split(".")[1:]]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
