"""The Vendi score against its published example and its extremes."""

import numpy as np
import pytest

from gantlet.metrics import cosine_vendi_score, vendi_ratio, vendi_score
from gantlet.metrics.vendi import vendi_ratios


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_vendi_score_of_the_published_example():
    a = np.array([0.0, 0, 10, 10, 20, 20])
    assert vendi_score(np.exp(-np.abs(a[:, None] - a))) == pytest.approx(2.9999, abs=1e-4)


def test_vendi_score_counts_samples_that_have_nothing_in_common():
    assert vendi_score(np.eye(7)) == pytest.approx(7)
    assert vendi_score(np.ones((7, 7))) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(50, 8), (8, 50)])
def test_cosine_score_is_that_of_its_matrix_from_either_side(shape, rng):
    x = rng.normal(size=shape)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert cosine_vendi_score(x) == pytest.approx(vendi_score(unit @ unit.T), rel=1e-9)


def test_vendi_ratio_is_the_share_of_kinds_that_are_left(rng):
    kinds = np.eye(10)[np.arange(1000) % 10]
    fake = kinds[np.arange(1000) % 10 < 5]
    assert vendi_ratio(kinds, kinds) == pytest.approx(1)
    assert vendi_ratio(kinds, fake) < 0.7


def test_several_sets_beside_one_have_the_ratios_that_each_has_alone(rng):
    real, *fakes = (rng.normal(size=(n, 8)) for n in (300, 300, 90, 400))
    assert vendi_ratios(real, *fakes) == [vendi_ratio(real, fake) for fake in fakes]
