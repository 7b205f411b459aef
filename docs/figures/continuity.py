"""Pictures for: is the latent space continuous?"""

import numpy as np
from svg import FAKE, REAL, RULE, Panel, axes, bars, dots, frame, legend, line, page, words

STEPS = 32
T = np.linspace(0, 1, STEPS + 1)


def smooth(t: np.ndarray) -> np.ndarray:
    """A toy generator along one latent path: an arc, walked evenly."""
    angle = np.pi * (0.9 - 0.8 * t)
    return np.stack([np.cos(angle), np.sin(angle) - 0.55], -1)


def torn(t: np.ndarray) -> np.ndarray:
    """The same arc, with a leap in the middle."""
    return smooth(t * 0.7 + 0.3 * (t > 0.5))


def uneven(t: np.ndarray) -> np.ndarray:
    """The same arc, stood still on at both ends."""
    return smooth(1 / (1 + np.exp(-14 * (t - 0.5))))


def speeds(G) -> np.ndarray:
    """Picture steps over latent steps."""
    return np.linalg.norm(np.diff(G(T), axis=0), axis=1) * STEPS


def path_length() -> str:
    """Where equal latent steps lead, and the path's length by its steps."""
    parts = []
    for i, (G, name) in enumerate(((smooth, "straight to the goal"), (_detour, "with a detour"))):
        panel = Panel(left=70 + 310 * i, width=270, x=(-1.2, 1.2), y=(-0.8, 0.8))
        walk = G(T)
        length = speeds(G).mean()
        parts += [frame(panel, f"{name}: path length {length:.1f}"),
                  line(panel, *walk.T, FAKE), dots(panel, walk, FAKE, radius=2.6),
                  dots(panel, walk[[0, -1]], REAL, radius=5)]  # fmt: skip
    parts.append(words(360, 240, "32 equal latent steps between the same two samples, "
                       "which are 1.9 apart", anchor="middle"))  # fmt: skip
    return page("Two paths in picture space", *parts)


def jump_rate() -> str:
    """Speed along the path, with and without a leap."""
    parts = []
    for i, (G, name) in enumerate(((smooth, "smooth"), (torn, "torn"))):
        panel = Panel(left=60 + 330 * i, width=280, x=(0, 1), y=(0, 30))
        steps = speeds(G)
        rate = steps.max() / steps.mean()
        parts.append(axes(panel, "place on the latent path", "", (0, 0.5, 1), (0, 10, 20, 30)))
        parts.append(words(panel.left, 24, f"{name}: largest step {rate:.1f} × the mean"))
        parts.append(bars(panel, T, steps, FAKE, opacity=0.7))
        parts.append(line(panel, (0, 1), (steps.mean(),) * 2, REAL, dash="4 4"))
    parts.append(legend(80, 60, ("picture step", FAKE), ("its mean", REAL)))
    return page("Bars of the speed along two paths", *parts)


def step_evenness() -> str:
    """The way covered against the latent way; even steps give the diagonal."""
    left = Panel(left=60, width=230, x=(0, 1), y=(0, 1))
    parts = [axes(left, "share of the latent path", "share of the way in pictures",
                  (0, 0.5, 1), (0, 0.5, 1)),
             line(left, (0, 1), (0, 1), RULE, dash="4 4")]  # fmt: skip
    for i, (G, colour, name) in enumerate(((smooth, REAL, "even"), (uneven, FAKE, "uneven"))):
        steps = speeds(G)
        way = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
        parts.append(line(left, T, way, colour))
        row = Panel(left=360, width=310, top=60 + 80 * i, height=40, x=(0, 1), y=(-1, 1))
        spread = steps.std() / steps.mean()
        parts.append(
            words(360, row.top - 2, f"{name}: steps vary by {spread * 100:.0f} % of their mean")
        )
        parts.append(dots(row, [(w, 0) for w in way], colour, radius=3))
    parts.append(words(360, 214, "each dot is one of 32 equal latent steps"))
    return page("Way covered against latent way", *parts)


def local_rank() -> str:
    """Singular values of the Jacobian of a small random network, and of one with a bottleneck."""
    parts = []
    generator = np.random.default_rng(11)
    shapes = ((16, 32), (32, 32), (32, 48))
    full = [generator.normal(size=s) / np.sqrt(s[0]) for s in shapes]
    narrow = generator.normal(size=(32, 3)) @ generator.normal(size=(3, 32)) / np.sqrt(32 * 3)
    z = generator.normal(size=16)
    cases = ((full, "16 directions, most of them used"),
             ([full[0], narrow, full[2]], "only three directions left"))  # fmt: skip
    for i, (weights, name) in enumerate(cases):
        values = np.linalg.svd(_jacobian(weights, z), compute_uv=False)
        shares = values / values.sum()
        rank = np.exp(-(shares[shares > 1e-12] * np.log(shares[shares > 1e-12])).sum())
        panel = Panel(left=60 + 330 * i, width=280, x=(0, 16), y=(0, 1))
        parts.append(axes(panel, "singular values, largest first", "", (), (0, 0.5, 1)))
        parts.append(bars(panel, np.arange(17) + 0.1, values / values[0], FAKE, opacity=0.75))
        parts.append(words(panel.left, 24, name))
        parts.append(words(panel.left + 270, 60, f"effective rank {rank:.1f}", anchor="end"))
    return page("Spectra of two Jacobians", *parts)


def _detour(t: np.ndarray) -> np.ndarray:
    """From the arc's beginning to its end, by way of loops."""
    loop = 0.32 * np.sin(np.pi * t)[:, None] ** 2
    turn = np.stack([np.sin(6 * np.pi * t), 1 - np.cos(6 * np.pi * t)], -1)
    return smooth(t) + loop * turn * [1, -1]


def _jacobian(weights: list[np.ndarray], z: np.ndarray) -> np.ndarray:
    """Of z ↦ W₃ᵀ tanh(W₂ᵀ tanh(W₁ᵀ z)), by the chain rule."""
    jacobian = np.eye(len(z))
    for weight in weights[:-1]:
        z = np.tanh(z @ weight)
        jacobian = jacobian @ weight * (1 - z**2)
    return jacobian @ weights[-1]


FIGURES = {
    "path-length": path_length,
    "jump-rate": jump_rate,
    "step-evenness": step_evenness,
    "local-rank": local_rank,
}
