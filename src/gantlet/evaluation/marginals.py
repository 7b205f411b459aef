"""The distribution of each simple trait of a sample, and the faults that a trait names."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import ks_2samp

from gantlet.evaluation.figures import Chart, Figure, Finding, Series
from gantlet.evaluation.judged import histogram
from gantlet.evaluation.space import Space
from gantlet.evaluation.subject import Subject
from gantlet.modalities.base import Trait

BINS = 40
CHARTS = 6  # the traits that differ most
SURE = 1e-6  # p-value below which chance is no explanation, many traits being looked at
NOTABLE = 0.15  # Kolmogorov–Smirnov distance that is worth a word
NORMAL = 1.96


class Marginals(NamedTuple):
    """Traits compared: figures, charts and what is to be said of them."""

    figures: tuple[Figure, ...]
    panels: tuple[Chart, ...]
    findings: tuple[Finding, ...]


class Compared(NamedTuple):
    """One trait of all sides."""

    name: str
    trait: Trait
    real: Float[np.ndarray, "n"]
    stand_in: Float[np.ndarray, "n"]
    fake: Float[np.ndarray, "n"]
    baseline: Float[np.ndarray, "n"]

    @property
    def varies(self) -> bool:
        """Whether there is anything to compare: grey pictures have no colours."""
        both = np.concatenate([self.real, self.fake])
        return bool((both != both[0]).any())

    @property
    def test(self) -> tuple[float, float]:
        """Kolmogorov and Smirnov's distance, and how often chance alone brings one as large."""
        distance, p_value = ks_2samp(self.real, self.fake, method="asymp")
        return float(distance), float(p_value)  # pyright: ignore[reportArgumentType] - its stub knows no floats

    @property
    def distance(self) -> float:
        """The former."""
        return self.test[0]


def marginals(subject: Subject, space: Space) -> Marginals:
    """Every trait of the modality, those that differ most first."""
    real = subject.rows[space.sides.reference]
    stand_in = subject.rows[space.sides.stand_in]
    compared = [
        Compared(
            name=name, trait=trait, real=trait.measure(real), stand_in=trait.measure(stand_in),
            fake=trait.measure(subject.fake), baseline=trait.measure(space.baseline_rows),
        )
        for name, trait in subject.modality.traits.items()
    ]  # fmt: skip
    compared = [one for one in compared if one.varies]
    compared.sort(key=lambda one: -one.distance)
    findings = [finding for one in compared if (finding := _finding(one)) is not None]
    return Marginals(
        tuple(_figure(one) for one in compared),
        tuple(_chart(one) for one in compared[:CHARTS]),
        tuple(findings),
    )


def shift(real: Float[np.ndarray, "m"], fake: Float[np.ndarray, "n"]) -> float:
    """Difference of means in standard deviations, of the real or where they do not vary of both."""
    spread = real.std() or np.concatenate([real, fake]).std() or 1.0
    return float((fake.mean() - real.mean()) / spread)


def _figure(one: Compared) -> Figure:
    value = shift(one.real, one.fake)
    spread = one.real.std() or 1.0
    error = math.sqrt(1 / len(one.real) + (one.fake.std() / spread) ** 2 / len(one.fake))
    return Figure(
        name=f"marginal_{one.name}", title=one.name.replace("_", " ").capitalize(), value=value,
        low=value - NORMAL * error, high=value + NORMAL * error, error=error,
        real=shift(one.real, one.stand_in), baseline=shift(one.real, one.baseline),
        m=len(one.real), n=len(one.fake), better="near", page="marginals",
        words=f"The generated have {one.trait.more if value > 0 else one.trait.less} than the "
        f"real by {abs(value):.2g} standard deviations; the two histograms differ by "
        f"{one.distance:.0%} at most.",
        definition="(mean of the generated − mean of the real) / standard deviation of the real; "
        "in words, the Kolmogorov–Smirnov distance.",
    )  # fmt: skip


def _finding(one: Compared) -> Finding | None:
    distance, p_value = one.test
    if p_value > SURE or distance < NOTABLE:
        return None
    is_more = shift(one.real, one.fake) > 0
    kind = one.trait.finding_more if is_more else one.trait.finding_less
    return Finding(
        kind=kind, severity=one.trait.severity,
        words=f"Generated samples have {one.trait.more if is_more else one.trait.less} than real "
        f"ones.",
        advice=one.trait.advice_more if is_more else one.trait.advice_less,
        figure=f"marginal_{one.name}",
    )  # fmt: skip


def _chart(one: Compared) -> Chart:
    both = np.concatenate([one.real, one.fake])
    low, high = np.quantile(both, [0.002, 0.998])
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    x = tuple(edges.tolist())
    return Chart(
        title=one.name.replace("_", " ").capitalize(), shape="histogram",
        series=(
            Series(name="real", x=x, y=histogram(one.real, edges), kind="real"),
            Series(name="generated", x=x, y=histogram(one.fake, edges), kind="fake"),
        ),
        x_label=one.name.replace("_", " "), y_label="share of samples",
        words=f"The two differ by {one.distance:.0%} at most (Kolmogorov–Smirnov).",
    )  # fmt: skip
