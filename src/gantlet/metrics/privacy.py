"""What generated rows of a table tell of the training rows, beside what held-out rows tell.

Told, not promised: a figure here can show that something leaks; none can show that nothing does.
Held-out rows come from the same world and were never seen by the generator: what they, too, have in
common with the training rows is no leak.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy.special import ndtr

from gantlet.metrics.closer import closer_to_train
from gantlet.metrics.clouds import BLOCK, clouds
from gantlet.metrics.columns import Matrix
from gantlet.metrics.intervals import Estimate, difference, proportion
from gantlet.metrics.mixed_space import mixed_space
from gantlet.metrics.nearest import nearest_between
from gantlet.metrics.two_sample import area

FEWEST = 50  # held-out rows below which nothing is said
ROWS = 10_000  # of each set between which distances are taken
RARE = 2  # rows of the training data that a rare combination is found in, at most
PAIRS = 300  # of columns, drawn where there are more
DIGITS = 1e-12  # relative, within which two numbers are equal: a format's rounding is no difference


class Shares(NamedTuple):
    """A share of the generated, the same of the held-out, and whether chance parts them."""

    fake: Estimate
    real: Estimate
    p_value: float  # one-sided, that the generated would have as much more by chance


class RarePair(NamedTuple):
    """Two columns, and the shares of rows whose combination is found in one or two trained on."""

    first: int
    second: int
    fake: float
    real: float


class Privacy(NamedTuple):
    """All that is told of the training rows."""

    exact: Shares  # rows equal to a training row
    closer: Estimate  # share closer to train than to as many held-out rows; ½ by chance
    closer_p_value: float
    membership: Estimate  # AUC of guessing by the nearest generated row; ½ by chance
    membership_p_value: float
    rare: Shares  # of pairs of values that at most two training rows hold, those that any does
    rare_pairs: tuple[RarePair, ...]  # the pairs of columns, the worst first
    exact_rows: Int[np.ndarray, "e"]  # generated rows that equal a training row


def privacy(
    train: Float[np.ndarray, "m d"],
    held_out: Float[np.ndarray, "h d"],
    fake: Float[np.ndarray, "n d"],
    is_categorical: Bool[np.ndarray, "d"],
    seed: int = 0,
    block: int = BLOCK,
) -> Privacy:
    """Copies, nearness, membership and rare combinations.

    All training rows are looked through for copies and combinations; distances are taken in the
    mixed space of the training rows, between at most 10,000 rows of each set.

    Raises:
        ValueError: fewer than 50 rows were held out: then nothing can be told from chance.
    """
    if len(held_out) < FEWEST:
        raise ValueError(
            f"{len(held_out)} held-out rows are too few to tell leaks from chance: at least "
            f"{FEWEST} are needed"
        )
    rng = np.random.default_rng(seed)
    is_copy, is_copy_real = (equal_to_any(rows, train) for rows in (fake, held_out))
    space = mixed_space(train, is_categorical, seed)
    near = [
        space.points(rows[np.sort(rng.permutation(len(rows))[:ROWS])])
        for rows in (train, held_out, fake)
    ]
    closer = closer_to_train(*near, seed=seed, block=block)
    attack, attack_p_value = membership(*near, block=block)
    rare, pairs = rare_combinations(train, held_out, fake, seed)
    return Privacy(
        exact=_shares(_share(is_copy), _share(is_copy_real)),
        closer=closer,
        closer_p_value=float(ndtr(-(closer.value - 0.5) / max(closer.error, 0.5 / len(fake)))),
        membership=attack,
        membership_p_value=attack_p_value,
        rare=rare,
        rare_pairs=pairs,
        exact_rows=np.flatnonzero(is_copy),
    )


def equal_to_any(
    rows: Float[np.ndarray, "n d"], others: Float[np.ndarray, "m d"]
) -> Bool[np.ndarray, "n"]:
    """Whether a row is equal to one of the others, missing values alike."""
    whole = _coded(np.concatenate([others, rows]))
    key = np.ascontiguousarray(whole).view(np.dtype((np.void, whole.strides[0]))).ravel()
    _, number = np.unique(key, return_inverse=True)
    is_known = np.zeros(int(number.max()) + 1, bool)
    is_known[number[: len(others)]] = True
    return is_known[number[len(others) :]]


def membership(
    train: Float[np.ndarray, "m f"],
    held_out: Float[np.ndarray, "h f"],
    fake: Float[np.ndarray, "n f"],
    block: int = BLOCK,
) -> tuple[Estimate, float]:
    """AUC of guessing that a row was trained on from its distance to the nearest generated row.

    The attack on a release of samples alone: Hayes et al. 2019; by distance: Chen et al. 2020,
    section 5.2. ½ is guessing. The interval is DeLong's, over other rows trained on and not, for
    these generated rows; the p-value is one-sided.
    """
    reach = []
    for rows in (train, held_out):
        points, centres = clouds(rows, fake, block=block)
        reach.append(nearest_between(points, centres, 1, block=block).squared[:, 0])
    found = area(-reach[0], -reach[1])
    m, n = len(train), len(held_out)
    return found, float(ndtr(-(found.value - 0.5) * np.sqrt(12 * m * n / (m + n + 1))))


def rare_combinations(
    train: Float[np.ndarray, "m d"],
    held_out: Float[np.ndarray, "h d"],
    fake: Float[np.ndarray, "n d"],
    seed: int = 0,
) -> tuple[Shares, tuple[RarePair, ...]]:
    """How often what is unusual in a row is something that one or two training rows have.

    Of all pairs of values in the rows that at most two training rows hold, the share that one or
    two do hold, not none: a generator that makes odd rows makes odd pairs, but which of them are
    found in the training rows is as much chance as it is for held-out rows. Over all pairs of
    columns, or 300 drawn; the intervals are over rows.
    """
    codes = _coded(np.concatenate([train, held_out, fake]))
    pairs = np.stack(np.triu_indices(codes.shape[1], 1), axis=1)
    if len(pairs) > PAIRS:
        chosen = np.random.default_rng(seed).permutation(len(pairs))[:PAIRS]
        pairs = pairs[np.sort(chosen)]
    cut, n = len(held_out), len(codes) - len(train)
    unusual, seen, found = np.zeros(n), np.zeros(n), []
    for first, second in pairs.tolist():
        count = _trained_on(codes[:, first], codes[:, second], len(train))
        is_unusual, is_seen = count <= RARE, (count > 0) & (count <= RARE)
        unusual += is_unusual
        seen += is_seen
        usual = is_seen[:cut].sum() / max(1, int(is_unusual[:cut].sum()))
        excess = is_seen[cut:].mean() - usual * is_unusual[cut:].mean()
        rates = float(is_seen[cut:].mean()), float(is_seen[:cut].mean())
        found.append((float(excess), RarePair(first, second, *rates)))
    found.sort(key=lambda one: -one[0])
    shares = [_ratio(seen[part], unusual[part]) for part in (slice(cut, n), slice(cut))]
    return _shares(*shares), tuple(pair for _, pair in found)


def _trained_on(
    first: Int[np.ndarray, "n"], second: Int[np.ndarray, "n"], trained: int
) -> Int[np.ndarray, "k"]:
    """In how many training rows each of the other rows' pair is found."""
    _, joint = np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)
    count = np.bincount(joint[:trained], minlength=int(joint.max()) + 1)
    return count[joint[trained:]]


