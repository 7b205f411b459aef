"""View 3: is the latent space continuous?"""

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gantlet.evaluation.explorable import Explorable, explorable
from gantlet.evaluation.figures import Figure, Finding, View
from gantlet.evaluation.judged import Judged, evenly
from gantlet.evaluation.space import Space
from gantlet.evaluation.strips import strips
from gantlet.evaluation.subject import Subject
from gantlet.evaluation.walk_panels import (
    inside,
    kind_of_label,
    kinds_table,
    lengths_chart,
    speeds_chart,
    typical,
)
from gantlet.evaluation.walks import COARSE_STEPS, NODES, STEPS, Walked, walked
from gantlet.metrics.continuity import HALVINGS, Embedding, trimmed_mean
from gantlet.metrics.extractors import Extractor
from gantlet.metrics.intervals import Estimate, batches, proportion
from gantlet.modalities.base import Progress
from gantlet.types import Samples

__all__ = ["continuity_of", "continuity_view", "explorable"]

REAL = 400  # real rows from which the distance of two is taken
TORN = 0.02  # share of paths that surely jump, above which the space is called torn
DEAD = 0.05  # of the distance of two real samples, below which a path goes nowhere

TRIVIAL = (
    "The trivial generator here knows 64 stored samples under each label and gives the one whose "
    "z is nearest."
)


def continuity_view(
    it: Explorable, subject: Subject, space: Space
) -> Generator[Progress, None, Judged]:
    """How samples move when z does, held against how far real rows are apart."""
    reference = space.sides.reference
    real = subject.codec.encode(subject.rows[reference[evenly(len(reference), REAL)]])
    return (yield from continuity_of(it, real, space.extractor, subject.seed))


def continuity_of(
    it: Explorable, real: Samples, extractor: Extractor | None = None, seed: int = 0
) -> Generator[Progress, None, Judged]:
    """The same of any function of z and labels, and of encoded real rows."""
    is_vector = real.ndim == 2  # whose features are the numbers themselves
    seen = None if extractor is None or is_vector else _embedding(it, extractor)
    taken = yield from walked(it, real, seen, seed)
    figures = [_length(it, taken, real), *_tears(it, taken), _evenness(taken), _rank(it, taken)]
    if taken.between is not None:
        figures.append(_label_step(it, taken, len(real)))
    if extractor is not None and len(taken.in_features) > 1:
        figures.append(_length_in_features(taken, extractor))
    view = View(
        name="continuity", question="Is the latent space continuous?",
        answer=_answer(it, taken), figures=tuple(figures),
        panels=(
            strips(it, taken.paths, taken.within, taken.apart), lengths_chart(it, taken),
            speeds_chart(taken), kinds_table(it, taken),
        ),
    )  # fmt: skip
    return Judged(view, tuple(_findings(it, taken)))


def _embedding(it: Explorable, extractor: Extractor) -> Embedding:
    def embedded(samples: Samples) -> Float[Tensor, "p d"]:
        return torch.from_numpy(np.asarray(extractor.extract(it.decode(samples))))

    return embedded


def _length(it: Explorable, taken: Walked, real: Samples) -> Figure:
    ratio, length = trimmed_mean(taken.within.ratio), typical(taken.within, taken.apart)
    return Figure(
        name="path_length_ratio", title="Path over straight line", **_fields(ratio),
        baseline=trimmed_mean(taken.stored.ratio).value, m=len(real), n=len(taken.within.length),
        better="lower", page="path-length",
        words=f"From one sample to another{inside(it)} the way is {ratio.value:.2f} times the "
        f"straight line, and {length.value:.2f} times what parts two real samples.",
        definition=f"Σ ‖G(z(tᵢ₊₁)) − G(z(tᵢ))‖ / ‖G(z(1)) − G(z(0))‖, {STEPS} steps of a great "
        "circle, in G's own numbers before any rounding; mean without the 5 % at either end. "
        f"After Karras et al. 2019, section 4.1. {TRIVIAL} A cross-fade scores 1: the shortest "
        "way is not the best looking, so what counts is that it is not many times that.",
    )  # fmt: skip


