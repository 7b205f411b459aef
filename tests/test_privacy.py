"""What a table's rows tell of those trained on: nothing by chance, copies when there are any."""

import numpy as np
import pytest

from gantlet.metrics.mixed_space import mixed_space
from gantlet.metrics.privacy import equal_to_any, privacy, rare_combinations

KINDS = np.array([True, True, False, False])


def world(n: int, seed: int) -> np.ndarray:
    """Two codes, some of them rare, and two numbers, one of them with holes."""
    rng = np.random.default_rng(seed)
    codes = np.minimum(rng.geometric(0.2, (n, 2)) - 1, 30).astype(float)
    numbers = rng.normal(size=(n, 2)) + codes
    numbers[rng.random(n) < 0.1, 1] = np.nan
    return np.column_stack([codes, numbers])


def test_fresh_rows_tell_nothing():
    found = privacy(world(600, 0), world(300, 1), world(400, 2), KINDS)
    assert found.exact.fake.value == 0
    assert found.closer.low <= 0.5 <= found.closer.high
    assert found.membership.low <= 0.5 <= found.membership.high
    assert min(found.closer_p_value, found.membership_p_value, found.rare.p_value) > 0.01


def test_copies_are_counted_and_every_figure_rises():
    train, fake = world(600, 0), world(400, 2)
    fake[:120] = train[:120]
    found = privacy(train, world(300, 1), fake, KINDS)
    assert found.exact_rows.tolist() == list(range(120))
    assert found.exact.fake.value == 0.3
    assert found.exact.p_value < 1e-6
    assert found.membership.low > 0.5
    assert found.closer.low > 0.5
    assert found.rare.fake.low > found.rare.real.high


def test_no_result_depends_on_the_block():
    sets = world(300, 0), world(100, 1), world(200, 2)
    assert privacy(*sets, KINDS, block=64).membership == privacy(*sets, KINDS).membership


def test_equal_rows_are_found_with_their_holes_and_through_a_formats_rounding():
    others = np.array([[1.0, np.nan], [0.1, 2.0]])
    rows = np.array([[1.0, np.nan], [1.0, 0.0], [0.1 + 1e-17, 2.0], [0.1 + 1e-9, 2.0]])
    rows[2, 0] = np.nextafter(0.1, 1)
    assert equal_to_any(rows, others).tolist() == [True, False, True, False]


def test_a_rare_pair_that_is_given_away_counts_and_one_made_up_does_not():
    train = np.array([[0.0, 0.0]] * 50 + [[1.0, 1.0]] * 50 + [[0.0, 1.0]])
    held_out = np.array([[0.0, 0.0], [1.0, 1.0]] * 25 + [[1.0, 0.0]])
    shares, pairs = rare_combinations(
        train, held_out, np.array([[0.0, 1.0]] * 4 + [[1.0, 0.0]] * 6)
    )
    assert shares.fake.value == pytest.approx(0.4)  # 4 of the 10 unusual ones
    assert shares.real.value == 0
    assert (pairs[0].first, pairs[0].second, pairs[0].fake) == (0, 1, 0.4)


def test_categories_lie_one_apart_as_do_the_quartiles_of_a_number():
    rng = np.random.default_rng(0)
    table = np.column_stack([np.arange(4000) % 3, np.exp(rng.normal(size=4000))])
    space = mixed_space(table, np.array([True, False]))
    quartiles = np.quantile(table[:, 1], [0.25, 0.75])
    points = space.points(np.array([[0, quartiles[0]], [1, quartiles[0]], [1, quartiles[1]]]))
    gaps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 1, atol=0.02)


def test_many_categories_lie_about_as_far_apart():
    table = np.arange(500.0)[:, None]
    points = mixed_space(table, np.array([True])).points(table)
    distances = np.linalg.norm(points[:250] - points[250:], axis=1)
    assert abs(distances.mean() - 1) < 0.02
    assert distances.min() > 0.6


def test_a_missing_number_lies_apart_from_the_middle():
    table = np.array([[0.0], [1.0], [2.0], [np.nan]])
    points = mixed_space(table, np.array([False])).points(np.array([[1.0], [np.nan]]))
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(1, abs=1e-3)


def test_too_small_a_hold_out_gives_no_verdict():
    with pytest.raises(ValueError, match="at least 50"):
        privacy(world(100, 0), world(49, 1), world(100, 2), KINDS)
