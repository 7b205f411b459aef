"""Samples of a generator, in the data's own form, in parts of bounded size."""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gantlet.engine.noise import Rows, StepNoise, generator
from gantlet.engine.train import NonFinite
from gantlet.latents import PRIORS, truncated
from gantlet.modalities.base import Codec, Modality
from gantlet.types import Generator, Latents, Numbered

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
    is_numbered: bool = False  # a number for each block of choices


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
    at_once: int = 1,
    numbered: Numbered | None = None,
) -> Iterator[Part]:
    """`count` samples in parts of 256 times `at_once`; the i-th follows from the seed and i alone.

    Args:
        at_once: chunks that G makes in one pass; many where a pass costs more than its rows. The
            pass is always a whole one, as sums are rounded differently in passes of other sizes.
        numbered: makes samples with choices by number in place of G's own.
    """
    make = G if numbered is None else partial(numbered, G)
    some = next(G.parameters())
    size = CHUNK * at_once
    for first, start in enumerate(range(0, count, size)):
        keep = min(size, count - start)
        chunks = range(first * at_once, (first + 1) * at_once)
        z = torch.cat(
            [_latents(prior, latent_dim, seed, chunk, psi, some.device) for chunk in chunks]
        )
        labels = _labels(conditions, seed, chunks, label)
        if at_once == 1:
            z, labels = z[:keep], None if labels is None else labels[:keep]
        y = None if labels is None else torch.from_numpy(labels).to(some.device)
        with torch.no_grad():
            pace = AT_ONCE if at_once == 1 else size
            x = _generated(make, z.to(some.dtype), y, size if G.training else pace).float()[:keep]
        yield Part(
            x, None if labels is None or conditions.hidden else labels[:keep], numbered is not None
        )


def _latents(
    prior: str, latent_dim: int, seed: int, chunk: int, psi: float, device: torch.device
) -> Latents:
    noise = StepNoise(seed, chunk, Rows(0, CHUNK, CHUNK), device)
    return truncated(PRIORS[prior](noise, "sample/z", 1, latent_dim).flatten(0, 1), psi)


def _labels(
    conditions: Conditions, seed: int, chunks: range, label: int | None
) -> Int[np.ndarray, "b"] | None:
    if label is not None:
        return np.full(CHUNK * len(chunks), label)
    if not conditions.weights:
        return None
    drawn = [drawn_labels(conditions, seed, f"sample/{chunk}", CHUNK) for chunk in chunks]
    return np.concatenate([labels for labels in drawn if labels is not None])


def with_threads(count: int, parts: Iterator[Part]) -> Iterator[Part]:
    """The same parts; while they are gone through, torch has so many threads, and then as before.

    Small networks on more threads than help them are many times slower where cores are shared.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield from parts
    finally:
        torch.set_num_threads(before)


def _generated(
    make: Generator, z: Float[Tensor, "b latent"], y: Int[Tensor, "b"] | None, pace: int
) -> Float[Tensor, "b *shape"]:
    if pace >= len(z):  # in training too, where batch norm looks at all rows together
        return make(z, y)
    latents = z.split(pace)
    labels = [None] * len(latents) if y is None else y.split(pace)
    return torch.cat([make(*part) for part in zip(latents, labels, strict=True)])


def decoding(
    parts: Iterator[Part], codec: Codec, modality: Modality
) -> Iterator[tuple[Any, Int[np.ndarray, "b"] | None]]:
    """Each part in the data's own form, with its labels.

    Raises:
        NonFinite: G's weights may be finite and yet too large for what they make.
    """
    first = 0
    for part in parts:
        if not part.samples.isfinite().all():
            raise NonFinite("generated samples are not finite")
        decode = modality.numbered if part.is_numbered else modality.decoded
        assert decode is not None, f"{modality.name} takes no choices by number"
        yield decode(codec, part.samples, first), part.labels
        first += len(part.samples)


def decoded(
    parts: Iterator[Part], codec: Codec, modality: Modality
) -> tuple[Any, Int[np.ndarray, "n"] | None]:
    """All parts in the data's own form, joined as its modality does, with their labels.

    Raises:
        NonFinite: as `decoding`.
    """
    rows, labels = zip(*decoding(parts, codec, modality), strict=True)
    every = None if labels[0] is None else np.concatenate(labels)
    return modality.joined(rows), every
