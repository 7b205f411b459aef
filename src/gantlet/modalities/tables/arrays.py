"""Arrow's arrays as NumPy sees them (integers as words, floats, masks), and the way back."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int, UInt64

from gantlet.modalities.base import SourceError

FLOATS = {2: np.float16, 4: np.float32, 8: np.float64}  # bytes of a value → how it is kept
INTEGERS = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
WORD = 1 << 64


def simple_type(kind: pa.DataType, name: str) -> pa.DataType:
    """The type in which a column is worked on; SourceError where a cell is no single value."""
    if isinstance(kind, pa.BaseExtensionType):
        return simple_type(kind.storage_type, name)
    if pa.types.is_run_end_encoded(kind) or pa.types.is_dictionary(kind):
        return simple_type(kind.value_type, name)
    if pa.types.is_nested(kind) or pa.types.is_interval(kind):
        raise SourceError(
            f"column '{name}' holds {kind}: a cell of a table must be one value; give its parts "
            f"columns of their own (pyarrow: table.flatten()), write it as text, or leave it out"
        )
    if pa.types.is_string(kind) or pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary(kind) or pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):
        return pa.decimal128(kind.precision, kind.scale)
    return kind


def is_text(kind: pa.DataType) -> bool:
    """Texts of any width; not categories of texts."""
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def simple(column: pa.ChunkedArray, kind: pa.DataType, name: str) -> pa.Array:
    """The column as one array of the simple form of `kind`; dictionaries stay dictionaries.

    Raises: SourceError where the column's own type cannot be turned into `kind`.
    """
    if isinstance(column.type, pa.BaseExtensionType):
        storage = [chunk.storage for chunk in column.chunks]
        return simple(pa.chunked_array(storage, column.type.storage_type), kind, name)
    if pa.types.is_dictionary(column.type) and pa.types.is_dictionary(kind):
        merged = column.unify_dictionaries().combine_chunks()
        if isinstance(merged, pa.ChunkedArray):
            merged = merged.chunk(0) if merged.num_chunks else pa.array([], column.type)
        values = simple(pa.chunked_array([merged.dictionary]), kind.value_type, name)
        ordered = column.type.ordered
        return pa.DictionaryArray.from_arrays(merged.indices, values, ordered=ordered)
    if pa.types.is_run_end_encoded(column.type):
        plain = [pc.call_function("run_end_decode", [chunk]) for chunk in column.chunks]
        return simple(pa.chunked_array(plain, column.type.value_type), kind, name)
    wanted = simple_type(kind, name)
    if column.type != wanted:
        try:
            column = column.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SourceError(
                f"column '{name}' holds {column.type} where {kind} was learnt, and cannot be "
                f"turned into it ({error}); bring the same types as the training data"
            ) from error
    merged = column.combine_chunks()
    return merged if isinstance(merged, pa.Array) else pa.concat_arrays(merged.chunks)


def restored(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The inverse of `simple`: the same values in the column's own type."""
    if array.type == kind:
        return array
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, restored(array, kind.storage_type))
    if pa.types.is_run_end_encoded(kind):
        values = restored(array, kind.value_type)
        options = pc.RunEndEncodeOptions(kind.run_end_type)
        return pc.call_function("run_end_encode", [values], options)
    return array.cast(kind)


def places_of(cells: pa.Array, values: pa.Array) -> Int[np.ndarray, "n"]:
    """Where each cell stands among the values; -1 where it does not."""
    options = pc.SetLookupOptions(values)
    return pc.call_function("index_in", [cells], options).fill_null(-1).to_numpy().astype(np.int64)


def nulls(array: pa.Array) -> Bool[np.ndarray, "n"]:
    """Which cells are empty."""
    return array.is_null().to_numpy(zero_copy_only=False)


def floats(array: pa.Array) -> Float[np.ndarray, "n"]:
    """The values in float64, -0.0 as 0.0; what stands behind a null means nothing."""
    return _memory(array, FLOATS[array.type.byte_width]).astype(np.float64) + 0.0


def words(array: pa.Array) -> UInt64[np.ndarray, "n"]:
    """The lowest 64 bits of each integer, in two's complement; decimals without their point."""
    kind, width = array.type, array.type.byte_width
    if width > 8:
        return _memory(array, np.dtype((np.uint64, (width // 8,))))[:, 0]
    if pa.types.is_unsigned_integer(kind):
        return _memory(array, np.dtype(f"u{width}")).astype(np.uint64)
    return _memory(array, INTEGERS[width]).astype(np.int64).view(np.uint64)


def identical(one: pa.Array, other: pa.Array) -> bool:
    """Whether two columns of one type agree in every cell; NaN agrees with NaN."""
    if isinstance(one, pa.DictionaryArray) and isinstance(other, pa.DictionaryArray):
        if not one.dictionary.equals(other.dictionary):
            return one.dictionary_decode().equals(other.dictionary_decode())
        one, other = one.indices, other.indices
    if not pa.types.is_floating(one.type):
        return one.equals(other)
    empty, left, right = nulls(one), floats(one), floats(other)
    same = (left == right) | (np.isnan(left) & np.isnan(right)) | empty
    return bool(same.all() and (empty == nulls(other)).all())


def bounds(array: pa.Array) -> tuple[int, int]:
    """The least and the greatest integer that is not null, as `words` counts them."""
    if array.type.byte_width > 8:
        ends = pc.call_function("min_max", [array]).as_py()
        scale = array.type.scale
        return unscaled(ends["min"], scale), unscaled(ends["max"], scale)
    values = words(array)
    if not pa.types.is_unsigned_integer(array.type):
        values = values.view(np.int64)
    if array.null_count:
        values = values[~nulls(array)]
    return int(values.min()), int(values.max())


def of_floats(
    values: Float[np.ndarray, "n"], empty: Bool[np.ndarray, "n"], kind: pa.DataType
) -> pa.Array:
    """The inverse of `floats`."""
    with np.errstate(over="ignore", under="ignore"):
        return _array(values.astype(FLOATS[kind.byte_width]), empty, kind)


def of_words(
    values: UInt64[np.ndarray, "n"], low: int, empty: Bool[np.ndarray, "n"], kind: pa.DataType
) -> pa.Array:
    """The integers low + values, exactly: the inverse of `words`, less `low`."""
    width = kind.byte_width
    if width <= 8:
        sums = values + np.uint64(low % WORD)
        return _array(sums.astype(f"u{width}"), empty, kind)
    rest = low % WORD ** (width // 8)
    sums = np.empty((len(values), width // 8), np.uint64)
    carry = values
    for place in range(width // 8):
        rest, word = divmod(rest, WORD)
        sums[:, place] = carry + np.uint64(word)
        carry = (sums[:, place] < carry).astype(np.uint64)
    return _array(sums, empty, kind)


def _memory(array: pa.Array, dtype: Any) -> np.ndarray:
    if len(array) == 0:
        return np.zeros(0, dtype)
    whole = np.frombuffer(array.buffers()[1], dtype)
    return whole[array.offset : array.offset + len(array)]


def _array(values: np.ndarray, empty: Bool[np.ndarray, "n"], kind: pa.DataType) -> pa.Array:
    mask = pa.py_buffer(np.packbits(~empty, bitorder="little")) if empty.any() else None
    return pa.Array.from_buffers(kind, len(values), [mask, pa.py_buffer(values)])


def unscaled(number: Decimal, scale: int) -> int:
    """The integer that a decimal of this scale is kept as; exact at any size."""
    sign, digits, exponent = number.as_tuple()
    size = int("".join(map(str, digits))) * 10 ** (int(exponent) + scale)
    return -size if sign else size
