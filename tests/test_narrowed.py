"""Samples under a condition: those of G that fit, no more and no less, and an end where none do."""

import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import gantlet
from gantlet import narrowed as module
from gantlet.cli import main
from gantlet.config import ConfigError
from gantlet.modalities.tables.codec import TableCodec, fit_table
from gantlet.modalities.tables.conditions import narrowing
from gantlet.modalities.tables.records import Records, joined
from gantlet.narrowed import narrowed
from gantlet.networks import Task
from gantlet.networks.chain import CHAIN
from gantlet.networks.chain_generator import ChainGenerator, ChainSettings
from gantlet.sampling import Conditions, Part, sampled

LARGE = 60_000  # of samples whose shares are compared


def table_of(rows: int = 2_000) -> pa.Table:
    """A lookup, an ordered pair, two digits, a hole: all that a condition may meet."""
    rng = np.random.default_rng(0)
    town, low = rng.integers(0, 6, rows), rng.integers(0, 5, rows)
    return pa.table(
        {
            "town": np.char.add("t", town.astype(str)),
            "state": np.char.add("s", (town // 3).astype(str)),
            "low": low,
            "high": low + rng.integers(0, 4, rows),
            "many": rng.integers(0, 60, rows),
            "hole": pa.array(rng.integers(0, 3, rows), mask=rng.random(rows) < 0.2),
            "real": np.round(rng.standard_normal(rows), 2),
        }
    )


def chain(codec: TableCodec) -> tuple[ChainGenerator, int]:
    """A chain of random weights, whose choices depend on one another, and its latents."""
    latents = len(codec.blocks) + codec.shape[0] - sum(codec.blocks)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        task = Task(codec.shape, 0, latents, codec.blocks)
        G = ChainGenerator(task, ChainSettings(width=24, depth=2, width_D=8))
        for weight in G.parameters():
            torch.nn.init.normal_(weight, 0.0, weight.shape[-1] ** -0.5)
    return G, latents


CODEC = fit_table(Records(table_of()))
G, LATENTS = chain(CODEC)


def rows_of(parts: list[Part]) -> Records:
    return joined([CODEC.decode(part.samples) for part in parts])


def drawn(where: object, count: int, *, held: bool = True, seed: int = 0) -> Records:
    within = CHAIN.within if held else None
    narrow = narrowing(CODEC, where)
    return rows_of(
        list(narrowed(G, within, CODEC.decode, "normal", LATENTS, narrow, count, seed=seed))
    )


@pytest.fixture(scope="module")
def plain() -> Records:
    """Many samples of G under no condition."""
    parts = sampled(G, "normal", LATENTS, Conditions(), 4 * LARGE, seed=9, at_once=8)
    return rows_of(list(parts))


def shares(rows: Records, name: str) -> dict[object, float]:
    counts = rows.table[name].value_counts().to_pylist()
    return {pair["values"]: pair["counts"] / len(rows) for pair in counts}


WHERE = [
    {"town": "t1"},
    {"state": "s1"},
    "many = 59",
    ["many < 20", "hole = null"],
    {"hole": [0, 2], "town": ["t0", "t5"]},
    "low = 2",
    ["high > 3", "real > 0.3"],
    "hole != 1",
]


@pytest.mark.parametrize("where", WHERE)
def test_what_is_drawn_is_spread_as_the_samples_of_g_that_fit(plain, where):
    fits = narrowing(CODEC, where).fits(plain)
    wanted, count = plain[np.flatnonzero(fits)], 12_000
    found = drawn(where, count)
    assert len(found) == count
    assert narrowing(CODEC, where).fits(found).all()
    assert len(wanted) > 300
    for name in ("town", "state", "low", "high", "hole"):
        one, other = shares(found, name), shares(wanted, name)
        for value in {*one, *other}:
            p = (one.get(value, 0) * count + other.get(value, 0) * len(wanted)) / (
                count + len(wanted)
            )
            error = (p * (1 - p) * (1 / count + 1 / len(wanted))) ** 0.5
            assert abs(one.get(value, 0) - other.get(value, 0)) <= 5 * error, (name, value)


def test_the_same_seed_draws_the_same_rows_and_another_others():
    one, again = (drawn({"town": "t1"}, 500, seed=3).table for _ in range(2))
    assert one.equals(again)
    assert not one.equals(drawn({"town": "t1"}, 500, seed=4).table)
    # More of them begin with the same.
    assert drawn({"town": "t1"}, 900, seed=3).table[:500].equals(one)


def test_no_row_is_drawn_twice():
    rows = drawn({"town": "t1"}, 2_000).table
    whole = list(zip(*(rows[name].to_pylist() for name in rows.column_names), strict=True))
    # 60 × 4 × positions in a bin: hardly two of them are alike by chance.
    assert len(set(whole)) > 1_950


def test_any_generator_is_narrowed_by_rejection_alone():
    rows = drawn({"state": "s1"}, 700, held=False)
    assert len(rows) == 700
    assert set(rows.table["state"].to_pylist()) == {"s1"}


def test_what_is_rare_beyond_reason_ends_with_a_sentence(monkeypatch):
    monkeypatch.setattr(module, "MOST_TRIED", 100_000)
    begun = time.perf_counter()
    with pytest.raises(ConfigError, match=r"low = 4 and high = 0: none of .* samples in a row"):
        drawn(["low = 4", "high = 0"], 5)
    assert time.perf_counter() - begun < 30


def test_choices_that_g_all_but_rules_out_are_still_told_apart():
    """Their probabilities are below what float32 holds, their ratio is not."""
    task = Task((4,), 0, 1, (4,))
    sure = ChainGenerator(task, ChainSettings(width=4, depth=2, width_D=8))
    with torch.no_grad():
        sure.shares.copy_(torch.tensor([0.0, -300.0, -301.0, -400.0]))
    allowed = torch.tensor([False, True, True, False]).expand(20_000, -1)
    z = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0))
    x, chance = sure.within(z, None, allowed)
    assert (x[:, [0, 3]] == 0).all()
    p = 1 / (1 + np.exp(-1))
    assert x[:, 1].mean().item() == pytest.approx(p, abs=5 * (p * (1 - p) / 20_000) ** 0.5)
    assert torch.allclose(chance, torch.tensor(-300 + np.log(1 + np.exp(-1))).float())


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> gantlet.Gan:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 70, 1_500)
    frame = pd.DataFrame(
        {
            "number": np.arange(1_500) * 7,
            "age": age,
            "income": np.where(rng.random(1_500) < age / 90, ">50K", "<=50K"),
        }
    )
    settings = {
        "device": "cpu", "threads": 1, "budget": {"steps": 40},
        "network": {"options": {"width": 32, "width_D": 16}}, "optimization": {"batch": 64},
        "keeping": {"measured": 200, "preview": 8},
    }  # fmt: skip
    out = tmp_path_factory.mktemp("narrowed") / "run"
    return gantlet.train(frame, out=out, settings=settings)


