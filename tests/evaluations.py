"""An evaluation to look at: real digits, blurred and noisy digits in the generator's place."""

import io
import math
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageFilter
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from gantlet.evaluation.figures import (
    Chart,
    Dot,
    Evaluation,
    Figure,
    Finding,
    Map,
    Picture,
    Pictures,
    Series,
    Table,
    View,
)
from gantlet.modalities.grids import grid_png

DIGITS = load_digits()


def example(dots: int = 600) -> Evaluation:
    """Every kind of panel, figure and finding at least once."""
    real, fake = drawn()
    views = (realness(), distributions(real, fake, dots), continuity(real), copying(real, fake))
    return Evaluation(
        title="digits-8×8, ten minutes on two cores",
        verdict="The digits look right one by one, but a trained eye tells them from real ones two "
        "times in three, and sevens are nearly missing.",
        findings=(
            Finding(
                kind="copying",
                severity="good",
                words="Nothing is copied from the training "
                "data: the nearest training rows are no nearer than held-out ones are.",
                figure="copying_score",
            ),
            Finding(
                kind="class_missing",
                severity="fault",
                words="The class 7 is nearly missing: 11 of 1,000 samples, where 99 are expected.",
                advice="train longer, or give the discriminator less capacity; if it stays "
                "missing, train with labels.",
                figure="modes",
            ),
            Finding(
                kind="blurred",
                severity="warning",
                words="The samples are smoother than the real digits.",
                advice="train longer; the distance was still falling.",
                figure="frechet_distance",
            ),
            Finding(
                kind="diverse",
                severity="good",
                words="Within each class the samples are as diverse as the real ones.",
                figure="recall",
            ),
        ),
        views=views,
        samples=(sheet(fake[:36], "generated, at random"), sheet(real[:36], "real, at random")),
        facts={
            "data": "digits (1,797 rows, 8 × 8 grey, 10 classes)",
            "generator": "runs/digits, step 12,000 of 12,000",
            "features": "classifier, 64 numbers, trained on this run’s labels "
            "(sha256 4f1c2a9be07d)",
            "sizes": "m = 898 real (of them 360 held out), n = 898 generated",
            "versions": "gantlet 0.1.0, torch 2.9.1, numpy 2.3.4",
        },
    )


def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Real digits and smoothed, noisy ones; uint8, 8 × 8."""
    random = np.random.default_rng(3)
    pictures = np.clip(DIGITS.images * 15.9, 0, 255).astype(np.uint8)
    order = random.permutation(len(pictures))
    real, base = pictures[order[:890]], pictures[order[890:1780]]
    blurred = [Image.fromarray(row).filter(ImageFilter.GaussianBlur(0.45)) for row in base]
    noisy = np.stack([np.asarray(row) for row in blurred]) + random.normal(0, 9, base.shape)
    return real, np.clip(noisy, 0, 255).astype(np.uint8)


def sheet(rows: np.ndarray, words: str) -> Picture:
    """Rows as one grid."""
    return Picture(content=grid_png(rows[..., None]), media_type="image/png", words=words)


def picture(pixels: np.ndarray, words: str) -> Picture:
    """One sample."""
    return Picture(content=png(pixels), media_type="image/png", words=words)


def png(pixels: np.ndarray) -> bytes:
    """A PNG of a few pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def figure(name: str, title: str, value: float, **settings) -> Figure:
    """A figure with what all of the example's have in common."""
    common = {"m": 898, "n": 898, "space": "classifier, 64 numbers (sha256 4f1c2a9be07d)"}
    defaults = {"better": "higher", "page": name.replace("_", "-"), **common}
    return Figure(name=name, title=title, value=value, **(defaults | settings))


def histogram(name: str, kind: str, values: Iterable[float], edges: np.ndarray) -> Series:
    """Densities over common edges."""
    heights, _ = np.histogram(np.asarray(values), edges, density=True)
    return Series(name=name, x=tuple(map(float, edges)), y=tuple(map(float, heights)), kind=kind)


