"""Modes: every class, or every cluster of the real data where there are no classes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from gantlet.evaluation.figures import Chart, Figure, Finding, Panel, Pictures, Series
from gantlet.evaluation.judged import picture_of
from gantlet.evaluation.space import Space
from gantlet.evaluation.subject import Subject
from gantlet.metrics.clusters import cluster_modes
from gantlet.metrics.label_shares import label_shares

CLUSTERS = 50  # looked for where there are no classes
ROWS_EACH = 20  # real rows that a cluster has on average, at least
SHOWN = 8  # real rows of each missing mode
BARS = 60  # modes in the chart, those that differ most


class Modes(NamedTuple):
    """What the modes tell: figures, panels, findings, and a sentence."""

    figures: tuple[Figure, ...]
    panels: tuple[Panel, ...]
    findings: tuple[Finding, ...]
    words: str


def modes_hit(subject: Subject, space: Space) -> Modes:
    """Classes where there are labels, clusters of features where there are none."""
    if subject.labels is not None and len(np.unique(subject.labels[space.sides.stand_in])) > 1:
        return _classes(subject, space)
    return _clusters(subject, space)


def _classes(subject: Subject, space: Space) -> Modes:
    assert subject.labels is not None
    count = int(subject.labels.max()) + 1
    names = [*subject.classes] or [str(number) for number in range(count)]
    known = subject.labels[space.sides.stand_in].astype(np.int64)
    of_real, of_fake = _predicted(subject, space)
    half = len(known) // 2
    found = label_shares(known, of_real, of_fake, count)
    real = label_shares(known[:half], of_real[:half], of_real[half:], count)
    right = float((known == of_real).mean())
    told = _Told(
        kind="class", names=names, real=found.real, fake=found.fake, error=found.error,
        missing=found.missing, under=found.under, over=found.over, hit=count - len(found.missing),
        variation=found.total_variation, variation_real=real.total_variation,
        how=f"classes as a classifier sees them that is right on {right:.0%} of unseen real rows, "
        "its known mistakes taken back (Lipton et al. 2018)",
    )  # fmt: skip
    shown = [np.flatnonzero(known == mode)[:SHOWN] for mode in found.missing]
    return _modes(subject, space, told, [space.sides.stand_in[rows] for rows in shown])


def _clusters(subject: Subject, space: Space) -> Modes:
    wanted = max(2, min(CLUSTERS, space.size // ROWS_EACH))
    found = cluster_modes(space.reference, space.stand_in, space.fake, wanted, subject.seed)
    shares, count = found.fake, len(found.centres)
    real, fake = (counts / counts.sum() for counts in (shares.real, shares.fake))
    error = np.sqrt(real / shares.real.sum() + fake / shares.fake.sum())
    told = _Told(
        kind="cluster", names=[str(number + 1) for number in range(count)], real=real, fake=fake,
        error=error, missing=shares.missing, under=shares.under, over=shares.over,
        hit=shares.hit, variation=shares.total_variation,
        variation_real=found.real.total_variation,
        how=f"{count} clusters of the real features (k-means), the counts of each compared by "
        "Fisher's exact test, all together by Holm's",
    )  # fmt: skip
    shown = [np.flatnonzero(found.real_labels == mode)[:SHOWN] for mode in shares.missing]
    return _modes(subject, space, told, [space.sides.reference[rows] for rows in shown])


def _predicted(subject: Subject, space: Space) -> tuple[Int[np.ndarray, "k"], Int[np.ndarray, "n"]]:
    """Classes of the stand-in and of the generated, by the extractor or a linear classifier."""
    predict = space.extractor.predict
    if predict is not None:
        return predict(subject.rows[space.sides.stand_in]), predict(subject.fake)
    assert subject.labels is not None
    classifier = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    classifier.fit(space.reference, subject.labels[space.sides.reference])
    return (
        np.asarray(classifier.predict(space.stand_in)),
        np.asarray(classifier.predict(space.fake)),
    )


class _Told(NamedTuple):
    """Shares of modes, however they were found."""

    kind: str
    names: list[str]
    real: np.ndarray
    fake: np.ndarray
    error: np.ndarray
    missing: np.ndarray
    under: np.ndarray
    over: np.ndarray
    hit: int
    variation: float
    variation_real: float
    how: str


def _modes(
    subject: Subject, space: Space, told: _Told, missing_rows: list[Int[np.ndarray, "r"]]
) -> Modes:
    common = {"m": space.size, "n": space.size, "space": space.label, "page": "modes"}
    missing = _listed(told, told.missing)
    words = f"{told.hit} of {len(told.names)} {_plural(told.kind)} are made"
    words += f"; far too seldom, beyond chance: {missing}." if missing else "."
    figures = (
        Figure(
            name="modes_missing", title=f"{_plural(told.kind).capitalize()} missing",
            value=float(len(told.missing)), real=0.0, better="lower", words=words,
            definition=f"Modes made far too seldom beyond chance: {told.how}.", **common,
        ),
        Figure(
            name="modes_variation", title=f"Shares of {_plural(told.kind)}",
            value=told.variation, real=told.variation_real, better="lower", unit="%",
            words="Part of the samples that would have to change their "
            f"{told.kind} for all shares to be right. {_excess(told)}",
            definition=f"½ Σ |share of the generated − share of the real|: {told.how}.", **common,
        ),
    )  # fmt: skip
    panels: list[Panel] = [_chart(told)]
    if missing_rows:
        panels.append(_shown(subject, told, missing_rows))
    return Modes(figures, tuple(panels), tuple(_findings(told)), words)


def _findings(told: _Told) -> list[Finding]:
    if len(told.missing):
        return [
            Finding(
                kind="mode_missing", severity="fault", figure="modes_missing",
                words=f"The generator leaves out {len(told.missing)} of {len(told.names)} "
                f"{_plural(told.kind)}: {_listed(told, told.missing)}.",
                advice="train longer, raise objective.gamma, or train by class (data.labels=true)",
            )
        ]  # fmt: skip
    if told.variation > max(0.1, 3 * told.variation_real) and len(told.under):
        return [
            Finding(
                kind="unbalanced", severity="warning", figure="modes_variation",
                words=f"Some {_plural(told.kind)} are made too seldom or too often. "
                f"{_excess(told)}", advice="train longer, or train by class (data.labels=true)",
            )
        ]  # fmt: skip
    return []


def _excess(told: _Told) -> str:
    parts = []
    for modes, how in ((told.under, "Too seldom"), (told.over, "too often")):
        if len(modes):
            parts.append(f"{how}: {_listed(told, modes)}")
    return "; ".join(parts) + "." if parts else "None is made too seldom or too often."


def _listed(told: _Told, modes: np.ndarray) -> str:
    names = [told.names[mode] for mode in modes[:6]]
    return ", ".join(names) + (f" and {len(modes) - 6} more" if len(modes) > 6 else "")


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"


def _chart(told: _Told) -> Chart:
    order = np.argsort(-np.abs(told.fake - told.real), kind="stable")[:BARS]
    order = np.sort(order) if told.kind == "class" else order
    places = tuple(float(place) for place in range(len(order)))
    return Chart(
        title=f"Shares of {_plural(told.kind)}", shape="bar",
        series=(
            Series(name="real", x=places, y=tuple(told.real[order].tolist()), kind="real"),
            Series(
                name="generated", x=places,
                y=tuple(np.maximum(told.fake[order], 0).tolist()), kind="fake",
            ),
        ),
        names=tuple(told.names[mode] for mode in order), x_label=told.kind,
        y_label="share", words=_excess(told),
    )  # fmt: skip


def _shown(subject: Subject, told: _Told, rows: list[Int[np.ndarray, "r"]]) -> Pictures:
    pairs = [
        (told.names[mode], picked)
        for mode, picked in zip(told.missing, rows, strict=True)
        if len(picked)
    ]
    return Pictures(
        title="What is missing", words="Real samples of what the generator leaves out.",
        rows=tuple(
            (picture_of(subject.modality, subject.rows[np.sort(picked)], f"real: {name}"),)
            for name, picked in pairs
        ),
    )  # fmt: skip
