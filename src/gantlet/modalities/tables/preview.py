"""Rows of a table as a picture: the first of them under their names, or a single one by itself."""

import io

import pyarrow as pa
from PIL import Image, ImageDraw, ImageFont

from gantlet.modalities.base import Preview
from gantlet.modalities.tables.cells import shown
from gantlet.modalities.tables.naming import label_of
from gantlet.modalities.tables.records import Records

ROWS, COLUMNS = 24, 24  # at most, in a preview
LINES = 12  # at most, in a thumbnail
SIGNS = 22  # of a cell; longer ones are cut
SIZE = 13  # of the letters, in pixels
LINE, GAP, EDGE = 21, 14, 10  # pixels
INK, PALE, FAINT, PAPER = "#1f2430", "#9aa0ab", "#f3f4f7", "#ffffff"

Cells = list[str | None]  # None: missing


def table_preview(records: Records) -> Preview:
    """A PNG of the first rows: numbers to the right, missing values grey, long texts cut."""
    table = records.table.slice(0, ROWS).select(range(min(COLUMNS, records.table.num_columns)))
    columns = [_texts(table.column(i), field) for i, field in enumerate(table.schema)]
    names = [_cut(str(label_of(field))) for field in table.schema]
    numbers = [_is_number(field.type) for field in table.schema]
    left_out = records.table.num_columns - table.num_columns
    if left_out:
        columns.append(["…"] * len(table))
        names.append(f"{left_out} more columns")
        numbers.append(False)
    return Preview("image/png", _png(_drawn(names, columns, numbers)))


def row_thumbnail(records: Records) -> bytes:
    """A small PNG of one row: the names of its columns and their values."""
    assert len(records) == 1, f"{len(records)} rows, not one"
    schema = records.table.schema
    fields = list(schema)[: LINES if len(schema) <= LINES else LINES - 1]
    names: Cells = [_cut(str(label_of(field))) for field in fields]
    values = [_texts(records.table.column(i), field)[0] for i, field in enumerate(fields)]
    if len(fields) < len(schema):
        names.append(f"{len(schema) - len(fields)} more")
        values.append("…")
    return _png(_drawn([], [names, values], [False, False]))


def _texts(column: pa.ChunkedArray, field: pa.Field) -> Cells:
    texts: Cells = []
    for chunk in column.chunks:
        if pa.types.is_floating(field.type):
            texts += [None if v is None else f"{v:.6g}" for v in chunk.to_pylist()]
        else:
            texts += [None if v is None else _cut(v) for v in shown(chunk, field).to_pylist()]
    return texts


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SIGNS else line[: SIGNS - 1] + "…"


def _drawn(names: list[str], columns: list[Cells], numbers: list[bool]) -> Image.Image:
    font = ImageFont.load_default(SIZE)
    heads = [[name] if names else [] for name in names] or [[] for _ in columns]
    widths = [
        max([font.getlength(text if text is not None else "missing") for text in [*head, *cells]])
        for head, cells in zip(heads, columns, strict=True)
    ]
    lines = len(columns[0]) + bool(names)
    width = round(sum(widths)) + GAP * (len(columns) - 1) + 2 * EDGE
    image = Image.new("RGB", (width, LINE * lines + 2 * EDGE), PAPER)
    draw = ImageDraw.Draw(image)
    for line in range(bool(names), lines, 2):
        top = EDGE + LINE * line
        draw.rectangle((0, top, width, top + LINE - 1), fill=FAINT)
    left = float(EDGE)
    for head, cells, wide, is_number in zip(heads, columns, widths, numbers, strict=True):
        for line, text in enumerate([*head, *cells]):
            is_head = bool(names) and line == 0
            label = text if text is not None else "missing"
            start = left + wide - font.getlength(label) if is_number else left
            place = (start, EDGE + LINE * line + LINE / 2)
            ink = PALE if text is None else INK
            draw.text(place, label, fill=ink, font=font, anchor="lm", stroke_width=0.3 * is_head)
        left += wide + GAP
    if names:
        draw.line((0, EDGE + LINE - 1, width, EDGE + LINE - 1), fill=PALE)
    return image


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
