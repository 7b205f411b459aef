"""Can generated series be told from real ones? Trees and a convolution, on stretches not seen.

Trees on values, steps, spectra and what sums them up find noise, smoothing and values that are too
even; a convolution finds shapes and the direction of time. Series cut from one record overlap, so
whole stretches of it are kept for the test, and no series of the training shares a step with them:
split at random, trees tell real hours of ETTh1 from other real hours nearly always.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy.special import ndtr
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from gantlet.metrics.boosted import area_parts
from gantlet.metrics.course_convolution import convolution_logits
from gantlet.metrics.course_features import GROUPS, course_features
from gantlet.metrics.courses import Others, Windows, scaled
from gantlet.metrics.intervals import Estimate, proportion
from gantlet.metrics.overlaps import apart, blocks, lines

SERIES = 3_000  # of each set
FEWEST = 40  # of each set
FOLDS, TESTED = 5, 3  # stretches are dealt to five; three of them are tested one after the other
CORRELATED = 2.0  # the variance of the mean over folds, as in `boosted`
TREES = 80


class CourseTest(NamedTuple):
    """How well real and generated series were told apart on stretches that were not seen."""

    auc: Estimate
    accuracy: float  # mean of the shares of each kind that were told right
    p_value: float  # that guessing would reach the AUC
    n_test: int  # series judged, both kinds together
    stretches: int  # independent pieces that the real series of the tests come from
    evidence: Float64[np.ndarray, "groups"]  # share of trees' mean gap lost, by `GROUPS`

    @property
    def score(self) -> float:
        """|accuracy − ½|, as the customary score is given."""
        return abs(self.accuracy - 0.5)


class _Part(NamedTuple):
    """Series of both kinds: their features, their values in units of real data, their stretch."""

    row: Float64[np.ndarray, "n d"]
    values: Windows
    block: Int[np.ndarray, "n"]
    is_real: Bool[np.ndarray, "n"]

    def of(self, chosen: Bool[np.ndarray, "n"]) -> "_Part":
        """Some of them."""
        return _Part(*(part[chosen] for part in self))


def course_two_sample(real: Windows, fake: Others, seed: int = 0) -> CourseTest:
    """The AUC and the accuracy of trees and a convolution together, over three tests.

    At most 3,000 series of each set. Overlapping series are found by their values and their records
    cut into stretches, dealt to five parts: three learn, one weighs the two judges against one
    another (a logistic regression of their logits), one tests. The AUC's interval counts a stretch
    as one observation (DeLong 1988 with clusters: Obuchowski 1997), with twice the variance, as the
    three tests share what they learned from.

    Raises:
        ValueError: a set has fewer than 40 series.
    """
    count = min(len(real), len(fake), SERIES)
    if count < FEWEST:
        raise ValueError(f"at least {FEWEST} series of each set are needed, not {count}")
    rng = np.random.default_rng(seed)
    chosen = [side[np.sort(rng.permutation(len(side))[:count])] for side in (real, fake)]
    row, groups = course_features(np.concatenate(chosen))
    both = np.concatenate(chosen)
    # Of both sets at once: they may come from one record, as two halves of it do.
    found, steps = lines(both), both.shape[1]
    block = blocks(found, steps)
    fold = (rng.permutation(int(block.max()) + 1) % FOLDS)[block]
    every = _Part(row, scaled(both, chosen[0]), block, np.arange(2 * count) < count)
    areas, variances, nulls, right = [], [], [], []
    evidence, seen = np.zeros(len(GROUPS)), 0
    for k in range(TESTED):
        is_test = fold == k
        is_weigh = (fold == (k + 1) % FOLDS) & apart(found, is_test, steps)
        is_train = apart(found, is_test | is_weigh, steps) & (fold != (k + 1) % FOLDS)
        train, weigh, test = (every.of(part) for part in (is_train, is_weigh, is_test))
        if min(len(np.unique(part.is_real)) for part in (train, weigh, test)) < 2:
            continue
        trees = _grown(train)
        said = _judged(trees, train, weigh, test, seed + k)
        value, influence = area_parts(said, test.is_real)
        clustered = np.bincount(test.block, influence)
        areas.append(value)
        variances.append(float(np.square(clustered).sum()))
        m, n = (float((test.is_real == kind).sum()) for kind in (True, False))
        nulls.append((m + n + 1) / (12 * m * n))
        told = (said > 0) == test.is_real
        right.append(float(told[test.is_real].mean() + told[~test.is_real].mean()) / 2)
        seen += len(said)
        evidence += _evidence(trees, test, groups, rng) / TESTED
    if not areas:
        raise ValueError("all series of a set overlap: there is no stretch to keep for the test")
    value, size = float(np.mean(areas)), len(areas)
    variance = CORRELATED * float(np.sum(variances)) / size**2
    null = max(variance, CORRELATED * float(np.sum(nulls)) / size**2)
    stretches = len(np.unique(block[every.is_real & (fold < TESTED)]))
    return CourseTest(
        proportion(value, variance, stretches), float(np.mean(right)),
        float(ndtr(-(value - 0.5) / np.sqrt(null))), seen, stretches, evidence,
    )  # fmt: skip


def _judged(
    trees: HistGradientBoostingClassifier, train: _Part, weigh: _Part, test: _Part, seed: int
) -> Float64[np.ndarray, "n"]:
    """What trees and a convolution say of the test, weighed against one another on a part apart."""
    judged = convolution_logits(train.values, train.is_real, [weigh.values, test.values], seed)
    logits = [
        np.stack([trees.decision_function(part.row), said], axis=1)
        for part, said in zip((weigh, test), judged, strict=True)
    ]
    scale = np.maximum(logits[0].std(0), 1e-6)
    line = LogisticRegression(C=1.0, class_weight="balanced")
    return line.fit(logits[0] / scale, weigh.is_real).decision_function(logits[1] / scale)


def _grown(part: _Part) -> HistGradientBoostingClassifier:
    # scikit-learn's trees refuse a number that nobody has.
    row = np.where(np.isnan(part.row).all(0), 0.0, part.row)
    return HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=15,
        min_samples_leaf=max(2, min(20, len(part.row) // 20)),
        l2_regularization=1.0,
        early_stopping=False,  # pyright: ignore[reportArgumentType]  # its stubs know only "auto"
        random_state=0,
    ).fit(row, part.is_real)


def _evidence(
    trees: HistGradientBoostingClassifier,
    part: _Part,
    groups: Int[np.ndarray, "d"],
    rng: np.random.Generator,
) -> Float64[np.ndarray, "groups"]:
    """The share of the gap between the trees' mean logits that goes when a group is shuffled."""

    def gap(row: np.ndarray) -> float:
        said = trees.decision_function(row)
        return float(said[part.is_real].mean() - said[~part.is_real].mean())

    whole, lost = gap(part.row), np.zeros(len(GROUPS))
    if whole <= 0:
        return lost
    for place in range(len(GROUPS)):
        row = part.row.copy()
        row[:, groups == place] = row[rng.permutation(len(row))][:, groups == place]
        lost[place] = 1 - gap(row) / whole
    return lost
