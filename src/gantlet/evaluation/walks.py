"""Walks through a latent space: which paths are taken, and all that is measured on them."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float64
from torch.linalg import vector_norm

from gantlet.evaluation.explorable import Explorable, of_stored
from gantlet.metrics.continuity import (
    Embedding,
    LocalRank,
    Paths,
    Speeds,
    halved,
    has_jump,
    jacobian,
    label_steps,
    local_rank,
    speeds,
    steps,
    unevenness,
)
from gantlet.modalities.base import Progress
from gantlet.types import Generator as Generating
from gantlet.types import Labels, Samples

WITHIN, BETWEEN, NEAR = 64, 32, 32  # paths of each kind
STORED_WALKS = 16  # of the trivial generator
IN_FEATURES = 32  # paths that are measured in features too
STEPS = 64  # that a path is cut into
COARSE_STEPS = 16  # in features: samples may be rounded there, which lengthens fine steps
NODES = 8  # places of a path at which derivatives are taken
POOL = 32  # samples among which the nearest to another is looked for
AT_ONCE = 32  # paths walked between two reports of progress
DIRECTIONS = 960  # derivatives that local ranks may take
MOST_PLACES = 16  # at which they are taken

T = TypeVar("T")
Job = Generator[Progress, None, T]


class Walk(NamedTuple):
    """What was measured of some paths, one value for each."""

    length: Float64[np.ndarray, "p"]
    straight: Float64[np.ndarray, "p"]  # between the two ends
    peak: Float64[np.ndarray, "p"]  # largest step over mean step
    is_torn: Bool[np.ndarray, "p"]
    unevenness: Float64[np.ndarray, "p"]

    @property
    def ratio(self) -> Float64[np.ndarray, "p"]:
        """How many times as long as the straight line; only of paths whose ends differ."""
        moves = self.straight > 0
        return self.length[moves] / self.straight[moves]


@dataclass(frozen=True, kw_only=True)
class Walked:
    """All walks through one generator's latent space."""

    paths: Paths  # those within a label
    within: Walk
    between: Walk | None  # paths whose label changes halfway; none where there is but one
    near: Walk  # between near samples of one label
    stored: Walk  # the trivial generator's, within a label
    speeds: Speeds  # within
    label_steps: Float64[np.ndarray, "changes"]  # when only the label changes
    ranks: tuple[LocalRank, ...]
    in_features: Float64[np.ndarray, "seen"]  # ratios of length to straight line there
    apart: float  # mean distance of two real samples

    @property
    def is_torn(self) -> Bool[np.ndarray, "p"]:
        """Of every path; a change of label is no part of it."""
        between = [] if self.between is None else [self.between.is_torn]
        return np.concatenate([self.within.is_torn, *between, self.near.is_torn])


def walked(it: Explorable, real: Samples, embedding: Embedding | None, seed: int) -> Job[Walked]:
    """Paths of every kind, drawn from the seed, walked and measured.

    Args:
        real: encoded real rows, for how far two of them are apart.
        embedding: samples → features, where path lengths in these are wanted too.
    """
    G, paths = it.generator, within_labels(it, WITHIN, seed)
    within = yield from _each(WITHIN, lambda i: walk(G, part(paths, i)), "walking through z")
    running = yield from _each(WITHIN, lambda i: speeds(G, part(paths, i), NODES), "speeds in z")
    between, changes = None, np.zeros(0)
    if it.has_labels:
        old, new = between_labels(it, BETWEEN, seed)
        crossings = yield from _each(
            BETWEEN, lambda i: crossed(G, part(old, i), part(new, i)), "changing labels"
        )
        between = Walk(*map(np.concatenate, zip(*crossings, strict=True)))
        changes = label_steps(G, old.start, _labels(old), _labels(new))
    near_paths = yield from near_samples(it, NEAR, seed)
    near = yield from _each(NEAR, lambda i: walk(G, part(near_paths, i)), "walking to near samples")
    in_features = []
    if embedding is not None:
        in_features = yield from _each(
            IN_FEATURES, lambda i: _ratio_in(embedding, G, part(paths, i)), "paths in features"
        )
    ranks = yield from _ranks(it, paths)
    return Walked(
        paths=paths, within=Walk(*map(np.concatenate, zip(*within, strict=True))),
        between=between, near=Walk(*map(np.concatenate, zip(*near, strict=True))),
        stored=walk(of_stored(it, seed).generator, part(paths, slice(STORED_WALKS))),
        speeds=Speeds(*map(np.concatenate, zip(*running, strict=True))), label_steps=changes,
        ranks=ranks, in_features=np.concatenate([np.zeros(0), *in_features]), apart=apart(real),
    )  # fmt: skip


