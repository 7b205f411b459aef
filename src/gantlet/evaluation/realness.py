"""View 1: can the generated be told from the real?"""

from collections.abc import Generator
from typing import Any

import numpy as np

from gantlet.evaluation.figures import Chart, Figure, Finding, Panel, Pictures, Series, View
from gantlet.evaluation.judged import Judged, between, histogram, interval, picture_of
from gantlet.evaluation.space import Space
from gantlet.evaluation.subject import Subject
from gantlet.evaluation.verdict_of_D import verdict_of_D
from gantlet.metrics.frechet import FrechetPair, Prepared
from gantlet.metrics.intervals import Estimate
from gantlet.metrics.kernel import kernel_estimates, standardised
from gantlet.metrics.neighbours import Neighbours
from gantlet.metrics.two_sample import TwoSample, two_sample_test
from gantlet.modalities.base import Progress

SHOWN = 12  # most and least convincing samples
BINS = 30
EASILY = 0.9  # AUC above which anyone would be told apart
SURE = 1e-4  # p-value below which chance is no explanation


def realness_view(
    subject: Subject, space: Space, near: dict[str, Neighbours]
) -> Generator[Progress, None, Judged]:
    """Distances, the classifier's verdict, precision, and what the trained D says."""
    yield Progress(0, 0, "distances")
    distances = _distances(space)
    yield Progress(0, 0, "training classifiers to tell real from generated")
    tests = {
        side: two_sample_test(space.reference, getattr(space, side))
        for side in ("fake", "stand_in", "baseline")
    }
    test = tests["fake"]
    figures = [*distances, *_of_tests(space, tests), _precision(space, near)]
    panels: list[Panel] = [_convincing(subject, test), _scores(test, tests["stand_in"])]
    findings = [*_findings(figures, test)]
    if subject.gan is not None:
        yield Progress(0, 0, "asking the discriminator")
        more = verdict_of_D(subject)
        figures += more.figures
        panels += more.panels
        findings += more.findings
    view = View(
        name="realness", question="Can the generated be told from the real?",
        answer=_answer(test, distances[0]), figures=tuple(figures), panels=tuple(panels),
    )  # fmt: skip
    return Judged(view, tuple(findings))


def _distances(space: Space) -> list[Figure]:
    name = "Fréchet inception distance" if space.extractor.is_fid else "Fréchet distance"
    return [*_frechet(space, name), _kernel(space)]


def _frechet(space: Space, name: str) -> list[Figure]:
    common: dict[str, Any] = {
        "m": space.size, "n": space.size, "better": "lower", "page": "frechet-distance",
        "space": space.label,
    }  # fmt: skip
    reference = Prepared(space.reference)
    fake, stand_in, baseline = (
        FrechetPair(reference, Prepared(side, seed=1))
        for side in (space.fake, space.stand_in, space.baseline)
    )
    value, floor = fake.distance_estimate(), stand_in.distance
    dimensions = space.reference.shape[1]
    few = (
        f"{space.size:,} rows in {dimensions:,} dimensions: the covariances are of no full rank, "
        "and most of the value is the bias that real data show as well; raise -n",
    )
    distance = Figure(
        name="frechet_distance", title=name, **interval(value), real=floor,
        baseline=baseline.distance,
        words=f"{_times(value.value, floor)} that of real data against real data at these sizes.",
        definition="‖μ_r − μ_f‖² + tr(Σ_r + Σ_f − 2(Σ_r Σ_f)^½) of the features. "
        "Heusel et al. 2017.",
        warnings=few if space.size <= dimensions else (), **common,
    )  # fmt: skip
    endless = Figure(
        name="frechet_infinity", title=f"{name} without end (FD∞)",
        **interval(fake.infinity_estimate()),
        real=stand_in.infinity,
        baseline=baseline.infinity,
        words="The distance that endlessly many samples would have: the part that is no bias.",
        definition="The distance at several sizes N, extrapolated to 1/N = 0. "
        "Chong & Forsyth 2020.", **common,
    )  # fmt: skip
    return [distance, endless]


def _kernel(space: Space) -> Figure:
    fake, stand_in, baseline = kernel_estimates(
        *standardised(space.reference, space.fake, space.stand_in, space.baseline)
    )
    return Figure(
        name="kernel_distance", title="Kernel distance", **interval(fake),
        real=stand_in.value, baseline=baseline.value,
        m=space.size, n=space.size, better="lower", page="kernel-distance", space=space.label,
        words="Without bias: 0 on average where the distributions agree, so it may be negative.",
        definition="Unbiased squared MMD with k(x, y) = (x·y/d + 1)³ on features standardised by "
        "the real set. Bińkowski et al. 2018; Gretton et al. 2012.",
    )  # fmt: skip


