"""Runs on tables: they learn what depends on what, resume bit for bit, and give frames back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from torch.testing import assert_close

import gantlet
import runs
from gantlet.cli import main
from gantlet.evaluation.evaluate import judged
from gantlet.folder import Folder
from gantlet.modalities.base import SourceError, finished
from gantlet.modalities.points import POINTS
from gantlet.modalities.table import TABLE
from gantlet.prepare import prepared

ROWS = 600


def frame(rows: int = ROWS) -> pd.DataFrame:
    """A number that a category shifts, with missing cells, and a flag that follows the number."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["low", "high"], rows)
    size = np.where(kind == "low", 0, 10) + rng.normal(size=rows).round(2)
    return pd.DataFrame(
        {
            "kind": pd.Categorical(kind),
            "size": np.where(rng.random(rows) < 0.1, np.nan, size),
            "is_large": size > 5,
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, rows), "D"),
        }
    )


SETTINGS = {
    "threads": 1,
    "budget": {"steps": 160},
    "network": {"options": {"width": 32}},
    "optimization": {"batch": 64, "lr_warm_up": 0.01},
    "keeping": {"measured": 200},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> gantlet.Gan:
    return gantlet.train(frame(), settings=SETTINGS, out=tmp_path_factory.mktemp("runs") / "table")


def test_samples_are_a_frame_of_the_same_types_that_keeps_what_belongs_together(trained):
    known, made = frame(), trained.sample(2000)
    assert isinstance(made, pd.DataFrame)
    assert (made.dtypes == known.dtypes).all()
    assert made["size"].isna().mean() == pytest.approx(0.1, abs=0.05)
    there = made.dropna()
    assert ((there["kind"] == "high") == (there["size"] > 5)).mean() > 0.9
    assert made["since"].between(known["since"].min(), known["since"].max()).all()


def test_the_same_seed_gives_the_same_rows_however_many_are_asked_for(trained):
    many = trained.sample(10_000, seed=3)
    pd.testing.assert_frame_equal(trained.sample(100, seed=3), many[:100])
    pd.testing.assert_frame_equal(trained.sample(5_000, seed=3), many[:5_000])
    assert not trained.sample(100, seed=3).equals(trained.sample(100, seed=4))


def test_rows_are_those_of_the_samples_that_d_would_see(trained):
    parts = [part.samples for part in trained.parts(5_000, seed=2)]
    rows = TABLE.handed(trained.codec.decode(torch.cat(parts)))
    pd.testing.assert_frame_equal(rows, trained.sample(5_000, seed=2))


def test_realness_is_a_probability_of_each_row_of_a_frame(trained):
    realness = trained.realness(frame(50))
    assert realness.shape == (50,)
    assert ((realness > 0) & (realness < 1)).all()


def test_a_table_trained_in_two_sessions_ends_with_the_weights_of_one(tmp_path: Path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    gantlet.train(frame(), settings=SETTINGS, out=whole)
    events = gantlet.fit(frame(), settings=SETTINGS, out=parts)
    for _ in range(50):  # events: it is stopped in the midst of it
        next(events)
    events.close()
    gantlet.train(frame(), out=parts, resume=True)
    # Which state is the best one depends on when looks fell, and that on time.
    once, again = runs.kept(whole), runs.kept(parts)
    assert once.keys() == again.keys()
    for name, tensors in once.items():
        assert_close(again[name], tensors, rtol=0, atol=0)


def test_a_package_of_a_table_draws_the_rows_that_the_run_draws(trained, tmp_path: Path):
    loaded = gantlet.load(trained.save(tmp_path / "table.gantlet"))
    pd.testing.assert_frame_equal(loaded.sample(50, seed=1), trained.sample(50, seed=1))


def test_a_run_on_a_file_is_judged_in_the_views_that_choices_have(tmp_path: Path):
    path = tmp_path / "sizes.csv"
    frame().to_csv(path, index=False)
    gantlet.train(path, settings=SETTINGS, out=tmp_path / "run")
    evaluation = finished(judged(tmp_path / "run", None, None, None, 200, 0, None))
    assert [view.name for view in evaluation.views] == ["realness", "distributions", "copying"]
    names = {figure.name for view in evaluation.views for figure in view.figures}
    assert {"frechet_distance", "boosted_auc"} <= names


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        ("x,y\n1,2\n3,4\n", "points"),
        ("1;2\n3;4\n", "points"),
        ("a,b\nx,1\ny,2\n", "table"),
        ("a,b,c\n1,2,3\n4,5,6\n", "table"),
    ],
)
def test_a_text_of_two_numbers_a_line_is_points_and_any_other_a_table(tmp_path, text, takes):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert POINTS.recognises(path) == (takes == "points")
    assert TABLE.recognises(path)


