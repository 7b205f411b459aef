"""Files of tables: how they are written is found, all rows count, and errors say what to do."""

import bz2
import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pyarrow import feather, parquet

from gantlet.modalities.base import Skipped, SourceError, finished
from gantlet.modalities.tables import delimited, keeping, reading
from gantlet.modalities.tables.codec import fit_table
from gantlet.modalities.tables.frames import handed
from gantlet.modalities.tables.reading import Table, read_table, recognises_table
from gantlet.modalities.tables.settings import TableSettings

ADULT = Path("../shared/data/tables/adult.csv")
MAPS = Path("/proc/self/maps")


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, name: str = "a.csv", **asked) -> Table:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return finished(read_table(path, TableSettings(cache=str(tmp_path / "cache"), **asked)))

    return read


def values(table: Table) -> dict[str, list]:
    return table.records.table.to_pydict()


def says(table: Table, text: str) -> bool:
    return any(text in note for note in table.notes)


AB = {"a": [1, 2], "b": ["é", "ü"]}


@pytest.mark.parametrize(
    ("content", "name", "note"),
    [
        ("a,b\n1,é\n2,ü\n", "a.csv", "a comma, the first row holds names, encoding utf-8"),
        ("a;b\r\n1;é\r\n2;ü", "a.csv", "a semicolon"),
        ("a\tb\n1\té\n2\tü\n", "a.tsv", "a tab"),
        ("a|b\n1|é\n2|ü\n", "a.txt", "a bar"),
        ("a,b\n1, é\n2, ü\n", "a.csv", "A blank follows each delimiter"),
        ('a, b\n1, "é"\n2, "ü"\n', "a.csv", "A blank follows each delimiter"),
        ('"a","b"\n"1","é"\n"2","ü"\n', "a.csv", "a comma"),
        ("# a remark\na,b\n1,é\n2,ü\n", "a.csv", "remarks (#)"),
        ("\ufeffa,b\n1,é\n2,ü\n", "a.csv", "encoding utf-8"),
        ("a,b\n1,é\n2,ü\n".encode("utf-16"), "a.csv", "encoding utf-16"),
        ("a,b\n1,é\n2,ü\n".encode("utf-16-be"), "a.csv", "encoding utf-16-be"),
        ("a,b\n1,é\n2,ü\n".encode("latin-1"), "a.csv", "encoding latin-1"),
        (gzip.compress("a,b\n1,é\n2,ü\n".encode()), "a.csv.gz", "compressed by gzip"),
        (bz2.compress("a,b\n1,é\n2,ü\n".encode()), "a.csv.bz2", "compressed by bz2"),
        (pa.compress("a,b\n1,é\n2,ü\n".encode(), "zstd", asbytes=True), "a.csv.zst", "by zstd"),
        ('{"a": 1, "b": "é"}\n\n{"b": "ü", "a": 2}\n', "a.jsonl", ""),
        ('[{"a": 1, "b": "é"}, {"a": 2, "b": "ü"}]', "a.json", ""),
        (gzip.compress('{"a": 1, "b": "é"}\n{"a": 2, "b": "ü"}'.encode()), "a.ndjson.gz", ""),
    ],
)
def test_how_a_file_is_written_is_found_and_said(read, content, name, note):
    table = read(content, name)
    assert values(table) == AB
    assert not note or says(table, note)


def test_signs_of_windows_are_found_also_far_behind_the_beginning(read):
    table = read(("a,b\n" + "1,x\n" * 100_000 + "2,5 €\n").encode("cp1252"))
    assert values(table)["b"][-1] == "5 €"
    assert says(table, "cp1252")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("1,2,x\n3,4,y\n", ["column 1", "column 2", "column 3"]),
        ("country,1990,1991,1992\nA,1,2,3\n", ["country", "1990", "1991", "1992"]),
        ('"x","y"\n"1",2,3\n"2",4,5\n', ["", "x", "y"]),  # R leaves out the name of the rows
        ("x,y\n1,2,\n3,4,\n", ["x", "y", ""]),
        ("a,a,\n1,2,3\n", ["a", "a.2", ""]),
        ("name,city\nann,ulm\nbob,bonn\n", ["name", "city"]),
        ("日本,ü ü\n1,2\n", ["日本", "ü ü"]),
    ],
)
def test_names_are_found_and_made_unique(read, content, names):
    assert read(content).records.table.column_names == names


