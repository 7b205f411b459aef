"""Modes by label and by cluster: exact tests, and nothing wrong where nothing is."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from gantlet.metrics.clusters import cluster_modes, holm, mode_shares


def test_a_missing_and_an_overdone_class_are_named_and_no_other():
    rng = np.random.default_rng(0)
    real, fake = rng.integers(10, size=3000), rng.integers(10, size=3000)
    fake[fake == 3] = 7
    shares = mode_shares(real, fake, 10)
    assert (shares.missing.tolist(), shares.under.tolist()) == ([3], [3])
    assert shares.over.tolist() == [7]
    assert shares.hit == 9
    assert shares.total_variation == pytest.approx(0.1, abs=0.03)


def test_p_values_are_fishers():
    real, fake = np.repeat([0, 1], [30, 10]), np.repeat([0, 1], [9, 16])
    one_sided = min(fisher_exact([[30, 10], [9, 16]], side).pvalue for side in ("less", "greater"))
    corrected = min(1, 2 * 2 * one_sided)  # two tails, two modes
    assert mode_shares(real, fake, 2).p_values[0] == pytest.approx(corrected)


def test_holm_corrects_as_in_the_textbook():
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])


def test_there_are_no_more_modes_than_distinct_rows():
    rng = np.random.default_rng(4)
    kinds = rng.normal(size=(3, 5))
    found = cluster_modes(*(kinds[rng.integers(3, size=400)] for _ in range(3)), 50)
    assert len(found.centres) == found.fake.hit == 3
    assert found.fake.real.sum() == 200


def test_sets_that_are_alike_have_no_mode_wrong():
    wrong = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        made = cluster_modes(*(rng.normal(size=(600, 4)) for _ in range(3)), 12, seed)
        wrong += bool(len(made.fake.under) or len(made.fake.over))
    assert wrong <= 4  # 1 in 20 by chance


def test_a_cluster_that_is_never_made_is_named():
    rng = np.random.default_rng(0)
    centres = 10 * np.eye(6)
    real, stand_in = (
        centres[rng.integers(6, size=900)] + rng.normal(size=(900, 6)) for _ in range(2)
    )
    fake = centres[rng.integers(5, size=900)] + rng.normal(size=(900, 6))
    made = cluster_modes(real, stand_in, fake, 6)
    assert len(made.fake.missing) == 1
    assert made.centres[made.fake.missing[0]].argmax() == 5
    assert len(made.real.missing) == 0


def test_labels_beyond_the_count_are_refused():
    with pytest.raises(ValueError, match="label 4"):
        mode_shares(np.array([0, 1]), np.array([4]), 3)
