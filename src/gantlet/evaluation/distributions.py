"""View 2: how do the two distributions lie?"""

from collections.abc import Generator

import numpy as np

from gantlet.evaluation.embedding import joint_map
from gantlet.evaluation.figures import Figure, Finding, Panel, Pictures, View
from gantlet.evaluation.judged import Judged, interval, picture_of
from gantlet.evaluation.marginals import marginals
from gantlet.evaluation.modes_hit import modes_hit
from gantlet.evaluation.space import Space
from gantlet.evaluation.subject import Subject
from gantlet.metrics.neighbours import Neighbours
from gantlet.metrics.vendi import vendi_ratios
from gantlet.modalities.base import Progress

SHOWN = 12
NARROW = 0.8  # of real data's own recall, below which the generated are called narrow


def distributions_view(
    subject: Subject, space: Space, near: dict[str, Neighbours]
) -> Generator[Progress, None, Judged]:
    """Recall, density, coverage, variety, modes, marginals, a map, and what is never made."""
    yield Progress(0, 0, "modes")
    modes = modes_hit(subject, space)
    yield Progress(0, 0, "marginals")
    sizes = marginals(subject, space)
    yield Progress(0, 0, "drawing a map of both distributions")
    chart = joint_map(subject, space)
    manifold = [*_manifold(space, near), _variety(space)]
    panels: list[Panel] = [chart, _realism(subject, near["fake"]), _never(subject, space, near)]
    view = View(
        name="distributions", question="How do the two distributions lie?",
        answer=_answer(manifold, modes.words), figures=(*manifold, *modes.figures, *sizes.figures),
        panels=(*panels, *modes.panels, *sizes.panels),
    )  # fmt: skip
    return Judged(view, (*_findings(manifold), *modes.findings, *sizes.findings))


def _manifold(space: Space, near: dict[str, Neighbours]) -> list[Figure]:
    fake, real, trivial = near["fake"], near["stand_in"], near["baseline"]
    common = {"m": space.size, "n": space.size, "better": "near", "space": space.label}
    recall = Figure(
        name="recall", title="Recall", unit="%", **interval(fake.recall),
        real=real.recall.value, baseline=trivial.recall.value,
        words="Real samples that lie where generated ones lie: what is missing is never made.",
        definition="Share of real samples inside the ball of some generated one that reaches to "
        "its 3rd neighbour. Kynkäänniemi et al. 2019.", page="recall", **common,
    )  # fmt: skip
    density = Figure(
        name="density", title="Density", **interval(fake.density), real=real.density.value,
        baseline=trivial.density.value,
        words="How crowded with real samples the places are where generated ones lie; above 1 "
        "they keep to the typical. It does not notice repetition.",
        definition="Mean number of real balls (to the 5th neighbour) that hold a generated "
        "sample, over 5. Naeem et al. 2020.", page="density", **common,
    )  # fmt: skip
    coverage = Figure(
        name="coverage", title="Coverage", unit="%", **interval(fake.coverage),
        real=real.coverage.value, baseline=trivial.coverage.value,
        words="Real samples that have a generated one among their nearest.",
        definition="Share of real balls (to the 5th neighbour) that hold a generated sample. "
        "Naeem et al. 2020.", page="coverage", **common,
    )  # fmt: skip
    return [recall, density, coverage]


def _variety(space: Space) -> Figure:
    fake, real, trivial = vendi_ratios(space.reference, space.fake, space.stand_in, space.baseline)
    return Figure(
        name="vendi_ratio", title="Variety (Vendi ratio)", value=fake, real=real, baseline=trivial,
        m=space.size, n=space.size, better="near", space=space.label, page="vendi-ratio",
        words="Kinds of samples as an effective number, over that of the real set.",
        definition="exp of the entropy of the eigenvalues of K/n, K the cosine similarity of "
        "features centred by the real mean. Friedman & Dieng 2023.",
    )  # fmt: skip


def _realism(subject: Subject, near: Neighbours) -> Pictures:
    order = np.argsort(near.realism)
    worst, best = np.sort(order[:SHOWN]), np.sort(order[::-1][:SHOWN])
    return Pictures(
        title="Most and least typical samples",
        rows=(
            (picture_of(subject.modality, subject.fake[best], "deep among real samples"),),
            (picture_of(subject.modality, subject.fake[worst], "farthest from any real sample"),),
        ),
        words="By realism: the largest ratio of a real sample's radius to its distance. "
        "Kynkäänniemi et al. 2019.",
    )  # fmt: skip


def _never(subject: Subject, space: Space, near: dict[str, Neighbours]) -> Pictures:
    far = np.argsort(near["fake"].remoteness)[::-1][: 2 * SHOWN]
    rows = subject.rows[np.sort(space.sides.reference[np.sort(far)])]
    return Pictures(
        title="Real data that the generator never makes",
        rows=((picture_of(subject.modality, rows, "real samples far from every generated one"),),),
        words="The real samples whose nearest generated one is farthest, beside their own radius.",
    )  # fmt: skip


def _findings(figures: list[Figure]) -> list[Finding]:
    by_name = {figure.name: figure for figure in figures}
    recall, found = by_name["recall"], []
    if recall.high < NARROW * recall.real:
        found.append(
            Finding(
                kind="narrow",
                severity="warning",
                words=f"The generator reaches {recall.value:.0%} of the real variety; real data "
                f"reach {recall.real:.0%}.",
                advice="look at what is never made; train longer, or raise objective.gamma",
                figure="recall",
            )
        )
    return found


def _answer(figures: list[Figure], modes: str) -> str:
    by_name = {figure.name: figure for figure in figures}
    recall, coverage = by_name["recall"], by_name["coverage"]
    return (
        f"Generated samples reach {recall.value:.0%} of the real ones (real data: "
        f"{recall.real:.0%}) and cover {coverage.value:.0%} (real data: {coverage.real:.0%}). "
        f"{modes}"
    )
