"""Pictures for: can the generated be told from the real?"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from svg import (
    FAKE,
    HELD_OUT,
    REAL,
    RULE,
    Panel,
    axes,
    balls,
    dots,
    frame,
    histogram,
    legend,
    line,
    page,
    words,
)

from gantlet.metrics import frechet_distance, precision, squared_mmd

LEFT, RIGHT = 40, 410


def frechet() -> str:
    """Two clouds as the metric sees them; the floor against the number of rows."""
    generator = np.random.default_rng(0)
    real = generator.normal(size=(160, 2)) @ [[1.0, 0.6], [0, 0.7]]
    fake = generator.normal(size=(160, 2)) @ [[0.6, -0.2], [0, 0.9]] + [1.1, 0.4]
    cloud = Panel(left=LEFT, x=(-3.6, 3.6), y=(-2.4, 2.4), width=270)
    floor = Panel(left=RIGHT, x=(200, 6000), y=(0.02, 20), log_x=True, log_y=True)
    sizes = np.array([250, 500, 1000, 2000, 4000])
    parts = [frame(cloud, f"distance {frechet_distance(real, fake):.2f}: mean and spread differ")]
    for points, colour in ((real, REAL), (fake, FAKE)):
        parts.append(dots(cloud, points, colour, radius=1.8))
        parts.append(line(cloud, *_ellipse(points), colour))
    parts.append(axes(floor, "rows in each set", "real against real, never 0", sizes, (0.1, 1, 10)))
    for d, colour in ((16, HELD_OUT), (64, REAL)):
        found = [_null(n, d) for n in sizes]
        expected = (2 * d + d * (d + 1) / 2) / sizes
        parts += [
            line(floor, sizes, expected, colour),
            dots(floor, zip(sizes, found, strict=True), colour),
        ]
    parts.append(legend(RIGHT + 165, 60, ("64 dimensions", REAL), ("16 dimensions", HELD_OUT)))
    parts.append(words(RIGHT + 12, 195, "dots measured, lines (2d + d(d+1)/2) / n", size=11))
    return page("Two clouds with ellipses; the floor falls as one over n", *parts)


def kernel() -> str:
    """What redrawing gives: real against real on both sides of 0, a moved set off it."""
    panel = Panel(left=60, width=600, x=(-0.06, 0.26), y=(0, 0.36))
    edges = np.linspace(-0.06, 0.26, 65)
    parts = [axes(panel, "kernel distance, 300 rows each, 400 redraws", "share of redraws",
                  (-0.05, 0, 0.05, 0.1, 0.15, 0.2, 0.25), (0.1, 0.2, 0.3))]  # fmt: skip
    for shift, colour in ((0.0, REAL), (0.15, FAKE)):
        values = []
        for seed in range(400):
            generator = np.random.default_rng(seed)
            real, fake = generator.normal(size=(2, 300, 8))
            values.append(squared_mmd(real, fake + shift))
        parts.append(histogram(panel, np.array(values), edges, colour))
    zero = panel.at_x(0)
    parts.append(f'<path d="M{zero:.1f} 34V214" stroke="{RULE}" stroke-dasharray="4 4"/>')
    entries = (("real against real: the mean is 0, half lie below", REAL),
               ("generated, every mean off by 0.15 σ", FAKE))  # fmt: skip
    return page("Two histograms of the kernel distance", *parts, legend(340, 60, *entries))


def two_sample() -> str:
    """A classifier's scores on rows that it has not seen, for a poor and a good generator."""
    parts = []
    edges = np.linspace(0, 1, 21)
    for left, shift, told in ((55, 1.0, "easily told apart"), (RIGHT, 0.1, "hardly told apart")):
        generator = np.random.default_rng(1)
        real, fake = generator.normal(size=(2, 2000, 5))
        fake[:, 0] += shift
        x, y = np.concatenate([real, fake]), np.repeat([1, 0], 2000)
        seen = generator.permutation(4000) < 2000
        score = LogisticRegression().fit(x[seen], y[seen]).predict_proba(x[~seen])[:, 1]
        area = roc_auc_score(y[~seen], score)
        panel = Panel(left=left, x=(0, 1), y=(0, 0.5))
        parts.append(axes(panel, "what the classifier gives for “real”", "", (0, 0.5, 1), ()))
        parts.append(words(left, 24, f"{told}: area under the curve {area:.2f}"))
        for kind, colour in ((1, REAL), (0, FAKE)):
            parts.append(histogram(panel, score[y[~seen] == kind], edges, colour))
    parts.append(legend(RIGHT + 190, 60, ("real", REAL), ("generated", FAKE)))
    return page("Histograms of a classifier's scores", *parts)


