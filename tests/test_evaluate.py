"""The whole of `gantlet evaluate`: on runs, on anyone's samples, interrupted and gone on with."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from gantlet.cli import main
from gantlet.evaluation.evaluate import VIEWS, evaluated
from gantlet.evaluation.kept import figures_of
from gantlet.evaluation.subject import Subject, of_run, of_samples
from gantlet.folder import Folder
from gantlet.modalities.base import Progress, finished

DOCS = Path(__file__).parent.parent / "docs"
POINTS = [
    "--set", "threads=1", "--set", "device=cpu", "--set", "data.count=2000",
    "--set", "network.options={width=16, depth=2, waves=4, signs=1}",
    "--set", "keeping.measured=50", "--set", "keeping.preview=4", "--steps", "20",
]  # fmt: skip


@pytest.fixture(scope="module")
def ring(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "ring"
    assert main(["train", "ring", "--out", str(folder), *POINTS]) == 0
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """Real digits in three files: to train on, kept, and as samples; and the cache's place."""
    folder = tmp_path_factory.mktemp("digits")
    pixels = (load_digits().images * 15.9375).astype(np.uint8)
    mixed = pixels[np.random.default_rng(0).permutation(len(pixels))]
    for name, rows in zip(("real", "kept", "samples"), np.split(mixed, [900, 1300]), strict=True):
        np.save(folder / f"{name}.npy", rows)
    return folder


