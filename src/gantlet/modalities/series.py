"""Time series: records over time ↔ rows of choices and values, and what the rest needs to know."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from gantlet.metrics import frechet_distance
from gantlet.modalities.base import (
    Advice,
    Found,
    Modality,
    Preview,
    Put,
    Raw,
    Rows,
    Source,
    Survey,
    Writer,
)
from gantlet.modalities.tables.frames import handed as handed_table
from gantlet.modalities.tables.relations import noted
from gantlet.modalities.tables.writers import TABLE_WRITERS
from gantlet.modalities.timelines.beginnings import beginnings, taken
from gantlet.modalities.timelines.codec import SeriesCodec, series_codec
from gantlet.modalities.timelines.courses import courses_of
from gantlet.modalities.timelines.dated import Dated
from gantlet.modalities.timelines.fitting import fit_series
from gantlet.modalities.timelines.going_on import gone_on
from gantlet.modalities.timelines.preview import series_preview, series_thumbnail
from gantlet.modalities.timelines.reading import WHOLE, Timeline, read_series
from gantlet.modalities.timelines.settings import SeriesSettings
from gantlet.modalities.timelines.spans import Spans, joined
from gantlet.modalities.timelines.stacks import is_stack
from gantlet.modalities.timelines.wide import Wide
from gantlet.modalities.writing import Writing, write_npy, write_npz

__all__ = ["SERIES_MODALITY", "SeriesCodec", "SeriesSettings"]

DIMENSIONS = 128  # of features, at most
SHORT = 50_000  # numbers of a record that is known by heart in a few hundred updates
DROPOUT = (
    (SHORT, 0.5),
    (300_000, 0.3),
    (1_000_000, 0.1),
    (math.inf, 0.0),
)  # of records of so many numbers
APART = 0.1  # of many series that are each of an entity of its own, at most
SLOW = 5e-4  # learning rate at which the state before that can be told, and knows more
LONG = 24  # steps of a window; of longer ones fewer are in an update
AT_ONCE = 3072  # steps in such an update, as many as the recipe's batch has at 24
SMALLEST = 16  # batch


def survey(source: Source, settings: SeriesSettings) -> Survey:
    """Series are read and their columns told apart as they will be for training."""
    raw = yield from read_series(source, settings)
    codec = fit(raw)
    notes = [c.note(name) for name, c in zip(codec.schema.names, codec.channels, strict=True)]
    told = [] if codec.regimes is None else [codec.regimes.told()]
    told += noted(codec.schema.names, codec.orders)
    return Found(
        count=len(raw.rows), shape=codec.shape, blocks=codec.blocks, timed=codec.timed,
        notes=(*raw.notes, *told), advice=advice(raw, codec),
        columns=tuple((n.name, n.kind, n.why, n.encoding) for n in notes),
    )  # fmt: skip


def fit(raw: Raw) -> SeriesCodec:
    """The codec of these series."""
    assert isinstance(raw.rows, Timeline), "series come from their load"
    return fit_series(raw.rows)


def advice(raw: Raw, codec: SeriesCodec) -> Advice:
    """How G is kept from learning a short record by heart, and long windows' part in an update.

    Of many that are whole each tells of itself alone, as windows that overlap do not, so that less
    is to be left out. An update of long windows costs more and tells more: fewer of them do.
    """
    assert isinstance(raw.rows, Timeline), "series come from their load"
    steps = int(np.minimum(raw.rows.lengths.sum(), len(raw.rows.table)))
    numbers = steps * len(codec.blocks[codec.timed.held :] + codec.timed.governed)
    dropout = next(share for most, share in DROPOUT if numbers <= most)
    are_apart = raw.rows.lengths.sum() <= len(raw.rows.table) and raw.rows.form != "array"
    why = f"dropout {dropout:g}: the record holds {numbers:,} numbers, windows that overlap once"
    if are_apart and raw.rows.track.entities >= WHOLE and dropout > APART:
        dropout = APART
        why = f"dropout {dropout:g}: {numbers:,} numbers of {len(raw.rows):,} series of their own"
    learning: dict[str, Any] = {}
    if numbers <= SHORT:
        learning["lr_warm_up"] = SLOW
        why = f"{why}; learning rate {SLOW:g} of the warm-up for the same"
    if codec.length > LONG:
        batch = learning["batch"] = max(SMALLEST, AT_ONCE // codec.length // 8 * 8)
        why = f"{why}; batch {batch}: windows have {codec.length} steps"
    settings = {"network": {"options": {"dropout": dropout}}, "optimization": learning}
    return Advice(settings, why)


def features(codec: SeriesCodec, rows: Spans) -> Float[np.ndarray, "n d"]:
    """The encoded series, under one fixed random projection where longer than 128 numbers."""
    x = codec.encode(rows).flatten(1).numpy()
    if x.shape[1] <= DIMENSIONS:
        return x.astype(np.float64)
    directions = np.random.default_rng(0).standard_normal((x.shape[1], DIMENSIONS))
    return (x @ directions.astype(np.float32)).astype(np.float64) / math.sqrt(DIMENSIONS)


def quick(codec: SeriesCodec, rows: Rows) -> Rows:
    """The steps coded once, and the windows' places among them."""
    assert isinstance(rows, Spans), "series come from their load"
    return codec.coded(rows)


