"""Missing cells of a table's rows: what may stand in them, and the rows with them filled."""

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32, Int, Integer

from gantlet.modalities.base import Holes
from gantlet.modalities.tables import arrays
from gantlet.modalities.tables.aligning import aligned, spelled
from gantlet.modalities.tables.codec import Coded, TableCodec
from gantlet.modalities.tables.columns import Drawn
from gantlet.modalities.tables.digits import offsets
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.kinds import Column
from gantlet.modalities.tables.reach import choices_allowed, edges_of, missing, reach
from gantlet.modalities.tables.records import Records
from gantlet.modalities.tables.relations import FormulaColumn, LookupColumn
from gantlet.types import Samples


def holes(codec: TableCodec, rows: Records) -> Holes:
    """What G may choose for the rows of which a modelled cell is missing.

    Cells made anew for each row (identifiers, texts) say nothing of others and stay as they are.
    """
    names = codec.schema.names
    own = Records(aligned(rows.table, codec.schema), rows.form)
    empty = np.stack([_missing(own, name) for name in names], 1)
    modelled = np.array([kind.is_modelled for kind in codec.kinds])
    places = np.flatnonzero((empty & modelled).any(1))
    some, empty = own[places], empty[places]
    coded = codec.coded(some)

    def allowed(chosen: Int[np.ndarray, "b"]) -> Bool[np.ndarray, "b choices"]:
        own = np.zeros((len(chosen), sum(codec.blocks)), bool)
        np.put_along_axis(own, coded.codes[chosen] + offsets(codec.blocks)[:-1], True, axis=1)
        for place, (kind, span) in enumerate(zip(codec.kinds, edges_of(codec.kinds), strict=True)):
            gaps = empty[chosen, place]
            if gaps.any() and kind.parts:
                own[gaps, span] = _free(kind)
                _follow(codec, some, chosen, place, own[:, span], gaps)
        return own

    def fits(chosen: Int[np.ndarray, "b"], samples: Samples) -> Bool[np.ndarray, "b"]:
        """Several digits of a choice may be allowed each, and yet not together."""
        made = codec.decode(samples)
        able = np.ones(len(chosen), bool)
        for place, kind in enumerate(codec.kinds):
            gaps = empty[chosen, place]
            if gaps.any() and kind.parts and kind.is_modelled:
                able &= ~(gaps & _missing(made, names[place]))
            if isinstance(kind, LookupColumn) and (empty[chosen, kind.source] & ~gaps).any():
                known = some.table.column(names[place]).take(pa.array(chosen))
                same = _equal(made.table.column(names[place]), known, names[place])
                able &= same | gaps | ~empty[chosen, kind.source]
        return able

    def filled(samples: Samples) -> Records:
        codes, positions = _spliced(codec, coded, codec.coded_samples(samples), empty)
        made = codec.decode_codes(codes, positions).table
        table = rows.table
        for place in np.flatnonzero(empty.any(0) & modelled):
            name = names[place]
            where = np.zeros(len(rows), bool)
            where[places] = empty[:, place]
            cells = made.column(name).filter(pa.array(empty[:, place]))
            cells = spelled(cells, codec.schema.field(name), table.column(name).type)
            column = _put(table.column(name), where, cells)
            at = table.column_names.index(name)
            table = table.set_column(at, table.schema.field(at).with_type(column.type), column)
        return Records(table, rows.form)

    return Holes(size=len(places), allowed=allowed, fits=fits, filled=filled)


def _spliced(
    codec: TableCodec, known: Coded, drawn: Coded, empty: Bool[np.ndarray, "n columns"]
) -> tuple[Integer[np.ndarray, "n blocks"], Float32[np.ndarray, "n positions"]]:
    """Codes and positions of what is known, and where a cell is empty those of what was drawn."""
    codes, positions = known.codes.copy(), known.positions.copy()
    block = offsets([sum(len(p.digits.sizes) for p in kind.parts) for kind in codec.kinds])
    position = offsets([sum(p.positioned for p in kind.parts) for kind in codec.kinds])
    for place in range(len(codec.kinds)):
        gaps = empty[:, place]
        own = slice(block[place], block[place + 1])
        codes[gaps, own] = drawn.codes[gaps, own]
        own = slice(position[place], position[place + 1])
        positions[gaps, own] = drawn.positions[gaps, own]
    return codes, positions


