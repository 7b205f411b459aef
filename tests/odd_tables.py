"""Tables such as nobody would make on purpose: every type of Arrow's, and every kind of null."""

import string
import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

INTEGERS = {f"{sign}int{bits}": bits for sign in ("", "u") for bits in (8, 16, 32, 64)}
TEXTS = ("", " ", "a", "b", "é", "日本", "NaN", "null", "2016-12-31T23:59:60Z", "1e5", '\n,"')
LEAPS = st.sampled_from(["2016-12-31 23:59:60", "2015-06-30T23:59:60Z", "1990-12-31 23:59:60.5"])


def integers_of(name: str) -> st.SearchStrategy[int]:
    """Whole numbers of the type, its ends among them."""
    bits = INTEGERS[name]
    low, high = (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    near = st.integers(max(low, -9), min(high, 9))
    return near | st.integers(low, high) | st.sampled_from([low, high, high - 1])


def decimals_of(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    """Decimals of the type, exact at any size."""
    top = 10**precision - 1
    near, all_of_them = st.integers(-50, 50), st.integers(-top, top)
    return (near | all_of_them).map(lambda n: Decimal((int(n < 0), digits(n), -scale)))


def digits(number: int) -> tuple[int, ...]:
    return tuple(map(int, str(abs(number))))


def stamps_of(kind: pa.DataType) -> st.SearchStrategy[int]:
    """The integers behind a stamp."""
    if pa.types.is_date64(kind):
        return st.integers(-10_000, 40_000).map(lambda day: day * 86_400_000)
    if pa.types.is_time(kind):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        return st.integers(0, 86_400 * per_second - 1)
    bits = kind.bit_width
    return st.integers(0, 40) | st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


STAMPS = [
    pa.date32(),
    pa.date64(),
    pa.time32("s"),
    pa.time32("ms"),
    pa.time64("us"),
    pa.time64("ns"),
    *(pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC")),
    pa.timestamp("ns", "Asia/Kathmandu"),
    *(pa.duration(unit) for unit in ("s", "ms", "us", "ns")),
]
FLOATS = {pa.float16(): 16, pa.float32(): 32, pa.float64(): 64}
KINDS = st.sampled_from(
    [
        pa.null(),
        pa.bool_(),
        *(pa.type_for_alias(name) for name in INTEGERS),
        *FLOATS,
        pa.decimal32(5, 2),
        pa.decimal64(12, 3),
        pa.decimal128(9, 2),
        pa.decimal128(38, 6),
        pa.decimal256(76, 10),
        *STAMPS,
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.binary(3),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.int32(), pa.large_string(), ordered=True),
        pa.dictionary(pa.int16(), pa.int64()),
        pa.dictionary(pa.int16(), pa.float64()),
        pa.run_end_encoded(pa.int32(), pa.int64()),
        pa.run_end_encoded(pa.int16(), pa.string()),
        pa.uuid(),
    ]
)


def values_of(kind: pa.DataType) -> st.SearchStrategy:  # noqa: PLR0911 -- one a family of types
    """Cells of a type, as Arrow's constructor takes them."""
    if pa.types.is_null(kind):
        return st.none()
    if pa.types.is_boolean(kind):
        return st.booleans()
    if pa.types.is_integer(kind):
        return integers_of(str(kind))
    if kind in FLOATS:
        rounded = st.integers(-300, 300).map(lambda n: n / 100)
        floats = st.floats(width=FLOATS[kind])
        return floats if kind == pa.float16() else rounded | floats
    if pa.types.is_decimal(kind):
        return decimals_of(kind.precision, kind.scale)
    if pa.types.is_temporal(kind):
        return stamps_of(kind)
    if pa.types.is_fixed_size_binary(kind):
        return st.binary(min_size=kind.byte_width, max_size=kind.byte_width)
    if "binary" in str(kind):
        return st.binary(max_size=6)
    if "string" in str(kind):
        return st.sampled_from(TEXTS) | st.text(max_size=8) | LEAPS
    raise AssertionError(kind)


@st.composite
def columns(draw: st.DrawFn, rows: int) -> pa.Array:
    """One column: few values or many, with nulls or without."""
    kind = draw(KINDS)
    if isinstance(kind, pa.UuidType):
        storage = pa.array(
            [uuid.UUID(int=draw(st.integers(0, 3))).bytes for _ in range(rows)], pa.binary(16)
        )
        return pa.ExtensionArray.from_storage(kind, storage)
    inner = kind
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        inner = kind.value_type
    cells = values_of(inner)
    if draw(st.booleans()):
        cells = st.sampled_from(draw(st.lists(cells, min_size=1, max_size=4)))
    if draw(st.booleans()):
        cells = cells | st.none()
    listed = draw(st.lists(cells, min_size=rows, max_size=rows))
    if pa.types.is_temporal(inner):
        width = inner.bit_width
        array = pa.array(listed, pa.int32() if width == 32 else pa.int64()).view(inner)
    elif inner == pa.float16():
        array = pa.array([None if v is None else np.float16(v) for v in listed], inner)
    else:
        array = pa.array(listed, inner)
    if pa.types.is_dictionary(kind):
        known = array.drop_null().unique()
        extra = pa.array(["never seen"], inner) if "string" in str(inner) else known[:0]
        known = pa.concat_arrays([extra, known])
        index = {value: place for place, value in enumerate(map(str, known))}
        places = [None if not cell.is_valid else index[str(cell)] for cell in array]
        return pa.DictionaryArray.from_arrays(
            pa.array(places, kind.index_type), known, ordered=kind.ordered
        )
    if pa.types.is_run_end_encoded(kind):
        import pyarrow.compute as pc

        return pc.run_end_encode(array, run_end_type=kind.run_end_type)
    return array


@st.composite
def odd_tables(draw: st.DrawFn) -> pa.Table:
    """A few columns of anything, names repeated, metadata everywhere, in one chunk or two."""
    rows = draw(st.integers(1, 60) | st.integers(1, 4))
    arrays = draw(st.lists(columns(rows), min_size=1, max_size=5))
    name = st.sampled_from(["a", "b", "", "日"]) | st.text(string.printable, max_size=5)
    fields = [
        pa.field(
            draw(name),
            array.type,
            nullable=bool(array.null_count) or array.type == pa.null() or draw(st.booleans()),
            metadata=draw(st.sampled_from([None, {"unit": "km"}])),
        )
        for array in arrays
    ]
    schema = pa.schema(fields, metadata=draw(st.sampled_from([None, {"pandas": "{}"}])))
    table = pa.Table.from_arrays(arrays, schema=schema)
    cut = draw(st.integers(0, rows))
    return pa.concat_tables([table[:cut], table[cut:]]) if draw(st.booleans()) else table