def _tears(it: Explorable, taken: Walked) -> tuple[Figure, Figure]:
    torn, smooth, n = _torn(taken), _smooth(taken), len(taken.is_torn)
    stored = taken.stored.is_torn
    jump_rate = Figure(
        name="jump_rate", title="Paths with a jump", **_fields(torn),
        baseline=float(stored.mean()), m=0, n=n, better="lower", unit="%", page="jump-rate",
        words=f"{_count(taken.is_torn)} of {n} paths jump; the largest step of a path "
        f"is {np.median(taken.within.peak):.1f} times its mean one (median).{_by_design(it)}",
        definition=f"Share of paths whose largest of {STEPS} steps is halved {HALVINGS} times, "
        "always keeping the larger half, and stops shrinking while it is above 1/32 of the mean "
        f"step; Wilson's interval. A change of label is not counted. {TRIVIAL}",
    )  # fmt: skip
    smooth_share = Figure(
        name="smooth_share", title="Part of the way without jumps", **_fields(smooth),
        baseline=0.0, m=0, n=len(taken.within.length), better="higher", unit="%",
        page="jump-rate",
        words=f"Derivatives explain {min(smooth.value, 1.0):.0%} of the way; the rest is made of "
        "jumps or of slopes too steep to be met. A smooth generator has 100 % within "
        "about one.",
        definition=f"∫‖J_G(z) ż‖ dt by forward-mode derivatives at {NODES} places, over the "
        f"length of the same path in {STEPS} steps: a derivative does not see a jump. {TRIVIAL}",
    )  # fmt: skip
    return jump_rate, smooth_share


def _evenness(taken: Walked) -> Figure:
    uneven = trimmed_mean(taken.within.unevenness)
    return Figure(
        name="step_unevenness", title="Unevenness of steps", **_fields(uneven),
        baseline=trimmed_mean(taken.stored.unevenness).value, m=0,
        n=len(taken.within.unevenness), better="lower", page="step-evenness",
        words=f"Equal steps of z change the sample by amounts that vary by {uneven.value:.0%} "
        "along a path.",
        definition="Standard deviation over mean, along each path, of how far the sample moves "
        f"for how far z does; 0 is perfectly even. {TRIVIAL}",
    )  # fmt: skip


def _rank(it: Explorable, taken: Walked) -> Figure:
    effective = batches([rank.effective for rank in taken.ranks])
    counted, parts = (np.mean([r[i] for r in taken.ranks]) for i in (0, 2))
    return Figure(
        name="local_rank", title="Directions in which a sample can move", **_fields(effective),
        baseline=0.0, m=0, n=len(taken.ranks), better="higher", page="local-rank",
        words=f"Of z's {it.latent_dim} directions {counted:.0f} move the sample at all; the "
        f"movement is as rich as that of {effective.value:.1f} directions of equal strength "
        f"(by energy, of {parts:.1f}).",
        definition="exp of the entropy of σ/Σσ, σ the singular values of the Jacobian of G at a "
        "z (Roy & Vetterli 2007), by forward-mode derivatives; by energy: (Σσ²)²/Σσ⁴. Never more "
        f"than z or a sample has numbers. {TRIVIAL}",
    )  # fmt: skip


def _label_step(it: Explorable, taken: Walked, m: int) -> Figure:
    step = trimmed_mean(taken.label_steps / taken.apart)
    kind = kind_of_label(it)
    return Figure(
        name="label_step", title=f"Step from {kind} to {kind}", **_fields(step), m=m,
        n=len(taken.label_steps), better="near", real=1.0, page="path-length",
        words=f"With the same z and another {kind} the sample moves {step.value:.2f} times as far "
        f"as two real samples are apart. A {kind} is no number: this step is there by "
        "construction, and no fault.",
        definition="‖G(z, y) − G(z, y′)‖ over the mean distance of two real samples; mean without "
        "the 5 % at either end.",
    )  # fmt: skip


