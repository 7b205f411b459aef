"""What the trained discriminator itself says of training, held-out and generated rows."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.stats import rankdata
from torch import Tensor

from gantlet.evaluation.figures import Chart, Figure, Finding, Panel, Series
from gantlet.evaluation.judged import evenly, histogram
from gantlet.evaluation.subject import Subject
from gantlet.gan import Gan
from gantlet.measure import Calibration
from gantlet.metrics.intervals import Estimate, normal
from gantlet.types import Labels

MOST = 2_000  # rows of each kind that D is asked about
AT_ONCE = 256
BINS = 40
GRID = 10  # bins of the reliability curve
MEMORISED = 0.25  # gap that surely lies above this is a fault of the training
REMEMBERED = 0.55  # and pairs in which a training row is rated above a held-out one
REPEATS = 50  # simulations of the floor of the calibration error

Train = Float64[np.ndarray, "t"]
HeldOut = Float64[np.ndarray, "m"]
Fake = Float64[np.ndarray, "n"]


class Verdict(NamedTuple):
    """What belongs to view 1."""

    figures: list[Figure]
    panels: list[Panel]
    findings: list[Finding]


class Reliability(NamedTuple):
    """What was said and what was true, in bins of what was said; both kinds weigh alike."""

    said: Float64[np.ndarray, "bins"]  # mean P(real)
    true: Float64[np.ndarray, "bins"]  # share that is real
    error: float  # Σ weight |said − true|.  Naeini et al. 2015
    floor: float  # the same of a perfectly calibrated judge at these sizes


def verdict_of_D(subject: Subject) -> Verdict:
    """D's verdict on some rows of each kind, each judged alone."""
    assert subject.gan is not None, "there is no discriminator to ask"
    gan, split = subject.gan, subject.split
    train, held_out = (part[evenly(len(part), MOST)] for part in (split.train, split.held_out))
    fake = evenly(len(subject.fake), MOST)
    labels = subject.labels
    return verdict(
        logits_of(gan, subject.rows[train], None if labels is None else labels[train]),
        logits_of(gan, subject.rows[held_out], None if labels is None else labels[held_out])
        if len(held_out)
        else np.zeros(0),
        logits_of(
            gan,
            subject.fake[fake],
            None if subject.fake_labels is None else subject.fake_labels[fake],
        ),
        gan.calibration,
    )


@torch.no_grad()
def logits_of(gan: Gan, rows: Any, labels: Any = None) -> Fake:
    """D's logits, each row alone; under its cluster, its label, or the class that suits it best."""
    D, some = gan.discriminator, next(gan.discriminator.parameters())
    found = []
    for start in range(0, len(rows), AT_ONCE):
        x = gan.codec.encode(rows[start : start + AT_ONCE]).to(some)
        own = None if labels is None else torch.as_tensor(labels[start : start + AT_ONCE])
        each = [D(x, None if y is None else y.to(some.device)) for y in _conditions(gan, x, own)]
        found.append(torch.stack(each).amax(0).double().cpu())
    return torch.cat(found).numpy()


def _conditions(gan: Gan, x: Tensor, labels: Tensor | None) -> list[Labels | None]:
    if not gan.conditions.weights:
        return [None]
    if gan.clusters is not None:
        return [gan.clusters.assign(x)]
    if labels is not None:
        return [labels.long()]
    return [torch.full((len(x),), label) for label in range(len(gan.conditions.weights))]


def verdict(train: Train, held_out: HeldOut, fake: Fake, fitted: Calibration) -> Verdict:
    """Figures and panels from logits; without held-out rows, only what needs none."""
    panels: list[Panel] = [_histograms(train, held_out, fake)]
    if len(held_out) < 2:
        return Verdict([], panels, [])
    separation, memory, gap = (
        auc(held_out, fake),
        auc(train, held_out),
        memorised(train, held_out, fake),
    )
    p_real, p_fake = (_probability(x, fitted) for x in (held_out, fake))
    curve = reliability(p_real, p_fake)
    right = [float((p > 0.5).mean()) for p in (_probability(train, fitted), p_real)]
    right_fake = float((p_fake <= 0.5).mean())
    m, n = len(held_out), len(fake)
    halves = [memorised(part, train[1::2], fake).value for part in (train[::2],)]
    figures = [
        Figure(
            name="verdict_auc", title="D tells held-out from generated", **separation._asdict(),
            real=memory.value, m=m, n=n, better="lower", unit="%", page="discriminator-verdict",
            words=f"A held-out row looks more real to D than a generated one in "
            f"{separation.value:.0%} of pairs. It is right on {right[0]:.0%} of training rows, "
            f"{right[1]:.0%} of held-out rows and {right_fake:.0%} of generated rows.",
            definition="P(D(held-out) > D(generated)) + ½ P(=); interval by DeLong et al. 1988. "
            "Real against real is training against held-out rows. D is the judge that G was "
            "trained to please: it is the wrong one to ask whether G is good.",
        ),
        Figure(
            name="verdict_gap", title="D remembers training rows", **gap._asdict(),
            real=halves[0], m=m, n=n, better="lower", unit="%", page="discriminator-verdict",
            words=_gap_words(gap, memory),
            definition="(mean D(train) − mean D(held-out)) / (mean D(train) − mean D(generated)): "
            "0 if D treats unseen real rows as it treats those it knows, 1 if unseen real rows are "
            "fakes to it. Interval by the delta method; real is one half of training against the "
            "other. After Karras et al. 2020, section 3.",
        ),
        Figure(
            name="verdict_calibration", title="Error of D's stated confidence", value=curve.error,
            real=curve.floor, m=m, n=n, better="near", unit="%", page="discriminator-verdict",
            words=f"When `realness` states a probability, it is off by {curve.error:.1%} on "
            f"average; chance alone makes {curve.floor:.1%} at these sizes.",
            definition="Expected calibration error over ten bins, held-out and generated rows "
            "weighing alike (Naeini et al. 2015), of σ(a·D + b) as fitted in training (Platt "
            "1999). Real is what a perfectly calibrated judge would score.",
        ),
    ]  # fmt: skip
    panels.append(_reliability_chart(curve))
    return Verdict(figures, panels, _findings(gap, memory))


