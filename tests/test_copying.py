"""Copying: nothing where nothing is copied, something where it is, and closed forms."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from gantlet.metrics.copying import (
    Copying,
    TooSmall,
    closer_to_train,
    copying,
    data_copying,
    repeats,
    smallest_hold_out,
)


def draws(seed: int, sizes=(900, 400, 500), d: int = 8):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, d)).astype(np.float32) for n in sizes]


def judged(*sets) -> Copying:
    made = copying(*sets)
    assert isinstance(made, Copying)
    return made


def test_c_t_of_one_cell_is_mann_and_whitneys_z():
    rng = np.random.default_rng(0)
    held, fake = rng.normal(size=60), rng.normal(size=80) - 0.3
    one = data_copying(held, np.zeros(60, int), fake, np.zeros(80, int))
    expected = mannwhitneyu(
        fake, held, alternative="less", use_continuity=False, method="asymptotic"
    )
    assert one.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (one.error, one.cells) == (1, 1)


def test_c_t_weighs_cells_by_the_hold_out_and_leaves_out_small_ones():
    rng = np.random.default_rng(1)
    held, fake = rng.normal(size=100), rng.normal(size=100)
    cells = np.repeat([0, 1, 2], [60, 35, 5])
    both = data_copying(held, cells, fake, cells)
    parts = [
        data_copying(held[cells == c], cells[cells == c], fake[cells == c], cells[cells == c])
        for c in (0, 1)
    ]
    assert both.cells == 2
    assert both.value == pytest.approx((60 * parts[0].value + 35 * parts[1].value) / 95)


def test_nothing_is_found_where_nothing_is_copied():
    made = [judged(*draws(seed)) for seed in range(12)]
    for name in ("closer_p_value", "near_p_value"):
        values = [getattr(one, name) for one in made]
        assert min(values) > 0.002
        assert np.mean(values) > 0.25
    assert abs(np.mean([one.authenticity_gap.value for one in made])) < 0.03
    assert np.mean([one.closer.value for one in made]) == pytest.approx(0.5, abs=0.02)
    z = [one.c_t.value / one.c_t.error for one in made]
    assert abs(np.mean(z)) < 4 / np.sqrt(12)


def test_one_copy_in_ten_is_found_and_shown():
    train, held, fake = draws(3)
    rng = np.random.default_rng(0)
    fake[:50] = train[:50] + 0.02 * rng.normal(size=(50, 8)).astype(np.float32)
    fake[0] = train[0]
    made = judged(train, held, fake)
    assert made.exact == 1
    assert made.near_p_value < 1e-6
    suspects = made.suspects(50)
    assert (suspects[0].fake, suspects[0].train, suspects[0].ratio) == (0, 0, 0)
    assert all(one.fake == one.train for one in suspects[:45])


def test_many_copies_are_seen_by_every_figure():
    train, held, fake = draws(3)
    fake[:200] = train[:200] + 0.02 * np.random.default_rng(0).normal(size=(200, 8))
    made = judged(train, held, fake)
    assert made.authenticity_gap.high < 0
    assert made.c_t.p_value < 1e-3
    assert made.closer_p_value < 0.01
    assert made.near_p_value < 1e-6


def test_copies_of_the_hold_out_are_further_from_train_than_from_it():
    train, held, _ = draws(4)
    assert closer_to_train(train, held, held.copy()).value < 0.01
    assert closer_to_train(held, train, held.copy()).value > 0.99


def test_a_small_hold_out_gives_no_verdict_but_says_what_would():
    train, held, fake = draws(5)
    made = copying(train, held[:40], fake)
    assert isinstance(made, TooSmall)
    assert made.needed == smallest_hold_out(len(fake))
    assert str(made.needed) in str(made)
    assert smallest_hold_out(50) == 0
    assert judged(train, held[:100], fake).needed > 100


def test_repeats_are_counted():
    train, _, fake = draws(6)
    fake[100:200] = fake[:100]
    made = repeats(train, fake)
    assert made.exact == pytest.approx(200 / 500)
    assert made.exact_real == 0
    assert made.near >= made.exact


def test_a_set_that_is_the_training_set_moved_a_little_is_surely_copied():
    train, held, _ = draws(7)
    made = judged(train, held, train[:500] + np.float32(1e-3))
    assert made.near.value == 1
    assert max(made.closer_p_value, made.near_p_value, made.c_t.p_value) < 1e-6


def test_samples_that_are_all_closer_to_training_rows_have_a_p_value():
    train, held, _ = draws(8, (400, 400, 400))
    made = judged(train, held + 50, train + np.float32(1e-3))
    assert made.closer.value == 1
    assert made.closer_p_value < 1e-6
