"""Runs on series: they learn how steps follow each other, resume bit for bit, and go on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch.testing import assert_close

import gantlet
import runs
from gantlet.cli import main
from gantlet.config import ConfigError
from gantlet.metrics import course_classifier, course_convolution, customary
from gantlet.report import render

LENGTH = 8


def record(count: int = 900) -> pd.DataFrame:
    """Hours of a daily wave with noise, a level that follows it, and a flag of the afternoon."""
    rng, at = np.random.default_rng(0), np.arange(count)
    wave = np.sin(2 * np.pi * at / 24) + 0.1 * rng.normal(size=count)
    frame = pd.DataFrame(
        {
            "at": pd.date_range("2024-01-01", periods=count, freq="h"),
            "wave": wave,
            "double": 2 * wave + 0.05 * rng.normal(size=count),
            "late": pd.Categorical(np.where(at % 24 < 12, "am", "pm")),
        }
    )
    frame.loc[rng.random(count) < 0.05, "double"] = np.nan
    return frame


SETTINGS = {
    "modality": "series",
    "threads": 1,
    "data": {"length": LENGTH},
    "budget": {"steps": 240},
    "network": {"options": {"memory": 16, "width": 32, "width_D": 16}},
    "optimization": {"batch": 64, "warm_up": 0.9, "lr_warm_up": 0.01},
    "keeping": {"measured": 200},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> gantlet.Gan:
    return gantlet.train(record(), settings=SETTINGS, out=tmp_path_factory.mktemp("runs") / "s")


def test_samples_follow_the_clock_and_each_other(trained):
    made = trained.sample(400)
    assert list(made.columns) == ["series", *record().columns]
    assert (made.dtypes[1:] == record().dtypes).all()
    assert (made.groupby("series").size() == LENGTH).all()
    assert (made.groupby("series")["at"].diff().dropna() == pd.Timedelta("1h")).all()
    there = made.dropna()
    assert 0.9 < len(there) / len(made) < 0.99
    assert np.corrcoef(there["wave"], there["double"])[0, 1] > 0.95
    hour = made["at"].dt.hour
    assert np.corrcoef(made["wave"], np.sin(2 * np.pi * hour / 24))[0, 1] > 0.8
    assert ((made["late"] == "pm") == (hour >= 12)).mean() > 0.85


def test_the_same_seed_gives_the_same_series_however_many_are_asked_for(trained):
    many, few = trained.sample(1100, seed=3), trained.sample(5, seed=3)
    pd.testing.assert_frame_equal(few, many[: 5 * LENGTH])


def test_long_series_are_gone_on_with_window_by_window(trained):
    made = trained.sample(30, steps=30)
    pd.testing.assert_frame_equal(
        made.groupby("series").head(LENGTH).reset_index(drop=True), trained.sample(30)
    )
    assert (made.groupby("series").size() == 30).all()
    assert (made.groupby("series")["at"].diff().dropna() == pd.Timedelta("1h")).all()
    wave = np.sin(2 * np.pi * made["at"].dt.hour / 24)
    last = made.groupby("series").cumcount() >= 20
    assert np.corrcoef(made["wave"][last], wave[last])[0, 1] > 0.7


def test_a_beginning_is_gone_on_with(trained):
    known = record()[100:112].reset_index(drop=True)
    made = trained.continued(known, 6, seed=1)
    assert made["at"].tolist() == list(record()["at"][112:118])
    assert not made["wave"].equals(trained.continued(known, 6, seed=2)["wave"])
    many = pd.concat([known.assign(series=i) for i in range(50)])
    mean = trained.continued(many, 6)["wave"].to_numpy().reshape(50, 6).mean(0)
    expected = np.sin(2 * np.pi * np.arange(112, 118) / 24)
    assert np.abs(mean - expected).max() < 0.5


def test_a_report_shows_what_is_particular_to_series(tmp_path, monkeypatch):
    for module, name in (
        (course_classifier, "TREES"), (course_convolution, "UPDATES"),
        (customary, "TELLING"), (customary, "FORETELLING"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 3)
    path = tmp_path / "record.csv"
    record().to_csv(path, index=False)
    gantlet.train(path, settings={**SETTINGS, "budget": {"steps": 20}}, out=tmp_path / "run")
    found = gantlet.evaluate(tmp_path / "run", count=200)
    page = render(found)
    for words in ("Memory (autocorrelation)", "Power spectrum", "Discriminative score", "wave"):
        assert words in page
    values = {figure.name: figure.value for view in found.views for figure in view.figures}
    assert 0 <= values["autocorrelation_gap"] < 1


def test_only_series_are_gone_on_with(tmp_path):
    gan = gantlet.train("ring", settings={"budget": {"steps": 1}, "threads": 1}, out=tmp_path / "r")
    with pytest.raises(ConfigError, match="only series can be gone on with"):
        gan.continued(np.zeros((2, 2)), 3)


def test_a_resumed_run_is_the_run_that_never_stopped(tmp_path):
    path = tmp_path / "record.csv"
    record(300).to_csv(path, index=False)
    short = {**SETTINGS, "budget": {"steps": 30}}
    gantlet.train(path, settings=short, out=tmp_path / "whole")
    for event in gantlet.fit(path, settings=short, out=tmp_path / "halves"):
        if getattr(event, "step", 0) == 14:
            break
    gantlet.train(path, resume=True, out=tmp_path / "halves")
    whole, halves = (runs.kept(tmp_path / name) for name in ("whole", "halves"))
    assert whole.keys() == halves.keys()
    for name, tensors in whole.items():
        assert_close(halves[name], tensors, rtol=0, atol=0)


def test_series_of_an_array_come_back_as_one(tmp_path):
    values = np.random.default_rng(0).normal(size=(80, 5, 2)).cumsum(1)
    settings = {**SETTINGS, "budget": {"steps": 3}, "data": {}}
    gan = gantlet.train(values, settings=settings, out=tmp_path / "a")
    assert gan.sample(7).shape == (7, 5, 2)
    assert gan.sample(7, steps=11).shape == (7, 11, 2)
    assert gan.continued(values[:3], 4).shape == (3, 4, 2)
    assert gan.realness(values[:3]).shape == (3,)
    for _ in gan.writing(tmp_path / "made.npz", 9):
        pass
    assert np.load(tmp_path / "made.npz")["samples"].shape == (9, 5, 2)


def test_a_frame_read_from_a_file_goes_on_as_the_file_does(tmp_path):
    path = tmp_path / "record.csv"
    record(200).to_csv(path, index=False)
    gan = gantlet.train(path, settings={**SETTINGS, "budget": {"steps": 2}}, out=tmp_path / "r")
    known = pd.read_csv(path, parse_dates=["at"]).tail(12)  # texts and stamps of other types
    made = gan.continued(known, 5)
    assert made["at"].tolist() == list(record(205)["at"][200:])
    assert made["wave"].notna().all()


def test_the_command_line_takes_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, run = tmp_path / "record.csv", tmp_path / "run"
    record(300).to_csv(path, index=False)
    asked = ["train", str(path), "--series", "--time", "at", "--length", "8"]
    assert main([*asked, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "a step each hour" in told
    assert "293 windows of 8 steps" in told
    small = ["--set", "network.options={memory=8, width=16, width_D=8}", "--set", "threads=1"]
    assert main([*asked, "--steps", "3", "--out", str(run), *small]) == 0
    assert main(["sample", str(run), "-n", "4", "--out", str(tmp_path / "s.csv")]) == 0
    made = pd.read_csv(tmp_path / "s.csv")
    assert list(made.columns) == ["series", "at", "wave", "double", "late"]
    assert len(made) == 32


def test_the_command_line_draws_long_series_and_goes_on_after_a_file(trained, tmp_path, capsys):
    run, made = str(trained.path), tmp_path / "made.csv"
    assert main(["sample", run, "-n", "5", "--steps", "30", "--out", str(made)]) == 0
    expected = trained.sample(5, steps=30)
    assert np.allclose(pd.read_csv(made)["wave"], expected["wave"])
    known = tmp_path / "known.csv"
    shuffled = record()[:112].drop(index=range(20, 60)).sample(frac=1, random_state=0)
    shuffled.to_csv(known, index=False)
    wish = ["--after", str(known), "--steps", "6", "-n", "3", "--out", str(made)]
    assert main(["sample", run, *wish]) == 0
    again = pd.read_csv(made, parse_dates=["at"])
    assert again.groupby("series")["at"].apply(list).tolist() == [list(record()["at"][112:118])] * 3
    assert again["wave"].nunique() > 15  # a few may lie at the ends of the range
    assert main(["sample", run, "--after", str(known), "--truncation", "0.5"]) == 2
    assert "truncation = 0.5: what follows a beginning" in capsys.readouterr().err


def test_a_column_series_parts_the_beginnings_of_a_file(trained, tmp_path):
    known, made = tmp_path / "known.csv", tmp_path / "made.csv"
    begun = pd.concat([record()[at : at + 12].assign(series=at) for at in (50, 100)])
    begun.to_csv(known, index=False)
    assert main(["sample", str(trained.path), "--after", str(known), "--out", str(made)]) == 0
    again = pd.read_csv(made, parse_dates=["at"])
    assert again.groupby("series")["at"].first().tolist() == list(record()["at"][[62, 112]])
    assert (again.groupby("series").size() == LENGTH).all()


@pytest.mark.parametrize("wish", [["--steps", "30"], ["--after", "known.csv"]])
def test_a_run_without_time_refuses_steps_by_name(wish, tmp_path, capsys):
    run = tmp_path / "r"
    gantlet.train("ring", settings={"budget": {"steps": 1}, "threads": 1}, out=run)
    assert main(["sample", str(run), "--out", str(tmp_path / "s.csv"), *wish]) == 2
    said = capsys.readouterr().err
    assert f"{wish[0][2:]} = {wish[1]}: only series can be gone on with" in said
    assert not (tmp_path / "s.csv").exists()
