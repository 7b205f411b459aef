"""Whether fakes lie closer to training rows than to as many rows that were kept from training."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64, Int

from gantlet.metrics.clouds import BLOCK, clouds
from gantlet.metrics.intervals import Estimate, groups
from gantlet.metrics.nearest import Nearest, nearest_between
from gantlet.metrics.neighbours import share_of_rows

GROUPS, DRAWS = 40, 4


def closer_to_train(
    train: Float[np.ndarray, "m d"],
    held_out: Float[np.ndarray, "h d"],
    fake: Float[np.ndarray, "n d"],
    seed: int = 0,
    block: int = BLOCK,
    in_parts: Sequence[Nearest] | None = None,
) -> Estimate:
    """Share of fakes nearer to training rows than to as many held-out ones; ½ by chance.

    The mean over a few disjoint draws of training rows; ties count half. The interval is over
    redraws of all three sets.

    Args:
        in_parts: `nearest_to` each of `parts_of` the training rows, where it is known.
    """
    size = min(len(train), len(held_out))
    other = np.sort(np.random.default_rng(seed).permutation(len(held_out))[:size])
    held = held_out[other]
    to_held = _reaches(nearest_to(held, fake, block), groups(held, min(GROUPS, size), seed))
    draws = [part for part in parts_of(len(train), len(held_out), seed) if len(part) == size][
        :DRAWS
    ]
    counted = np.zeros_like(to_held)
    for at, draw in enumerate(draws):
        near = in_parts[at] if in_parts else nearest_to(train[draw], fake, block)
        to_train = _reaches(near, groups(train[draw], min(GROUPS, size), seed + 1 + at))
        counted += (1 - np.sign(to_train - to_held)) / (2 * len(draws))
    return share_of_rows(counted, np.zeros(counted.shape, bool))


def parts_of(train: int, held_out: int, seed: int) -> list[Int[np.ndarray, "_"]]:
    """All training rows: a few draws, each as large as the hold-out, and the rest."""
    size = min(train, held_out)
    order = np.random.default_rng(seed).permutation(train)
    cuts = [at * size for at in range(1, DRAWS + 1) if at * size < train]
    return [np.sort(part) for part in np.split(order, cuts)]


def nearest_to(
    centres: Float[np.ndarray, "c d"], fake: Float[np.ndarray, "n d"], block: int
) -> Nearest:
    """The centres nearest to each fake: so many that one stays when a group is left out."""
    points, those = clouds(fake, centres, block=block)
    return nearest_between(points, those, 8, block=block)


def nearest_of_all(
    parts: Sequence[Int[np.ndarray, "_"]], in_parts: Sequence[Nearest]
) -> tuple[Float64[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """For each fake the squared distance to the nearest row of all parts, and which it is."""
    squared = np.stack([near.squared[:, 0] for near in in_parts])
    which = np.stack([part[near.which[:, 0]] for part, near in zip(parts, in_parts, strict=True)])
    best, rows = squared.argmin(0), np.arange(squared.shape[1])
    return squared[best, rows], which[best, rows]


def _reaches(near: Nearest, group: Int[np.ndarray, "c"]) -> Float64[np.ndarray, "n columns"]:
    """Squared distance of each fake to the nearest centre, of all and without each group."""
    theirs, rows = group[near.which], np.arange(len(near.which))
    columns = [near.squared[:, 0]]
    for left_out in range(group.max() + 1):
        columns.append(near.squared[rows, (theirs != left_out).argmax(1)])
    return np.stack(columns, 1)