def independent(rows: Spans, rng: np.random.Generator) -> Spans:
    """Each column of each series from another series of the same length: no dependence."""
    own = rows.apart()
    columns = []
    for column in own.table.columns:
        places = np.arange(len(own))
        for length in np.unique(own.lengths):
            same = np.flatnonzero(own.lengths == length)
            places[same] = rng.permutation(same)
        columns.append(column.take(pa.array(own[places].steps())))
    table = pa.Table.from_arrays(columns, schema=own.table.schema)
    return Spans(table, own.starts, own.stops, own.form, own.numbers)


def preview(rows: Spans, labels: Int[np.ndarray, "n"] | None) -> Preview:
    """The first series, drawn channel by channel."""
    del labels
    return series_preview(rows)


def handed(rows: Spans) -> Any:
    """An array as n × steps × channels; else a frame, one series below the other, numbered."""
    if rows.form == "array":
        return array_of(rows)
    return handed_table(rows.records())


def array_of(rows: Spans) -> np.ndarray:
    """The series as n × steps × channels, where all are as long."""
    own = rows.apart()
    columns = [column.to_numpy() for column in own.table.columns]
    return np.stack(columns, 1).reshape(len(own), -1, len(columns))


@contextmanager
def _as_rows(writer: Writer, path: Path, count: int, classes: int) -> Iterator[Put]:
    with writer(path, count, classes) as put:
        yield lambda rows, labels: put(rows.records(), labels)


@contextmanager
def _as_array(writer: Writer, path: Path, count: int, classes: int) -> Writing:
    with writer(path, count, classes) as put:
        yield lambda rows, labels: put(numbers_alone(rows), labels)


def numbers_alone(rows: Spans) -> Float[np.ndarray, "n t c"]:
    """All channels that are numbers, NaN after a series' end."""
    return courses_of([rows])[0].values if rows.form != "array" else array_of(rows)


def alike(codec: SeriesCodec) -> Mapping[str, Any]:
    """Other data are cut as these were."""
    wide = {"wide": True} if isinstance(codec.form, Wide) else {}
    time = ",".join(codec.form.columns) if isinstance(codec.form, Dated) else codec.time
    return {"time": time, "length": codec.length, **wide}


WRITERS: Mapping[str, Writer] = {
    **{suffix: partial(_as_rows, writer) for suffix, writer in TABLE_WRITERS.items() if suffix},
    ".npz": partial(_as_array, write_npz),
    ".npy": partial(_as_array, write_npy),
    "": partial(_as_rows, TABLE_WRITERS[""]),
}

SERIES_MODALITY = Modality(
    name="series",
    noun="windows",
    recognises=is_stack,
    settings=SeriesSettings,
    survey=survey,
    load=read_series,
    fit=fit,
    codec=series_codec,
    features=features,
    distance=frechet_distance,
    preview=preview,
    writers=WRITERS,
    quick=quick,
    decoded=SeriesCodec.decode,
    joined=joined,
    advice=advice,
    gone_on=lambda codec, rows, draw, steps, whole: gone_on(codec, rows, draw, steps, whole=whole),
    beginnings=beginnings,
    timed=lambda codec: codec.timed,
    taken=taken,
    handed=handed,
    extractor=lambda _shape, _has_labels: "plain",
    independent=independent,
    alike=alike,
    thumbnail=series_thumbnail,
    courses=lambda codec, sets: courses_of(sets, codec.time),
)
