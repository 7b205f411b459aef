"""How a text of cells is written, told from its beginning: encoding, delimiter, header."""

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables.settings import TableSettings

GLANCE = 2**18  # bytes looked at
ROWS = 200  # of them, at most
DELIMITERS = "\t;|, "  # the rarer in ordinary text come first
PACKERS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}
NO_TEXTS = {
    b"PK\x03\x04": "a zip archive or an Excel file: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Office file, perhaps with a password: save the sheet as CSV",
    b"%PDF": "a PDF: copy its table into a CSV file",
    b"SQLite format 3": "a SQLite database: export the table as CSV",
    b"\x89HDF": "an HDF5 file: write its table as Parquet",
    b"\x89PNG": "a picture: give a table",
    b"\xff\xd8\xff": "a picture: give a table",
    b"Rar!": "an archive: unpack it",
    b"7z\xbc\xaf": "an archive: unpack it",
    b"FEA1": "Feather of version 1: write it anew with pyarrow.feather.write_feather",
    b"PARE": "Parquet encrypted with a password: write it anew without",
}  # fmt: skip
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one text is written."""

    packer: str | None  # what it is compressed by
    encoding: str
    delimiter: str
    quote: str
    skipped_lines: int  # remarks before the table
    has_header: bool
    names: tuple[str, ...]
    blanks: bool  # a blank follows each delimiter
    by_python: bool  # runs of blanks, or quotes after blanks: more than Arrow can take apart


def layout(path: Path, settings: TableSettings) -> Layout:
    """How the file is written, as the settings say or as it looks.

    Raises:
        SourceError: an empty file, or none that holds text.
    """
    sample, packer = beginning(path)
    encoding = settings.encoding or _encoding(sample)
    text = _decoded(sample, encoding, path)
    _require_text(text, path)
    lines = re.split("\r\n|\r|\n", text)
    skipped = 0
    while skipped < len(lines) and lines[skipped].startswith("#"):
        skipped += 1
    body = "\n".join(lines[skipped:])
    delimiter = settings.delimiter or _delimiter(body, settings.quote, path)
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise SourceError(f"data.delimiter = {delimiter!r}: give a single sign, e.g. ';'")
    by_python = delimiter == " " or re.search(
        re.escape(delimiter) + " +" + re.escape(settings.quote or "\0"), body
    ) is not None  # fmt: skip
    rows = _rows(body, delimiter, settings.quote, skip_blanks=by_python)
    if not rows:
        raise SourceError(f"{path}: the file holds no rows")
    blanks = delimiter != " " and (by_python or _blank_after(rows))
    width = _width(rows)
    has_header = settings.header if settings.header is not None else _has_header(rows, width)
    return Layout(
        packer=packer,
        encoding=encoding,
        delimiter=delimiter,
        quote=settings.quote,
        skipped_lines=skipped,
        has_header=has_header,
        names=_names(rows, width) if has_header else _numbered(width),
        blanks=blanks,
        by_python=by_python,
    )


def beginning(path: Path) -> tuple[bytes, str | None]:
    """The first bytes, unpacked, and what they were compressed by."""
    with path.open("rb") as file:
        sample = file.read(GLANCE)
    if not sample:
        raise SourceError(f"{path}: the file is empty")
    for magic, what in NO_TEXTS.items():
        if sample.startswith(magic):
            raise SourceError(f"{path}: not a table but {what}")
    packer = next((name for magic, name in PACKERS.items() if sample.startswith(magic)), None)
    if packer is None:
        return sample, None
    try:
        with pa.input_stream(str(path), compression=packer) as stream:
            sample = stream.read(GLANCE)
    except OSError as error:
        raise SourceError(f"{path}: the {packer} file is damaged ({error}); fetch it again") from (
            error
        )
    if not sample:
        raise SourceError(f"{path}: the file is empty")
    return sample, packer


def _encoding(sample: bytes) -> str:
    """By its mark, or by the nulls that two-byte encodings show; else UTF-8 until it fails."""
    if sample.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = sample[:4096]
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        nulls, others = head[first::2].count(0), head[1 - first :: 2].count(0)
        if nulls > len(head) / 4 and others < len(head) / 50:
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return other_encodings(sample)[0]
    return "utf-8"


def other_encodings(sample: bytes) -> list[str]:
    """What a text that is no UTF-8 may be in, the likelier first."""
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return ["latin-1"]
    has_signs = any(0x80 <= byte < 0xA0 for byte in sample)
    return ["cp1252", "latin-1"] if has_signs else ["latin-1"]


def _decoded(sample: bytes, encoding: str, path: Path) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except LookupError as error:
        raise SourceError(f"data.encoding = {encoding!r}: there is no such encoding") from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: is not in {encoding} ({error.reason} at byte {error.start}); "
            "give another data.encoding, or none to have it found"
        ) from error
    text = text.removeprefix("\ufeff")
    whole = len(sample) < GLANCE
    return text if whole or "\n" not in text else text[: text.rindex("\n") + 1]


def _require_text(text: str, path: Path) -> None:
    head = text[:65536]
    odd = sum(1 for sign in head if (sign < " " and sign not in "\t\r\n\f") or sign == "\ufffd")
    if "\0" in head or odd > 2 + len(head) / 50:
        raise SourceError(f"{path}: holds no text but binary data; give a CSV, Parquet or the like")
    if not head.strip():
        raise SourceError(f"{path}: the file is empty but for blanks")


def _rows(body: str, delimiter: str, quote: str, *, skip_blanks: bool = False) -> list[list[str]]:
    """The first rows; a last one that the sample cut in two is harmless here."""
    how = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    lines = body.split("\n")
    if delimiter == " ":
        lines = [line.strip().replace("\t", " ") for line in lines]
    rows: list[list[str]] = []
    try:
        for row in csv.reader(
            (line + "\n" for line in lines),
            delimiter=delimiter, quotechar=quote or None, quoting=how,
            skipinitialspace=skip_blanks or delimiter == " ",
        ):  # fmt: skip
            if row and (len(row) > 1 or row[0].strip()):
                rows.append(row)
            if len(rows) == ROWS:
                break
    except csv.Error:
        return rows  # an unclosed quote: the reading itself tells of it
    return rows


def _delimiter(body: str, quote: str, path: Path) -> str:
    """The sign by which nearly all rows come to the same number of cells."""
    best, best_share = None, 0.0
    for delimiter in DELIMITERS:
        rows = _rows(body, delimiter, quote)
        counts = Counter(len(row) for row in rows)
        if not counts:
            continue
        width, often = max(counts.items(), key=lambda item: (item[1], item[0]))
        share = often / len(rows)
        if width == 1 or len(rows[0]) not in (width, width - 1):
            continue
        if delimiter == " " and not _mostly_numbers(rows):
            continue
        if delimiter == "\t" and path.name.lower().split(".")[-1] == "tsv":
            return delimiter
        if share > best_share + 0.05 and share > 0.5:
            best, best_share = delimiter, share
    return best or ","


def _mostly_numbers(rows: list[list[str]]) -> bool:
    cells = [cell for row in rows[1:] or rows for cell in row]
    return sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) > len(cells) / 2


def _width(rows: list[list[str]]) -> int:
    counts = Counter(len(row) for row in rows[1:] or rows)
    return max(counts.items(), key=lambda item: (item[1], item[0]))[0]


def _blank_after(rows: list[list[str]]) -> bool:
    cells = [cell for row in rows[1:] or rows for cell in row[1:] if cell]
    texts = [cell for cell in cells if not _NUMBER.fullmatch(cell)]
    cells = texts or cells  # some put the blank before texts only
    return len(cells) > 0 and sum(cell[0] == " " for cell in cells) > 0.9 * len(cells)


def _has_header(rows: list[list[str]], width: int) -> bool:
    """Names stand over the columns: no numbers over numbers, no value that returns below."""
    if len(rows) == 1:
        return not any(_NUMBER.fullmatch(cell) for cell in rows[0])
    below = [row for row in rows[1:] if len(row) == width]
    top = [cell.strip() for cell in rows[0]]
    if len(top) == width - 1:
        return True  # R leaves out the name of the rows' names
    if len(top) != width or not below:
        return False
    points = 0
    for index, name in enumerate(top):
        cells = [cell for row in below if (cell := row[index].strip())]
        numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in cells)
        if cells and numbers > 0.8 * len(cells):
            points += -1 if _NUMBER.fullmatch(name) else 2
        elif name and name in cells:
            points -= 1
    years = [int(name) for name in top if re.fullmatch(r"\d{1,4}", name)]
    if len(years) > 2 and years == list(range(years[0], years[0] + len(years))):
        return True  # a column for each year
    return points >= 0


def _names(rows: list[list[str]], width: int) -> tuple[str, ...]:
    names = tuple(name.strip() for name in rows[0])
    if len(names) != width - 1:
        return names
    ends_open = not any(row[-1] for row in rows[1:] if len(row) == width)
    return (*names, "") if ends_open else ("", *names)


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"column {number}" for number in range(1, width + 1))
