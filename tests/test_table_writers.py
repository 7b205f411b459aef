"""Tables are written as they were read: whole or not at all, a part at a time."""

import json
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from gantlet.modalities.base import finished
from gantlet.modalities.tables import writers
from gantlet.modalities.tables.frames import handed, records_of
from gantlet.modalities.tables.reading import read_table
from gantlet.modalities.tables.records import Records
from gantlet.modalities.tables.settings import TableSettings
from gantlet.modalities.tables.writers import TABLE_WRITERS

SUFFIXES = list(TABLE_WRITERS)


def read(path) -> Records:
    return finished(read_table(path, TableSettings())).records


def write(path, records, step=7):
    with TABLE_WRITERS[path.suffix](path, len(records), 0) as put:
        for start in range(0, len(records), step):
            put(records[np.arange(start, min(start + step, len(records)))], None)


SPELLED = [
    "age,job,rich,since,share,note\n39,?,yes,3/7/2020 1:05 PM,0.5,\"a, \"\"b\"\"\"\n"
    "50,clerk,no,12/31/2020 12:00 AM,,x\n38,clerk,,3/8/2020 11:59 AM,1e+20,\"\n\"\n",
    "a;b\n1,5;x\n2;y\n",
    "1|TRUE|2020-01-01T00:00:00.250Z\n2|FALSE|2020-01-02T00:00:00.500Z\n3|NULL|NULL\n",
    "a,a,\n1,2,3\n4,5,6\n",
    "one\nx\n\"\"\ny\n",
    "code,when\n00123,20200307\n00456,20200308\n",
]  # fmt: skip


@pytest.mark.parametrize("content", SPELLED)
def test_a_csv_that_was_read_is_written_byte_for_byte(tmp_path, content):
    (tmp_path / "a.csv").write_text(content)
    write(tmp_path / "b.csv", read(tmp_path / "a.csv"))
    assert (tmp_path / "b.csv").read_text() == content


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=5)
CELLS = st.one_of(
    TEXTS, st.sampled_from([",", '"', "\n", "a;b", " x ", "\t", "#", "NA", "?", "01", "1", "é"])
)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=2), st.sampled_from([".csv", ".tsv"])
)
def test_any_texts_are_read_back_by_another_reader(tmp_path_factory, rows, suffix):
    path = tmp_path_factory.mktemp("texts") / f"a{suffix}"
    frame = pd.DataFrame(rows, columns=["a", "b"])
    write(path, records_of(frame))
    back = pd.read_csv(
        path, sep="," if suffix == ".csv" else "\t", dtype=str, keep_default_na=False,
        lineterminator="\n",
    )  # fmt: skip
    assert_frame_equal(back, frame)


FRAME = pd.DataFrame(
    {
        "kind": pd.Categorical(["x", None, "y"] * 5, ["z", "y", "x"], ordered=True),
        "count": pd.array([1, None, 3] * 5, "Int64"),
        "share": [0.5, np.nan, -1e-7] * 5,
        "when": pd.to_datetime(["2020-01-01 10:00", None, "2020-06-01 00:00"] * 5).tz_localize(
            "UTC"
        ),
        "date": ["2020-01-01", "2020-01-02", None] * 5,
        "truth": [True, False, True] * 5,
    }
)


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow", ""])
def test_typed_files_keep_the_types_of_the_frame(tmp_path, suffix):
    records = finished(read_table(FRAME, TableSettings())).records
    assert str(records.table.schema.field("date").type) == "date32[day]"
    write(tmp_path / f"a{suffix}", records)
    table = read(tmp_path / f"a{suffix}").table
    assert_frame_equal(handed(Records(table, "file")), table_as_pandas_reads_it(FRAME))
    fields = [field for field in table.schema if b"pandas" in (field.metadata or {})]
    assert fields == []


def table_as_pandas_reads_it(frame):
    return pa.Table.from_pandas(frame).replace_schema_metadata(None).to_pandas()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_values_of_a_file_come_back_from_every_kind(tmp_path, suffix):
    content = "a,b,c,d\n" + "".join(
        f"{i},x{i % 3},2020-01-{i % 28 + 1:02d},{i / 3}\n" for i in range(90)
    )
    (tmp_path / "a.csv").write_text(content)
    records = read(tmp_path / "a.csv")
    write(tmp_path / f"b{suffix}", records)
    assert read(tmp_path / f"b{suffix}").table.to_pydict() == records.table.to_pydict()


def test_json_lines_are_what_pythons_own_reader_reads(tmp_path):
    frame = pd.DataFrame({'a "q"': ['\\"\n\x01é', None], "n": [1.5, np.inf], "t": [True, False]})
    write(tmp_path / "a.jsonl", records_of(frame))
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert rows == [
        {'a "q"': '\\"\n\x01é', "n": 1.5, "t": True},
        {'a "q"': None, "n": None, "t": False},
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_error_leaves_nothing_behind(tmp_path, suffix):
    records = records_of(FRAME)

    def broken() -> None:
        with TABLE_WRITERS[suffix](tmp_path / f"a{suffix}", 99, 0) as put:
            put(records, None)
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(writers, "ROWS", 2000)
    records = records_of(pd.DataFrame({"a": np.arange(1000), "b": ["some text"] * 1000}))
    most = []

    def put_many(count: int) -> None:
        path = tmp_path / f"{count}{suffix}"
        before = pa.total_allocated_bytes()
        with TABLE_WRITERS[suffix](path, 1000 * count, 0) as put:
            for _ in range(count):
                put(records, None)
                most[-1] = max(most[-1], pa.total_allocated_bytes() - before)

    tracemalloc.start()
    for count in (20, 200):
        most.append(0)
        put_many(count)
    assert most[1] < 1.5 * most[0] + 2**20
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()


def test_a_folder_gets_a_file_for_each_so_many_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "ROWS", 10)
    monkeypatch.setattr(writers, "PART", 2)
    records = records_of(pd.DataFrame({"a": np.arange(45)}))
    write(tmp_path / "out", records, step=5)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"part-{number:05d}.parquet" for number in range(3)
    ]
    assert read(tmp_path / "out").table.column("a").to_pylist() == list(range(45))


def test_categories_that_differ_between_parts_are_told_by_the_first(tmp_path):
    schema = pa.schema([pa.field("a", pa.dictionary(pa.int32(), pa.string()))])
    parts = [["x", "y"], ["y", "x"]]
    with TABLE_WRITERS[".arrow"](tmp_path / "a.arrow", 4, 0) as put:
        for part in parts:
            values = pa.array([0, 1], pa.int32())
            column = pa.DictionaryArray.from_arrays(values, pa.array(part))
            put(Records(pa.Table.from_arrays([column], schema=schema)), None)
    assert read(tmp_path / "a.arrow").table.column("a").to_pylist() == ["x", "y", "y", "x"]
