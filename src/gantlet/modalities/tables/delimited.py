"""Texts of cells parted by a delimiter → batches of texts, an empty cell being none."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from gantlet.modalities.base import Skipped, SourceError
from gantlet.modalities.listing import file_key
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.marks import DELIMITER, HEADER
from gantlet.modalities.tables.opened import Opened, Skip
from gantlet.modalities.tables.settings import TableSettings
from gantlet.modalities.tables.sniffing import Layout, layout

BLOCK = 2**22  # bytes taken apart at once; no row may be longer
ROWS = 20_000  # taken apart by Python at once
SHOWN = {"\t": "a tab", " ": "blanks", ",": "a comma", ";": "a semicolon", "|": "a bar"}
_PACKED = 6  # times that a compressed text is larger, about


def opened_text(path: Path, settings: TableSettings) -> Opened:
    """The table in a CSV, TSV or other text.

    Raises:
        SourceError: there is no text in it, or no row.
    """
    how = layout(path, settings)
    if settings.encoding is None and how.encoding == "utf-8":
        how = replace(how, encoding=_checked_encoding(path, how.packer))
    take_apart = _by_python if how.by_python else _by_arrow
    trims = how.blanks and not how.by_python  # Python's reader does it itself

    def batches(skip: Skip, wanted: Sequence[int]) -> Iterator[pa.RecordBatch]:
        for batch in take_apart(path, how, skip, wanted):
            yield _without_blanks(batch) if trims else batch

    size = path.stat().st_size
    return Opened(
        name=str(path),
        labels=how.names,
        fields=tuple(pa.field(name, pa.string()) for name in how.names),
        delimiter=how.delimiter,
        batches=batches,
        size=size * _PACKED if how.packer else size,
        key=file_key(path),
        notes=_notes(how),
        formats={"TSV" if how.delimiter == "\t" else "CSV": 1},
        metadata={DELIMITER: how.delimiter.encode(), HEADER: b"yes" if how.has_header else b"no"},
    )


def _notes(how: Layout) -> tuple[str, ...]:
    parted = SHOWN.get(how.delimiter, f"'{how.delimiter}'")
    header = "no row of names (if the first is one: --set data.header=true)"
    header = "the first row holds names" if how.has_header else header
    first = f"Cells are parted by {parted}, {header}, encoding {how.encoding}"
    notes = [f"{first}, compressed by {how.packer}." if how.packer else f"{first}."]
    if how.skipped_lines:
        notes.append(f"Lines of remarks (#) passed over before the table: {how.skipped_lines}.")
    if how.blanks:
        notes.append("A blank follows each delimiter; it is no part of the values.")
    return tuple(notes)


def _stream(path: Path, packer: str | None) -> pa.NativeFile:
    return pa.input_stream(str(path), compression=packer)


def _checked_encoding(path: Path, packer: str | None) -> str:
    """UTF-8 if all of the file is, else the Western one that all of it is."""
    for encoding in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with _stream(path, packer) as stream:
                while chunk := stream.read(BLOCK):
                    if not chunk.isascii() or decoder.getstate()[0]:
                        decoder.decode(chunk)
        except UnicodeDecodeError:
            continue
        except OSError as error:
            raise _damaged(path, error) from error
        return encoding
    return "latin-1"


def _by_arrow(
    path: Path, how: Layout, skip: Skip, wanted: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    keys = [str(index) for index in range(len(how.names))]

    def skipped(row: Any) -> str:
        skip(_bad_row(path, row.number, row.actual_columns, row.expected_columns))
        return "skip"

    try:
        with _stream(path, how.packer) as stream:
            yield from arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=BLOCK, encoding=how.encoding,
                    column_names=keys, skip_rows=how.skipped_lines,
                    skip_rows_after_names=int(how.has_header),
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=how.delimiter, quote_char=how.quote or False,
                    double_quote=bool(how.quote), newlines_in_values=bool(how.quote),
                    invalid_row_handler=skipped,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(keys, pa.string()), null_values=[""],
                    include_columns=[keys[index] for index in wanted],
                    strings_can_be_null=True, quoted_strings_can_be_null=True,
                ),
            )  # fmt: skip
    except pa.ArrowInvalid as error:
        raise _unreadable(path, str(error)) from error
    except UnicodeError as error:
        raise SourceError(
            f"{path}: is not in {how.encoding} ({error}); give another data.encoding"
        ) from error
    except OSError as error:
        raise _damaged(path, error) from error


def _unreadable(path: Path, message: str) -> SourceError:
    if "straddl" in message or "block" in message:
        return SourceError(
            f"{path}: holds a row longer than {BLOCK:,} bytes, as where a quote is never closed; "
            "if quotes enclose nothing here, use --set data.quote=''"
        )
    if "UTF8" in message:
        return SourceError(f"{path}: is not in UTF-8; leave data.encoding out to have it found")
    if "Empty CSV" in message:
        return SourceError(f"{path}: the file holds no rows")
    return SourceError(f"{path}: cannot be read as a table: {message}")


def _damaged(path: Path, error: OSError) -> SourceError:
    return SourceError(f"{path}: cannot be read to its end ({error}); fetch it again")


def _bad_row(path: Path, number: int | None, actual: int, expected: int) -> Skipped:
    where = "a row" if number is None else f"row {number}"
    return Skipped(f"{path.name}, {where}", f"{actual} cells instead of {expected}")


def _by_python(
    path: Path, how: Layout, skip: Skip, wanted: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """Slower, for runs of blanks and for quotes that follow a blank."""
    width = len(how.names)
    try:
        with io.TextIOWrapper(_stream(path, how.packer), _with_mark(how.encoding)) as text:
            for _ in range(how.skipped_lines):
                text.readline()
            lines = (
                (line.strip().replace("\t", " ") for line in text) if how.delimiter == " " else text
            )
            rows = csv.reader(
                lines, delimiter=how.delimiter, quotechar=how.quote or None,
                quoting=csv.QUOTE_MINIMAL if how.quote else csv.QUOTE_NONE, skipinitialspace=True,
            )  # fmt: skip
            good: list[list[str]] = []
            for number, row in enumerate(rows, 1):
                if not row or (how.has_header and number == 1):
                    continue
                if len(row) != width:
                    skip(_bad_row(path, number + how.skipped_lines, len(row), width))
                    continue
                good.append(row)
                if len(good) == ROWS:
                    yield _batch(good, wanted)
                    good = []
            if good:
                yield _batch(good, wanted)
    except csv.Error as error:
        raise SourceError(f"{path}: cannot be read as a table: {error}") from error
    except UnicodeError as error:
        raise SourceError(
            f"{path}: is not in {how.encoding} ({error}); give another data.encoding"
        ) from error


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _batch(rows: list[list[str]], wanted: Sequence[int]) -> pa.RecordBatch:
    columns = [pa.array([row[index] or None for row in rows], pa.string()) for index in wanted]
    return pa.RecordBatch.from_arrays(columns, [str(index) for index in wanted])


def _without_blanks(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = []
    for column in batch.columns:
        texts = pc.utf8_ltrim(column, " ")
        columns.append(pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts))
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)