def test_the_settings_overrule_what_is_found(read):
    assert values(read("1;2\n3;4\n", header=True)) == {"1": [3], "2": [4]}
    assert values(read("a b\n1 2\n", delimiter=" ")) == {"a": [1], "b": [2]}
    assert values(read('a,b\n"1,2\n3,4\n', quote="")) == {"a": ['"1', "3"], "b": [2, 4]}
    assert values(read("a\nÃ¼\n".encode("latin-1"), encoding="latin-1")) == {"a": ["Ã¼"]}
    with pytest.raises(SourceError, match="no such encoding"):
        read("a\n1\n", encoding="klingon")
    with pytest.raises(SourceError, match="a single sign"):
        read("a\n1\n", delimiter=", ")


def test_columns_parted_by_runs_of_blanks_are_read(read):
    table = read('  1.5   2  "a b"\n 3.5\t4  "c d"\n', "a.data")
    assert list(values(table).values()) == [[1.5, 3.5], [2, 4], ["a b", "c d"]]


def test_duplicated_names_come_back(read):
    back = handed(read("a,a,b\n1,2,3\n").records)
    assert list(back.columns) == ["a", "a", "b"]


LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc"])
CELLS = st.text(LETTERS | st.sampled_from("\n\t\"'"), max_size=6)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=9),
    st.sampled_from(",;\t|"),
)
def test_texts_are_read_as_pythons_own_reader_reads_them(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.mktemp("cells") / "a.csv"
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["one", "two"], *rows, ["kept", "kept"]])
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
    settings = TableSettings(delimiter=delimiter, header=True, encoding="utf-8")
    origin = delimited.opened_text(path, settings)
    batches = list(origin.batches(lambda row: pytest.fail(str(row)), [0, 1]))
    found = pa.Table.from_batches(batches)
    expected = [[cell or None for cell in column] for column in zip(*rows, strict=True)]
    assert [column[:-1] for column in found.to_pydict().values()] == expected


def test_types_are_found_over_the_whole_file_and_not_its_beginning(read, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 4096)
    rows = [f"{i},{i},0{i},2020-01-{1 + i % 28:02d},NA\n" for i in range(5000)]
    late = "x,1.5,7,2020-02-30,3\n"
    table = read("a,b,c,d,e\n" + "".join(rows) + late)
    kinds = [str(marked) for marked in table.records.table.schema.types]
    assert kinds[1] == "double"
    assert kinds[4] == "int64"
    found = values(table)
    assert found["a"] == [*(str(i) for i in range(5000)), "x"]
    assert found["b"][3] == 3.0
    assert found["c"] == [*(f"0{i}" for i in range(5000)), "7"]
    assert found["d"][-1] == "2020-02-30"
    assert found["e"] == [None] * 5000 + [3]


def test_bad_rows_are_left_out_and_listed(read):
    table = read("a,b\n" + "1,2\n" * 50 + "1,2,3\n" + "3,4\n" * 5)
    assert len(table.records) == 55
    assert table.skipped == (Skipped("a.csv, row 52", "3 cells instead of 2"),)
    with pytest.raises(SourceError, match=r"3 of 8 rows .*row 7: 3 cells.*bad_share"):
        read("a,b\n" + "1,2\n" * 5 + "1,2,3\n" * 3)
    assert len(read("a,b\n" + "1,2\n" * 5 + "1,2,3\n" * 3, bad_share=0.5).records) == 5


