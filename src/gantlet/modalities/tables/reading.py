"""Any table → records, their types found over all rows, in bounded memory.

The rows are gone through once to tell what the columns hold, again for those that turn out to be
something else late, and once more to be converted: into memory where they are few, else into a file
that is mapped.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from gantlet.modalities.base import Progress, Skipped, Source, SourceError
from gantlet.modalities.tables import keeping
from gantlet.modalities.tables.arrow_types import joined_categories, recoded
from gantlet.modalities.tables.converting import converted, decided_field
from gantlet.modalities.tables.digest import Digest
from gantlet.modalities.tables.frames import is_frame, records_of
from gantlet.modalities.tables.guessing import Decision, Guess
from gantlet.modalities.tables.naming import named
from gantlet.modalities.tables.notes import column_notes
from gantlet.modalities.tables.opened import Opened
from gantlet.modalities.tables.opening import is_table_path, opened
from gantlet.modalities.tables.records import Records
from gantlet.modalities.tables.settings import TableSettings

LARGE = 2**26  # bytes from which on a table is kept on disk
ROWS = 65_536  # of a table in memory, looked at at once
EARLY = 10_000  # unreadable rows after which reading may stop before the end


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that was read."""

    records: Records
    fingerprint: str  # SHA-256 over names, types and values
    notes: tuple[str, ...] = ()  # what was found and decided, a sentence each
    skipped: tuple[Skipped, ...] = ()
    formats: Mapping[str, int] = field(default_factory=dict)  # files of each, where there are files


Reading = Generator[Progress, None, Table]


def recognises_table(source: Source) -> bool:
    """Is this a table, by its name or its type alone?"""
    if isinstance(source, (str, Path)):
        return is_table_path(Path(source).expanduser())
    return is_frame(source)


def read_table(source: Source, settings: TableSettings) -> Reading:
    """All rows of a table, with the types of their columns found.

    Raises:
        SourceError: there is no table, no row in it, or a column of values that cannot be modelled.
    """
    if not isinstance(source, (str, Path)):
        return (yield from _read_frame(records_of(source), settings))
    origin = yield from opened(Path(source).expanduser(), settings)
    if origin.size < LARGE:
        return (yield from _read_file(origin, settings))
    place = keeping.place_of(origin.key, settings)
    there = keeping.found(place)
    if there is None:
        size = origin.size
        there = yield from keeping.kept(place, size, partial(_keep, origin, settings))
    return _of_kept(there, origin, settings)


def _read_file(origin: Opened, settings: TableSettings) -> Reading:
    """Into memory."""
    batches: list[pa.RecordBatch] = []
    schema, found = yield from _converted(origin, settings, lambda _: batches.append)
    _require_good(origin.name, found["skipped"], sum(map(len, batches)), settings.bad_share)
    return Table(
        records=Records(pa.Table.from_batches(batches, schema).combine_chunks(), "file"),
        fingerprint=found["fingerprint"],
        notes=(*found["notes"], *_skip_note(found["skipped"])),
        skipped=tuple(Skipped(*item) for item in found["skipped"]),
        formats=origin.formats,
    )


def _keep(
    origin: Opened, settings: TableSettings, file: pa.NativeFile
) -> Generator[Progress, None, dict[str, Any]]:
    """Into a file; what else was found is returned."""
    writers: list[Any] = []

    def sink(schema: pa.Schema) -> Callable[[pa.RecordBatch], Any]:
        writers.append(pa.ipc.new_file(file, schema))
        return writers[0].write_batch

    try:
        _, found = yield from _converted(origin, settings, sink)
    finally:
        for writer in writers:
            writer.close()
    return found


def _of_kept(there: keeping.Kept, origin: Opened, settings: TableSettings) -> Table:
    skipped, records = there.header["skipped"], Records(there.table, "file")
    _require_good(origin.name, skipped, len(records), settings.bad_share)
    return Table(
        records=records,
        fingerprint=there.header["fingerprint"],
        notes=(*there.header["notes"], *_skip_note(skipped)),
        skipped=tuple(Skipped(*item) for item in skipped),
        formats=origin.formats,
    )


