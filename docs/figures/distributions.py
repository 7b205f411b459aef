"""Pictures for: how do the two distributions lie?"""

import numpy as np
from realness import gaps, moons, reach
from sklearn.datasets import load_digits
from svg import (
    BASELINE,
    FAKE,
    HELD_OUT,
    REAL,
    Panel,
    axes,
    balls,
    bars,
    dots,
    frame,
    histogram,
    legend,
    line,
    page,
    words,
)

from gantlet.metrics import coverage, density, recall


def recalled() -> str:
    """Real points inside and outside the balls around generated ones; half is not made."""
    generator = np.random.default_rng(4)
    real, fake = moons(generator, 60, 0.1), moons(generator, 120, 0.1)[::2]
    panel = _wide()
    radii = reach(fake, 3)
    inside = (gaps(real, fake) <= radii).any(1)
    share = recall(real, fake)
    return page(
        "Real points against balls around generated points",
        frame(panel, f"recall {share:.2f}: the share of real dots inside an orange ball"),
        balls(panel, fake, radii, FAKE),
        dots(panel, fake, FAKE),
        dots(panel, real[inside], REAL, radius=3),
        dots(panel, real[~inside], REAL, radius=3, hollow=True),
        legend(135, 208, ("real", REAL), ("generated, with its ball", FAKE)),
    )


def dense() -> str:
    """Real digits repeated: density notices nothing, recall and coverage do."""
    x = load_digits().data
    x = x[np.random.default_rng(5).permutation(len(x))]
    real, pool = x[:890], x[890:1780]
    distinct = np.array([10, 20, 40, 80, 160, 320, 890])
    panel = Panel(left=60, width=400, x=(9, 1000), y=(0, 1.2), log_x=True)
    parts = [axes(panel, "different pictures among 890 (real digits, the rest repeats)", "",
                  distinct, (0, 0.5, 1))]  # fmt: skip
    metrics = ((density, BASELINE), (coverage, HELD_OUT), (recall, REAL))
    for row, (metric, colour) in enumerate(metrics):
        values = [metric(real, np.resize(pool[:k], pool.shape)) for k in distinct]
        parts.append(line(panel, distinct, values, colour))
        parts.append(dots(panel, zip(distinct, values, strict=True), colour, radius=3.2))
        told = f"{metric.__name__} {values[2]:.2f} with 40, {values[-1]:.2f} with all"
        parts.append(words(490, 62 + 22 * row, told, colour=colour))
    return page("Density, coverage and recall against the number of repeats", *parts)


def covered() -> str:
    """Real balls with and without a generated point in them."""
    generator = np.random.default_rng(6)
    real, fake = moons(generator, 60, 0.1), moons(generator, 120, 0.1)[::2]
    panel = _wide()
    radii = reach(real, 5)
    full = (gaps(fake, real) <= radii).any(0)
    share = coverage(real, fake)
    return page(
        "Balls around real points, filled where a generated point lies in them",
        frame(panel, f"coverage {share:.2f}: the share of blue balls that hold an orange dot"),
        balls(panel, real[full], radii[full], REAL),
        dots(panel, real[full], REAL, radius=3),
        dots(panel, real[~full], REAL, radius=3, hollow=True),
        dots(panel, fake, FAKE),
        legend(135, 208, ("real; hollow: an empty ball", REAL), ("generated", FAKE)),
    )


def vendi() -> str:
    """Samples from ever fewer of ten clusters: the ratio follows how many are left."""
    generator = np.random.default_rng(7)
    centres = 4 * generator.normal(size=(10, 16))
    real = centres[generator.integers(0, 10, 1000)] + generator.normal(size=(1000, 16))
    panel = Panel(left=60, width=380, x=(0.5, 10.5), y=(0, 1.15))
    left = np.arange(1, 11)
    fakes = (
        centres[generator.integers(0, k, 1000)] + generator.normal(size=(1000, 16)) for k in left
    )
    ratio = [_vendi(fake, real) / _vendi(real, real) for fake in fakes]
    return page(
        "The Vendi ratio against the number of clusters that are made",
        axes(panel, "clusters made, of ten", "Vendi ratio", left, (0, 0.5, 1)),
        line(panel, (0.5, 10.5), (1, 1), REAL, dash="4 4"),
        line(panel, left, ratio, FAKE),
        dots(panel, zip(left, ratio, strict=True), FAKE, radius=3.2),
        words(452, panel.at_y(1) + 4, "as varied as the data", colour=REAL),
    )