@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_a_frame_of_two_columns_is_a_table_and_an_array_is_points(kind):
    values = np.arange(20.0).reshape(10, 2)
    made = pd.DataFrame(values if kind == "numbers" else values.astype(str), columns=["a", "b"])
    for source in (made, pa.Table.from_pandas(made)):
        assert not POINTS.recognises(source)
        assert TABLE.recognises(source)
    assert POINTS.recognises(values)
    assert POINTS.recognises(torch.from_numpy(values))


def test_a_table_that_leaves_nothing_to_choose_is_refused_with_the_reason():
    made = pd.DataFrame({"one": [1] * 300, "none": [None] * 300, "id": np.arange(300)})
    with pytest.raises(
        SourceError, match=r"nothing to learn.*'one' .1 distinct value.*'none' .every cell is null"
    ):
        TABLE.fit(finished(TABLE.load(made, TABLE.settings())))


@pytest.mark.parametrize("asked", [["--dry-run"], ["--steps", "1"]])
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("constant", "a,b\n" + "1,x\n" * 60, "nothing to learn"),
        ("empty", "a,b\n" + ",\n" * 60, "nothing to learn"),
        ("identifiers", "id\n" + "".join(f"{i}\n" for i in range(60)), "nothing to learn"),
        ("header", "a,b\n", "no rows to learn from"),
        ("blank", "", "the file is empty"),
    ],
)
def test_a_file_of_nothing_to_learn_is_named(name, text, said, asked, tmp_path, capsys):
    path, out = tmp_path / f"{name}.csv", tmp_path / "run"
    path.write_text(text)
    assert main(["train", str(path), "--out", str(out), *asked]) == 2
    told = capsys.readouterr().err
    assert f"{name}.csv: " in told
    assert said in told
    assert not out.exists()


def test_columns_are_listed_under_their_names_as_they_stand(tmp_path, capsys):
    names = ["[red]", "[/]", "=sum", "back\\", "two\nlines"]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.choice(["[bold]", "x", "y"], 60) for name in names})
    frame.to_csv(tmp_path / "odd.csv", index=False)
    assert main(["train", str(tmp_path / "odd.csv"), "--dry-run", "--set", "threads=1"]) == 0
    told = capsys.readouterr().out.splitlines()
    for name in names:
        assert any(line.startswith(name.replace("\n", "\\n") + " ") for line in told), name


@pytest.mark.parametrize(
    ("columns", "wished", "share"), [(150, {}, 0.5), (151, {}, 0.9), (151, {"warm_up": 0.7}, 0.7)]
)
def test_wide_tables_are_learned_by_likelihood_for_longer(columns, wished, share, tmp_path):
    values = np.random.default_rng(0).normal(size=(60, columns))
    table = pd.DataFrame(values, columns=[f"c{i}" for i in range(columns)])
    settings = {"threads": 1, "optimization": {"batch": 16, **wished}}
    session = finished(prepared(table, settings, Folder(tmp_path)))
    assert session.run.optimization.warm_up == share