def test_lines_that_are_no_objects_are_left_out_and_listed(read):
    table = read('{"a": 1}\n' * 20 + '{"a": 2\n', "a.jsonl")
    assert values(table) == {"a": [1] * 20}
    assert [item.name for item in table.skipped] == ["a.jsonl, row 21"]


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "a.csv", "the file is empty"),
        (b"", "a.parquet", "the file is empty"),
        (b" \n\n", "a.csv", "empty but for blanks"),
        (b"a,b\n", "a.csv", "no rows to learn from"),
        (b"[]", "a.json", "holds no objects"),
        (bytes(range(256)) * 20, "a.csv", "binary data"),
        (b"PK\x03\x04rest", "a.csv", "save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0rest", "a.csv", "password"),
        (b"PARErest", "a.parquet", "encrypted with a password"),
        (b"hello", "a.parquet", "no file of this kind"),
        (b"PAR1hello", "a.parquet", "cannot be read"),
        (b"ARROW1hello", "a.arrow", "cannot be read"),
        (gzip.compress(b"a,b\n1,2\n" * 9999)[:-20], "a.csv.gz", "fetch it again"),
        (gzip.compress(b"PAR1"), "a.parquet.gz", "unpack it"),
        (b'[{"a": 1}, {"a": [2]}]', "a.json", "column 'a' of row 2 holds a list"),
        (b'[{"a": 1}, {"a": "x"}]', "a.json", "column 'a' holds texts and whole numbers"),
        (b'{"a": "\xff"}', "a.jsonl", "not in UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_by_name_with_a_way_out(read, tmp_path, content, name, told):
    with pytest.raises(SourceError, match=told) as caught:
        read(content, name)
    assert str(tmp_path / name) in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        finished(read_table(tmp_path / "a.csv", TableSettings()))


def test_an_array_of_json_is_read_across_the_pieces_that_it_is_read_in(read):
    rows = [{"a": i, "b": "]}" * (i % 50), "c": i / 7} for i in range(50_000)]
    found = values(read(json.dumps(rows), "a.json"))
    assert found["a"] == list(range(50_000))
    assert found["b"] == [row["b"] for row in rows]
    assert found["c"] == [row["c"] for row in rows]


FRAME = pd.DataFrame(
    {
        "date": ["2020-01-01", None, "2020-01-03"],
        "kind": pd.Categorical(["x", "y", "x"], ["z", "y", "x"], ordered=True),
        "count": [1, 2, 3],
        "share": [0.5, np.nan, np.inf],
        "text": ["same", "same", "same"],
    }
)


def test_parquet_and_feather_come_back_as_pandas_wrote_them(tmp_path):
    FRAME.to_parquet(tmp_path / "a.parquet")
    FRAME.to_feather(tmp_path / "a.feather")
    feather.write_feather(pa.Table.from_pandas(FRAME), tmp_path / "b.feather", "uncompressed")
    for name in ("a.parquet", "a.feather", "b.feather"):
        table = finished(read_table(tmp_path / name, TableSettings()))
        assert str(table.records.table.schema.field("date").type) == "date32[day]"
        assert_frame_equal(handed(table.records), FRAME)


def test_a_folder_of_parts_is_one_table(tmp_path):
    for number in range(3):
        (tmp_path / f"part-{number}.csv").write_text(f"a,b\n{number},x\n")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "readme.md").touch()
    assert recognises_table(tmp_path)
    table = finished(read_table(tmp_path, TableSettings()))
    assert values(table) == {"a": [0, 1, 2], "b": ["x"] * 3}
    assert table.formats == Counter(CSV=3)
    (tmp_path / "part-3.csv").write_text("a,c\n3,x\n")
    with pytest.raises(SourceError, match=r"part-3.csv: .*lacks 'b' and has 'c'"):
        finished(read_table(tmp_path, TableSettings()))
    (tmp_path / "part-3.jsonl").write_text("{}")
    with pytest.raises(SourceError, match=r"several kinds \(.csv, .jsonl\)"):
        finished(read_table(tmp_path, TableSettings()))


def test_parts_that_differ_in_a_type_are_refused(tmp_path):
    parquet.write_table(pa.table({"a": [1], "b": [None]}), tmp_path / "a.parquet")
    parquet.write_table(pa.table({"a": [2], "b": ["x"]}), tmp_path / "b.parquet")
    assert values(finished(read_table(tmp_path, TableSettings()))) == {
        "a": [1, 2],
        "b": [None, "x"],
    }
    parquet.write_table(pa.table({"a": ["x"], "b": ["x"]}), tmp_path / "c.parquet")
    with pytest.raises(SourceError, match=r"c.parquet: column 'a' is of type string, in .* int64"):
        finished(read_table(tmp_path, TableSettings()))


