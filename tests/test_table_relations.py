"""Relations between columns: found where they are rules, not where chance made them, and kept."""

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch

from gantlet.modalities.tables.codec import TableCodec, fit_table, table_codec
from gantlet.modalities.tables.records import Records

ROWS = 1_000


def random_rows(codec: TableCodec, rows: int = 2_000) -> pa.Table:
    """Rows of random choices, such as no network would draw."""
    rng = np.random.default_rng(5)
    codes = np.stack([rng.integers(0, size, rows) for size in codec.blocks], 1)
    positions = rng.uniform(-1, 1, (rows, codec.shape[0] - sum(codec.blocks)))
    return codec.decode_codes(codes, positions.astype(np.float32)).table


def fitted(table: pa.Table) -> TableCodec:
    """A codec that came through JSON, checked to bring the table back."""
    codec = table_codec(json.loads(json.dumps(fit_table(Records(table)).plain())))
    assert codec.decode(codec.encode(Records(table))).table.equals(table)
    return codec


def kinds_of(codec: TableCodec) -> list[str]:
    return [note.kind for note in codec.columns]


def test_a_column_that_follows_from_a_category_is_looked_up():
    rng = np.random.default_rng(0)
    school = np.array(["none", "primary", "secondary", "degree", "doctorate"])
    years = np.array([0, 6, 12, 16, 21])
    picked = rng.integers(0, 5, ROWS)
    table = pa.table({"school": school[picked], "years": years[picked], "sex": picked * 0 + 1})
    codec = fitted(table)
    assert kinds_of(codec) == ["category", "derived", "number"]
    assert codec.blocks == (5,)
    assert codec.relations == ("'years' follows from 'school': 5 pairs, without exception",)
    made = random_rows(codec)
    assert dict(zip(made["school"].to_pylist(), made["years"].to_pylist(), strict=True)) == dict(
        zip(school.tolist(), years.tolist(), strict=True)
    )


def test_a_chain_is_looked_up_by_the_column_that_tells_most():
    rng = np.random.default_rng(0)
    town = rng.integers(0, 40, 2_000)
    names = {"state": town // 20, "county": town // 5, "town": town}
    codec = fitted(
        pa.table({name: pa.array([f"{name} {n}" for n in c]) for name, c in names.items()})
    )
    assert kinds_of(codec) == ["derived", "derived", "category"]


def test_nulls_follow_from_a_category_too():
    rng = np.random.default_rng(0)
    picked = rng.integers(0, 4, ROWS)
    cells = np.array([1.5, np.nan, np.inf, 2.5])[picked]
    table = pa.table({"k": picked.astype(str), "v": pa.array(cells, mask=picked == 3)})
    codec = table_codec(fit_table(Records(table)).plain())
    assert kinds_of(codec) == ["category", "derived"]
    made = random_rows(codec)
    assert set(zip(made["k"].to_pylist(), map(str, made["v"].to_pylist()), strict=True)) == {
        ("0", "1.5"),
        ("1", "nan"),
        ("2", "inf"),
        ("3", "None"),
    }


Numbers = Callable[[np.ndarray, np.ndarray], np.ndarray]


@pytest.mark.parametrize(
    ("made_of", "told"),
    [
        (lambda a, b: a + b, "'c' = 'a' + 'b', in every row"),
        (lambda a, b: a + b - 40, "'c' = 'a' + 'b' + -40, in every row"),
        (lambda a, b: 7 * a, "'c' = 7 · 'a', in every row"),
        (lambda a, b: -2 * b + 3, "'c' = -2 · 'b' + 3, in every row"),
        (lambda a, b: b, "'c' = 'b', in every row"),
        (lambda a, b: a - b, "'a' = 'b' + 'c', in every row"),
    ],
)
@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.float64(), pa.decimal128(24, 2)])
def test_sums_and_multiples_are_worked_out(made_of: Numbers, told: str, kind: pa.DataType):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5_000, ROWS), rng.integers(0, 9_000, ROWS)
    table = pa.table(
        {name: pa.array(v).cast(kind) for name, v in zip("abc", (a, b, made_of(a, b)), strict=True)}
    )
    codec = fitted(table)
    assert told in codec.relations
    assert kinds_of(codec).count("derived") == 1
    made = random_rows(codec)
    a, b, c = (made[name].cast(pa.float64()).to_numpy() for name in "abc")
    np.testing.assert_allclose(c, made_of(a, b), rtol=0, atol=1e-6)


