"""What a discriminator says of rows that it knows, of others, and of generated ones."""

import numpy as np
import pytest

from gantlet.evaluation.verdict_of_D import (
    _findings,
    auc,
    logits_of,
    memorised,
    reliability,
    verdict,
)
from gantlet.folder import Folder
from gantlet.measure import Calibration
from gantlet.opening import of_folder
from runs import begun, cloud, played


def normal(count: int, mean: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, count)


def figures(train: float, held_out: float, fake: float):
    said = verdict(
        normal(1500, train, 0), normal(900, held_out, 1), normal(1500, fake, 2), Calibration(1, 0)
    )
    return {figure.name: figure for figure in said.figures}, said


def test_a_discriminator_that_takes_unseen_rows_for_fakes_has_a_gap_of_one():
    named, said = figures(3, -3, -3)
    assert named["verdict_gap"].value == pytest.approx(1, abs=0.03)
    assert [finding.kind for finding in said.findings] == ["discriminator_memorises"]


def test_a_discriminator_that_takes_unseen_rows_as_those_it_knows_has_none():
    named, said = figures(2, 2, -2)
    gap = named["verdict_gap"]
    assert gap.low <= 0 <= gap.high
    assert abs(gap.real) < 0.05
    assert not said.findings


def test_a_discriminator_that_tells_nothing_apart_can_have_remembered_nothing():
    assert np.isnan(memorised(normal(500, 0, 0), normal(500, 0, 1), normal(500, 0, 2)).value)


def test_the_gaps_interval_holds():
    found = [
        memorised(normal(200, 2, 3 * i), normal(100, 1, 3 * i + 1), normal(200, -2, 3 * i + 2))
        for i in range(500)
    ]
    assert 0.92 <= np.mean([gap.low <= 0.25 <= gap.high for gap in found]) <= 0.98


def test_the_area_is_the_share_of_pairs_and_ties_count_half():
    high, low = np.array([1.0, 2, 3]), np.array([0.0, 2, 2])
    pairs = [(a > b) + 0.5 * (a == b) for a in high for b in low]
    assert auc(high, low).value == pytest.approx(np.mean(pairs))
    assert auc(low, high).value == pytest.approx(1 - np.mean(pairs))


def test_the_areas_interval_holds():
    truth = 0.7602  # Φ(1 / √2) for normals one standard deviation apart
    found = [auc(normal(150, 1, 2 * i), normal(100, 0, 2 * i + 1)) for i in range(500)]
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.98


def test_a_perfectly_calibrated_judge_errs_by_no_more_than_chance():
    # Of normals at ±1 the log-odds of a fair mixture are exactly 2x.
    real, fake = (1 / (1 + np.exp(-2 * normal(20_000, mean, 5))) for mean in (1, -1))
    curve = reliability(real, fake)
    assert curve.error < 0.01
    assert curve.error < 3 * curve.floor
    np.testing.assert_allclose(curve.said, curve.true, atol=0.04)


def test_a_judge_that_is_always_sure_and_right_half_the_time_errs_by_a_half():
    curve = reliability(np.repeat([0.0, 1.0], 500), np.repeat([0.0, 1.0], 500))
    assert curve.error == pytest.approx(0.5)


def test_without_held_out_rows_there_is_a_picture_and_no_verdict():
    said = verdict(normal(100, 1, 0), np.zeros(0), normal(100, 0, 1), Calibration(1, 0))
    assert not said.figures
    assert len(said.panels) == 1


def test_logits_are_those_that_realness_is_made_of(tmp_path):
    played(begun(tmp_path / "run"), tmp_path / "run")
    gan, rows = of_folder(Folder(tmp_path / "run")), cloud(300, seed=3)
    slope, offset = gan.calibration
    p = 1 / (1 + np.exp(-(slope * logits_of(gan, rows) + offset)))
    np.testing.assert_allclose(p, gan.realness(rows), rtol=1e-5)


def test_a_discriminator_that_hardly_tells_anyone_apart_is_not_said_to_know_rows_by_heart():
    rng = np.random.default_rng(0)
    train, held_out, fake = (rng.normal(mean, 1, 4000) for mean in (0.1, 0.0, 0.0))
    gap, memory = memorised(train, held_out, fake), auc(train, held_out)
    assert gap.low > 0.25  # a large share of next to nothing
    assert _findings(gap, memory) == []
    far = memorised(train + 1, held_out, fake), auc(train + 1, held_out)
    assert [finding.kind for finding in _findings(*far)] == ["discriminator_memorises"]