def _converted(
    origin: Opened,
    settings: TableSettings,
    sink: Callable[[pa.Schema], Callable[[pa.RecordBatch], Any]],
) -> Generator[Progress, None, tuple[pa.Schema, dict[str, Any]]]:
    """Puts all rows, converted, into the sink; the schema, and what was found on the way."""
    decisions = yield from _decided(origin, settings)
    skipped: list[Skipped] = []
    fields = [
        _typed(one, decisions.get(index), is_cells=origin.delimiter is not None)
        for index, one in enumerate(origin.fields)
    ]
    schema = pa.schema(named(fields, origin.labels), origin.metadata or None)
    put, digest, rows = sink(schema), Digest(schema), 0
    for batch in origin.batches(skipped.append, range(len(fields))):
        columns = [_as_decided(column, decisions.get(i)) for i, column in enumerate(batch.columns)]
        typed = pa.RecordBatch.from_arrays(columns, schema=schema)
        digest.add(typed)
        put(typed)
        rows += len(batch)
        yield Progress(rows, origin.count, "reading rows")
    if not rows:
        raise SourceError(f"{origin.name}: holds names of columns and no rows to learn from")
    notes = (*origin.notes, *column_notes(schema, decisions))
    return schema, {"fingerprint": digest.hexdigest(), "notes": notes, "skipped": skipped}


def _decided(
    origin: Opened, settings: TableSettings
) -> Generator[Progress, None, dict[int, Decision | pa.Array]]:
    """What each column of texts holds, and the categories of those that have them."""
    guesses = {
        index: Guess(settings, delimiter=origin.delimiter)
        for index, one in enumerate(origin.fields)
        if pa.types.is_string(one.type)
    }
    categories: dict[int, pa.Array | None] = {
        index: None for index, one in enumerate(origin.fields) if pa.types.is_dictionary(one.type)
    }
    skipped: list[Skipped] = []
    again, rows = sorted((*guesses, *categories)), 0
    while again:
        for batch in origin.batches(skipped.append, again):
            for index, column in zip(again, batch.columns, strict=True):
                if index in guesses:
                    guesses[index].see(column)
                else:
                    categories[index] = joined_categories(categories[index], column.dictionary)
            rows += len(batch)
            if len(skipped) > EARLY:
                _require_good(origin.name, skipped, rows, settings.bad_share)
            yield Progress(rows, origin.count, "finding out what the columns hold")
        _require_good(origin.name, skipped, rows, settings.bad_share)
        again = [index for index in again if index in guesses and guesses[index].again]
        for index in again:
            guesses[index].restart()
        skipped, rows = [], 0
    decided = {index: guess.decided() for index, guess in guesses.items()}
    return {**decided, **{i: found for i, found in categories.items() if found is not None}}


def _read_frame(records: Records, settings: TableSettings) -> Reading:
    """A frame: only its texts change, the other columns stay where they lie."""
    table = records.table
    if not len(table):
        raise SourceError("the table holds no rows to learn from")

    def batches(skip: Any, wanted: Sequence[int]) -> Iterator[pa.RecordBatch]:
        del skip
        yield from table.select(list(wanted)).to_batches(max_chunksize=ROWS)

    fields = tuple(table.schema)
    origin = Opened(
        name="the table", labels=tuple(table.schema.names), fields=fields, batches=batches,
        size=table.nbytes, count=len(table),
    )  # fmt: skip
    decisions = yield from _decided(origin, settings)
    for index, decision in decisions.items():
        one = _typed(fields[index], decision, is_cells=False)
        chunks = [_as_decided(chunk, decision) for chunk in table.column(index).chunks]
        table = table.set_column(index, one, pa.chunked_array(chunks, one.type))
    table = table.combine_chunks()
    digest, rows = Digest(table.schema), 0
    for batch in table.to_batches(max_chunksize=ROWS):
        digest.add(batch)
        rows += len(batch)
        yield Progress(rows, len(table), "reading rows")
    notes = column_notes(table.schema, decisions)
    return Table(records=Records(table, records.form), fingerprint=digest.hexdigest(), notes=notes)


def _typed(one: pa.Field, decision: Decision | pa.Array | None, *, is_cells: bool) -> pa.Field:
    if not isinstance(decision, Decision):
        return one
    return decided_field(one, decision, is_cells=is_cells)


def _as_decided(column: pa.Array, decision: Decision | pa.Array | None) -> pa.Array:
    if isinstance(decision, Decision):
        return converted(column, decision)
    return column if decision is None else recoded(column, decision)


def _require_good(name: str, skipped: Sequence[Any], rows: int, share: float) -> None:
    total = rows + len(skipped)
    if len(skipped) <= share * total:
        return
    where, why = skipped[0]
    raise SourceError(
        f"{name}: {len(skipped):,} of {total:,} rows cannot be read (first: {where}: {why}); "
        "mend them, give the right data.delimiter, or allow more with --set data.bad_share=0.5"
    )


def _skip_note(skipped: Sequence[Any]) -> tuple[str, ...]:
    return (f"Rows that could not be read and are left out: {len(skipped):,}.",) if skipped else ()