def walk(G: Generating, paths: Paths, count: int = STEPS) -> Walk:
    """All measures of a few paths, cut into `count` steps."""
    taken = steps(G, paths, count)
    return Walk(
        length=taken.length, straight=taken.straight, peak=_peak(taken.samples),
        is_torn=has_jump(halved(G, paths, taken), taken),
        unevenness=unevenness(taken.samples, taken.latents),
    )  # fmt: skip


@torch.no_grad()
def crossed(G: Generating, old: Paths, new: Paths) -> Walk:
    """Paths under their old labels to the middle, then under new ones.

    The change of label in the middle counts as length, and for nothing else.
    """
    halves = old._replace(high=0.5), new._replace(low=0.5)
    first, second = (walk(G, half, STEPS // 2) for half in halves)
    ends = G(old.start, old.y).double() - G(new.end, new.y).double()
    middle = old.at(torch.full((len(old.start),), 0.5))
    return Walk(
        length=first.length + label_steps(G, middle, _labels(old), _labels(new)) + second.length,
        straight=vector_norm(ends.flatten(1), dim=1).cpu().numpy(),
        peak=np.maximum(first.peak, second.peak), is_torn=first.is_torn | second.is_torn,
        unevenness=(first.unevenness + second.unevenness) / 2,
    )  # fmt: skip


def within_labels(it: Explorable, count: int, seed: int) -> Paths:
    """Between random latents, each path under one label."""
    start, end = (it.latents(count, seed, f"walks/{name}") for name in ("start", "end"))
    return Paths(start, end, it.labels(count, seed, "walks"))


def between_labels(it: Explorable, count: int, seed: int) -> tuple[Paths, Paths]:
    """The same paths under one label and under another."""
    start, end = (it.latents(count, seed, f"between/{name}") for name in ("start", "end"))
    y, other = it.labels(count, seed, "between/y"), it.labels(count, seed, "between/other")
    assert y is not None
    assert other is not None
    following = (other + 1) % len(it.conditions.weights)
    return Paths(start, end, y), Paths(start, end, torch.where(other == y, following, other))


@torch.no_grad()
def near_samples(it: Explorable, count: int, seed: int) -> Job[Paths]:
    """From each of some latents to that, of many, whose sample under the same label is nearest."""
    start, y = it.latents(count, seed, "near"), it.labels(count, seed, "near/y")
    pool = it.latents(count * POOL, seed, "near/pool").unflatten(0, (count, POOL))
    ends = []
    for i in range(count):
        yield Progress(i, count, "looking for near samples")
        labels = None if y is None else y[i].repeat(POOL)
        others = it.generator(pool[i], labels)
        own = it.generator(start[i : i + 1], None if labels is None else labels[:1])
        ends.append(pool[i, vector_norm((others - own).flatten(1), dim=1).argmin()])
    return Paths(start, torch.stack(ends), y)


def part(paths: Paths, rows: slice) -> Paths:
    """Some of the paths."""
    y = None if paths.y is None else paths.y[rows]
    return paths._replace(start=paths.start[rows], end=paths.end[rows], y=y)


def apart(real: Samples) -> float:
    """Mean distance of two real samples, of pairs of which none shares a sample."""
    half = len(real) // 2
    gaps = real[:half].double() - real[half : 2 * half].double()
    return vector_norm(gaps.flatten(1), dim=1).mean().item()


def _each(count: int, work: Callable[[slice], T], what: str) -> Job[list[T]]:
    """The results for a few paths at a time."""
    results = []
    for start in range(0, count, AT_ONCE):
        yield Progress(start, count, what)
        results.append(work(slice(start, start + AT_ONCE)))
    return results


def _ratio_in(embedding: Embedding, G: Generating, paths: Paths) -> Float64[np.ndarray, "p"]:
    taken = steps(G, paths, COARSE_STEPS, embedding)
    moves = taken.straight > 0
    return taken.length[moves] / taken.straight[moves]


def _ranks(it: Explorable, paths: Paths) -> Job[tuple[LocalRank, ...]]:
    places = max(2, min(MOST_PLACES, DIRECTIONS // it.latent_dim))
    ranks = []
    for i in range(places):
        yield Progress(i, places, "counting the directions in which samples move")
        label = None if paths.y is None else paths.y[i]
        ranks.append(local_rank(jacobian(it.generator, paths.start[i], label)))
    return tuple(ranks)


def _labels(paths: Paths) -> Labels:
    assert paths.y is not None, "a change of label needs labels"
    return paths.y


def _peak(moved: Float64[np.ndarray, "p steps"]) -> Float64[np.ndarray, "p"]:
    mean = moved.mean(1)
    return moved.max(1) / np.where(mean > 0, mean, 1)