def _vendi(rows: np.ndarray, real: np.ndarray) -> float:
    """exp of the entropy of the eigenvalues of XXᵀ / n, rows centred by the data, of length 1."""
    rows = rows - real.mean(0)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    shares = np.linalg.eigvalsh(rows.T @ rows / len(rows)).clip(1e-12)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def modes() -> str:
    """Digits by class: real, and generated with one class missing and one too frequent."""
    generator = np.random.default_rng(8)
    real = np.bincount(generator.integers(0, 10, 2000), minlength=10) / 2000
    chance = np.array([1, 1, 1, 1, 0, 1, 1, 2, 1, 0.6])
    fake = np.bincount(generator.choice(10, 2000, p=chance / chance.sum()), minlength=10) / 2000
    panel = Panel(left=60, width=560, x=(-0.5, 9.5), y=(0, 0.25))
    parts = [axes(panel, "class or cluster", "share of samples", range(10), (0.1, 0.2))]
    for shares, colour, at in ((real, REAL, -0.36), (fake, FAKE, 0.02)):
        for i, share in enumerate(shares):
            parts.append(bars(panel, (i + at, i + at + 0.34), (share,), colour, opacity=0.8))
    parts.append(words(panel.at_x(4.19), 204, "missing", anchor="middle", colour=FAKE, size=11))
    parts.append(words(panel.at_x(7.3), 50, "too many", colour=FAKE, size=11))
    return page(
        "Bars of shares by class", *parts, legend(75, 50, ("real", REAL), ("generated", FAKE))
    )


def marginals() -> str:
    """A ring and its trivial generator: equal one by one, nothing alike together."""
    generator = np.random.default_rng(9)
    angle = generator.uniform(0, 2 * np.pi, 1000)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) + 0.06 * generator.normal(size=(1000, 2))
    trivial = np.stack([generator.permutation(column) for column in ring.T], 1)
    parts = []
    for left, points, colour, name in (
        (60, ring, REAL, "real"), (270, trivial, BASELINE, "trivial generator"),
    ):  # fmt: skip
        panel = Panel(left=left, width=180, x=(-1.35, 1.35), y=(-1.35, 1.35))
        parts += [frame(panel, name), dots(panel, points[:300], colour, radius=1.7)]
    panel = Panel(left=500, width=180, x=(-1.35, 1.35), y=(0, 0.16))
    parts.append(axes(panel, "first number", "", (-1, 0, 1)))
    parts.append(words(590, 24, "the same histogram", anchor="middle"))
    for points, colour in ((ring, REAL), (trivial, BASELINE)):
        parts.append(histogram(panel, points[:, 0], np.linspace(-1.35, 1.35, 28), colour))
    return page("A ring, the trivial generator's square, and one histogram for both", *parts)


def realism() -> str:
    """Generated points coloured by the largest ratio of a real ball's radius to their distance."""
    generator = np.random.default_rng(10)
    real, fake = moons(generator, 80, 0.08), moons(generator, 70, 0.22)
    radii = reach(real, 3)
    kept = radii <= np.median(radii)
    score = (radii[kept] / gaps(fake, real[kept])).max(1)
    order = score.argsort()
    panel = _wide()
    parts = [frame(panel, "realism: 1 and above lies inside a ball"),
             balls(panel, real[kept], radii[kept], REAL), dots(panel, real, REAL, radius=1.8),
             dots(panel, fake, FAKE)]  # fmt: skip
    for i in (*order[:3], *order[-2:]):
        x, y = panel.at_x(fake[i, 0]), panel.at_y(fake[i, 1])
        parts.append(words(x + 6, y + 4, f"{score[i]:.1f}", colour=FAKE))
        parts.append(dots(panel, fake[i : i + 1], FAKE, radius=5, hollow=True))
    return page("Generated points with their realism", *parts)


def _wide() -> Panel:
    return Panel(left=120, width=480, height=200, x=(-1.8, 3.0), y=(-0.92, 1.08))


FIGURES = {
    "recall": recalled,
    "density": dense,
    "coverage": covered,
    "vendi-ratio": vendi,
    "modes": modes,
    "marginals": marginals,
    "realism": realism,
}
