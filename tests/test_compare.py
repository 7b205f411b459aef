"""Which generator is better, and whether chance could have made the difference."""

import numpy as np
import pytest

from gantlet.config import ConfigError
from gantlet.evaluation.compare import compared
from gantlet.evaluation.figures import Evaluation, Figure, Finding
from gantlet.evaluation.summary import ordered, verdict
from test_evaluation_kept import figure, view


def evaluation(*figures: Figure, **facts: str) -> Evaluation:
    known = {"data": "a", "features' hash": "b", **facts}
    return Evaluation(title="t", verdict="v", findings=(), views=(view(*figures),), facts=known)


def distance(value: float, error: float) -> Figure:
    return figure(
        "frechet_distance", value=value, error=error, low=value - 2 * error,
        high=value + 2 * error, better="lower", real=0.5,
    )  # fmt: skip


def test_a_difference_of_many_errors_is_real_and_the_lower_distance_wins():
    found = compared({"a": evaluation(distance(10, 0.1)), "b": evaluation(distance(9, 0.1))})
    assert found.rows[0].best == 1
    assert found.verdict.startswith("b is better")


def test_a_difference_within_the_errors_is_none():
    found = compared({"a": evaluation(distance(10, 1)), "b": evaluation(distance(9, 1))})
    assert found.rows[0].best is None
    assert "No difference" in found.verdict


def test_of_three_the_best_must_be_apart_from_both_others():
    near = {"a": distance(9, 0.1), "b": distance(9.05, 0.1), "c": distance(20, 0.1)}
    assert compared({k: evaluation(f) for k, f in near.items()}).rows[0].best is None
    far = near | {"b": distance(12, 0.1)}
    assert compared({k: evaluation(f) for k, f in far.items()}).rows[0].best == 0


def test_a_share_is_best_that_lies_nearest_to_that_of_real_data():
    shares = {
        name: evaluation(figure("density", value=value, error=0.01, real=1.0))
        for name, value in {"low": 0.7, "near": 0.95, "high": 1.4}.items()
    }
    assert compared(shares).rows[0].words == "near"


def test_false_alarms_among_equal_generators_are_as_rare_as_promised():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        values = rng.normal(10, 1, size=4)
        same = {str(i): evaluation(distance(value, 1)) for i, value in enumerate(values)}
        alarms += compared(same).rows[0].best is not None
    assert alarms <= 0.05 * 400


@pytest.mark.parametrize("fact", ["data", "features' hash"])
def test_evaluations_of_other_data_or_features_are_not_held_side_by_side(fact):
    with pytest.raises(ConfigError, match="side by side"):
        compared({"a": evaluation(distance(1, 1)), "b": evaluation(distance(1, 1), **{fact: "z"})})


def test_the_verdict_names_faults_before_warnings_and_each_thing_once():
    good, warning, fault = (
        Finding(kind=kind, severity=severity, words=kind)
        for kind, severity in [("fine", "good"), ("few_rows", "warning"), ("noisy", "fault")]
    )
    assert ordered([good, warning, fault, fault]) == (fault, warning, good)
    assert verdict([good, warning, fault]) == "Something is wrong: noisy."
    assert verdict([good, warning]) == "No fault was found; worth knowing: few rows."
    assert verdict([good]) == "No fault was found."
