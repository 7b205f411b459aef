"""Rows of a table and their codes: the way there and back, for every type and odd frame."""

import json
from math import isnan

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from gantlet.modalities.base import Codec, SourceError
from gantlet.modalities.tables.codec import TableCodec, fit_table, table_codec
from gantlet.modalities.tables.records import Records
from odd_tables import odd_tables


def cells_of(column: pa.ChunkedArray) -> list:
    """The cells in Python, NaN by name so that it equals itself, stamps as their integers."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return cells_of(pa.chunked_array([c.dictionary_decode() for c in column.chunks]))
    if pa.types.is_run_end_encoded(kind):
        return cells_of(pa.chunked_array([pc.run_end_decode(c) for c in column.chunks]))
    if pa.types.is_temporal(kind):
        column = column.combine_chunks().view(pa.int32() if kind.bit_width == 32 else pa.int64())
    return ["NaN" if isinstance(c, float) and isnan(c) else c for c in column.to_pylist()]


def assert_same(codec: TableCodec, decoded: pa.Table, table: pa.Table) -> None:
    assert decoded.schema.equals(table.schema, check_metadata=True)
    for place, note in enumerate(codec.columns):
        assert decoded.column(place).type == table.column(place).type
        decoded.column(place).validate(full=True)
        if note.is_modelled:
            assert cells_of(decoded.column(place)) == cells_of(table.column(place)), note


@settings(max_examples=1_000, suppress_health_check=list(HealthCheck))
@given(odd_tables())
def test_any_table_comes_back_as_it_was(table: pa.Table):
    codec = fit_table(Records(table))
    samples = codec.encode(Records(table))
    assert samples.shape == (len(table), *codec.shape)
    assert samples[:, sum(codec.blocks) :].abs().le(1).all()
    assert_same(codec, codec.decode(samples).table, table)
    again = table_codec(json.loads(json.dumps(codec.plain())))
    assert torch.equal(again.encode(Records(table)), samples)
    one, other = codec.decode(samples).table, again.decode(samples).table
    assert list(map(cells_of, other.columns)) == list(map(cells_of, one.columns))
    noise = torch.rand(7, *codec.shape)
    assert again.decode(noise).table.schema.equals(table.schema, check_metadata=True)


def test_a_table_codec_is_a_codec():
    assert isinstance(fit_table(Records(pa.table({"a": [1, 2]}))), Codec)


@pytest.mark.parametrize("kind", ["list", "struct", "map"])
def test_nested_cells_are_refused_by_name(kind: str):
    nested = {
        "list": pa.array([[1]]),
        "struct": pa.array([{"a": 1}]),
        "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int8())),
    }[kind]
    with pytest.raises(SourceError, match=r"column 'odd' holds .*leave it out"):
        fit_table(Records(pa.table({"even": [1], "odd": nested})))


def test_rows_coded_once_encode_as_the_rows_do():
    rng = np.random.default_rng(0)
    table = pa.table({"x": rng.normal(size=500), "k": rng.integers(0, 9, 500)})
    rows = Records(table)
    codec, picked = fit_table(rows), rng.integers(0, 500, 64)
    assert torch.equal(codec.encode(codec.coded(rows)[picked]), codec.encode(rows[picked]))


def test_forty_thousand_categories_are_three_digits_and_come_back():
    rng = np.random.default_rng(0)
    names = np.array([f"category {n}" for n in range(40_000)])
    picked = np.minimum(rng.geometric(1e-4, 200_000) - 1, 39_999)
    table = pa.table({"k": names[np.concatenate([np.arange(40_000), picked])]})
    codec = fit_table(Records(table))
    assert len(codec.blocks) == 3
    assert sum(codec.blocks) < 200
    coded = codec.coded(Records(table))
    assert codec.decode_codes(coded.codes, coded.positions).table.equals(table)


def test_a_thousand_columns_come_back():
    rng = np.random.default_rng(0)
    numbers = {f"n{place}": rng.normal(size=100) for place in range(500)}
    choices = {f"k{place}": rng.integers(0, 5, 100) for place in range(500)}
    table = pa.table({**numbers, **choices})
    codec = fit_table(Records(table))
    assert codec.relations == ()
    assert codec.decode(codec.encode(Records(table))).table.equals(table)


@pytest.mark.parametrize("rows", [1, 2, 10])
def test_a_table_of_few_rows_comes_back(rows: int):
    table = pa.table(
        {"a": np.arange(rows) * 1.5, "b": ["x"] * rows, "c": pa.nulls(rows), "d": [True] * rows}
    )
    codec = fit_table(Records(table))
    assert [note.kind for note in codec.columns][1:] == ["constant", "empty", "constant"]
    assert codec.decode(codec.encode(Records(table))).table.equals(table)


def test_what_never_changes_has_no_choice_and_comes_back():
    table = pa.table({"a": [5, 5, 5], "b": [None, None, None], "c": ["", "", ""]})
    codec = fit_table(Records(table))
    assert codec.blocks == ()
    assert codec.shape == (0,)
    assert codec.decode(codec.encode(Records(table))).table.equals(table)


def test_an_empty_text_is_not_a_null():
    table = pa.table({"t": ["", None, "a", "", None]})
    codec = fit_table(Records(table))
    assert codec.blocks == (3,)
    assert codec.decode(codec.encode(Records(table))).table.equals(table)


def test_of_a_block_that_is_not_sharp_the_largest_is_meant():
    table = pa.table({"a": list("xyzxyzzz"), "b": list("pqpqpqpq")})
    codec = fit_table(Records(table))
    samples = codec.encode(Records(table))
    soft = torch.softmax(3 * samples + torch.rand_like(samples), 1)
    assert codec.decode(soft).table.equals(table)
    soft[:, 0] = torch.nan
    assert codec.decode(soft).table.num_rows == 8


def test_columns_are_found_by_name_in_another_order():
    table = pa.table({"a": [1, 2, 3, 4], "b": list("wxyz")})
    codec = fit_table(Records(table))
    swapped = Records(table.select(["b", "a"]))
    assert torch.equal(codec.encode(swapped), codec.encode(Records(table)))
    with pytest.raises(SourceError, match="column 'b' is there 0 times"):
        codec.encode(Records(table.select(["a"])))


def test_a_column_of_another_type_is_turned_or_refused_by_name():
    codec = fit_table(Records(pa.table({"a": [1, 2, 3, 4]})))
    wider = pa.table({"a": pa.array([1.0, 2.0, 3.0, 4.0])})
    assert codec.decode(codec.encode(Records(wider))).table["a"].to_pylist() == [1, 2, 3, 4]
    with pytest.raises(SourceError, match="column 'a' holds string where int64 was learnt"):
        codec.encode(Records(pa.table({"a": ["one", "two"]})))


@pytest.mark.parametrize("table", [pa.table({}), pa.table({"a": pa.array([], pa.int64())})])
def test_a_table_of_nothing_is_refused(table: pa.Table):
    with pytest.raises(SourceError, match="nothing to learn"):
        fit_table(Records(table))