def test_sums_of_cents_hold_to_the_cent():
    rng = np.random.default_rng(0)
    net, tax = rng.integers(1, 10**6, (2, ROWS)) / 100
    table = pa.table({"net": net, "tax": tax, "gross": np.round(net + tax, 2)})
    codec = fitted(table)
    assert codec.relations == ("'gross' = 'net' + 'tax', in every row",)
    made = random_rows(codec)
    assert all(round(n + t, 2) == g for n, t, g in zip(*made.to_pydict().values(), strict=True))


def test_an_end_is_its_beginning_and_a_duration():
    rng = np.random.default_rng(0)
    begin = 1_700_000_000 + rng.integers(0, 10**7, ROWS)
    took = rng.integers(60, 10_000, ROWS)
    codec = fitted(
        pa.table(
            {
                "begin": pa.array(begin, pa.timestamp("s")),
                "took": pa.array(took, pa.duration("s")),
                "end": pa.array(begin + took, pa.timestamp("s")),
            }
        )
    )
    assert codec.relations == ("'end' = 'begin' + 'took', in every row",)
    made = random_rows(codec)
    assert pc.subtract(made["end"], made["begin"]).equals(made["took"])


def test_columns_always_in_order_stay_in_order():
    rng = np.random.default_rng(0)
    low = rng.normal(size=ROWS)
    middle = low + rng.exponential(size=ROWS)
    high = middle + rng.exponential(size=ROWS)
    table = pa.table({"high": high, "low": low, "middle": middle, "other": rng.normal(size=ROWS)})
    codec = fitted(table)
    assert set(codec.relations) == {
        "'low' is never above 'middle'",
        "'middle' is never above 'high'",
    }
    made = random_rows(codec)
    assert pc.all(pc.less_equal(made["low"], made["middle"])).as_py()
    assert pc.all(pc.less_equal(made["middle"], made["high"])).as_py()


def test_stamps_with_nulls_stay_in_order():
    rng = np.random.default_rng(0)
    ordered = rng.integers(19_000, 19_700, ROWS)
    shipped = ordered + rng.integers(0, 30, ROWS)
    table = pa.table(
        {
            "ordered": pa.array(ordered, pa.int32()).cast(pa.date32()),
            "shipped": pa.array(shipped, pa.int32(), mask=rng.random(ROWS) < 0.2).cast(pa.date32()),
        }
    )
    codec = fitted(table)
    assert codec.relations == ("'ordered' is never above 'shipped'",)
    made = random_rows(codec)
    assert pc.all(pc.less_equal(made["ordered"], made["shipped"])).as_py()


def test_ranges_that_do_not_overlap_are_no_relation():
    rng = np.random.default_rng(0)
    table = pa.table({"age": rng.integers(1, 99, ROWS), "weight": rng.integers(10**4, 10**6, ROWS)})
    assert fit_table(Records(table)).relations == ()


@pytest.mark.parametrize("rows", [10, 60, 300, 2_000])
def test_chance_makes_no_relation(rows: int):
    rng = np.random.default_rng(rows)
    columns = {
        **{f"rare {n}": rng.random(rows) < 0.01 for n in range(5)},
        **{f"few {n}": rng.integers(0, 4, rows) for n in range(5)},
        **{f"many {n}": rng.integers(0, 200, rows) for n in range(5)},
        **{f"real {n}": rng.lognormal(size=rows) for n in range(5)},
    }
    assert fit_table(Records(pa.table(columns))).relations == ()


def test_one_row_that_breaks_a_rule_makes_it_none():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5_000, (2, 5_000))
    k = rng.integers(0, 5, 5_000)
    c, follows = a + b, k % 2
    c[4_321] += 1
    follows[1_234] ^= 1
    table = pa.table({"a": a, "b": b, "c": c, "k": k, "follows": follows})
    assert not any("'c' =" in told or "follows from" in told for told in fitted(table).relations)


def test_a_random_sample_of_any_codec_keeps_its_relations_through_one_hot_blocks():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 300, ROWS)
    table = pa.table({"a": a, "twice": 2 * a, "k": (a % 3).astype(str)})
    codec = fitted(table)
    noise = torch.rand(500, *codec.shape)
    made = codec.decode(noise).table
    assert pc.all(pc.equal(pc.multiply(made["a"], 2), made["twice"])).as_py()
