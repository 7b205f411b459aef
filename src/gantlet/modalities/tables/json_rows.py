"""Objects of JSON, one a line or in an array, and lists of dicts → batches of columns."""

import io
import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from gantlet.modalities.base import Progress, Skipped, SourceError, finished
from gantlet.modalities.listing import file_key
from gantlet.modalities.tables.number_guess import EXACT
from gantlet.modalities.tables.opened import Opened, Skip

ROWS = 20_000  # at once
READ = 2**20  # signs of an array read at once

_GAP = re.compile(r"[,\s]*")
Row = tuple[int, Any]  # its number, and the object or the error
_KINDS = {bool: "truths", int: "whole numbers", float: "numbers", str: "texts"}


@dataclass
class Seen:
    """What the values of one key were."""

    kinds: set[type] = field(default_factory=set)
    low: int = 0
    high: int = 0

    def add(self, value: Any, where: str) -> None:
        kind = type(value)
        if kind not in _KINDS:
            raise SourceError(
                f"{where} holds a {kind.__name__}; drop it, or bring it as text or as columns of "
                "single values"
            )
        self.kinds.add(kind)
        if kind is int:
            self.low, self.high = min(self.low, value), max(self.high, value)


def opened_json(path: Path, packer: str | None) -> Generator[Progress, None, Opened]:
    """The table in a file of JSON; it is read once here, to know its columns."""

    def rows() -> Iterator[Row]:
        with io.TextIOWrapper(pa.input_stream(str(path), compression=packer), "utf-8-sig") as text:
            first = text.read(1)
            while first.isspace():
                first = text.read(1)
            yield from _of_array(text) if first == "[" else _of_lines(text, first)

    seen, count = yield from _scanned(_explained(rows, path), str(path))
    if not seen:
        raise SourceError(
            f"{path}: holds no objects; give one object a line, or an array of objects, as in "
            '{"age": 39, "income": "<=50K"}'
        )
    return Opened(
        name=str(path),
        labels=tuple(seen),
        fields=fields_of(seen, str(path)),
        batches=lambda skip, wanted: _batches(_explained(rows, path)(), seen, skip, wanted, path),
        size=path.stat().st_size * (6 if packer else 1),
        count=count,
        key=file_key(path),
        formats={"JSON": 1},
    )


def table_of_dicts(rows: Sequence[Any], name: str) -> pa.Table:
    """The rows of a list of dicts."""
    odd = next((row for row in rows if not isinstance(row, dict)), None)
    if odd is not None:
        raise SourceError(f"{name}: holds a {type(odd).__name__} among its dicts; leave it out")
    numbered = enumerate(rows, 1)
    seen, _ = finished(_scanned(lambda: numbered, name))
    fields = fields_of(seen, name)
    columns = [
        _column([row.get(key) for row in rows], kind)
        for key, kind in zip(seen, fields, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def fields_of(seen: dict[str, Seen], name: str) -> tuple[pa.Field, ...]:
    """The narrowest types that hold all values; numbers beyond 64 bits become texts."""
    return tuple(pa.field(str(key), _type(key, what, name)) for key, what in seen.items())


def _type(key: str, seen: Seen, name: str) -> pa.DataType:
    kinds = seen.kinds
    if not kinds:
        return pa.null()
    if kinds == {int, float} and seen.low >= -EXACT and seen.high <= EXACT:
        return pa.float64()
    if len(kinds) > 1:
        what = " and ".join(sorted(_KINDS[kind] for kind in kinds))
        raise SourceError(
            f"{name}: column '{key}' holds {what}; drop it, or write all of its values as texts"
        )
    if kinds == {int}:
        if seen.low >= -(2**63) and seen.high < 2**63:
            return pa.int64()
        return pa.uint64() if seen.low >= 0 and seen.high < 2**64 else pa.string()
    return {bool: pa.bool_(), float: pa.float64(), str: pa.string()}[next(iter(kinds))]


def _scanned(
    rows: Callable[[], Iterable[Row]], name: str
) -> Generator[Progress, None, tuple[dict[str, Seen], int]]:
    seen: dict[str, Seen] = {}
    count = 0
    for number, row in rows():
        if not isinstance(row, dict):
            continue
        count += 1
        for key, value in row.items():
            if key not in seen:
                seen[key] = Seen()
            if value is not None:
                seen[key].add(value, f"{name}: column '{key}' of row {number}")
        if count % ROWS == 0:
            yield Progress(count, 0, "looking at the rows")
    return seen, count


def _batches(
    rows: Iterator[Row], seen: dict[str, Seen], skip: Skip, wanted: Sequence[int], path: Path
) -> Iterator[pa.RecordBatch]:
    keys = list(seen)
    kinds = fields_of(seen, str(path))
    good: list[dict[str, Any]] = []

    def batch() -> pa.RecordBatch:
        columns = [_column([row.get(keys[i]) for row in good], kinds[i]) for i in wanted]
        return pa.RecordBatch.from_arrays(columns, [str(i) for i in wanted])

    for number, row in rows:
        if not isinstance(row, dict):
            skip(Skipped(f"{path.name}, row {number}", f"not an object ({str(row)[:80]})"))
            continue
        good.append(row)
        if len(good) == ROWS:
            yield batch()
            good.clear()
    if good:
        yield batch()


def _column(values: list[Any], kind: pa.Field) -> pa.Array:
    if pa.types.is_string(kind.type):
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, kind.type)


def _of_lines(text: io.TextIOWrapper, first: str) -> Iterator[Row]:
    """A line that is no JSON comes as its error."""
    for number, line in enumerate(text, 1):
        whole = first + line if number == 1 else line
        if not whole.strip():
            continue
        try:
            yield number, json.loads(whole)
        except json.JSONDecodeError as error:
            yield number, error.msg


def _of_array(text: io.TextIOWrapper) -> Iterator[Row]:
    """Item by item: the whole of it may not fit into memory."""
    decoder = json.JSONDecoder()
    buffer, place, number, is_over = "", 0, 0, False
    while True:
        place = _GAP.match(buffer, place).end()  # pyright: ignore[reportOptionalMemberAccess]  it fits anything
        if buffer.startswith("]", place):
            return
        try:
            row, end = decoder.raw_decode(buffer, place)
            is_whole = end < len(buffer) or is_over  # a number may go on in what is not read yet
        except json.JSONDecodeError:
            is_whole, row, end = False, None, place
            if is_over:
                yield number + 1, "the array breaks off here"
                return
        if is_whole:
            number += 1
            yield number, row
            place = end
            continue
        buffer, place = buffer[place:], 0
        more = text.read(max(READ, len(buffer)))
        is_over = not more
        buffer += more


def _explained(rows: Callable[[], Iterator[Row]], path: Path) -> Callable[[], Iterator[Row]]:
    def explained() -> Iterator[Row]:
        try:
            yield from rows()
        except UnicodeDecodeError as error:
            raise SourceError(f"{path}: is not in UTF-8, as JSON has to be ({error})") from error
        except OSError as error:
            raise SourceError(
                f"{path}: cannot be read to its end ({error}); fetch it again"
            ) from error

    return explained
