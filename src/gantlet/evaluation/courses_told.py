"""Of rows that run over time: are they told apart, by what, and what do they teach?"""

from collections.abc import Generator
from typing import Any

import numpy as np

from gantlet.evaluation.courses import Runs
from gantlet.evaluation.figures import Chart, Figure, Finding, Panel, Series, Strip, Strips
from gantlet.evaluation.judged import More, interval
from gantlet.metrics.course_classifier import FEWEST, CourseTest, course_two_sample
from gantlet.metrics.course_features import GROUPS
from gantlet.metrics.course_foretelling import foretelling_scores
from gantlet.metrics.courses import scaled
from gantlet.metrics.customary import discriminative_scores, predictive_scores
from gantlet.modalities.base import Progress

SHOWN = 4  # series of each kind
CHANNELS = 6  # that are drawn
EASILY, TOLD = 0.9, 0.6  # AUC
CHANCE = 0.01  # p up to which series are told
SURE = 1e-4
WORSE = 1.25  # of real series' own error, from which on it is worth a word


def courses_told(runs: Runs) -> Generator[Progress, None, More]:
    """The strong judges, the two customary scores, and series side by side."""
    figures: list[Figure] = []
    panels: list[Panel] = [_strips(runs)]
    findings: list[Finding] = []
    words, is_told = "", False
    if min(len(runs.reference), len(runs.fake)) >= FEWEST:
        yield Progress(0, 3, "training judges to tell real from generated series")
        test = course_two_sample(runs.reference, runs.fake, runs.seed)
        yield Progress(1, 3, "training judges to tell real from real series")
        real = course_two_sample(runs.reference, runs.stand_in, runs.seed)
        yield Progress(2, 3, "training judges to tell real from shuffled series")
        trivial = course_two_sample(runs.reference, runs.baseline, runs.seed)
        figures += [_told(runs, test, real, trivial), _strong(runs, test, real, trivial)]
        if test.auc.low > TOLD:
            panels.append(_evidence(test))
        findings += _telling(test, real)
        words = _words(test)
        is_told = test.p_value <= CHANCE and test.auc.low > real.auc.high
        if runs.reference.shape[1] > 1:
            yield Progress(0, 0, "training judges to foretell real series")
            foretold = _foretelling(runs)
            figures += foretold
            findings += [finding for figure in foretold for finding in _teaching(figure)]
    yield Progress(0, 2, "the customary discriminative score")
    unit = [scaled(side, runs.reference) for side in runs[:4]]
    figures.append(_customary(runs, unit))
    if runs.reference.shape[1] > 1:
        yield Progress(1, 2, "the customary predictive score")
        figures.append(_predictive(runs, unit))
    denied = ("indistinguishable",) if is_told else ()
    return More(tuple(figures), tuple(panels), tuple(findings), words, denied)


def _common(runs: Runs) -> dict[str, Any]:
    steps, channels = runs.reference.shape[1:]
    size = len(runs.reference)
    return {"m": size, "n": len(runs.fake), "space": f"{channels:,} channels, {steps:,} steps"}


def _told(runs: Runs, test: CourseTest, real: CourseTest, trivial: CourseTest) -> Figure:
    return Figure(
        name="series_auc", title="Series told apart (AUC)", **interval(test.auc),
        real=real.auc.value, baseline=trivial.auc.value, better="lower", unit="%",
        page="series-classifier",
        words="The chance that a generated series is rated less real than a real one; 50 % is "
        f"guessing, p = {test.p_value:.2g} that it guesses. Tested on {test.stretches:,} "
        "stretches that the judges had not seen.",
        definition="Mean AUC over three tests of boosted trees and a convolution, weighed on a "
        "part of their own; series that overlap stay on one side. Lopez-Paz & Oquab 2017.",
        **_common(runs),
    )  # fmt: skip


def _strong(runs: Runs, test: CourseTest, real: CourseTest, trivial: CourseTest) -> Figure:
    return Figure(
        name="strong_discriminative", title="Discriminative score, strong judge",
        value=test.score, real=real.score, baseline=trivial.score, better="lower",
        page="series-classifier",
        words="0 is guessing, 0.5 is always right; the same question as the customary score's, "
        "asked of better judges.",
        definition="|accuracy − ½| of the same judges on the same series.", **_common(runs),
    )  # fmt: skip


def _foretelling(runs: Runs) -> list[Figure]:
    """Nothing where no series can be kept apart for the test, or none of them moves."""
    try:
        scores = foretelling_scores(runs.reference, [runs.fake, runs.baseline], runs.seed)
    except ValueError:
        return []
    if not np.isfinite(scores).all():
        return []
    real, fake, baseline = scores.tolist()
    figure = Figure(
        name="strong_predictive", title="Predictive score, strong judge", value=fake, real=real,
        baseline=baseline, better="lower", page="strong-predictive-score",
        words="How wrong about the next step of real series what learned on generated ones is, "
        "over the guess that nothing changes; what learned on other real ones is so by "
        f"{real:.3g}.",
        definition="√(Σ(x − x̂)² / Σ(x − x₋₁)²), the mean over channels, of a ridge regression and "
        "boosted trees on what it leaves, tested on stretches of the real record that nobody "
        "learned from. Hyndman & Koehler 2006.", **_common(runs),
    )  # fmt: skip
    return [figure]


