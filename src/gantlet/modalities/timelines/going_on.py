"""Series gone on with: steps after a given beginning, window by window, without a seam."""

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from gantlet.modalities.base import Draw
from gantlet.modalities.tables import arrays
from gantlet.modalities.timelines.codec import SeriesCodec
from gantlet.modalities.timelines.columns import Name
from gantlet.modalities.timelines.spans import Spans, long_form


def gone_on(codec: SeriesCodec, rows: Spans, draw: Draw, steps: int, *, whole: bool) -> Spans:
    """So many more steps of each series, each window drawn given the half of one before it.

    Args:
        whole: give the beginning too, else what follows it alone
    """
    begun = codec.brought(rows)
    before, turn, left = begun.lengths, 0, np.full(len(begun), steps)
    while (left > 0).any():
        known = int(min(begun.lengths.min(), max(1, codec.length // 2)))
        last = Spans(begun.table, begun.stops - known, begun.stops, begun.form, begun.numbers)
        x = draw(codec.encode(last)[:, :known], turn)
        made, more = codec.decode(x), codec.length - known
        new = np.minimum(np.maximum(made.lengths - known, 0), np.minimum(more, left))
        begun = _added(codec, begun, made, known, new)
        left = np.where(made.lengths < codec.length, 0, left - new)  # what is over is over
        turn += 1
    starts = begun.starts if whole else begun.starts + before
    return Spans(begun.table, starts, begun.stops, long_form(begun.form), begun.numbers)


def _added(
    codec: SeriesCodec, begun: Spans, made: Spans, known: int, new: Int[np.ndarray, "n"]
) -> Spans:
    """The series with the new steps after them, their times and names as before."""
    steps = np.arange(new.sum()) - np.repeat(np.cumsum(new) - new, new)
    whose = np.repeat(np.arange(len(new)), new)
    place = made.starts[whose] + known + steps
    fresh = made.table.take(pa.array(place))
    lasts = begun.stops[whose] - 1
    columns: dict[int, pa.Array | pa.ChunkedArray] = {
        place: begun.table.column(place).take(pa.array(lasts))
        for place, channel in enumerate(codec.channels)
        if isinstance(channel, Name)
    }
    if codec.time is not None:
        columns |= codec.told_by(_stamps(codec, begun, made, known, whose, steps))
    for place, column in columns.items():
        field = codec.schema.field(place)
        cells = (
            column if isinstance(column, pa.ChunkedArray) else arrays.restored(column, field.type)
        )
        fresh = fresh.set_column(place, field, cells)
    both = pa.concat_tables([begun.table, fresh])
    order = np.argsort(
        np.concatenate([np.repeat(np.arange(len(new)), begun.lengths), whose]), kind="stable"
    )
    stops = np.cumsum(begun.lengths + new)
    return Spans(
        both.take(pa.array(order)), stops - begun.lengths - new, stops, begun.form, begun.numbers
    )


def _stamps(
    codec: SeriesCodec,
    begun: Spans,
    made: Spans,
    known: int,
    whose: Int[np.ndarray, "m"],
    steps: Int[np.ndarray, "m"],
) -> Int[np.ndarray, "m"]:
    assert codec.clock is not None
    real, drawn = (codec.stamps_of(part.table) for part in (begun, made))
    last = real[begun.stops - 1]
    if codec.clock.kind == "uneven":
        at = made.starts[whose] + known
        return last[whose] + drawn[at + steps] - drawn[at - 1]
    return codec.clock.after(last[whose], steps + 1)
