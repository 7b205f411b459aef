"""Can a fresh classifier tell the generated from the real? The classifier two-sample test.

Lopez-Paz & Oquab 2017: trained on one half of both sets, judged on the other. Rows that are equal
to the last bit stay in one half, so that the classifier never meets in the test what it learned by
heart: that a generator repeats itself, or that a data set holds doubles, is for other metrics to
say. The interval and the p-value count distinct rows for the same reason.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy.linalg import eigh
from scipy.special import expit, ndtr
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from gantlet.metrics.intervals import Estimate, canonical_order, normal, proportion
from gantlet.metrics.moments import Moments

ROWS = 10_000  # of each set; more would sharpen a p-value that needs no sharpening
COMPONENTS = 32  # of the principal ones that trees are grown on
CLIP = 4.0  # standard deviations: one sample that flew off must not bend the line for all


class TwoSample(NamedTuple):
    """How well generated and real were told apart on rows that the classifier had not seen."""

    accuracy: Estimate
    auc: Estimate
    p_value: float  # that guessing would be right as often
    real_indices: Int[np.ndarray, "k"]  # which rows were held out
    real_scores: Float64[np.ndarray, "k"]  # and the probability that they are real
    fake_indices: Int[np.ndarray, "l"]
    fake_scores: Float64[np.ndarray, "l"]


class Judge(NamedTuple):
    """A trained classifier: the mean of two logits, one straight and one of trees."""

    mean: Float64[np.ndarray, "d"]
    scale: Float64[np.ndarray, "d"]
    axes: Float64[np.ndarray, "d c"]
    line: LogisticRegression
    trees: HistGradientBoostingClassifier

    def logits(self, features: Float[np.ndarray, "n d"]) -> Float64[np.ndarray, "n"]:
        """Above 0 where it takes a row for real."""
        x = _standardised(features - self.mean, self.scale)
        straight = self.line.decision_function(x)
        return (straight + self.trees.decision_function(_seen_by_trees(x, self.axes))) / 2


def two_sample_test(
    real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], seed: int = 0
) -> TwoSample:
    """The classifier's accuracy and AUC on held-out rows, of equally many real and generated.

    The accuracy's interval is Wilson's for this classifier on new rows, the AUC's is DeLong's
    (1988); p is one-sided, from the null's standard deviation 1/(2√n). At most 10,000 rows of each
    set are used, chosen by their bytes and the seed.
    """
    count = min(len(real), len(fake), ROWS)
    if count < 20:
        raise ValueError(f"a two-sample test needs at least 20 rows of each set, not {count}")
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(canonical_order(x))[:count] for x in (real, fake)]
    both = np.concatenate([real[chosen[0]], fake[chosen[1]]])
    test = _test_half(both, rng)
    is_real = np.arange(2 * count) < count
    judge = trained(both[~test & is_real], both[~test & ~is_real])
    held_out = both[test]
    del both
    logits = judge.logits(held_out)
    truth = is_real[test]
    distinct = _distinct(held_out)
    accuracy = _accuracy(logits, truth)
    p_value = float(ndtr(-(accuracy - 0.5) * 2 * np.sqrt(distinct)))
    halves = [rows[test[side]] for rows, side in zip(chosen, (is_real, ~is_real), strict=True)]
    return TwoSample(
        proportion(accuracy, accuracy * (1 - accuracy) / distinct, distinct),
        area(logits[truth], logits[~truth]),
        p_value,
        halves[0],
        expit(logits[truth]),
        halves[1],
        expit(logits[~truth]),
    )


def trained(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> Judge:
    """The classifier for features of any kind: a line for means, trees for shapes.

    The line sees all dimensions, standardised; the trees see the leading principal components and
    with them what no line parts, such as rings of two radii, and the length of the row.
    """
    moments = Moments.of(both := np.concatenate([real, fake]))
    deviation = np.sqrt(np.diag(moments.covariance))
    scale = np.where(deviation > 0, deviation, 1.0)
    x = _standardised(both - moments.mean, scale)
    del both
    d = len(scale)
    correlation = moments.covariance / np.outer(scale, scale)
    _, vectors = eigh(correlation, subset_by_index=(max(0, d - COMPONENTS), d - 1))
    axes = _signed(vectors[:, ::-1])
    y = np.arange(len(x)) < len(real)
    line = LogisticRegression(C=0.01, max_iter=200, tol=1e-3).fit(x, y)
    trees = HistGradientBoostingClassifier(
        max_iter=100,
        max_leaf_nodes=15,
        min_samples_leaf=min(20, len(y) // 4),
        l2_regularization=1.0,
        early_stopping=False,  # pyright: ignore[reportArgumentType]  # its stubs know only "auto"
        random_state=0,
    ).fit(_seen_by_trees(x, axes), y)
    return Judge(moments.mean, scale, axes, line, trees)


def _standardised(
    centred: Float64[np.ndarray, "n d"], scale: Float64[np.ndarray, "d"]
) -> Float64[np.ndarray, "n d"]:
    """The same array at unit scale, clipped: wide features leave no room for a second one."""
    centred /= scale
    return np.clip(centred, -CLIP, CLIP, out=centred)


def _signed(axes: Float64[np.ndarray, "d c"]) -> Float64[np.ndarray, "d c"]:
    """Each turned so that its largest number is positive: else its sign is LAPACK's whim."""
    largest = axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])]
    return axes * np.where(largest < 0, -1.0, 1.0)


def _seen_by_trees(
    x: Float[np.ndarray, "n d"], axes: Float[np.ndarray, "d c"]
) -> Float64[np.ndarray, "n features"]:
    """Principal components and the length over all: noise adds a little to each dimension."""
    return np.column_stack([x @ axes, np.square(x).sum(1)])


def area(real: Float[np.ndarray, "m"], fake: Float[np.ndarray, "n"]) -> Estimate:
    """P(real scores above fake), ties half.  DeLong et al. 1988; ranks: Sun & Xu 2014."""
    m, n = len(real), len(fake)
    ranks = rankdata(np.concatenate([real, fake]))
    above = (ranks[:m] - rankdata(real)) / n  # for each real, the share of fakes below it
    below = 1 - (ranks[m:] - rankdata(fake)) / m
    error = float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
    estimate = normal(float(above.mean()), error)
    return estimate._replace(low=max(estimate.low, 0.0), high=min(estimate.high, 1.0))


def _accuracy(logits: Float[np.ndarray, "n"], truth: Bool[np.ndarray, "n"]) -> float:
    """The mean of the shares of each kind that were told right."""
    right = (logits > 0) == truth
    return float(right[truth].mean() + right[~truth].mean()) / 2


def _classes(rows: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
    """A number for each row, equal for equal rows, from 0."""
    order = canonical_order(rows)
    new = (rows[order[1:]] != rows[order[:-1]]).any(1)
    number = np.empty(len(rows), np.int64)
    number[order] = np.concatenate([[0], np.cumsum(new)])
    return number


def _distinct(rows: Float[np.ndarray, "n d"]) -> int:
    return int(_classes(rows).max()) + 1


def _test_half(both: Float[np.ndarray, "n d"], rng: np.random.Generator) -> Bool[np.ndarray, "n"]:
    """Half of the distinct rows of each set; one that is in both goes with the real ones."""
    number = _classes(both)
    half = len(both) // 2
    test = np.zeros(int(number.max()) + 1, bool)
    mine = np.unique(number[:half])
    theirs = np.setdiff1d(np.unique(number[half:]), mine)
    for kind in (mine, theirs):
        test[rng.permutation(kind)[: len(kind) // 2]] = True
    return test[number]