def _length_in_features(taken: Walked, extractor: Extractor) -> Figure:
    ratio = trimmed_mean(taken.in_features)
    return Figure(
        name="perceptual_path_ratio", title="Path over straight line, in features",
        **_fields(ratio), m=0, n=len(taken.in_features), better="lower", page="path-length",
        space=f"{extractor.name} ({extractor.digest})",
        words=f"In features the way is {ratio.value:.2f} times the straight line.",
        definition=f"As above in {COARSE_STEPS} steps between features of decoded samples. "
        "Coarser, because rounding to whole numbers lengthens fine steps. Karras et al. 2019.",
    )  # fmt: skip


def _findings(it: Explorable, taken: Walked) -> list[Finding]:
    torn, findings = _torn(taken), []
    if torn.low > TORN and not it.coins:
        findings.append(Finding(
            kind="jumps", severity="fault", figure="jump_rate",
            words=f"The generator is not continuous: on {torn.value:.0%} of the paths through its "
            "latent space the sample jumps.",
            advice="look for rounding, sorting or choices by threshold in the generator",
        ))  # fmt: skip
    if typical(taken.within, taken.apart).value < DEAD:
        findings.append(Finding(
            kind="latents_ignored", severity="fault", figure="path_length_ratio",
            words=f"The generator hardly listens to z: a path{inside(it)} changes less than "
            f"{DEAD:.0%} of what parts two real samples.",
            advice="it has collapsed; train anew with another seed or more regularisation",
        ))  # fmt: skip
    return findings


def _answer(it: Explorable, taken: Walked) -> str:
    torn, ratio = _torn(taken), trimmed_mean(taken.within.ratio).value
    uneven = trimmed_mean(taken.within.unevenness).value
    n, way = len(taken.is_torn), f"a path is {ratio:.1f} times as long as the straight line"
    if it.coins:
        said = (
            f"Not everywhere, and by design: G reads {it.coins} of its {it.latent_dim} latents by "
            f"their sign alone, so as to cut apart what is apart in the data. {torn.value:.0%} of "
            "paths cross such a cut and jump; within equal signs it is continuous."
        )
    elif torn.low > TORN:
        said = f"No: {torn.value:.0%} of {n} paths jump. Over all, {way}."
    elif taken.is_torn.any():
        said = f"Nearly: {_count(taken.is_torn)} of {n} paths jump, and {way}."
    else:
        even = "evenly" if uneven < 0.25 else "somewhat unevenly" if uneven < 0.6 else "unevenly"
        said = (
            f"Yes{_set_off(inside(it))}: none of {n} paths jumps (so at most {torn.high:.1%} "
            f"would), {way}, "
            f"and the sample moves {even} along it."
        )
    if taken.between is not None:
        said += f" From one {kind_of_label(it)} to another there is a step by construction."
    return said


def _by_design(it: Explorable) -> str:
    return f" It reads {it.coins} latents by sign: jumps are its design." if it.coins else ""


def _torn(taken: Walked) -> Estimate:
    share, n = float(taken.is_torn.mean()), len(taken.is_torn)
    return proportion(share, share * (1 - share) / n, n)


def _smooth(taken: Walked) -> Estimate:
    """Of the whole length: paths that go nowhere have no share of their own."""
    length = taken.within.length
    total = max(float(length.mean()), 1e-300)
    share = float(taken.speeds.length.sum() / max(float(length.sum()), 1e-300))
    # Linearised, as a ratio of two sums: Cochran 1977, section 2.11.
    return batches((share + (taken.speeds.length - share * length) / total).tolist())


def _fields(estimate: Estimate) -> dict[str, Any]:
    return estimate._asdict()


def _set_off(words: str) -> str:
    return f",{words}" if words else ""


def _count(is_torn: np.ndarray) -> str:
    return f"{int(is_torn.sum())}" if is_torn.any() else "none"
