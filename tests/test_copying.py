"""Copying: nothing where nothing is copied, something where it is, and closed forms."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from gantlet.metrics.closer import closer_to_train, nearest_of_all, nearest_to, parts_of
from gantlet.metrics.copying import (
    Copying,
    TooSmall,
    copying,
    data_copying,
    repeats,
    smallest_hold_out,
)
from gantlet.metrics.neighbours import neighbour_estimates


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


def test_distances_that_are_known_already_tell_the_same_repeats():
    train, held, fake = draws(6)
    fake[100:200] = fake[:100]
    own = neighbour_estimates(held, fake).own
    assert repeats(train, fake, own=(None, own)) == repeats(train, fake)
    made, again = copying(train, held, fake), copying(train, held, fake, own_of_fake=own)
    assert isinstance(made, Copying)
    assert isinstance(again, Copying)
    assert made.repeats == again.repeats


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


@pytest.mark.parametrize(("train", "held_out"), [(900, 400), (300, 400), (101, 20), (80, 20)])
def test_parts_hold_every_training_row_once_and_draws_are_as_large_as_the_hold_out(
    train: int, held_out: int
):
    parts = parts_of(train, held_out, 0)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(train))
    size = min(train, held_out)
    assert [len(part) for part in parts[:4] if len(part) == size] == [size] * min(4, train // size)


def test_the_nearest_of_all_parts_is_the_nearest_of_all_rows():
    train, held, fake = draws(8)
    parts = parts_of(len(train), len(held), 0)
    squared, which = nearest_of_all(parts, [nearest_to(train[p], fake, 128) for p in parts])
    direct = np.square(train[None].astype(float) - fake[:, None]).sum(2)
    assert np.array_equal(which, direct.argmin(1))
    np.testing.assert_allclose(squared, direct.min(1), rtol=1e-12)
    alone = closer_to_train(train, held, fake)
    assert judged(train, held, fake).closer == alone