def realness() -> View:
    random = np.random.default_rng(0)
    edges = np.linspace(-8, 8, 49)
    logits = Chart(
        title="The discriminator’s own verdict",
        shape="histogram",
        series=(
            histogram("training rows", "real", random.normal(1.9, 1.6, 4000), edges),
            histogram("held-out rows", "held_out", random.normal(1.1, 1.8, 4000), edges),
            histogram("generated", "fake", random.normal(-1.6, 1.7, 4000), edges),
        ),
        x_label="logit (right: taken for real)",
        y_label="density",
        words="Training rows are trusted a little more than held-out rows: the discriminator has "
        "begun to remember.",
    )
    grid = tuple(np.linspace(0.05, 0.95, 10).tolist())
    calibration = Chart(
        title="Is the discriminator’s confidence deserved?",
        shape="line",
        series=(
            Series(
                name="held-out and generated",
                x=grid,
                y=tuple(float(p + 0.3 * p * (1 - p) * (1 - 2 * p)) for p in grid),
                kind="fake",
            ),
            Series(
                name="training and generated",
                x=grid,
                y=tuple(math.nan if k == 4 else float(p**0.8) for k, p in enumerate(grid)),
                kind="real",
            ),
            Series(name="deserved", x=(0.0, 1.0), y=(0.0, 1.0), kind="other"),
        ),
        x_label="what it says: probability of real",
        y_label="share that is real",
        words="On the diagonal, a sample called 80 % real is real four times in five.",
    )
    figures = (
        figure("frechet_distance", "Fréchet distance", 11.437, low=11.02, high=11.91, real=0.418,
               baseline=248.3, better="lower",
               words="About 27 times what chance alone leaves between two halves of the real data.",
               definition="‖μ − ν‖² + tr(A + B − 2 (AB)^½), with means μ, ν and covariances A, B "
               "of the features.\nDowson and Landau 1982; Heusel et al. 2017, eq. 6."),
        figure("kernel_distance", "Kernel distance", 0.0000213, low=-0.00041, high=0.00046,
               real=0.00001, baseline=0.31, better="lower",
               words="Not to be told from real against real.",
               definition="Unbiased MMD² with the kernel (x·y / d + 1)³. Bińkowski et al. 2018.",
               warnings=("898 rows are few for 2,048 features: this test is weak.",)),
        figure("two_sample_accuracy", "Told from real by a fresh classifier", 0.664, low=0.631,
               high=0.697, real=0.502, baseline=0.998, unit="%", better="near",
               words="A classifier that never saw the generator is right two times in three "
               "(chance: one in two; p = 2 × 10⁻²⁶).",
               definition="Accuracy on rows kept from its training. Lopez-Paz and Oquab 2017."),
        figure("precision", "Precision", 0.871, low=0.843, high=0.899, real=0.953, baseline=0.012,
               unit="%", words="Seven of eight samples lie among the real ones.",
               definition="Share of generated rows within the k-th neighbour’s distance of a real "
               "row, k = 3. Kynkäänniemi et al. 2019."),
    )  # fmt: skip
    return View(
        name="realness",
        question="Can the generated be told from the real?",
        answer="Yes, by a classifier two times in three; by the eye hardly. What gives them away "
        "is smoothness: strokes end softly where real ones stop.",
        figures=figures,
        panels=(logits, calibration),
    )


def distributions(real: np.ndarray, fake: np.ndarray, dots: int) -> View:
    both = np.concatenate([real, fake]).reshape(-1, 64) / 255
    places = PCA(2, random_state=0).fit_transform(both)
    random = np.random.default_rng(1)
    chosen = random.choice(len(both), min(dots, len(both)), replace=False)
    rows = np.concatenate([real, fake])
    embedding = Map(
        title="All samples in one plane",
        dots=tuple(
            Dot(x=float(places[k, 0]), y=float(places[k, 1]),
                kind="real" if k < len(real) else "fake", words=f"class {k % 10}",
                picture=png(rows[k]))
            for k in chosen
        ),
        words="The two first principal components of the features. Where diamonds have no dots "
        "near them, the generator makes nothing.",
    )  # fmt: skip
    expected = tuple(float(v) for v in random.integers(85, 102, 10))
    made = tuple(
        11.0 if k == 7 else v * random.uniform(0.8, 1.25) // 1 for k, v in enumerate(expected)
    )
    modes = Chart(
        title="How often each class is made",
        shape="bar",
        series=(
            Series(name="expected", x=tuple(map(float, range(10))), y=expected, kind="real"),
            Series(name="generated", x=tuple(map(float, range(10))), y=made, kind="fake"),
        ),
        x_label="class",
        y_label="samples of 1,000",
        words="Sevens are nearly missing; the other classes are as frequent as they should be.",
        names=tuple(DIGITS.target_names.astype(str)),
    )
    edges = np.linspace(0, 1, 31)
    marginals = Chart(
        title="Mean brightness",
        shape="histogram",
        series=(
            histogram("real", "real", real.mean((1, 2)) / 255 + 0.2, edges),
            histogram("generated", "fake", fake.mean((1, 2)) / 255 + 0.18, edges),
            histogram("trivial generator", "baseline", random.normal(0.5, 0.02, 900), edges),
        ),
        x_label="mean of all pixels, 0 is black",
        y_label="density",
        words="Generated digits are a little darker.",
    )
    extremes = Pictures(
        title="The most and the least real",
        rows=(
            tuple(picture(row, f"realism {1.9 - 0.05 * k:.2f}") for k, row in enumerate(fake[:10])),
            tuple(
                picture(row, f"realism {0.2 + 0.03 * k:.2f}") for k, row in enumerate(fake[40:50])
            ),
        ),
        words="Above the samples nearest to many real digits, below those that lie far from all.",
    )
    never = Pictures(
        title="What is never made",
        rows=(tuple(picture(row, "real, with no generated neighbour") for row in real[100:112]),),
        words="Real digits that have no generated neighbour.",
    )
    classes = Table(
        title="Missing and over-represented",
        columns=("class", "expected", "made", "ratio", "95 % interval"),
        rows=(("7", "99", "11", "0.11", "[0.06, 0.20]"), ("1", "92", "131", "1.42", "nan")),
        words="Classes whose share differs by more than chance.",
    )
    figures = (
        figure("recall", "Recall", 0.902, low=0.871, high=0.931, real=0.949, baseline=0.341,
               unit="%", words="Nine of ten real digits lie among the generated ones.",
               definition="Precision with the two sets exchanged. Kynkäänniemi et al. 2019."),
        figure("coverage", "Coverage", 0.787, low=0.75, high=0.824, real=0.969, baseline=0.004,
               unit="%", words="Four of five real digits have a generated one as a neighbour.",
               definition="Share of real rows with a generated row within their k-th neighbour’s "
               "distance, k = 5. Naeem et al. 2020."),
        figure("vendi_ratio", "Vendi ratio", 0.941, real=1.002, baseline=math.nan, better="near",
               words="About as diverse as the real digits.", definition="exp of the entropy of the "
               "kernel matrix’s eigenvalues, over the same of real rows. Friedman and Dieng 2023."),
        figure("modes", "Classes made", 10.0, real=10.0, baseline=3.0, better="higher",
               words="All ten classes are made, one of them hardly ever.",
               definition="Classes that at least one generated row is assigned to."),
    )  # fmt: skip
    return View(
        name="distributions",
        question="How do the two distributions lie?",
        answer="Almost on each other. One class in ten is nearly missing; within the others the "
        "samples are as various as the real digits.",
        figures=figures,
        panels=(classes, embedding, modes, marginals, extremes, never),
    )


