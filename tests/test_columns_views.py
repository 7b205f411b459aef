"""What the report says of rows with columns: on tables, and on points whose columns are named."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gantlet.cli import main
from gantlet.evaluation.columns import Tables, narrowed
from gantlet.evaluation.columns_alike import columns_alike
from gantlet.evaluation.columns_private import columns_private
from gantlet.evaluation.columns_told import columns_told
from gantlet.evaluation.evaluate import evaluated
from gantlet.evaluation.figures import Chart, Evaluation, Finding, View
from gantlet.evaluation.judged import Judged, More, widened
from gantlet.evaluation.subject import of_run
from gantlet.folder import Folder
from gantlet.metrics.columns import Columns, shuffled_columns
from gantlet.modalities.base import finished
from gantlet.modalities.tables.matrix import matrices
from gantlet.modalities.tables.records import Records
from gantlet.report import render


def people(n: int, seed: int, missing: float = 0.1, shift: float = 0.0) -> Records:
    """Work, pay that depends on it with holes, and age."""
    rng = np.random.default_rng(seed)
    work = rng.choice(["baker", "clerk", "smith"], n, p=(0.5, 0.3, 0.2))
    pay = np.select([work == "baker", work == "clerk"], [20.0, 40.0], 70.0) + rng.normal(size=n)
    holes = rng.random(n) < missing
    columns = {
        "age": rng.integers(18, 80, n) + shift,
        "pay": pa.array(pay.round(2), mask=holes),
        "work": work,
    }
    return Records(pa.table(columns))


def tables(fake: Records) -> Tables:
    sides = matrices([people(300, 0), people(300, 1), fake, people(900, 2), people(300, 3)])
    reference, stand_in, generated, train, held_out = sides
    shuffled = shuffled_columns(reference.values)
    return Tables(reference, stand_in, generated, shuffled, train, held_out, 900, 0)


def kinds(more: More) -> set[str]:
    return {finding.kind for finding in more.findings}


@pytest.mark.parametrize("view", [columns_told, columns_alike, columns_private])
def test_rows_of_the_same_world_give_no_cause_for_complaint(view):
    more = finished(view(tables(people(300, 4))))
    assert not kinds(more)
    assert not more.denied


def test_what_gives_rows_away_is_named_and_what_they_teach_is_told():
    sides = tables(people(300, 4))
    values = shuffled_columns(sides.fake.values)
    values[:, 1] *= 1.5
    rows = sides.fake._replace(values=values)
    more = finished(columns_told(sides._replace(fake=rows)))
    assert {"easily_told_by_trees", "teaches_little"} <= kinds(more)
    evidence = next(panel for panel in more.panels if "gives" in panel.title)
    assert evidence.names[0] == "pay"
    assert more.figures[1].name == "transfer"
    assert "work" in more.figures[1].title


def test_rows_that_trees_tell_often_are_no_longer_called_indistinguishable():
    sides = tables(people(300, 4))
    values = sides.fake.values.copy()
    rng = np.random.default_rng(0)
    hit = rng.random(len(values)) < 0.9
    values[hit] = shuffled_columns(values[hit])
    more = finished(columns_told(sides._replace(fake=sides.fake._replace(values=values))))
    assert "told_by_trees" in kinds(more)
    view = View(name="realness", question="", answer="", figures=(), panels=())
    signs = [
        Finding(kind=kind, severity="good", words=kind) for kind in ("indistinguishable", "other")
    ]
    found = widened(Judged(view, tuple(signs)), more).findings
    assert [finding.kind for finding in found if finding.severity == "good"] == ["other"]


def test_columns_and_holes_that_differ_are_named():
    more = finished(columns_alike(tables(people(300, 4, missing=0.5, shift=30))))
    assert kinds(more) == {"columns_differ", "missing_values_differ"}
    words = {finding.kind: finding.words for finding in more.findings}
    assert "age" in words["columns_differ"]
    assert "pay" in words["missing_values_differ"]
    assert more.panels[0].title == "age"
    assert {one.name for one in more.panels[0].series} == {"real", "generated", "other real"}


def test_copied_rows_are_a_fault_and_no_verdict_is_given_without_a_hold_out():
    more = finished(columns_private(tables(people(900, 2)[:300])))
    assert "rows_copied" in kinds(more)
    assert more.figures[0].value == 1
    sides = tables(people(300, 4))
    nothing = sides.held_out._replace(values=sides.held_out.values[:10])
    assert finished(columns_private(sides._replace(held_out=nothing))) == More((), (), (), "")


def test_of_very_many_columns_some_are_looked_at_two_by_two():
    rng = np.random.default_rng(0)

    def wide(n: int) -> Columns:
        names = tuple(f"c{k}" for k in range(90))
        return Columns(rng.normal(size=(n, 90)), np.zeros(90, bool), names, ((),) * 90)

    sides = wide(60), wide(60), wide(60), rng.normal(size=(60, 90)), wide(60), wide(60)
    few = narrowed(Tables(*sides, 60, 0))
    assert few.reference.values.shape == few.baseline.shape == (60, 60)
    place = few.fake.names.index(few.reference.names[7])
    np.testing.assert_array_equal(
        few.fake.values[:, place], sides[2].values[:, int(few.reference.names[7][1:])]
    )


def test_any_kind_of_data_whose_columns_have_names_gets_these_panels(tmp_path):
    run = str(tmp_path / "ring")
    small = ["data.count=600", "network.options={width=16, depth=2, waves=4, signs=1}"]
    more = ["threads=1", "device=cpu", "keeping.measured=50", "keeping.preview=4"]
    flags = [flag for setting in (*small, *more) for flag in ("--set", setting)]
    assert main(["train", "ring", "--out", run, *flags, "--steps", "5"]) == 0

    def columns(parts):
        return [
            Columns(np.asarray(p, float), np.zeros(2, bool), ("x", "y"), ((), ())) for p in parts
        ]

    subject = finished(of_run(Folder(tmp_path / "ring"), 80, None, 0))
    subject = replace(subject, modality=replace(subject.modality, columns=columns))
    evaluation = finished(evaluated(subject, None, None))
    named = {view.name: [figure.name for figure in view.figures] for view in evaluation.views}
    assert named["realness"][:2] == ["boosted_auc", "transfer"]
    assert named["distributions"][0] == "table_quality"
    assert named["copying"][0] == "exact_rows"
    assert {finding.figure for finding in evaluation.findings} <= {
        "", *(name for names in named.values() for name in names)
    }  # fmt: skip


def test_what_cannot_be_compared_is_said_in_words():
    def rows(seed: int) -> Records:
        rng = np.random.default_rng(seed)
        free = {name: pa.array(rng.choice(list("abc"), 300)) for name in ("one", "two")}
        return Records(pa.table({**free, "gone": pa.nulls(300, pa.float64())}))

    reference, stand_in, fake, train, held = matrices([rows(seed) for seed in range(5)])
    shuffled = shuffled_columns(reference.values)
    more = finished(columns_alike(Tables(reference, stand_in, fake, shuffled, train, held, 300, 0)))
    (pairs,) = [one for one in more.figures if one.name == "column_pairs"]
    assert pairs.words == "No two columns hang together in the real data."
    (chart,) = [one for one in more.panels if one.title == "gone"]
    assert isinstance(chart, Chart)
    assert chart.words == "One of the two has no values: there is nothing to compare."
    view = View(name="v", question="?", answer="", figures=more.figures, panels=more.panels)
    page = render(Evaluation(title="t", verdict="", findings=more.findings, views=(view,)))
    assert "nan%" not in page