def test_folders_of_pictures_or_arrays_are_no_tables(tmp_path):
    (tmp_path / "labels.csv").touch()
    assert recognises_table(tmp_path)
    (tmp_path / "a.png").touch()
    assert not recognises_table(tmp_path)
    (tmp_path / "a.png").rename(tmp_path / "a.npz")
    assert not recognises_table(tmp_path)
    (tmp_path / "a.npz").rename(tmp_path / "train-images-idx3-ubyte")
    assert not recognises_table(tmp_path)


def test_fingerprints_follow_the_content_and_not_how_it_is_parted(read, monkeypatch):
    content = "a,b,c\n" + "".join(f"{i},{i % 7},x{i % 3}\n" for i in range(3000))
    prints = {read(content).fingerprint, read(content.replace("\n", "\r\n")).fingerprint}
    monkeypatch.setattr(delimited, "BLOCK", 2048)
    prints.add(read(content).fingerprint)
    monkeypatch.setattr(reading, "LARGE", 1)
    prints.add(read(content, "kept.csv").fingerprint)
    assert len(prints) == 1
    for other in ("a,b,d" + content[5:], content.replace("17,", "18,"), content + "1,,x1\n"):
        assert read(other).fingerprint not in prints


def test_large_tables_are_kept_on_disk_once_and_mapped(read, tmp_path, monkeypatch):
    content = "a,b,c\n" + "".join(f"{i},{i / 8},x{i % 3}\n" for i in range(3000)) + "1,2\n"
    there = read(content)
    monkeypatch.setattr(reading, "LARGE", 1)
    kept = read(content)
    assert kept.records.table.equals(there.records.table, check_metadata=True)
    assert (kept.notes, kept.skipped, kept.fingerprint) == (
        there.notes, there.skipped, there.fingerprint
    )  # fmt: skip
    assert kept.records.table.column("b").num_chunks == 1
    monkeypatch.setattr(keeping, "_filled", lambda *_: pytest.fail("it is there already"))
    again = finished(read_table(tmp_path / "a.csv", TableSettings(cache=str(tmp_path / "cache"))))
    assert again.records.table.equals(there.records.table)


@pytest.mark.skipif(not MAPS.exists(), reason="the system does not tell what is mapped")
def test_what_is_kept_on_disk_counts_as_memory_only_while_it_is_looked_at(
    read, tmp_path, monkeypatch
):
    content = "a,b\n" + "".join(f"{i / 7},x{i % 3}\n" for i in range(3000))
    rows = read(content).records
    monkeypatch.setattr(reading, "LARGE", 1)
    kept, few = read(content).records, np.array([2999, 0, 7])
    codec = fit_table(kept)
    coded = codec.coded(kept)
    picked = kept[few]
    assert str(tmp_path) not in MAPS.read_text()
    assert picked.table.equals(rows[few].table)
    assert (coded.codes == fit_table(rows).coded(rows).codes).all()
    table = kept.table
    assert str(tmp_path) in MAPS.read_text()
    assert len(table) == len(kept)


def test_a_reading_that_fails_keeps_nothing(read, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGE", 1)
    with pytest.raises(SourceError, match="no rows"):
        read("a,b\n")
    left = [path for path in (tmp_path / "cache" / "tables").iterdir() if path.suffix != ".lock"]
    assert left == []


@pytest.mark.skipif(not ADULT.exists(), reason="the census table is not there")
def test_the_census_table_is_read_with_its_missing_values():
    table = finished(read_table(ADULT, TableSettings()))
    assert len(table.records) == 32_561
    frame = handed(table.records)
    assert int(frame["workclass"].isna().sum()) == 1_836
    assert sorted(frame["income"].unique()) == ["<=50K", ">50K"]
    assert frame["age"].dtype == np.int64