def continuity(real: np.ndarray) -> View:
    def strip(a: np.ndarray, b: np.ndarray, words: str) -> Picture:
        steps = [(1 - t) * a + t * b for t in np.linspace(0, 1, 12)]
        return picture(np.kron(np.hstack(steps).astype(np.uint8), np.ones((6, 6), np.uint8)), words)

    shares = ("5th", "50th", "95th")
    strips = Pictures(
        title="From one sample to another",
        rows=tuple(
            (strip(real[k], real[k + 9], f"length at the {share} percentile"),)
            for k, share in enumerate(shares)
        ),
        words="Equal steps in the latent space from left to right.",
    )
    steps = tuple(np.linspace(0, 1, 25).tolist())
    speed = Chart(
        title="Speed along the way",
        shape="line",
        series=tuple(
            Series(name=f"{share} percentile", x=steps, kind="other",
                   y=tuple(float(1 + 0.2 * k * np.sin(9 * t + k) ** 2) for t in steps))
            for k, share in enumerate(shares)
        ),
        x_label="share of the way",
        y_label="change of the picture",
        words="No step is much larger than its neighbours: nothing jumps.",
    )  # fmt: skip
    figures = (
        figure("path_length", "Path length", 132.4, low=128.9, high=136.1, m=0, n=500,
               better="lower", words="Latent steps change the picture evenly.",
               definition="Mean ‖J(z) v‖² along great circles. Karras et al. 2019, eq. 2."),
        figure("jump_rate", "Jump rate", math.nan, m=0, n=0, better="lower",
               words="Not measured: the generator is not differentiable here.",
               definition="The largest step over the mean step."),
    )  # fmt: skip
    return View(
        name="continuity",
        question="Is the latent space continuous?",
        answer="Yes. No path jumps, and equal steps in it are nearly equal steps in the picture.",
        figures=figures,
        panels=(strips, speed),
    )


def copying(real: np.ndarray, fake: np.ndarray) -> View:
    pairs = Pictures(
        title="The most suspicious samples beside their nearest training rows",
        rows=tuple(
            (picture(fake[k], f"generated {k}"), picture(real[k], f"training row {7 * k + 3}"))
            for k in range(6)
        ),
        words="None is a copy.",
    )
    scores = (
        figure("copying_score", "Copying score C_T", 0.41, low=-1.55, high=2.37, real=0.12,
               baseline=9.7, better="near", n=360,
               words="The generated lie no nearer to the training rows than held-out rows do.",
               definition="A rank-sum test’s z over cells of the training data. Meehan et al. "
               "2020.",
               warnings=("360 held-out rows see only gross copying.",)),
    )  # fmt: skip
    return View(
        name="copying",
        question="Is anything copied?",
        answer="Nothing that 360 held-out rows can show.",
        figures=scores,
        panels=(pairs,),
    )
