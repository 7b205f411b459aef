"""Arrow's many types → the plain ones that tables are held in; what nests is refused."""

import pyarrow as pa

from gantlet.modalities.base import SourceError
from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.marks import TYPE, marked, type_mark

_WAY_OUT = "drop the column, or bring it as text or as columns of single values"


def plain_field(field: pa.Field, name: str) -> pa.Field:
    """The field as it is held, the type that it came in beside it where that is another.

    Args:
        name: of the source, for the message.

    Raises:
        SourceError: a type of which no single value can be generated.
    """
    kind = _plain(field.type)
    if kind is None:
        raise SourceError(
            f"{name}: column '{field.name}' holds values of type {field.type}; {_WAY_OUT}"
        )
    return (
        field
        if kind == field.type
        else marked(field, {TYPE: type_mark(field.type)}).with_type(kind)
    )


def plain_array(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The values in the type that `plain_field` gave the column; categories stay the part's own."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_run_end_encoded(values.type):
        values = pc.run_end_decode(values)
    if values.type == kind:
        return values
    if pa.types.is_dictionary(kind):
        categories = plain_array(values.dictionary, kind.value_type)
        return pa.DictionaryArray.from_arrays(
            values.indices.cast(pa.int32()), categories, ordered=kind.ordered
        )
    return values.cast(kind)


def joined_categories(known: pa.Array | None, more: pa.Array) -> pa.Array:
    """The categories of two parts, those of the first in their order."""
    if known is None:
        return pc.unique(more).drop_null()
    return known if known.equals(more) else pc.unique(pa.concat_arrays([known, more])).drop_null()


def recoded(values: pa.DictionaryArray, categories: pa.Array) -> pa.DictionaryArray:
    """The same values as numbers of these categories."""
    if values.dictionary.equals(categories):
        return values
    places = pc.index_in(values.dictionary, value_set=categories, skip_nulls=True)
    return pa.DictionaryArray.from_arrays(
        places.take(values.indices), categories, ordered=values.type.ordered
    )


def _plain(kind: pa.DataType) -> pa.DataType | None:
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    if pa.types.is_run_end_encoded(kind):
        return _plain(kind.value_type)
    if pa.types.is_dictionary(kind):
        value = _plain(kind.value_type)
        return None if value is None else pa.dictionary(pa.int32(), value, kind.ordered)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    is_single = (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_string(kind)
        or pa.types.is_null(kind)
        or (pa.types.is_temporal(kind) and not pa.types.is_interval(kind))
    )
    return kind if is_single else None
