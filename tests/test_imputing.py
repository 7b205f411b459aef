"""Missing cells are filled from the row's others, by G's own probabilities, and nothing changes."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import gantlet
from gantlet.imputing import imputed
from gantlet.modalities.base import Holes
from gantlet.modalities.tables.codec import fit_table
from gantlet.modalities.tables.holes import holes
from gantlet.modalities.tables.records import Records
from gantlet.networks import Task
from gantlet.networks.chain import CHAIN
from gantlet.networks.chain_generator import ChainGenerator, ChainSettings
from gantlet.sampling import Part

BLOCKS = (3, 2, 3)


def chain() -> ChainGenerator:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        G = ChainGenerator(Task((8,), 0, 3, BLOCKS), ChainSettings(width=12, depth=2, width_D=8))
        for weight in G.parameters():
            torch.nn.init.normal_(weight, 0.0, 1.5 * weight.shape[-1] ** -0.5)
    return G


def always(rows: np.ndarray, _x: torch.Tensor) -> np.ndarray:
    return np.ones(len(rows), bool)


def whole(parts: list[Part]) -> torch.Tensor:
    return torch.cat([part.samples for part in parts])


def test_what_is_missing_is_drawn_by_g_given_what_is_known_before_it_and_after():
    """The middle one and the last are known: p(x₁ | x₂, x₃) by Bayes from the density."""
    G, count = chain(), 20_000
    known = np.array([True] * 3 + [False, True] + [False, False, True])
    gaps = Holes(count, lambda some: np.tile(known, (len(some), 1)), always, lambda x: x)
    assert CHAIN.within is not None
    x = whole(list(imputed(G, CHAIN.within, "normal", 3, gaps)))
    assert len(x) == count
    assert (x[:, ~torch.from_numpy(known)] == 0).all()
    every = torch.tensor(
        [one for one in itertools.product(*map(range, BLOCKS)) if one[1:] == (1, 2)]
    )
    rows = torch.cat([torch.eye(k)[every[:, i]] for i, k in enumerate(BLOCKS)], 1)
    p = torch.softmax(-G.surprisal(rows, None, None), 0).detach()
    first = torch.eye(3)[0]
    assert (p - 1 / 3).abs().max() > 0.05
    assert (x[:, :3] @ torch.eye(3) - first).abs().max() == 1
    # Of 32 candidates, what is drawn is off by about a thirtieth of a share at most.
    assert (x[:, :3].mean(0) - p).abs().max() < 0.02


def filled(table: pa.Table, holey: pa.Table, seed: int = 0) -> pa.Table:
    """The table with its holes filled by random choices among those allowed that fit."""
    codec, rows = fit_table(Records(table)), Records(holey)
    found = holes(codec, rows)
    rng = np.random.default_rng(seed)
    every = np.arange(found.size)
    blocks = np.split(found.allowed(every), np.cumsum(codec.blocks)[:-1], axis=1)
    assert all(block.any(1).all() for block in blocks)
    x, todo = torch.zeros(found.size, *codec.shape), every
    while len(todo):
        picked = [np.where(b[todo], rng.random(b[todo].shape), -1).argmax(1) for b in blocks]
        hot = [np.eye(b.shape[1])[p] for b, p in zip(blocks, picked, strict=True)]
        places = rng.uniform(-1, 1, (len(todo), codec.shape[0] - sum(codec.blocks)))
        x[todo] = torch.from_numpy(np.concatenate([*hot, places], 1)).float()
        todo = todo[~found.fits(todo, x[todo])]
    return found.filled(x).table


def punched(table: pa.Table, names: list[str], share: float = 0.3) -> pa.Table:
    rng = np.random.default_rng(7)
    for name in names:
        gone = rng.random(len(table)) < share
        index = np.arange(len(table))
        place = table.column_names.index(name)
        column = table[name].take(pa.array(index, mask=gone))
        table = table.set_column(place, table.schema.field(name), column)
    return table


def test_known_cells_stay_and_missing_ones_are_filled_in_columns_of_every_kind():
    rng, n = np.random.default_rng(0), 1_000
    town, low = rng.integers(0, 9, n), rng.integers(0, 40, n)
    table = pa.table(
        {
            "id": np.arange(n) * 3,
            "town": np.char.add("t", town.astype(str)),
            "state": pa.array(np.char.add("s", (town // 3).astype(str))).dictionary_encode(),
            "low": low,
            "high": low + rng.integers(0, 9, n),
            "sum": low * 3 + 1,
            "real": pa.array(rng.standard_normal(n), mask=rng.random(n) < 0.1),
            "flag": pa.array(rng.random(n) < 0.5, mask=rng.random(n) < 0.1),
            "at": pa.array(rng.integers(0, 10**9, n), pa.timestamp("s", "UTC")),
            "extra": rng.integers(0, 10**6, n),
        }
    )
    codec = fit_table(Records(table.drop_columns("extra")))
    assert codec.orders
    assert [c.name for c in codec.columns if c.kind == "derived"] == ["state", "sum"]
    names = [name for name in table.column_names if name not in ("id", "extra")]
    holey = punched(table, [*names, "id"])
    made = filled(table.drop_columns("extra"), holey)
    assert made.schema.names == table.column_names
    assert made["id"].equals(holey["id"])
    assert made["extra"].equals(holey["extra"])
    for name in names:
        known = holey[name].is_valid()
        assert made[name].null_count == 0, name
        assert made[name].type == holey[name].type
        assert made[name].filter(known).equals(holey[name].filter(known)) or name == "state"
        assert made[name].filter(known).to_pylist() == holey[name].filter(known).to_pylist()
    # What follows goes with what it follows from, whichever of the two was known.
    assert all(
        int(town[1:]) // 3 == int(state[1:])
        for town, state in zip(made["town"].to_pylist(), made["state"].to_pylist(), strict=True)
    )
    assert (made["low"].to_numpy() <= made["high"].to_numpy()).all()


def test_rows_without_holes_come_back_as_they_are():
    table = pa.table({"a": [1, 2, 3] * 20, "b": ["x", "y"] * 30})
    assert holes(fit_table(Records(table)), Records(table)).size == 0


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> gantlet.Gan:
    """b says what a is, but for a few rows; c is of no help and sometimes missing."""
    settings = {
        "device": "cpu", "threads": 1, "budget": {"steps": 400}, "seed": 1,
        "network": {"options": {"width": 32, "width_D": 16}},
        "optimization": {"batch": 64, "lr_warm_up": 0.01},
        "keeping": {"measured": 200, "preview": 8},
    }  # fmt: skip
    out = tmp_path_factory.mktemp("imputing") / "run"
    return gantlet.train(frame_of(2_000, 0), out=out, settings=settings)


def frame_of(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 3, rows)
    b = np.where(rng.random(rows) < 0.98, a, rng.integers(0, 3, rows))
    c = np.where(rng.random(rows) < 0.3, np.nan, rng.integers(0, 5, rows))
    return pd.DataFrame(
        {"a": np.array(["x", "y", "z"])[a], "b": pd.Categorical.from_codes(b, ["X", "Y", "Z"]),
         "c": c, "n": rng.integers(0, 9, rows)}
    )  # fmt: skip


def test_a_table_with_holes_comes_back_filled_from_what_is_known(learned):
    frame = frame_of(600, 5)
    rng = np.random.default_rng(6)
    gone = rng.random(600)
    holey = frame.copy()
    holey.loc[gone < 0.3, "b"] = np.nan
    holey.loc[gone > 0.7, "a"] = None
    holey["n"] = holey["n"].astype(float).where(rng.random(600) < 0.8)
    before = holey.copy(deep=True)
    made = learned.impute(holey, seed=3)
    pd.testing.assert_frame_equal(holey, before)
    assert isinstance(made, pd.DataFrame)
    assert made.dtypes.equals(holey.dtypes)
    assert not made.isna().any().any()
    for name in frame:
        known = holey[name].notna()
        assert made[name][known].equals(holey[name][known])
    alike = made["a"].str.upper() == made["b"].astype(str)
    assert alike[gone < 0.3].mean() > 0.85  # told from what comes before it
    assert alike[gone > 0.7].mean() > 0.85  # and from what comes after
    pd.testing.assert_frame_equal(made, learned.impute(holey, seed=3))
    assert not made.equals(learned.impute(holey, seed=4))


def test_a_table_of_arrow_comes_back_as_one(learned):
    table = pa.Table.from_pandas(frame_of(50, 8), preserve_index=False)
    made = learned.impute(table)
    assert isinstance(made, pa.Table)
    assert made["a"].equals(table["a"])
    assert made["c"].null_count == 0


def test_a_frame_read_from_the_file_that_was_learned_comes_back_filled(tmp_path):
    known = frame_of(400, 9)
    known.to_csv(tmp_path / "known.csv", index=False)
    settings = {"threads": 1, "budget": {"steps": 3}, "keeping": {"measured": 50, "preview": 4}}
    gan = gantlet.train(tmp_path / "known.csv", out=tmp_path / "run", settings=settings)
    holey = pd.read_csv(tmp_path / "known.csv")
    holey.loc[:50, "a"] = None
    made = gan.impute(holey)
    assert not made.isna().any().any()
    assert made.dtypes.equals(holey.dtypes)
    for name in holey:
        there = holey[name].notna()
        assert made[name][there].equals(holey[name][there])
