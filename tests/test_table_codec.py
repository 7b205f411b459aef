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
