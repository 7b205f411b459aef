"""Tables: records of any columns ↔ choices in turn, and what the rest needs to know of them."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from gantlet.metrics import frechet_distance
from gantlet.modalities.base import (
    Advice,
    Found,
    Modality,
    Preview,
    Raw,
    Read,
    Rows,
    Source,
    SourceError,
    Survey,
)
from gantlet.modalities.tables.codec import TableCodec, fit_table, table_codec
from gantlet.modalities.tables.conditions import narrowing
from gantlet.modalities.tables.frames import handed, records_of
from gantlet.modalities.tables.holes import holes
from gantlet.modalities.tables.matrix import matrices
from gantlet.modalities.tables.preview import row_thumbnail, table_preview
from gantlet.modalities.tables.reading import read_table, recognises_table
from gantlet.modalities.tables.records import Records, joined
from gantlet.modalities.tables.relations import noted
from gantlet.modalities.tables.settings import TableSettings
from gantlet.modalities.tables.writers import TABLE_WRITERS

__all__ = ["TABLE", "TableCodec", "TableSettings"]

DIMENSIONS = 128  # of features, at most
SHOWN = 5  # columns that an error names
WIDE = 150  # columns, beyond which learning how they hang together takes most of a run
WIDE_WARM_UP = 0.9


def survey(source: Source, settings: TableSettings) -> Survey:
    """A table is read and its columns are told apart as they will be for training."""
    raw = yield from load(source, settings)
    codec = fit(raw)
    return Found(
        count=len(raw.rows), shape=codec.shape, blocks=codec.blocks,
        notes=(*raw.notes, *noted(codec.schema.names, codec.orders)), advice=advice(raw, codec),
        columns=tuple((c.name, c.kind, c.why, c.encoding) for c in codec.columns),
    )  # fmt: skip


def advice(raw: Raw, codec: TableCodec) -> Advice | None:
    """For how long a wide table is learned by likelihood before the game."""
    del raw
    count = sum(column.is_modelled for column in codec.columns)
    if count <= WIDE:
        return None
    why = f"warm_up {WIDE_WARM_UP:g}: how {count:,} columns hang together is learned by likelihood"
    return Advice({"optimization": {"warm_up": WIDE_WARM_UP}}, why)


def load(source: Source, settings: TableSettings) -> Read:
    """All rows, with the types of their columns found."""
    table = yield from read_table(source, settings)
    return Raw(
        rows=table.records, fingerprint=table.fingerprint, notes=table.notes,
        skipped=table.skipped, formats=table.formats,
    )  # fmt: skip


def fit(raw: Raw) -> TableCodec:
    """The codec of these columns.

    Raises: SourceError where no column leaves anything to choose.
    """
    assert isinstance(raw.rows, Records), "rows of a table come from its load"
    codec = fit_table(raw.rows)
    if not codec.blocks:
        told = ", ".join(f"'{column.name}' ({column.why})" for column in codec.columns[:SHOWN])
        raise SourceError(
            f"there is nothing to learn: every column is constant, empty, made anew for each row, "
            f"or follows from those ({told}); bring a column that takes at least two values again "
            "and again, or turn identifiers that mean something into categories first"
        )
    return codec


def features(codec: TableCodec, rows: Records) -> Float[np.ndarray, "n d"]:
    """The encoded rows, under one fixed random projection where they are longer than 128 numbers.

    Squared distances are kept to about 1/√64 of themselves (Johnson & Lindenstrauss 1984).
    """
    x = codec.encode(rows).numpy()
    if x.shape[1] <= DIMENSIONS:
        return x.astype(np.float64)
    directions = np.random.default_rng(0).standard_normal((x.shape[1], DIMENSIONS))
    return (x @ directions.astype(np.float32)).astype(np.float64) / math.sqrt(DIMENSIONS)


def quick(codec: TableCodec, rows: Rows) -> Rows:
    """The rows' choices and positions, a byte or two and four each."""
    assert isinstance(rows, Records), "rows of a table come from its load"
    return codec.coded(rows)


def independent(rows: Records, rng: np.random.Generator) -> Records:
    """Every column's own values in an order of its own: all marginals right, no dependence."""
    columns = [column.take(rng.permutation(len(rows))) for column in rows.table.columns]
    return Records(type(rows.table).from_arrays(columns, schema=rows.table.schema), rows.form)


def preview(rows: Records, labels: Int[np.ndarray, "n"] | None) -> Preview:
    """The first rows, drawn as a table."""
    del labels
    return table_preview(rows)


def taken(rows: Any) -> Records:
    """A frame of the user's as records; records as they are."""
    return rows if isinstance(rows, Records) else records_of(rows)


TABLE = Modality(
    name="table",
    noun="rows",
    recognises=recognises_table,
    settings=TableSettings,
    survey=survey,
    load=load,
    fit=fit,
    codec=table_codec,
    features=features,
    distance=frechet_distance,
    preview=preview,
    writers=TABLE_WRITERS,
    quick=quick,
    decoded=TableCodec.decode,
    numbered=TableCodec.decode_numbers,
    joined=joined,
    narrowing=narrowing,
    holes=holes,
    taken=taken,
    handed=handed,
    extractor=lambda _shape, _has_labels: "plain",
    independent=independent,
    thumbnail=row_thumbnail,
    columns=matrices,
    advice=advice,
)
