"""What the report says of rows that run over time."""

import numpy as np
import pytest

from gantlet.evaluation.courses import Runs
from gantlet.evaluation.courses_alike import courses_alike
from gantlet.evaluation.courses_told import courses_told
from gantlet.evaluation.figures import Evaluation, Strips, View
from gantlet.evaluation.judged import More
from gantlet.evaluation.kept import plain, restored
from gantlet.metrics import course_classifier, course_convolution, customary
from gantlet.metrics.courses import shuffled_courses
from gantlet.modalities.base import finished
from gantlet.report import render


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Fewer updates than the judges are given in earnest."""
    monkeypatch.setattr(course_classifier, "TREES", 20)
    monkeypatch.setattr(course_convolution, "UPDATES", 40)
    monkeypatch.setattr(customary, "TELLING", 40)
    monkeypatch.setattr(customary, "FORETELLING", 60)


def days(n: int, seed: int, steps: int = 24) -> np.ndarray:
    """A wave of 12 steps, another that hangs on it, a little noise."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    wave = np.sin(2 * np.pi * np.arange(steps) / 12 + phase) + 0.05 * rng.normal(size=(n, steps))
    return np.stack([wave, wave + 0.3 * rng.normal(size=(n, steps))], axis=2)


def runs(fake: np.ndarray, real=days) -> Runs:
    reference, stand_in = real(len(fake), 0), real(len(fake), 1)
    names = tuple(f"c{k}" for k in range(fake.shape[2]))
    return Runs(reference, stand_in, fake, shuffled_courses(reference), names, 0)


def kinds(more: More) -> set[str]:
    return {finding.kind for finding in more.findings}


def test_series_of_the_same_world_give_no_cause_for_complaint():
    sides = runs(days(300, 2))
    assert not kinds(finished(courses_alike(sides))) | kinds(finished(courses_told(sides)))


def test_series_without_repetition_are_named_with_lag_and_channel():
    rng = np.random.default_rng(0)
    more = finished(courses_alike(runs(rng.normal(0, 0.7, (300, 24, 2)))))
    assert {"memory_differs", "rougher_series"} <= kinds(more)
    words = next(one.words for one in more.findings if one.kind == "memory_differs")
    assert "repeat less at a lag of 12" in words or "hang together" in words


def test_smooth_series_are_called_smooth():
    x = days(300, 2)
    x[:, 1:-1] = (x[:, :-2] + x[:, 1:-1] + x[:, 2:]) / 3
    assert "smoother_series" in kinds(finished(courses_alike(runs(x))))


def test_channels_that_go_their_own_ways_are_told_by_both_views():
    x = days(300, 2)
    x[:, :, 1] = x[::-1, :, 1]
    sides = runs(x)
    assert "channels_apart" in kinds(finished(courses_alike(sides)))
    more = finished(courses_told(sides))
    assert "series_easily_told" in kinds(more)
    assert "What gives the generated away" in {panel.title for panel in more.panels}


@pytest.mark.parametrize("shape", [(60, 2, 1), (60, 1, 2), (60, 9, 3), (20, 4, 1)])
def test_every_shape_is_shown_also_with_holes(shape):
    rng = np.random.default_rng(0)

    def real(n: int, seed: int) -> np.ndarray:
        x = np.random.default_rng(seed).normal(size=(n, *shape[1:]))
        return np.where(rng.random(x.shape) < 0.2, np.nan, x)

    sides = runs(real(shape[0], 2), real)
    told, alike = finished(courses_told(sides)), finished(courses_alike(sides))
    views = tuple(
        View(name=name, question="?", answer="!", figures=more.figures, panels=more.panels)
        for name, more in (("realness", told), ("distributions", alike))
    )
    kept = restored(View, plain(views[0]))
    assert repr(kept) == repr(views[0])
    page = render(Evaluation(title="a", verdict="b", findings=told.findings, views=views))
    assert "Series side by side" in page
    assert "NaN" not in page


def test_a_strip_stands_for_one_series_in_every_row():
    x = days(40, 2)
    x[:, :, 1] = x[:, :, 0]
    (panel,) = [p for p in finished(courses_told(runs(x))).panels if isinstance(p, Strips)]
    assert panel.names == ("c0", "c1")
    generated = [[s.lines for s in row if s.kind == "fake"] for row in panel.rows]
    assert generated[0] == generated[1]


def test_what_strong_judges_cannot_be_asked_is_left_out_of_the_report():
    """Real series that never move have no next step to foretell: no figure, and none of nan."""

    def still(n: int, seed: int) -> np.ndarray:
        return np.repeat(np.random.default_rng(seed).normal(size=(n, 1, 2)), 6, axis=1)

    more = finished(courses_told(runs(still(60, 2), still)))
    assert "strong_predictive" not in {figure.name for figure in more.figures}
    assert "nan" not in " ".join(finding.words for finding in more.findings)