def verdict() -> str:
    """Log density ratios by kernels: wide ones judge, narrow ones remember the training rows."""
    generator = np.random.default_rng(2)
    train, held_out, fake, other = generator.normal(size=(4, 300, 2))
    fake, other = fake * 0.8 + 0.3, other * 0.8 + 0.3
    parts = []
    for left, width, told in ((55, 0.8, "a fair D"), (RIGHT, 0.12, "a D that knows by heart")):
        panel = Panel(left=left, x=(0, 1), y=(0, 0.42))
        parts.append(axes(panel, "D's probability of “real”", told, (0, 0.5, 1)))
        for rows, colour in ((fake, FAKE), (train, REAL), (held_out, HELD_OUT)):
            logit = _log_density(rows, train, width) - _log_density(rows, other, width)
            share = 1 / (1 + np.exp(-logit))
            parts.append(histogram(panel, share, np.linspace(0, 1, 16), colour))
    names = (("training", REAL), ("held out", HELD_OUT), ("generated", FAKE))
    return page("Histograms of a discriminator's verdicts", *parts, legend(RIGHT + 24, 54, *names))


def precise() -> str:
    """Generated points inside and outside the balls around real ones."""
    generator = np.random.default_rng(3)
    real, fake = moons(generator, 60, 0.10), moons(generator, 60, 0.24)
    panel = Panel(left=120, width=480, height=200, x=(-1.8, 3.0), y=(-0.92, 1.08))
    radii = reach(real, 3)
    inside = (gaps(fake, real) <= radii).any(1)
    share = precision(real, fake)
    parts = (
        frame(panel, f"precision {share:.2f}: the share of generated dots inside a blue ball"),
        balls(panel, real, radii, REAL),
        dots(panel, real, REAL),
        dots(panel, fake[inside], FAKE, radius=3),
        dots(panel, fake[~inside], FAKE, radius=3, hollow=True),
        legend(490, 208, ("real, with its ball", REAL), ("generated", FAKE)),
    )
    return page("Generated points against balls around real points", *parts)


def moons(generator: np.random.Generator, n: int, noise: float) -> np.ndarray:
    """Two half circles."""
    angle = generator.uniform(0, np.pi, n)
    lower = np.arange(n) % 2
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle)) * 1.0
    y = np.where(lower, 0.3 - np.sin(angle), np.sin(angle) - 0.3)
    return np.stack([x, y], 1) * [1.0, 0.7] + noise * generator.normal(size=(n, 2))


def gaps(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x[:, None] - y[None], axis=-1)


def reach(centres: np.ndarray, k: int) -> np.ndarray:
    """Distance to the k-th other centre."""
    return np.sort(gaps(centres, centres), 1)[:, k]


def _null(n: int, d: int) -> float:
    generator = np.random.default_rng([n, d])
    return frechet_distance(generator.normal(size=(n, d)), generator.normal(size=(n, d)))


def _ellipse(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a Gaussian with the points' moments is two standard deviations out."""
    angle = np.linspace(0, 2 * np.pi, 60)
    root = np.linalg.cholesky(np.cov(points.T))
    x, y = points.mean(0)[:, None] + 2 * root @ [np.cos(angle), np.sin(angle)]
    return x, y


def _log_density(rows: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    """Of Gaussian kernels and a faint background, so that far from all centres it is flat."""
    kernels = np.exp(-(gaps(rows, centres) ** 2) / (2 * width**2))
    return np.log(kernels.mean(1) / width**2 + 0.02)


FIGURES = {
    "frechet-distance": frechet,
    "kernel-distance": kernel,
    "two-sample-test": two_sample,
    "discriminator-verdict": verdict,
    "precision": precise,
}
