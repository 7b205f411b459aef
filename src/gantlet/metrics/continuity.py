"""How samples move as the latents do: speeds, lengths and jumps along paths, and local rank.

Everything is measured on G's own output in floats. A path is cut by a codec that rounds to whole
numbers into many small jumps, and its length grows with the number of steps without end.
A path is a great circle (`slerp`) under one label: labels are no numbers that could be passed
through, so that from one label to another there is a step whatever G does.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor
from torch.linalg import vector_norm

from gantlet.latents import slerp
from gantlet.metrics.intervals import Estimate, batches
from gantlet.types import Generator, Labels, Latents, Samples

Embedding = Callable[[Samples], Float[Tensor, "p d"]]

TRIMMED = 0.05  # of the values, at each end, that a trimmed mean leaves out
HALVINGS = 8
SETTLED = 4  # last halvings, in which a continuous G's step shrinks about 16-fold
MATERIAL = 1 / 32  # of the mean step, below which what does not shrink is no jump
ROUNDING = 64  # units in the last place of a sample's norm that a step may owe to rounding
COLUMNS = 64  # of a Jacobian, computed at once


class Paths(NamedTuple):
    """Paths in the latent space, each under one label, or their parts from `low` to `high`."""

    start: Latents
    end: Latents
    y: Labels | None = None
    low: float = 0.0
    high: float = 1.0

    def at(self, share: Float[Tensor, "p"]) -> Float64[Tensor, "p latent"]:
        """Latents where so much of the part of each path is covered."""
        t = self.low + (self.high - self.low) * share.double()
        return slerp(self.start.double(), self.end.double(), t[:, None])


class Steps(NamedTuple):
    """Paths cut into equal parts of time."""

    samples: Float64[np.ndarray, "p steps"]  # how far the sample moves in each
    latents: Float64[np.ndarray, "p steps"]  # how far z does
    straight: Float64[np.ndarray, "p"]  # how far the samples at the two ends are apart

    @property
    def length(self) -> Float64[np.ndarray, "p"]:
        """Σ ‖G(z(tᵢ₊₁)) − G(z(tᵢ))‖, jumps included."""
        return self.samples.sum(1)


class Speeds(NamedTuple):
    """Derivatives at the middles of equal parts of a path, per unit of the path's own time."""

    samples: Float64[np.ndarray, "p nodes"]  # ‖J_G(z(t)) ż(t)‖
    latents: Float64[np.ndarray, "p nodes"]  # ‖ż(t)‖

    @property
    def length(self) -> Float64[np.ndarray, "p"]:
        """∫ ‖J_G(z(t)) ż(t)‖ dt by the midpoint rule: blind to jumps."""
        return self.samples.mean(1)


class LocalRank(NamedTuple):
    """In how many directions samples move when z does, from singular values σ of the Jacobian."""

    rank: int  # σ above rounding
    effective: float  # exp H(σ / Σσ).  Roy & Vetterli 2007, eq. 3
    participation: float  # (Σσ²)² / Σσ⁴


def flat(samples: Samples) -> Float[Tensor, "p d"]:
    """The samples' own numbers."""
    return samples.flatten(1)


@torch.no_grad()
def steps(G: Generator, paths: Paths, count: int, embedding: Embedding = flat) -> Steps:
    """The paths in `count` steps each, measured in any space; two nodes are held at a time.

    With fine steps and a perceptual embedding the squared steps are what Karras et al. 2019,
    eq. 2, average.
    """
    moved, turned = [], []
    first, z = _seen(G, paths, embedding, 0.0)
    seen = first
    for i in range(1, count + 1):
        following, following_z = _seen(G, paths, embedding, i / count)
        moved.append(vector_norm(following - seen, dim=1))
        turned.append(vector_norm(following_z - z, dim=1))
        seen, z = following, following_z
    straight = vector_norm(seen - first, dim=1)
    return Steps(torch.stack(moved, 1).numpy(), torch.stack(turned, 1).numpy(), straight.numpy())


@torch.no_grad()
def speeds(G: Generator, paths: Paths, count: int) -> Speeds:
    """The speeds by forward-mode derivatives at `count` places of each path."""
    moving, turning = [], []
    for i in range(count):
        share = torch.full((len(paths.start),), (i + 0.5) / count, dtype=torch.float64)
        z, velocity = _derivative(paths.at, share, torch.ones_like(share))
        moving.append(vector_norm(pushed(G, z, paths.y, velocity).double(), dim=1))
        turning.append(vector_norm(velocity, dim=1))
    return Speeds(torch.stack(moving, 1).numpy(), torch.stack(turning, 1).numpy())


@torch.no_grad()
def pushed(G: Generator, z: Latents, y: Labels | None, direction: Latents) -> Float[Tensor, "b d"]:
    """J_G(z) v for each z and its v, flattened, by forward-mode derivatives."""
    _, change = _derivative(lambda z: G(z, y), z, direction)
    return change.flatten(1).cpu()


