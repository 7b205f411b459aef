"""Texts → values of the type that was decided, and back to what they were brought as."""

import pyarrow as pa

from gantlet.modalities.tables import dates, marks
from gantlet.modalities.tables.guessing import Decision
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.marks import marked, marked_type
from gantlet.modalities.tables.spelling import trimmed, without

_NUMBERS = {"int": pa.int64(), "uint": pa.uint64(), "float": pa.float64(), "comma": pa.float64()}


def decided_field(field: pa.Field, decision: Decision, *, is_cells: bool) -> pa.Field:
    """The field of the column once its texts are converted, and how it was spelled.

    Args:
        is_cells: of a file of text, where a value of any type is a text; else texts were meant.
    """
    kept: dict[bytes, bytes] = {}
    if decision.nulls:
        kept[marks.NULL] = decision.nulls[0].encode()
    if decision.kind == "comma":
        kept[marks.DECIMAL] = b","
    if decision.kind == "date":
        kept[marks.FORMAT] = decision.form.encode()
    if decision.kind == "boolean":
        true, false = decision.spelling
        kept |= {marks.TRUE: true.encode(), marks.FALSE: false.encode()}
    is_text = decision.kind == "category" or (
        decision.kind == "boolean" and decision.spelling[0].lower() != "true"
    )
    if is_text or (decision.kind == "date" and not is_cells):
        kept[marks.TYPE] = marks.type_mark(marked_type(field))
    return marked(field.with_type(_type(decision)), kept)


def converted(texts: pa.Array, decision: Decision) -> pa.Array:
    """The texts as values of the type that was decided."""
    kind = decision.kind
    if kind == "empty":
        return pa.nulls(len(texts))
    if decision.has_blanks:
        texts = trimmed(texts)
    texts = without(texts, decision.nulls)
    if kind == "category":
        return encoded(texts, pa.array(decision.categories, pa.string()))
    if kind == "boolean":
        return pc.equal(texts, decision.spelling[0])
    if kind == "date":
        values = dates.parsed(texts, decision.form)
        assert values is not None, f"{decision.form} was to fit all texts"
        return values
    if kind == "comma":
        texts = pc.replace_substring(texts, ",", ".")
    return texts.cast(_NUMBERS[kind]) if kind in _NUMBERS else texts


def encoded(values: pa.Array, categories: pa.Array, ordered: bool = False) -> pa.DictionaryArray:
    """The values as numbers of categories that are the same in every part of a table."""
    places = pc.index_in(values, value_set=categories)
    assert places.null_count == values.null_count, "a value is none of the categories"
    return pa.DictionaryArray.from_arrays(places, categories, ordered=ordered)


def as_text(values: pa.Array, field: pa.Field) -> pa.Array:
    """Texts again of what was made of texts, spelled as they were; nulls stay nulls."""
    form = marks.mark(field, marks.FORMAT)
    if form is not None and pa.types.is_temporal(values.type):
        return dates.formatted(values, form)
    true = marks.mark(field, marks.TRUE)
    if true is not None and pa.types.is_boolean(values.type):
        return pc.if_else(values, true, marks.mark(field, marks.FALSE))
    return values.cast(pa.string())


def as_brought(values: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """The column in the type that it was brought in, where it is held in another."""
    wanted = marked_type(field)
    if wanted == values.type:
        return values
    chunks = [_as_brought(chunk, field, wanted) for chunk in values.chunks]
    return pa.chunked_array(chunks, wanted)


def _as_brought(values: pa.Array, field: pa.Field, wanted: pa.DataType) -> pa.Array:
    if isinstance(wanted, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(wanted, values.cast(wanted.storage_type))
    if pa.types.is_run_end_encoded(wanted):
        return pc.run_end_encode(values.cast(wanted.value_type), wanted.run_end_type)
    if pa.types.is_temporal(values.type) or pa.types.is_boolean(values.type):
        values = as_text(values, field)
    if pa.types.is_dictionary(values.type) and not pa.types.is_dictionary(wanted):
        values = values.dictionary_decode()
    return values.cast(wanted)


def _type(decision: Decision) -> pa.DataType:
    if decision.kind == "date":
        return dates.type_of(decision.form)
    types = {"empty": pa.null(), "boolean": pa.bool_(), "text": pa.string()}
    categories = pa.dictionary(pa.int32(), pa.string())
    return {**types, **_NUMBERS, "category": categories}[decision.kind]
