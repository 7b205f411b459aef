"""Evaluations come back from JSON as they went."""

import json
import math

import pytest

from gantlet.evaluation.figures import (
    Chart,
    Dot,
    Evaluation,
    Figure,
    Finding,
    Map,
    Picture,
    Pictures,
    Series,
    Table,
    View,
)
from gantlet.evaluation.kept import figures_of, metrics_json, plain, restored


def figure(name: str = "recall", **changed) -> Figure:
    values = {
        "name": name, "title": name, "value": 0.5, "low": 0.4, "high": 0.6, "error": 0.05, "m": 9,
        "n": 8, "better": "near", "words": "half", "definition": "a share", "page": "recall",
    }  # fmt: skip
    return Figure(**{**values, **changed})


def view(*figures: Figure) -> View:
    x = (0.0, 1.0)
    series = (Series(name="real", x=x, y=(1.0,), kind="real"),)
    picture = Picture(content=bytes(range(256)), media_type="image/png", words="bytes of all kinds")
    return View(
        name="distributions", question="How?", answer="So.", figures=figures,
        panels=(
            Chart(title="c", shape="histogram", series=series, x_label="x", y_label="y", words="w"),
            Map(title="m", dots=(Dot(x=1.0, y=-2.0, kind="real", words="ü <b>"),), words="w"),
            Pictures(title="p", rows=((picture, picture), ()), words="w"),
            Table(title="t", columns=("a", "b"), rows=(("1", "2"),), words="w"),
        ),
    )  # fmt: skip


def test_a_view_with_every_kind_of_panel_comes_back_from_json_as_it_was():
    made = view(figure(), figure("density", unit="%", warnings=("few", "rows")))
    text = json.dumps(plain(made), allow_nan=False)
    assert restored(View, json.loads(text)) == made


def test_numbers_that_are_not_finite_come_back_as_no_number():
    came = restored(Figure, json.loads(json.dumps(plain(figure(low=math.nan, high=math.inf)))))
    assert math.isnan(came.low)
    assert math.isnan(came.high)


def test_findings_come_back_in_their_order():
    found = (
        Finding(kind="noisy", severity="fault", words="w", advice="a", figure="f"),
        Finding(kind="fine", severity="good", words="v"),
    )
    assert restored(tuple[Finding, ...], json.loads(json.dumps(plain(found)))) == found


def test_metrics_hold_every_figure_and_no_picture():
    made = Evaluation(
        title="run", verdict="fine", findings=(), views=(view(figure(), figure("density")),),
        facts={"data": "ab"},
    )  # fmt: skip
    metrics = json.loads(json.dumps(metrics_json(made), allow_nan=False))
    assert figures_of(metrics) == {"recall": figure(), "density": figure("density")}
    assert "content" not in json.dumps(metrics)
    assert metrics["facts"] == {"data": "ab"}


@pytest.mark.parametrize("hint", [Chart | Map | Pictures | Table])
def test_a_panel_of_unknown_kind_is_refused(hint):
    with pytest.raises(ValueError, match="unpack"):
        restored(hint, {"is": "Sculpture", "title": "t"})
