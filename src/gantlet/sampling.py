"""Samples of a generator, in the data's own form, in parts of bounded size."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gantlet.engine.noise import Rows, StepNoise, generator
from gantlet.engine.train import NonFinite
from gantlet.latents import PRIORS, truncated
from gantlet.modalities.base import Codec

CHUNK = 256  # rows drawn at once; part of what a seed means
AT_ONCE = 64  # rows generated at once: what G computes of more of them leaves a CPU's cache


class Conditions(NamedTuple):
    """How labels are given to G: how often each occurs in the data, and whether they mean anything.

    Hidden conditions were made by Gantlet itself (clusters); no user sees them.
    """

    weights: tuple[float, ...] = ()  # empty: no conditions
    hidden: bool = False


class Part(NamedTuple):
    """Some samples and, where the data has classes, their labels."""

    samples: Float[Tensor, "b *shape"]
    labels: Int[np.ndarray, "b"] | None


def drawn_labels(
    conditions: Conditions, seed: int, name: str, count: int
) -> Int[np.ndarray, "count"] | None:
    """Labels as frequent as in the data."""
    if not conditions.weights:
        return None
    weights = torch.tensor(conditions.weights, dtype=torch.float64)
    source = generator(seed, name, "labels")
    return torch.multinomial(weights, count, replacement=True, generator=source).numpy()


def sampled(
    G: nn.Module,
    prior: str,
    latent_dim: int,
    conditions: Conditions,
    count: int,
    *,
    seed: int = 0,
    psi: float = 1.0,
    label: int | None = None,
) -> Iterator[Part]:
    """`count` samples in parts of 256; the i-th follows from the seed and i alone."""
    some = next(G.parameters())
    for chunk, start in enumerate(range(0, count, CHUNK)):
        rows = Rows(0, CHUNK, CHUNK)
        noise = StepNoise(seed, chunk, rows, some.device)
        z = truncated(PRIORS[prior](noise, "sample/z", 1, latent_dim).flatten(0, 1), psi)
        labels = drawn_labels(conditions, seed, f"sample/{chunk}", CHUNK)
        if label is not None:
            labels = np.full(CHUNK, label)
        keep = min(CHUNK, count - start)
        z, labels = z[:keep].to(some.dtype), None if labels is None else labels[:keep]
        y = None if labels is None else torch.from_numpy(labels).to(some.device)
        with torch.no_grad():
            x = _generated(G, z, y).float()
        yield Part(x, None if conditions.hidden else labels)


def _generated(
    G: nn.Module, z: Float[Tensor, "b latent"], y: Int[Tensor, "b"] | None
) -> Float[Tensor, "b *shape"]:
    if G.training:  # where batch norm looks at all rows together
        return G(z, y)
    latents = z.split(AT_ONCE)
    labels = [None] * len(latents) if y is None else y.split(AT_ONCE)
    return torch.cat([G(*part) for part in zip(latents, labels, strict=True)])


def decoding(
    parts: Iterator[Part], codec: Codec
) -> Iterator[tuple[Any, Int[np.ndarray, "b"] | None]]:
    """Each part in the data's own form, with its labels.

    Raises:
        NonFinite: G's weights may be finite and yet too large for what they make.
    """
    for part in parts:
        if not part.samples.isfinite().all():
            raise NonFinite("generated samples are not finite")
        yield codec.decode(part.samples), part.labels


def decoded(parts: Iterator[Part], codec: Codec) -> tuple[Any, Int[np.ndarray, "n"] | None]:
    """All parts in the data's own form, joined, with their labels.

    Raises:
        NonFinite: as `decoding`.
    """
    rows, labels = zip(*decoding(parts, codec), strict=True)
    joined = None if labels[0] is None else np.concatenate(labels)
    return np.concatenate(rows), joined
