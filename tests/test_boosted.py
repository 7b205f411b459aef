"""Boosted trees as a judge of tables: what they can and cannot tell, and what their numbers say."""

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from gantlet.metrics.boosted import area_parts, boosted_two_sample, transfer
from gantlet.metrics.columns import merged_rare, shuffled_columns
from gantlet.metrics.two_sample import area

NUMBERS = np.zeros(3, bool)
MIXED = np.array([True, False, False])


def table(n: int, seed: int, missing: float = 0.0) -> np.ndarray:
    """A category, a number that depends on it, and one that depends on neither; with holes."""
    rng = np.random.default_rng(seed)
    code = rng.choice(4, n, p=(0.4, 0.3, 0.2, 0.1)).astype(float)
    number = np.array([0.0, 5.0, -5.0, 1.0])[code.astype(int)] + rng.normal(size=n)
    rows = np.stack([code, number, rng.exponential(size=n)], axis=1)
    rows[rng.random(rows.shape) < missing] = np.nan
    return rows


def test_equal_distributions_are_not_told_apart_and_the_interval_says_so():
    held = 0
    for seed in range(6):
        found = boosted_two_sample(table(40, 2 * seed), table(40, 2 * seed + 1), MIXED, seed)
        held += found.auc.low <= 0.5 <= found.auc.high
        assert found.n_test == 80
    assert held >= 5


def test_the_trees_find_what_shuffled_columns_lack_and_name_them():
    real = table(600, 0)
    found = boosted_two_sample(real, shuffled_columns(table(600, 1)), MIXED)
    assert found.auc.low > 0.75
    assert found.p_value < 1e-10
    assert found.evidence[2] < 0.2 < min(found.evidence[:2])


def test_missing_values_alone_give_a_table_away():
    found = boosted_two_sample(table(300, 0, missing=0.3), table(300, 1), MIXED)
    assert found.auc.low > 0.7


def test_a_column_without_any_value_is_passed_over():
    rows = [np.column_stack([table(300, seed), np.full(300, np.nan)]) for seed in (0, 1)]
    kinds = np.append(MIXED, False)
    found = boosted_two_sample(*rows, kinds)
    assert found.auc.low <= 0.5 <= found.auc.high
    assert found.evidence[3] == 0
    assert transfer(*rows, 1, kinds).score.value > 0.5


def test_codes_have_no_order_to_the_trees():
    real, fake = table(300, 0), table(300, 1)
    renamed = [rows.copy() for rows in (real, fake)]
    for rows in renamed:
        rows[:, 0] = np.array([2.0, 3.0, 0.0, 1.0])[rows[:, 0].astype(int)]
    a, b = boosted_two_sample(real, fake, MIXED), boosted_two_sample(*renamed, MIXED)
    assert a.auc == b.auc


def test_endless_numbers_and_thousands_of_codes_are_taken():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, 5000, 400), rng.normal(size=400), np.zeros(400)], 1)
    rows[:5, 1], rows[5:9, 1] = np.inf, -np.inf
    found = boosted_two_sample(rows, rows[rng.permutation(400)], MIXED)
    assert 0 <= found.auc.value <= 1


def test_rare_codes_merge_and_frequent_ones_stay_apart():
    codes = np.repeat(np.arange(5.0), (5, 1, 4, 1, 3))[:, None]
    merged = merged_rare(codes, np.array([True]), 3)
    assert len(np.unique(merged)) == 3
    assert len(np.unique(merged[codes[:, 0] == 0])) == 1
    assert np.unique(merged[(codes[:, 0] != 0) & (codes[:, 0] != 2)]).size == 1


def test_area_agrees_with_the_textbook_and_its_influence_with_delong():
    rng = np.random.default_rng(0)
    truth = rng.random(200) < 0.3
    scores = np.round(rng.normal(size=200) + truth, 1)  # with ties
    value, influence = area_parts(scores, truth)
    known = area(scores[truth], scores[~truth])
    assert value == pytest.approx(roc_auc_score(truth, scores))
    assert value == pytest.approx(known.value)
    assert np.sqrt(np.square(influence).sum()) == pytest.approx(known.error)


def test_a_target_is_learned_from_real_rows_and_not_from_shuffled_columns():
    train, test = table(800, 0), table(400, 1)
    for target, measure in ((0, "macro AUC"), (1, "R²")):
        learned = transfer(train, test, target, MIXED)
        trivial = transfer(shuffled_columns(train), test, target, MIXED)
        assert learned.measure == measure
        assert learned.score.low > trivial.score.high
        assert learned.n_test == 400
    rest = transfer(train, test, 2, MIXED)
    assert rest.score.low < 0.1  # nothing tells the third column


def test_rare_classes_do_not_keep_trees_from_learning_the_others():
    rng = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.15, 0.02, 0.01, 0.01, 0.01])
    target = rng.choice(7, 3000, p=shares).astype(float)
    rows = np.column_stack([(target * 7 + rng.integers(0, 7, 3000)), rng.normal(size=3000), target])
    kinds = np.array([True, False, True])
    assert transfer(rows[:2000], rows[2000:], 2, kinds).score.value > 0.95


def test_two_classes_are_judged_by_their_auc_and_one_that_was_never_seen_by_chance():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    rows = np.column_stack([x, x[:, 0] + 0.3 * rng.normal(size=400) > 0])
    kinds = np.array([False, False, True])
    found = transfer(rows[:200], rows[200:], 2, kinds)
    assert found.measure == "AUC"
    assert found.score.low > 0.9
    single = rows[:200].copy()
    single[:, 2] = 1.0
    assert transfer(single, rows[200:], 2, kinds).score.value == 0.5


def test_the_share_of_variance_is_that_of_the_textbook():
    train, test = table(300, 0), table(200, 1)
    found = transfer(train, test, 1, NUMBERS)
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(
        early_stopping=False, random_state=0, min_samples_leaf=15, l2_regularization=1.0
    ).fit(train[:, [0, 2]], train[:, 1])
    assert found.score.value == pytest.approx(r2_score(test[:, 1], trees.predict(test[:, [0, 2]])))


def test_too_few_rows_are_refused_by_number():
    with pytest.raises(ValueError, match="at least 20 rows"):
        boosted_two_sample(table(10, 0), table(50, 1), MIXED)
    with pytest.raises(ValueError, match="constant"):
        transfer(table(50, 0), np.ones((50, 3)), 1, MIXED)