def auc(high: HeldOut, low: Fake) -> Estimate:
    """P(high > low) + ½ P(high = low), its error by placements.  DeLong et al. 1988, eq. 5."""
    m, n = len(high), len(low)
    ranks = rankdata(np.concatenate([high, low]))
    above = (ranks[:m] - rankdata(high)) / n  # share of the low that each of the high exceeds
    below = 1 - (ranks[m:] - rankdata(low)) / m
    return normal(
        float(above.mean()), float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
    )


def memorised(train: Train, held_out: HeldOut, fake: Fake) -> Estimate:
    """(T − H) / (T − F) of mean logits; NaN where D cannot tell its training rows from fakes."""
    means = [float(x.mean()) for x in (train, held_out, fake)]
    errors = [float(x.var(ddof=1)) / len(x) for x in (train, held_out, fake)]
    reach = means[0] - means[2]
    if reach <= 2 * np.sqrt(errors[0] + errors[2]):
        return Estimate(np.nan, np.nan, np.nan, np.nan)
    gap = (means[0] - means[1]) / reach
    slopes = np.array([1 - gap, -1, gap]) / reach
    return normal(gap, float(np.sqrt(np.square(slopes) @ np.array(errors))))


def reliability(
    real: Float[np.ndarray, "m"], fake: Float[np.ndarray, "n"], seed: int = 0
) -> Reliability:
    """How stated probabilities of being real agree with what is real."""
    p = np.concatenate([real, fake])
    weight = np.concatenate(
        [np.full(len(real), 0.5 / len(real)), np.full(len(fake), 0.5 / len(fake))]
    )
    is_real = np.arange(len(p)) < len(real)
    place = np.minimum((p * GRID).astype(np.int64), GRID - 1)

    def by_bin(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, values, GRID)

    total = by_bin(weight)
    with np.errstate(invalid="ignore"):
        said, true = by_bin(weight * p) / total, by_bin(weight * is_real) / total
    rng = np.random.default_rng(seed)
    draws = (by_bin(weight * ((rng.random(len(p)) < p) - p)) for _ in range(REPEATS))
    floor = float(np.mean([np.abs(draw).sum() for draw in draws]))
    return Reliability(said, true, float(np.abs(by_bin(weight * (is_real - p))).sum()), floor)


def _probability(logits: Fake, fitted: Calibration) -> Float64[np.ndarray, "n"]:
    scaled = torch.from_numpy(fitted.slope * logits + fitted.offset)
    return torch.sigmoid(scaled).numpy()


def _gap_words(gap: Estimate, memory: Estimate) -> str:
    if np.isnan(gap.value):
        return (
            "D cannot tell the rows that it was trained on from generated ones: there is nothing "
            "that it could have remembered."
        )
    return (
        f"Unseen real rows lie {gap.value:.0%} of the way from training rows to generated ones; a "
        f"training row is rated above a held-out one in {memory.value:.0%} of pairs (50 %: "
        "nothing remembered)."
    )


def _findings(gap: Estimate, memory: Estimate) -> list[Finding]:
    # Of a D that hardly tells anyone apart even a large share is next to nothing.
    if not (gap.low > MEMORISED and memory.low > REMEMBERED):
        return []
    return [
        Finding(
            kind="discriminator_memorises", severity="warning", figure="verdict_gap",
            words=f"The discriminator knows its training rows by heart: unseen real rows lie "
            f"{gap.value:.0%} of the way to the generated ones.",
            advice="give it more data, augmentation or a larger penalty, or stop earlier",
        )
    ]  # fmt: skip


def _histograms(train: Train, held_out: HeldOut, fake: Fake) -> Chart:
    every = np.concatenate([train, held_out, fake])
    low, high = np.quantile(every, [0.002, 0.998])
    edges = np.linspace(low, max(high, low + 1e-9), BINS + 1)
    named = {"training rows": ("real", train), "held-out rows": ("held_out", held_out),
             "generated": ("fake", fake)}  # fmt: skip
    return Chart(
        title="The discriminator's own verdict", shape="histogram",
        x_label="logit (right: taken for real)", y_label="share of rows",
        series=tuple(
            Series(name=name, x=tuple(edges.tolist()), y=histogram(logits, edges), kind=kind)
            for name, (kind, logits) in named.items() if len(logits)
        ),
        words="Where training and held-out rows part, D remembers what it was trained on; where "
        "generated rows lie far to the left, it tells them easily."
        + ("" if len(held_out) else " No row was kept from training: nothing shows memory here."),
    )  # fmt: skip


def _reliability_chart(curve: Reliability) -> Chart:
    there = np.isfinite(curve.said)
    return Chart(
        title="Is the discriminator's confidence deserved?", shape="line",
        x_label="what it says: probability of real", y_label="share that is real",
        series=(
            Series(name="held-out and generated", kind="fake",
                   x=tuple(curve.said[there].tolist()), y=tuple(curve.true[there].tolist())),
            Series(name="deserved", x=(0.0, 1.0), y=(0.0, 1.0), kind="other"),
        ),
        words="On the diagonal a row that is called 80 % real is real four times in five.",
    )  # fmt: skip