def _ratio(part: Float64[np.ndarray, "n"], whole: Float64[np.ndarray, "n"]) -> Estimate:
    """Σ part / Σ whole of independent rows, its variance by the delta method."""
    total = float(whole.sum())
    if not total:
        return Estimate(0.0, 0.0, 1.0, 0.0)
    value = float(part.sum()) / total
    variance = float(np.square(part - value * whole).sum()) / total**2
    return proportion(value, variance, len(whole))


def _coded(values: Matrix) -> Int[np.ndarray, "n d"]:
    """Each column's values by number, missing ones alike, and numbers that differ by rounding."""
    codes = np.empty(values.shape, np.int64)
    for place, column in enumerate(values.T):
        known, codes[:, place] = np.unique(column, return_inverse=True)
        gap = np.diff(known, prepend=-np.inf)
        with np.errstate(invalid="ignore"):
            is_new = ~(gap <= DIGITS * np.abs(known))  # also where it is no number
        codes[:, place] = (np.cumsum(is_new) - 1)[codes[:, place]]
    return codes


def _shares(fake: Estimate, real: Estimate) -> Shares:
    gap = difference(fake, real).estimate
    return Shares(fake, real, float(ndtr(-gap.value / gap.error)) if gap.error > 0 else 1.0)


def _share(counted: Bool[np.ndarray, "n"]) -> Estimate:
    value, n = float(counted.mean()), len(counted)
    return proportion(value, value * (1 - value) / n, n)
