"""Figures that see nothing on the data at hand say so."""

import math

import pytest

from gantlet.evaluation.blind import BLIND, is_blind, marked
from test_evaluation_kept import figure, view


@pytest.mark.parametrize(
    ("better", "real", "baseline", "blind"),
    [
        ("lower", 1.0, 1.05, True), ("lower", 1.0, 0.2, True), ("lower", 1.0, 2.0, False),
        ("higher", 1.0, 0.95, True), ("higher", 1.0, 0.2, False),
        ("near", 1.0, 0.95, True), ("near", 1.0, 1.5, False), ("near", 1.0, math.nan, False),
    ],
)  # fmt: skip
def test_a_figure_is_blind_where_a_trivial_generator_scores_as_real_data_do(
    better, real, baseline, blind
):
    assert is_blind(figure(better=better, real=real, baseline=baseline, error=0.05)) is blind


def test_a_figure_without_an_error_is_not_judged():
    assert not is_blind(figure(real=1.0, baseline=1.0, error=math.nan))


def test_only_blind_figures_are_marked():
    seeing, blind = figure("a", real=1.0, baseline=9.0), figure("b", real=1.0, baseline=1.0)
    made = marked(view(seeing, blind))
    assert [f.warnings for f in made.figures] == [(), (BLIND,)]