def _equal(one: pa.ChunkedArray, other: pa.ChunkedArray, name: str) -> Bool[np.ndarray, "n"]:
    cells = [arrays.simple(column, one.type, name) for column in (one, other)]
    cells = [c.dictionary_decode() if isinstance(c, pa.DictionaryArray) else c for c in cells]
    return pc.equal(*cells).fill_null(False).to_numpy(zero_copy_only=False)


def _missing(rows: Records, name: str) -> Bool[np.ndarray, "n"]:
    column = rows.table.column(name)
    return missing(arrays.simple(column, column.type, name))


def _free(kind: Column) -> Bool[np.ndarray, "_"]:
    """All choices of the column but those of a missing cell, where there are others."""
    assert not isinstance(kind, (LookupColumn, FormulaColumn)), "what follows has no choices"
    able = ~missing(reach(kind)[0]) if kind.is_modelled else np.zeros(0, bool)
    return choices_allowed(kind, able if able.any() else np.ones(kind.parts[0].digits.count, bool))


def _follow(
    codec: TableCodec,
    rows: Records,
    chosen: Int[np.ndarray, "b"],
    place: int,
    own: Bool[np.ndarray, "b k"],
    gaps: Bool[np.ndarray, "b"],
) -> None:
    """Holds missing cells to choices from which what is known, and follows from them, does."""
    kind = codec.kinds[place]
    assert not isinstance(kind, (LookupColumn, FormulaColumn)), "what follows has no choices"
    for name, other in zip(codec.schema.names, codec.kinds, strict=True):
        if not isinstance(other, LookupColumn) or other.source != place:
            continue
        cells = other.found(Drawn(np.arange(kind.parts[0].digits.count)))
        known = arrays.simple(rows.table.column(name), codec.schema.field(name).type, name)
        known = known.take(pa.array(chosen))
        if isinstance(cells, pa.DictionaryArray):
            cells = cells.dictionary_decode()
        if isinstance(known, pa.DictionaryArray):
            known = known.dictionary_decode()
        for value in known.filter(pa.array(gaps & ~missing(known))).unique():
            able = pc.equal(cells, value).fill_null(False).to_numpy(zero_copy_only=False)
            if able.any():
                same = pc.equal(known, value).fill_null(False).to_numpy(zero_copy_only=False)
                own[gaps & same] &= choices_allowed(kind, able)


def _put(
    column: pa.ChunkedArray, where: Bool[np.ndarray, "n"], cells: pa.ChunkedArray
) -> pa.ChunkedArray:
    """The column with these cells where it is said, every other one untouched."""
    kind = column.type
    if not pa.types.is_dictionary(kind):
        cells = arrays.simple(cells, kind, "filled")
        cells = cells.dictionary_decode() if isinstance(cells, pa.DictionaryArray) else cells
        whole = arrays.simple(column, kind, "filled")
        order = np.where(where, len(whole) + np.cumsum(where) - 1, np.arange(len(whole)))
        both = pa.concat_arrays([whole, cells.cast(whole.type)])
        return pa.chunked_array([arrays.restored(both.take(pa.array(order)), kind)])
    coded = arrays.simple(column, kind, "filled")
    values = arrays.simple(cells, kind.value_type, "filled")
    more = pc.unique(values).drop_null()
    more = more.filter(pa.array(arrays.places_of(more, coded.dictionary) < 0))
    categories = pa.concat_arrays([coded.dictionary, more])
    entry = coded.indices.to_numpy(zero_copy_only=False)
    index = np.zeros(len(coded), np.int64)
    there = ~arrays.nulls(coded)
    index[there] = entry[there]
    index[where] = arrays.places_of(values, categories)
    gone = ~there & ~where
    gone[where] = arrays.nulls(values)
    made = pa.DictionaryArray.from_arrays(
        pa.array(index, kind.index_type, mask=gone), categories, ordered=kind.ordered
    )
    return pa.chunked_array([arrays.restored(made, kind)])
