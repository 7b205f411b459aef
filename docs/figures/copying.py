"""Pictures for: is anything copied?"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors
from svg import FAKE, HELD_OUT, REAL, RULE, Panel, axes, dots, histogram, legend, line, page, words


def copying_test() -> str:
    """Distances to training data, for honest samples and with copies among them."""
    train, held_out, fresh = _gaussians(1000, 1000, 1000)
    copies = train + 0.1 * np.random.default_rng(13).normal(size=train.shape)
    parts = []
    edges = np.linspace(0, 4, 41)
    for i, share in enumerate((0.0, 0.3)):
        fake = np.where(np.arange(1000)[:, None] < 1000 * share, copies, fresh)
        near, honest = _to_nearest(train, fake), _to_nearest(train, held_out)
        panel = Panel(left=60 + 330 * i, width=280, x=(0, 4), y=(0, 0.16))
        parts.append(axes(panel, "distance to the nearest training sample", "", (0, 1, 2, 3, 4)))
        name = "no copies" if i == 0 else f"{share * 100:.0f} % near-copies"
        parts.append(words(panel.left, 24, f"{name}: C_T = {_rank_z(honest, near):+.1f}"))
        parts.append(histogram(panel, honest, edges, HELD_OUT))
        parts.append(histogram(panel, near, edges, FAKE))
    parts.append(legend(255, 60, ("held out", HELD_OUT), ("generated", FAKE)))
    return page("Histograms of distances to the training data", *parts)


def authenticity() -> str:
    """What a perfect generator scores before calibration, by dimension."""
    sizes = np.array([2, 4, 8, 16, 32, 64])
    panel = Panel(left=60, width=400, x=(1.7, 75), y=(0, 1), log_x=True)
    raw, honest = zip(*(_authentic(int(d)) for d in sizes), strict=True)
    return page(
        "Raw authenticity of a perfect generator rises with the dimension",
        axes(panel, "dimensions", "authenticity", sizes, (0, 0.5, 1)),
        line(panel, sizes, raw, FAKE),
        line(panel, sizes, honest, HELD_OUT, dash="2 5"),
        dots(panel, zip(sizes, raw, strict=True), FAKE, radius=3.4),
        dots(panel, zip(sizes, honest, strict=True), HELD_OUT, radius=5, hollow=True),
        legend(475, 60, ("a perfect generator", FAKE), ("real rows, held out", HELD_OUT)),
        words(475, 112, "Nobody copies here. Only the"),
        words(475, 130, "difference of the two counts."),
    )


def closer_to_train() -> str:
    """The share of samples nearer to training than to held-out data, as copies come in."""
    train, held_out, fresh = _gaussians(1000, 1000, 1000)
    noise = np.random.default_rng(14).normal(size=train.shape)
    shares = np.linspace(0, 1, 11)
    panel = Panel(left=60, width=400, x=(0, 1), y=(0.4, 1.02))
    parts = [axes(panel, "near-copies among the samples", "closer to training data",
                  (0, 0.5, 1), (0.5, 0.75, 1), show=lambda share: f"{share * 100:.0f} %"),
             line(panel, (0, 1), (0.5, 0.5), RULE, dash="4 4")]  # fmt: skip
    for size, colour, name in ((0.1, FAKE, "10 % noise on the copies"), (0.5, REAL, "50 % noise")):
        values = []
        for share in shares:
            copied = np.arange(1000)[:, None] < 1000 * share
            fake = np.where(copied, train + size * noise, fresh)
            values.append(float((_to_nearest(train, fake) < _to_nearest(held_out, fake)).mean()))
        parts += [line(panel, shares, values, colour),
                  dots(panel, zip(shares, values, strict=True), colour, radius=3)]  # fmt: skip
        parts.append(words(470, panel.at_y(values[-1]) + 4, name, colour=colour))
    parts.append(words(470, panel.at_y(0.5) + 4, "half: nothing is copied"))
    return page("Share closer to training data against the share of copies", *parts)


def duplicates() -> str:
    """Distance of each generated sample to the next one, against that among real ones."""
    x = load_digits().data / 16
    x = x[np.random.default_rng(15).permutation(len(x))]
    real, fake = x[:850], x[850:1700].copy()
    fake[600:] = fake[:250]
    panel = Panel(left=60, width=600, x=(-0.1, 3), y=(0, 0.62))
    edges = np.linspace(-0.1, 3, 32)
    again = (_to_other(fake) < 1e-9).mean()
    return page(
        "Histograms of the distance to the nearest sample of the same set",
        axes(panel, "distance to the nearest other sample of the same set (digits)",
             "share of samples", (0, 1, 2, 3), (0.2, 0.4, 0.6)),
        histogram(panel, _to_other(real), edges, REAL),
        histogram(panel, _to_other(fake), edges, FAKE),
        legend(480, 60, ("real", REAL), ("250 of 850 made again", FAKE)),
        words(115, 60, f"{again * 100:.0f} % of the samples have a twin", colour=FAKE),
    )  # fmt: skip


def _gaussians(*counts: int) -> list[np.ndarray]:
    generator = np.random.default_rng(12)
    return [generator.normal(size=(n, 6)) for n in counts]


def _to_nearest(centres: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return NearestNeighbors(n_neighbors=1).fit(centres).kneighbors(rows)[0][:, 0]


def _to_other(rows: np.ndarray) -> np.ndarray:
    return NearestNeighbors(n_neighbors=1).fit(rows).kneighbors()[0][:, 0]


def _rank_z(held_out: np.ndarray, near: np.ndarray) -> float:
    """Mann and Whitney's U of distances as a z-score: below 0 where `near` is the smaller."""
    m, n = len(held_out), len(near)
    u = (near[:, None] > held_out).sum() + 0.5 * (near[:, None] == held_out).sum()
    return float((u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12))


def _authentic(d: int) -> tuple[float, float]:
    """Shares farther from the nearest training row than that is from its own neighbour."""
    generator = np.random.default_rng(d)
    train, fake, held_out = generator.normal(size=(3, 1500, d))
    nearest = NearestNeighbors(n_neighbors=1).fit(train)
    own = nearest.kneighbors()[0][:, 0]
    shares = []
    for rows in (fake, held_out):
        distance, row = nearest.kneighbors(rows)
        shares.append(float((distance[:, 0] > own[row[:, 0]]).mean()))
    return shares[0], shares[1]


FIGURES = {
    "copying-test": copying_test,
    "authenticity": authenticity,
    "closer-to-train": closer_to_train,
    "duplicates": duplicates,
}
