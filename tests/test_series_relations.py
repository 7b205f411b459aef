"""What holds between the columns of a series at every step holds in generated ones."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import gantlet
from gantlet.cli import main
from gantlet.modalities.base import finished
from gantlet.modalities.series import SERIES_MODALITY, SeriesCodec, SeriesSettings
from gantlet.modalities.timelines.columns import Derived
from gantlet.modalities.timelines.spans import Spans

LENGTH = 8


def prices(count: int = 900) -> pd.DataFrame:
    """Days of two markets: highest and lowest prices, what was bought, sold, and both."""
    rng = np.random.default_rng(0)
    close = (50 + rng.normal(size=count).cumsum()).round(2)
    opened = (close + rng.normal(size=count)).round(2)
    both = np.stack([opened, close])
    bought, sold = rng.poisson(40, count), rng.poisson(30, count)
    return pd.DataFrame({
        "market": np.repeat(["a", "b"], count // 2), "day": np.tile(np.arange(count // 2), 2),
        "open": opened, "high": (both.max(0) + rng.exponential(size=count)).round(2),
        "low": (both.min(0) - rng.exponential(size=count)).round(2), "close": close,
        "cents": (100 * close).round(), "bought": bought, "sold": sold, "all": bought + sold,
        "free": rng.normal(size=count),
    })  # fmt: skip


def coded(frame: pd.DataFrame) -> tuple[Spans, SeriesCodec]:
    settings = SeriesSettings(length=LENGTH, time="day", entity="market")
    raw = finished(SERIES_MODALITY.load(frame, settings))
    codec = SERIES_MODALITY.codec(json.loads(json.dumps(SERIES_MODALITY.fit(raw).plain())))
    assert isinstance(raw.rows, Spans)
    assert isinstance(codec, SeriesCodec)
    return raw.rows, codec


def require_kept(made: pd.DataFrame) -> None:
    assert (made["high"] >= made[["open", "close", "low"]].max(axis=1)).all()
    assert (made["low"] <= made[["open", "close", "high"]].min(axis=1)).all()
    np.testing.assert_allclose(made["cents"], 100 * made["close"], atol=1e-6)
    assert (made["all"] == made["bought"] + made["sold"]).all()


def test_what_follows_from_other_columns_is_found_and_not_modelled():
    _, codec = coded(prices())
    named = dict(zip(codec.schema.names, codec.channels, strict=True))
    assert [name for name, channel in named.items() if isinstance(channel, Derived)] == [
        "cents", "all",
    ]  # fmt: skip
    assert "'all' = 'bought' + 'sold', in every row" in codec.relations
    for low, high in (("low", "open"), ("low", "close"), ("open", "high"), ("close", "high")):
        assert f"'{low}' is never above '{high}'" in codec.relations
    assert not any("free" in sentence for sentence in codec.relations)
    assert codec.shape[1] - sum(codec.blocks) == len(prices().columns) - 2 - 2


def test_a_dry_run_says_what_is_kept(tmp_path, capsys):
    path = tmp_path / "prices.csv"
    prices().to_csv(path, index=False)
    asked = ["train", str(path), "--series", "--time", "day", "--entity", "market"]
    assert main([*asked, "--length", str(LENGTH), "--dry-run", "--set", "threads=1"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Kept in order: 'open' is never above 'high'; 'low' is never above 'open';" in told
    assert "'all' = 'bought' + 'sold', in every row" in told
    assert main(["train", str(path), "--dry-run", "--set", "threads=1"]) == 0  # as a table
    assert "'low' is never above 'close'; 'close' is never above 'high'." in " ".join(
        capsys.readouterr().out.split()
    )


def test_series_with_relations_come_back():
    rows, codec = coded(prices())
    back = codec.decode(codec.encode(rows)).table.to_pandas()
    known = rows.apart().table.to_pandas()
    for name in ("open", "high", "low", "close", "cents", "bought", "sold", "all", "free"):
        np.testing.assert_allclose(back[name], known[name], rtol=1e-5, atol=1e-5)
    require_kept(back)


def test_relations_hold_whatever_is_decoded():
    _, codec = coded(prices())
    noise = torch.randn(200, *codec.shape, generator=torch.Generator().manual_seed(0)) * 3
    require_kept(codec.decode(noise).table.to_pandas())
    loose = replace(codec, orders=()).decode(noise).table.to_pandas()
    assert (loose["low"] > loose["high"]).any()  # as drawn they are not in order


def test_relations_hold_in_samples_and_where_a_beginning_is_gone_on_with(tmp_path):
    settings = {
        "modality": "series", "threads": 1, "budget": {"steps": 20},
        "data": {"length": LENGTH, "time": "day", "entity": "market"},
        "network": {"options": {"memory": 8, "width": 16, "width_D": 8}},
        "optimization": {"batch": 16}, "keeping": {"measured": 100},
    }  # fmt: skip
    gan = gantlet.train(prices(), settings=settings, out=tmp_path / "s")
    require_kept(gan.sample(50))
    require_kept(gan.sample(5, steps=20))
    begun = prices().query("market == 'a'")[-5:]
    on = gan.continued(begun, 3)
    assert len(on) == 3
    require_kept(on)


def test_one_exception_makes_it_no_rule():
    frame = prices()
    frame.loc[100, "all"] += 1
    frame.loc[200, "high"] = frame.loc[200, "close"] - 0.5
    _, codec = coded(frame)
    assert not any("'all'" in sentence for sentence in codec.relations)
    assert "'close' is never above 'high'" not in codec.relations


@pytest.mark.parametrize("columns", [["free"], ["free", "bought"]])
def test_numbers_that_are_independent_have_no_relation(columns):
    _, codec = coded(prices()[["market", "day", *columns]])
    assert codec.relations == ()


def test_two_that_wander_and_never_met_are_not_taken_to_be_in_order():
    for seed in range(12):
        steps = np.random.default_rng(seed).normal(size=(1_500, 4))
        walks = steps.cumsum(0) + np.arange(0, 40, 10)
        raw = finished(SERIES_MODALITY.load(pd.DataFrame(walks), SeriesSettings(length=24)))
        codec = SERIES_MODALITY.fit(raw)
        assert isinstance(codec, SeriesCodec)
        assert codec.orders == ()