def _customary(runs: Runs, unit: list[np.ndarray]) -> Figure:
    real, *others = unit
    stand_in, fake, baseline = discriminative_scores([real] * 3, others)[:, 0].tolist()
    return Figure(
        name="discriminative_score", title="Discriminative score, as is customary", value=fake,
        real=stand_in, baseline=baseline, better="lower", page="discriminative-score",
        words="A judge of a few recurrent units, which sees little: to compare with "
        "published figures, not to rely on.",
        definition="|accuracy − ½| of a gated recurrent classifier of half as many units as "
        "channels on a fifth of the series. Yoon et al. 2019.", **_common(runs),
    )  # fmt: skip


def _predictive(runs: Runs, unit: list[np.ndarray]) -> Figure:
    real, _, fake, baseline = unit
    found = predictive_scores([fake, real, baseline], real)[:, 0].tolist()
    return Figure(
        name="predictive_score", title="Predictive score, as is customary", value=found[0],
        real=found[1], baseline=found[2], better="lower", page="predictive-score",
        words=f"What learned on generated series is wrong by this about {runs.names[-1]} of real "
        f"ones, one step ahead; what learned on real ones, by {found[1]:.3g}. The unit is the "
        "width of the real values.",
        definition="Mean |x − x̂| on real series of a gated recurrent network trained on generated "
        "ones, the last channel from the others. Yoon et al. 2019.", **_common(runs),
    )  # fmt: skip


def _strips(runs: Runs) -> Strips:
    rng = np.random.default_rng([runs.seed, 31])
    sides = (("real", "real", runs.reference), ("fake", "generated", runs.fake))
    drawn = [
        (kind, words, side[np.sort(rng.permutation(len(side))[:SHOWN])])
        for kind, words, side in sides
    ]
    rows = tuple(
        tuple(
            Strip(kind=kind, words=words, lines=(tuple(one[:, place].tolist()),))
            for kind, words, some in drawn
            for one in some
        )
        for place in range(min(CHANNELS, len(runs.names)))
    )
    left = len(runs.names) - len(rows)
    return Strips(
        title="Series side by side", names=runs.names[: len(rows)], rows=rows,
        words="Real ones, then generated ones, at random; in one place of every row stands the "
        f"same series. {f'{left:,} more channels are not drawn. ' if left else ''}"
        "A gap is a missing value.",
    )  # fmt: skip


def _evidence(test: CourseTest) -> Chart:
    order = np.argsort(-test.evidence, kind="stable")
    order = order[test.evidence[order] > 0]
    names = list(GROUPS)
    return Chart(
        title="What gives the generated away", shape="bar",
        series=(
            Series(
                name="evidence lost", x=tuple(float(k) for k in range(len(order))),
                y=tuple(test.evidence[order].tolist()), kind="fake",
            ),
        ),
        names=tuple(names[place] for place in order), x_label="what the trees see",
        y_label="share of the evidence",
        words="How much of the gap between the trees' mean verdicts on real and generated series "
        "goes when a group of their numbers is shuffled. Groups that tell the same share it.",
    )  # fmt: skip


def _telling(test: CourseTest, real: CourseTest) -> list[Finding]:
    if test.auc.low > max(TOLD, real.auc.high) and test.p_value < SURE:
        easily = test.auc.low > EASILY
        worst = list(GROUPS)[int(test.evidence.argmax())]
        by = f", above all by {worst}" if test.evidence.max() > 0 else ""
        return [
            Finding(
                kind="series_easily_told" if easily else "series_told", severity="warning",
                figure="series_auc",
                words="Strong judges tell generated series from real ones "
                f"{'nearly always' if easily else 'often'} (AUC {test.auc.value:.0%}){by}.",
                advice="look at the spectrum and the correlations; train longer",
            )
        ]  # fmt: skip
    return []


def _teaching(figure: Figure) -> list[Finding]:
    if figure.value <= WORSE * figure.real:
        return []
    return [
        Finding(
            kind="foretells_badly", severity="warning", figure=figure.name,
            words="What learns to foretell on generated series is wrong "
            f"{figure.value / figure.real:.2g} times as much on real ones as what learns on real "
            "ones.",
            advice="train longer: how a step follows from those before comes last",
        )
    ]  # fmt: skip


def _words(test: CourseTest) -> str:
    if test.p_value > CHANCE:
        return "Strong judges of series do hardly better than guessing."
    how = "nearly always" if test.auc.value > EASILY else "often" if test.auc.value > TOLD else ""
    return f"Strong judges of series tell them {how or 'seldom'} (AUC {test.auc.value:.0%})."
