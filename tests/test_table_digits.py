"""One choice of many as digits: every choice has its own, and the coarse ones are even."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gantlet.modalities.tables.digits import PLAIN, digits_for


@settings(max_examples=300)
@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=3_000))
def test_digits_name_every_choice_once(weights: list[int]):
    digits = digits_for(np.array(weights))
    assert len(np.unique(digits.table, axis=0)) == len(weights)
    assert np.array_equal(digits.choices(digits.table), np.arange(len(weights)))
    assert np.all(digits.table < np.array(digits.sizes))


@settings(max_examples=100)
@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=3_000), st.integers(0, 2**32 - 1))
def test_any_digits_name_a_choice(weights: list[int], seed: int):
    digits = digits_for(np.array(weights))
    drawn = np.random.default_rng(seed).integers(0, digits.sizes, (50, len(digits.sizes)))
    choices = digits.choices(drawn)
    assert np.all((choices >= 0) & (choices < len(weights)))


@pytest.mark.parametrize(
    ("count", "places"), [(1, 0), (2, 1), (PLAIN, 1), (49, 2), (2_500, 2), (2_501, 3), (120_000, 3)]
)
def test_many_choices_are_few_digits(count: int, places: int):
    digits = digits_for(np.ones(count))
    assert len(digits.sizes) == places
    assert sum(digits.sizes) <= 2 * places * np.ceil(count ** (1 / max(places, 1)))


def test_coarse_digits_are_of_equal_frequency_as_far_as_runs_may_be_long():
    weights = np.random.default_rng(0).gamma(5, size=400)
    digits = digits_for(weights)
    shares = np.bincount(digits.table[:, 0], weights=weights) / weights.sum()
    assert shares.max() < 1.5 / 20