def _of_tests(space: Space, tests: dict[str, TwoSample]) -> list[Figure]:
    test = tests["fake"]
    common: dict[str, Any] = {
        "m": space.size, "n": space.size, "space": space.label, "page": "two-sample-test",
        "unit": "%",
    }  # fmt: skip
    accuracy = Figure(
        name="two_sample_accuracy", title="Told apart by a classifier", better="lower",
        **interval(test.accuracy), real=tests["stand_in"].accuracy.value,
        baseline=tests["baseline"].accuracy.value,
        words=f"50 % is guessing; p = {test.p_value:.2g} that it guesses.",
        definition="Accuracy on rows that a classifier, trained to tell real from generated, has "
        "not seen. Lopez-Paz & Oquab 2017.", **common,
    )  # fmt: skip
    auc = Figure(
        name="two_sample_auc", title="Classifier's AUC", better="lower", **interval(test.auc),
        real=tests["stand_in"].auc.value, baseline=tests["baseline"].auc.value,
        words="The chance that a generated sample is rated less real than a real one.",
        definition="Area under the ROC curve of the same classifier; interval of DeLong et al. "
        "1988.", **common,
    )  # fmt: skip
    return [accuracy, auc]


def _precision(space: Space, near: dict[str, Neighbours]) -> Figure:
    return Figure(
        name="precision", title="Precision", **interval(near["fake"].precision),
        real=near["stand_in"].precision.value, baseline=near["baseline"].precision.value,
        m=space.size, n=space.size, better="near", unit="%",
        words="Generated samples that lie where real ones lie.",
        definition="Share of generated samples inside the ball of some real sample that reaches "
        "to its 3rd neighbour. Kynkäänniemi et al. 2019.",
        page="precision", space=space.label,
    )  # fmt: skip


def _times(value: float, floor: float) -> str:
    ratio = value / max(floor, 1e-12)
    return f"{ratio:.3g} times" if ratio < 1000 else "more than 1,000 times"


def _convincing(subject: Subject, test: TwoSample) -> Pictures:
    order = np.argsort(test.fake_scores)
    places = test.fake_indices[order]
    most, least = places[::-1][:SHOWN], places[:SHOWN]
    return Pictures(
        title="Most and least convincing samples",
        rows=(
            (picture_of(subject.modality, subject.fake[np.sort(most)], "most convincing"),),
            (picture_of(subject.modality, subject.fake[np.sort(least)], "least convincing"),),
        ),
        words="Generated samples that a classifier, which has not seen them, takes for real most "
        "readily, and those that it finds out at once.",
    )  # fmt: skip


def _scores(test: TwoSample, control: TwoSample) -> Chart:
    del control
    edges = np.linspace(0, 1, BINS + 1)
    x = tuple(edges.tolist())
    return Chart(
        title="How real the classifier finds them", shape="histogram",
        series=(
            Series(name="real", x=x, y=histogram(test.real_scores, edges), kind="real"),
            Series(name="generated", x=x, y=histogram(test.fake_scores, edges), kind="fake"),
        ),
        x_label="P(real), on rows that it has not seen", y_label="share of rows",
        words="The less the two overlap, the more easily the generated are told.",
    )  # fmt: skip


def _findings(figures: list[Figure], test: TwoSample) -> list[Finding]:
    found = []
    auc = test.auc
    if auc.low > EASILY and test.p_value < SURE:
        found.append(
            Finding(
                kind="easily_told",
                severity="warning",
                words=f"A simple classifier tells generated from real {test.accuracy.value:.0%} "
                f"of the time (50 % is guessing).",
                advice="train longer or with a wider network; look at the least convincing samples",
                figure="two_sample_accuracy",
            )
        )
    if test.p_value > 0.01 and auc.high < 0.6:
        found.append(
            Finding(
                kind="indistinguishable",
                severity="good",
                words="A classifier cannot tell the generated from the real.",
                figure="two_sample_accuracy",
            )
        )
    for figure in figures:
        for warning in figure.warnings:
            found.append(
                Finding(
                    kind="few_rows",
                    severity="warning",
                    words=f"{figure.title}: {warning}",
                    figure=figure.name,
                )
            )
    return found


def _answer(test: TwoSample, distance: Figure) -> str:
    told = test.accuracy
    if test.p_value > 0.01:
        first = "Hardly: a classifier trained for it might as well guess."
    elif told.value < 0.65:
        first = f"Seldom: a classifier trained for it is right {told.value:.0%} of the time."
    elif told.value < EASILY:
        first = f"Often: a classifier trained for it is right {told.value:.0%} of the time."
    else:
        first = f"Yes: a classifier trained for it is right {told.value:.0%} of the time."
    ratio = _times(distance.value, distance.real)
    return (
        f"{first} The {distance.title} is "
        f"{between(Estimate(distance.value, distance.low, distance.high, 0.0))}, {ratio} that of "
        "real data against real data."
    )
