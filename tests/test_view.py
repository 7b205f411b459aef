"""What a person reads in the terminal: every number says something, and names stand as they are."""

import math
import re

import pytest
from rich.console import Console

from gantlet.engine.health import HEALTHY, Reading
from gantlet.engine.schedule import Rates
from gantlet.engine.train import Tick
from gantlet.evaluation.figures import Evaluation, Figure, Finding, View
from gantlet.events import Measured, Noted, Stepped
from gantlet.judge import _shown
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import Progress
from gantlet.view import LiveView, PlainView, line

NAME = "[red]"


def reading(**values: float) -> Reading:
    known = dict.fromkeys(Reading._fields, 0.5) | {"step": 7, "skipped": 0, "is_warm_up": False}
    return Reading(**(known | values))  # pyright: ignore[reportArgumentType] - a name, a number


def test_a_line_is_silent_about_what_D_was_not_asked():
    asked = line(Measured(reading(), [HEALTHY], {}))
    unasked = line(Measured(reading(real_right=math.nan, fake_right=math.nan), [HEALTHY], {}))
    assert asked is not None
    assert unasked is not None
    assert "D right on 50% real 50% fake" in asked
    assert "D right" not in unasked
    assert "nan" not in unasked


def test_a_live_view_takes_names_for_names(capsys):
    view = LiveView(Console(force_terminal=True, width=100), f"gantlet · {NAME}")
    view.working(Progress(1, 2, f"looking at {NAME}"))
    view.event(Noted(f"resumed in {NAME}"))
    view.event(Measured(reading(diversity=math.nan), [HEALTHY], {}))
    view.close()
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)
    for words in (f"gantlet · {NAME}", f"looking at {NAME}", f"resumed in {NAME}"):
        assert words in told
    assert "nan" not in told


def test_an_evaluation_is_told_with_its_names_and_without_numbers_that_are_none(capsys):
    figure = Figure(
        name="pairs", title=f"Useful to predict {NAME}", value=math.nan, m=9, n=9, better="higher",
        unit="%", words="There are no pairs.", definition="", page="pairs",
    )  # fmt: skip
    view = View(name="v", question="Alike?", answer=f"Told by {NAME}.", figures=(figure,))
    finding = Finding(kind="k", severity="fault", words=f"{NAME} differs.", advice=f"see {NAME}")
    _shown(Evaluation(title=NAME, verdict=f"Ask {NAME}.", findings=(finding,), views=(view,)))
    told = capsys.readouterr().out
    assert told.count(NAME) == 6
    assert "nan" not in told
    assert "There are no pairs." in told


@pytest.mark.parametrize("modality", MODALITIES.values(), ids=lambda one: one.name)
def test_samples_are_counted_by_their_own_noun(modality, capsys, monkeypatch):
    rates = Rates(0.1, 0.1, 0.9, 1.0, 0.0, 0.9)
    view, tick = PlainView(), Tick(1, 10, 0.1, rates, {}, True)
    monkeypatch.setattr(view, "_last", -math.inf)
    view.counting(modality.noun)
    view.event(Stepped(tick))
    assert f"0 {modality.noun}/s" in capsys.readouterr().out
