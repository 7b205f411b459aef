"""Boosted trees on tables: can they tell real from generated rows, and learn from the latter?

Trees see what distances do not: codes without order, point masses, missing values, and how columns
depend on one another. Rows that are equal do not stay together in one fold, as they do in
`two_sample`: in tables they are equal by chance, and where a generator repeats a row far more often
than the data do, its distribution differs.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Shaped
from scipy.special import ndtr
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from gantlet.metrics.columns import Matrix, merged_rare
from gantlet.metrics.intervals import Estimate, normal, proportion

ROWS = 20_000  # of each set
FOLDS = 5
FEWEST = 20  # rows of each set
CODES = 254  # of a categorical column, which the trees can take
# What each fold learns of another by chance the other learns of it: their errors go together, and
# under the null the mean's variance is up to twice that of independent folds.
CORRELATED = 2.0
LARGEST = 1e300  # what infinity is to the trees
FEWEST_OF_A_CLASS = 5  # rows in the test below which a class has no AUC of its own


class BoostedTest(NamedTuple):
    """How well real and generated rows were told apart out of fold."""

    auc: Estimate
    p_value: float  # that guessing would reach as much
    n_test: int  # rows judged by trees that had not seen them, both kinds together
    evidence: Float64[np.ndarray, "d"]  # share of the mean gap of logits lost with each column


class Transfer(NamedTuple):
    """How well a target is predicted on real rows by trees that were grown on others."""

    measure: str  # "AUC", "macro AUC" or "R²"
    score: Estimate
    n_test: int


def boosted_two_sample(
    real: Float[np.ndarray, "m d"],
    fake: Float[np.ndarray, "n d"],
    is_categorical: Bool[np.ndarray, "d"],
    seed: int = 0,
) -> BoostedTest:
    """Mean over five folds of the AUC with which boosted trees rate real rows above generated ones.

    Lopez-Paz & Oquab 2017 with gradient-boosted trees; at most 20,000 rows of each set, equally
    many. The interval is that of LeDell, Petersen & van der Laan 2015, for these trees on new rows,
    with twice the variance, as folds are not independent (Bengio & Grandvalet 2004); p is
    one-sided, from the null's variance (m + n + 1)/(12 m n) of each fold's AUC, likewise.

    Raises:
        ValueError: a set has fewer than 20 rows.
    """
    count = min(len(real), len(fake), ROWS)
    if count < FEWEST:
        raise ValueError(f"boosted trees need at least {FEWEST} rows of each set, not {count}")
    rng = np.random.default_rng(seed)
    both = np.concatenate([rows[rng.permutation(len(rows))[:count]] for rows in (real, fake)])
    x, is_real = _readable(both, is_categorical), np.arange(2 * count) < count
    fold = np.concatenate([rng.permutation(count) % FOLDS for _ in range(2)])
    areas, variances, nulls, evidence = [], [], [], np.zeros(x.shape[1])
    for k in range(FOLDS):
        test = fold == k
        trees = _classifier(is_categorical, int((~test).sum()))
        _grow(trees, x[~test], is_real[~test])
        logits = trees.decision_function(x[test])
        found, influence = area_parts(logits, is_real[test])
        areas.append(found)
        variances.append(float(np.square(influence).sum()))
        m = int((test & is_real).sum())
        nulls.append((2 * m + 1) / (12 * m * m))
        if k == 0:
            evidence = _evidence(trees, x[test], is_real[test], rng)
    value = float(np.mean(areas))
    variance, null = (CORRELATED * float(np.sum(each)) / FOLDS**2 for each in (variances, nulls))
    p_value = float(ndtr(-(value - 0.5) / np.sqrt(null)))
    return BoostedTest(proportion(value, variance, count), p_value, 2 * count, evidence)


def transfer(
    train: Float[np.ndarray, "m d"],
    test: Float[np.ndarray, "n d"],
    target: int,
    is_categorical: Bool[np.ndarray, "d"],
) -> Transfer:
    """What trees grown on `train` predict of a column of `test` from all others.

    "Train on synthetic, test on real" (Esteban, Hyland & Rätsch 2017) where `train` is generated;
    the same with real rows, and with shuffled columns, tells what the score can be. For two classes
    the AUC, for more the mean of each class's AUC against all others, for numbers
    R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)². Rows without the target are left out. The interval is over new
    rows of the test, for these trees.

    Raises:
        ValueError: nothing of the target is left to learn from or to be tested on.
    """
    parts = [part[~np.isnan(part[:, target])] for part in (train, test)]
    if min(map(len, parts)) < FEWEST:
        raise ValueError(
            f"column {target} is known in {len(parts[0])} rows to learn from and in "
            f"{len(parts[1])} of the test: at least {FEWEST} are needed"
        )
    others = np.arange(train.shape[1]) != target
    kinds = is_categorical[others]
    both = _readable(np.concatenate([part[:, others] for part in parts]), kinds)
    x, x_test = both[: len(parts[0])], both[len(parts[0]) :]
    y, y_test = (part[:, target] for part in parts)
    if is_categorical[target]:
        return _class_transfer(x, y, x_test, y_test, kinds)
    if not y_test.var() > 0:
        raise ValueError(f"column {target} is constant in the test: there is nothing to predict")
    y, y_test = (np.clip(part, -LARGEST, LARGEST) for part in (y, y_test))
    trees = HistGradientBoostingRegressor(**_settings(kinds, len(x)))
    _grow(trees, x, y)
    wrong = np.square(y_test - trees.predict(x_test))
    spread = np.square(y_test - y_test.mean())
    ratio = float(wrong.mean() / spread.mean())
    error = float((wrong - ratio * spread).std() / spread.mean() / np.sqrt(len(y_test)))
    return Transfer("R²", normal(1 - ratio, error), len(y_test))


def _class_transfer(
    x: Float64[np.ndarray, "m d"],
    y: Float64[np.ndarray, "m"],
    x_test: Float64[np.ndarray, "n d"],
    y_test: Float64[np.ndarray, "n"],
    kinds: Bool[np.ndarray, "d"],
) -> Transfer:
    known, count = np.unique(y_test, return_counts=True)
    enough = (count >= FEWEST_OF_A_CLASS) & (len(y_test) - count >= FEWEST_OF_A_CLASS)
    classes = known[enough]
    if not len(classes):
        raise ValueError("the test holds a single class: there is nothing to predict")
    learned = np.unique(y)
    shares = np.ones((len(y_test), 1))
    if len(learned) > 1:
        trees = _classifier(kinds, len(x))
        _grow(trees, x, y)
        shares = np.asarray(trees.predict_proba(x_test))
    if len(classes) == 2:
        classes = classes[1:]  # the other's AUC is the same
    areas, influence = [], np.zeros(len(y_test))
    for one in classes:
        place = np.flatnonzero(learned == one)
        # Trees that never saw a class rate all rows alike.
        scores = shares[:, place[0]] if len(place) else np.zeros(len(y_test))
        found, part = area_parts(scores, y_test == one)
        areas.append(found)
        influence += part / len(classes)
    measure = "macro AUC" if len(classes) > 1 else "AUC"
    variance = float(np.square(influence).sum())
    return Transfer(measure, proportion(float(np.mean(areas)), variance, len(y_test)), len(y_test))


def area_parts(
    scores: Float[np.ndarray, "n"], truth: Bool[np.ndarray, "n"]
) -> tuple[float, Float64[np.ndarray, "n"]]:
    """P(a true row scores above another), ties half, and what each row adds to it: DeLong 1988."""
    order = np.sort(scores[~truth])
    reverse = np.sort(scores[truth])
    m, n = len(reverse), len(order)
    influence = np.empty(len(scores))
    below = np.searchsorted(order, scores[truth]) + np.searchsorted(order, scores[truth], "right")
    above = np.searchsorted(reverse, scores[~truth])
    above = 2 * m - above - np.searchsorted(reverse, scores[~truth], "right")
    value = float(below.mean() / (2 * n))
    influence[truth] = (below / (2 * n) - value) / np.sqrt(m * max(m - 1, 1))
    influence[~truth] = (above / (2 * m) - value) / np.sqrt(n * max(n - 1, 1))
    return value, influence


def _evidence(
    trees: HistGradientBoostingClassifier,
    x: Matrix,
    is_real: Bool[np.ndarray, "n"],
    rng: np.random.Generator,
) -> Float64[np.ndarray, "d"]:
    """For each column the share of the gap between the mean logits that goes when it is shuffled.

    Unlike the AUC, the gap still moves where several columns alone tell all.
    """

    def gap(rows: Matrix) -> float:
        logits = trees.decision_function(rows)
        return float(logits[is_real].mean() - logits[~is_real].mean())

    whole, lost = gap(x), np.zeros(x.shape[1])
    if whole <= 0:
        return lost
    changed = x.copy()
    for place in range(x.shape[1]):
        changed[:, place] = rng.permutation(x[:, place])
        lost[place] = 1 - gap(changed) / whole
        changed[:, place] = x[:, place]
    return lost


def _readable(values: Matrix, is_categorical: Bool[np.ndarray, "d"]) -> Matrix:
    """What scikit-learn's trees take: finite numbers and few codes; NaN they know."""
    return np.clip(merged_rare(values, is_categorical, CODES), -LARGEST, LARGEST)


def _grow(
    trees: HistGradientBoostingClassifier | HistGradientBoostingRegressor,
    x: Matrix,
    y: Shaped[np.ndarray, "n"],
) -> None:
    """scikit-learn cuts no column without a known value into bins: such a one is 0 throughout."""
    trees.fit(np.where(np.isnan(x).all(0), 0.0, x), y)


def _classifier(is_categorical: Bool[np.ndarray, "d"], rows: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(**_settings(is_categorical, rows))


def _settings(is_categorical: Bool[np.ndarray, "d"], rows: int) -> dict:
    """scikit-learn's defaults, but for leaves of few rows in small tables and no early stop.

    Without l2 rare classes have leaves of hardly any curvature, and boosting many classes diverges.
    """
    return {
        "categorical_features": is_categorical, "min_samples_leaf": max(2, min(20, rows // 20)),
        "l2_regularization": 1.0, "early_stopping": False, "random_state": 0,
    }  # fmt: skip