def test_a_trained_table_is_sampled_under_conditions(learned):
    frame = learned.sample(50, where={"income": ">50K"})
    assert list(frame.columns) == ["number", "age", "income"]
    assert len(frame) == 50
    assert (frame["income"] == ">50K").all()
    young = learned.sample(50, where=["age < 30", "income = '<=50K'"], seed=2)
    assert (young["age"] < 30).all()
    assert (young["income"] == "<=50K").all()
    with pytest.raises(ConfigError, match="did you mean '>50K'"):
        learned.sample(5, where={"income": ">50k"})


def test_identifiers_count_on_through_all_that_is_drawn(learned):
    for where in (None, "age >= 30"):
        numbers = learned.sample(5_000, where=where)["number"]
        assert numbers.is_unique


def test_conditions_are_taken_on_the_command_line(learned, tmp_path, capsys):
    out = tmp_path / "rows.csv"
    command = ["sample", str(learned.path), "-n", "40", "--out", str(out)]
    assert main([*command, "--where", "income='>50K'", "--where", "age >= 30"]) == 0
    rows = pd.read_csv(out)
    assert len(rows) == 40
    assert (rows["income"] == ">50K").all()
    assert (rows["age"] >= 30).all()
    assert main([*command, "--where", "wage > 3"]) == 2
    assert "column 'wage' does not exist; did you mean 'age'?" in capsys.readouterr().err


def test_what_is_no_table_says_that_it_knows_no_conditions(tmp_path):
    settings = {"device": "cpu", "threads": 1, "budget": {"steps": 2},
                "network": {"options": {"width": 8, "depth": 2, "waves": 4, "signs": 1}},
                "objective": {"latent_dim": 4}, "optimization": {"batch": 16},
                "keeping": {"measured": 60, "preview": 8}}  # fmt: skip
    points = np.random.default_rng(0).standard_normal((300, 2))
    gan = gantlet.train(points, out=tmp_path / "run", settings=settings)
    with pytest.raises(ConfigError, match="conditions are for tables"):
        gan.sample(3, where={"x": 1})