@pytest.fixture(autouse=True)
def apart(monkeypatch, tmp_path_factory) -> None:
    """What is cached goes where nobody looks for it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def judged(subject: Subject):
    return finished(evaluated(subject, None, None))


def test_a_run_of_points_is_judged_in_all_four_views(ring, capsys):
    assert main(["evaluate", str(ring), "-n", "400"]) == 0
    said = capsys.readouterr().out
    for question in ("told from the real", "distributions lie", "continuous", "copied"):
        assert question in said
    metrics = json.loads((ring / "evaluation" / "metrics.json").read_text())
    assert set(metrics["views"]) == set(VIEWS)
    assert "<html" in (ring / "evaluation" / "report.html").read_text()


def test_every_figure_says_its_size_its_source_and_has_a_page(ring):
    evaluation = judged(finished(of_run(Folder(ring), 300, None, 0)))
    for view in evaluation.views:
        for figure in view.figures:
            assert figure.n > 0, figure.name
            assert figure.m > 0 or view.name == "continuity", figure.name
            assert figure.words, figure.name
            assert figure.definition, figure.name
            assert (DOCS / "metrics" / f"{figure.page}.md").is_file(), figure.page


def test_every_finding_points_at_a_figure_that_is_there(ring):
    evaluation = judged(finished(of_run(Folder(ring), 300, None, 0)))
    names = {figure.name for view in evaluation.views for figure in view.figures}
    assert evaluation.findings
    assert {finding.figure for finding in evaluation.findings} - {""} <= names


def test_an_evaluation_repeats_itself_to_the_last_digit(ring):
    subject = finished(of_run(Folder(ring), 200, None, 0))
    first, second = (
        {f.name: repr(f.value) for view in judged(subject).views for f in view.figures}
        for _ in range(2)
    )
    assert first == second


def test_what_was_computed_before_an_interruption_is_not_computed_again(ring, tmp_path):
    subject = finished(of_run(Folder(ring), 200, None, 0))
    job = evaluated(subject, None, tmp_path)
    while not list(tmp_path.glob("distributions-*.json")):
        next(job)
    job.close()
    seen: list[Progress] = []
    job = evaluated(subject, None, tmp_path)
    while True:
        try:
            seen.append(next(job))
        except StopIteration as stop:
            evaluation = stop.value
            break
    assert not any("classifier" in progress.what for progress in seen)
    assert {view.name for view in evaluation.views} == set(VIEWS)
    whole = judged(subject)
    assert [v.answer for v in evaluation.views] == [v.answer for v in whole.views]


def test_samples_of_anyone_are_judged_and_unseen_real_data_pass(digits):
    subject = finished(
        of_samples(digits / "samples.npy", digits / "real.npy", digits / "kept.npy", None, 0)
    )
    evaluation = finished(evaluated(subject, "pixels", None))
    assert {view.name for view in evaluation.views} == set(VIEWS) - {"continuity"}
    assert [f.kind for f in evaluation.findings if f.severity == "fault"] == []


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda rows, real: rows[:40][np.arange(400) % 40], "repeats"),
        (lambda rows, real: real[:400], "copies"),
        (lambda rows, real: 255 - rows, "bright"),
    ],
    ids=["repeated", "copied", "inverted"],
)
def test_a_planted_fault_is_named(digits, tmp_path, spoil, kind):
    rows = spoil(np.load(digits / "samples.npy"), np.load(digits / "real.npy"))
    np.save(tmp_path / "spoiled.npy", rows)
    subject = finished(
        of_samples(tmp_path / "spoiled.npy", digits / "real.npy", digits / "kept.npy", None, 0)
    )
    evaluation = finished(evaluated(subject, "pixels", None))
    assert kind in {f.kind for f in evaluation.findings if f.severity == "fault"}


def test_what_is_nearer_to_training_rows_is_no_copy_where_whole_parts_were_kept(digits, tmp_path):
    # Half of what was kept lies at a level of its own, as parts of a record do; no sample does.
    kept = np.load(digits / "kept.npy")
    np.save(tmp_path / "kept.npy", np.concatenate([kept[::2], kept[1::2] // 2]))
    subject = finished(
        of_samples(digits / "samples.npy", digits / "real.npy", tmp_path / "kept.npy", None, 0)
    )
    in_parts = replace(subject, split=replace(subject.split, by_parts=True))
    for one, is_fault in ((subject, True), (in_parts, False)):
        evaluation = finished(evaluated(one, "pixels", None))
        assert ("copies" in {finding.kind for finding in evaluation.findings}) == is_fault
        (copying,) = [view for view in evaluation.views if view.name == "copying"]
        assert copying.answer.startswith("Yes." if is_fault else "No near copies.")
        warned = {figure.name for figure in copying.figures if figure.warnings}
        assert ({"copying_test", "closer_to_train"} <= warned) != is_fault
    copied = replace(in_parts, fake=np.load(digits / "real.npy")[:400, ..., None])
    assert "copies" in {f.kind for f in finished(evaluated(copied, "pixels", None)).findings}


def test_without_a_hold_out_there_is_no_verdict_on_copying(digits):
    subject = finished(of_samples(digits / "samples.npy", digits / "real.npy", None, None, 0))
    evaluation = finished(evaluated(subject, "pixels", None))
    (copying,) = [view for view in evaluation.views if view.name == "copying"]
    assert copying.answer.startswith("No verdict")
    assert "no_hold_out" in {finding.kind for finding in evaluation.findings}


def test_a_run_compared_with_its_copy_is_not_better(ring, tmp_path, capsys):
    shutil.copytree(ring, tmp_path / "copy")
    runs = [str(ring), str(tmp_path / "copy")]
    assert main(["compare", *runs, "-n", "200", "--json", "--out", str(tmp_path / "c.html")]) == 0
    assert "<html" in (tmp_path / "c.html").read_text()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["event"] == "compared"
    assert {row["best"] for row in told["rows"]} == {None}


def test_a_run_is_not_compared_with_itself(ring, capsys):
    assert main(["compare", str(ring), str(ring)]) == 2
    assert "twice" in capsys.readouterr().err


def test_a_name_of_features_that_is_not_there_is_refused_with_those_that_are(ring, capsys):
    assert main(["evaluate", str(ring), "-n", "200", "--features", "pixel"]) == 2
    assert "efficientnet-lite0" in capsys.readouterr().err


def test_samples_without_real_data_are_refused_with_the_way_out(digits, capsys):
    assert main(["evaluate", str(digits / "samples.npy")]) == 2
    assert "--against" in capsys.readouterr().err


def test_metrics_json_holds_numbers_that_come_back(ring):
    metrics = json.loads((ring / "evaluation" / "metrics.json").read_text())
    figures = figures_of(metrics)
    assert 0 <= figures["recall"].value <= 1
    assert figures["frechet_distance"].low <= figures["frechet_distance"].high
