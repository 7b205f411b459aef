"""The quality score against closed forms, and against the package that defines it where it is."""

import numpy as np
import pytest

from gantlet.metrics.columns import shuffled_columns
from gantlet.metrics.table_quality import table_quality


def mixed(n: int, seed: int, missing: float) -> tuple[np.ndarray, np.ndarray]:
    """Two codes, two numbers and a truth that depend on one another, with holes."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    first = np.digitize(hidden, [-1, 0, 1]).astype(float)
    second = (first + rng.integers(0, 2, n)) % 4
    numbers = np.stack([hidden + 0.5 * rng.normal(size=n), np.exp(hidden)], 1)
    rows = np.column_stack([first, second, numbers, hidden > 0.3])
    rows[rng.random(rows.shape) < missing] = np.nan
    return rows, np.array([True, True, False, False, True])


def test_a_table_is_perfectly_like_itself():
    rows, kinds = mixed(300, 0, 0.1)
    found = table_quality(rows, rows, kinds)
    assert (found.quality, found.shapes, found.pairs) == (1, 1, 1)


def test_shapes_are_one_less_the_distance_of_two_columns():
    real = np.array([[0, 0.0], [0, 1.0], [1, 2.0], [1, 3.0]])
    fake = np.array([[0, 2.0], [0, 3.0], [0, 4.0], [1, 5.0]])
    found = table_quality(real, fake, np.array([True, False]))
    assert found.of_columns.tolist() == [0.75, 0.5]


def test_pairs_of_numbers_are_one_less_half_the_gap_of_their_correlations():
    x = np.linspace(-1, 1, 50)
    real, fake = np.stack([x, 2 * x], 1), np.stack([x, -x], 1)
    assert table_quality(real, fake, np.zeros(2, bool)).pairs == pytest.approx(0)
    assert table_quality(real, np.stack([x, x * x], 1), np.zeros(2, bool)).pairs == pytest.approx(
        0.5
    )


def test_only_pairs_that_depend_on_one_another_count_unless_all_are_asked_for():
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    real = np.stack([x, x + 0.1 * rng.normal(size=500), rng.normal(size=500)], 1)
    fake = shuffled_columns(real)
    kinds = np.zeros(3, bool)
    assert sum(pair.counts for pair in table_quality(real, fake, kinds).of_pairs) == 1
    assert table_quality(real, fake, kinds).pairs < 0.6
    assert table_quality(real, fake, kinds, 0, 0).pairs > 0.8


def test_a_constant_column_has_no_correlation_and_is_left_out():
    x = np.linspace(0, 1, 30)
    found = table_quality(np.stack([x, x], 1), np.stack([x, x * 0], 1), np.zeros(2, bool))
    assert np.isnan(found.pairs)
    assert found.quality == found.shapes


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("thresholds", [(), (0, 0)])
def test_agrees_with_the_package(missing: float, thresholds: tuple[float, ...]):
    pytest.importorskip("sdmetrics", reason="sdmetrics is not installed")
    import pandas as pd
    from sdmetrics.reports.single_table import _properties

    real, kinds = mixed(400, 0, missing)
    fake = mixed(500, 1, missing)[0]
    fake[:, 2] = np.random.default_rng(2).permutation(fake[:, 2])

    def frame(rows: np.ndarray) -> pd.DataFrame:
        columns = {}
        for place, is_code in enumerate(kinds):
            words = [None if np.isnan(v) else f"c{v:g}" for v in rows[:, place]]
            columns[f"{place}"] = pd.Series(words, dtype=object) if is_code else rows[:, place]
        return pd.DataFrame(columns)

    kind = {True: "categorical", False: "numerical"}
    metadata = {"columns": {f"{k}": {"sdtype": kind[bool(v)]} for k, v in enumerate(kinds)}}
    pairs = _properties.ColumnPairTrends()
    pairs.real_correlation_threshold = 0.0 if thresholds else 0.5
    pairs.real_association_threshold = 0.0 if thresholds else 0.3
    shapes = _properties.ColumnShapes()
    theirs = [one.get_score(frame(real), frame(fake), metadata) for one in (shapes, pairs)]
    ours = table_quality(real, fake, kinds, *thresholds)
    assert (ours.shapes, ours.pairs) == pytest.approx(theirs, abs=1e-12)
    assert ours.quality == pytest.approx(np.mean(theirs), abs=1e-12)