@torch.no_grad()
def halved(
    G: Generator, paths: Paths, taken: Steps, halvings: int = HALVINGS
) -> Float64[np.ndarray, "p halvings"]:
    """The largest step of each path, then the larger half of it, and of this, and so on.

    A continuous G's steps shrink with the time that they take; a jump stays. What is no larger
    than rounding counts as nought.
    """
    count = taken.samples.shape[1]
    low = torch.from_numpy(taken.samples.argmax(1) / count)
    high = low + 1 / count
    left, right = _flat_at(G, paths, low), _flat_at(G, paths, high)
    rounding = ROUNDING * torch.finfo(left.dtype).eps * vector_norm(left.double(), dim=1)
    left, right = left.double(), right.double()
    sizes = [vector_norm(right - left, dim=1)]
    for _ in range(halvings):
        middle = (low + high) / 2
        between = _flat_at(G, paths, middle).double()
        first, second = vector_norm(between - left, dim=1), vector_norm(right - between, dim=1)
        is_first = first >= second
        low, high = torch.where(is_first, low, middle), torch.where(is_first, middle, high)
        left = torch.where(is_first[:, None], left, between)
        right = torch.where(is_first[:, None], between, right)
        sizes.append(torch.maximum(first, second))
    every = torch.stack(sizes, 1)
    return torch.where(every > rounding[:, None], every, 0.0).numpy()


def has_jump(halves: Float64[np.ndarray, "p halvings"], taken: Steps) -> Bool[np.ndarray, "p"]:
    """Whether the largest step stopped shrinking while it was no trifle beside the mean one."""
    last, before = halves[:, -1], halves[:, -1 - SETTLED]
    return (last > before / 2) & (last > MATERIAL * taken.samples.mean(1))


def unevenness(
    samples: Float64[np.ndarray, "p n"], latents: Float64[np.ndarray, "p n"]
) -> Float64[np.ndarray, "p"]:
    """Standard deviation over mean, along each path, of a sample's change per change of z."""
    rate = samples / np.maximum(latents, np.finfo(np.float64).tiny)
    return rate.std(1) / np.maximum(rate.mean(1), np.finfo(np.float64).tiny)


@torch.no_grad()
def label_steps(G: Generator, z: Latents, y: Labels, other: Labels) -> Float64[np.ndarray, "p"]:
    """‖G(z, y) − G(z, y′)‖: how far a sample moves when only its label changes."""
    change = G(z, y).double() - G(z, other).double()
    return vector_norm(change.flatten(1), dim=1).cpu().numpy()


@torch.no_grad()
def jacobian(
    G: Generator, z: Float[Tensor, "latent"], y: Int[Tensor, ""] | None
) -> Float[Tensor, "d latent"]:
    """J_G(z), a column for each number of z."""
    columns = []
    for directions in torch.eye(len(z), dtype=z.dtype).split(COLUMNS):
        repeated = z.repeat(len(directions), 1)  # forward mode takes no expanded tensors
        labels = None if y is None else y.expand(len(directions))
        columns.append(pushed(G, repeated, labels, directions))
    return torch.cat(columns).T


def local_rank(J: Float[Tensor, "d latent"]) -> LocalRank:
    """Rank, effective rank and participation of a Jacobian."""
    sigma = torch.linalg.svdvals(J).double().numpy()
    sigma = sigma[sigma > max(J.shape) * torch.finfo(J.dtype).eps * sigma[0]]
    if len(sigma) == 0:
        return LocalRank(0, 0.0, 0.0)
    share = sigma / sigma.sum()
    energy = np.square(sigma)
    participation = float(energy.sum() ** 2 / np.square(energy).sum())
    return LocalRank(len(sigma), float(np.exp(-(share @ np.log(share)))), participation)


def trimmed_mean(values: Float64[np.ndarray, "n"], share: float = TRIMMED) -> Estimate:
    """The mean without the smallest and the largest, its error from the winsorised spread.

    Tukey & McLaughlin 1963; Karras et al. 2019, section 4.1, trim their path lengths alike.
    """
    n = len(values)
    if n < 2:
        return Estimate(float(values.sum()) if n else np.nan, np.nan, np.nan, np.nan)
    cut = int(share * n)
    ordered = np.sort(values)
    kept = ordered[cut : n - cut]
    held = np.clip(ordered, kept[0], kept[-1])
    influence = (held - held.mean()) / (1 - 2 * cut / n)
    return batches((kept.mean() + influence).tolist())


def _derivative(
    function: Callable[[Tensor], Tensor], at: Tensor, tangent: Tensor
) -> tuple[Tensor, Tensor]:
    """Value and directional derivative."""
    with warnings.catch_warnings():
        # Torch's own formulas of forward mode are scripted, which torch itself has deprecated.
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        found = torch.func.jvp(function, (at,), (tangent,))
    return found[0], found[1]


def _seen(
    G: Generator, paths: Paths, embedding: Embedding, share: float
) -> tuple[Float64[Tensor, "p d"], Float64[Tensor, "p latent"]]:
    z = paths.at(torch.full((len(paths.start),), share, dtype=torch.float64))
    return embedding(G(z, paths.y)).double().cpu(), z


def _flat_at(G: Generator, paths: Paths, share: Float64[Tensor, "p"]) -> Float[Tensor, "p d"]:
    return flat(G(paths.at(share), paths.y)).cpu()
