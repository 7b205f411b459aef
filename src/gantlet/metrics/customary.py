"""The two scores that papers on generated series report, as Yoon et al. 2019 made them.

Yoon, Jarrett & van der Schaar, *Time-series generative adversarial networks*, NeurIPS. Both judges
are small, a gated recurrent layer of half as many units as channels: their figures can be compared
with published ones, and little else can be said for them. The split is by single series, so series
cut from one record at overlapping places stand on both sides. `course_classifier` is the strong
judge.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64
from scipy.special import expit
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from gantlet.metrics.courses import Set, carried
from gantlet.metrics.recurrent import Recurrent

TRAINED_SHARE = 0.8  # of each set, to train the classifier
BATCH = 128  # of each set
RATE = 1e-3
TELLING, FORETELLING = 2_000, 5_000  # updates, as in the paper's code
FEWEST = 10  # series of a set

Scores = Float64[np.ndarray, "sets seeds"]


def discriminative_scores(
    real: Sequence[Set],
    fake: Sequence[Set],
    seeds: Sequence[int] = (0,),
    updates: int | None = None,
) -> Scores:
    """|accuracy − ½| of a recurrent classifier on the fifth of both sets that it did not see.

    0 is guessing, ½ is always right. One row for each real set with the generated at its place, one
    column for each classifier's seed; all train at once, which costs little more than one. Give
    values scaled to 0 to 1, as the paper does: see `courses.scaled`.

    Raises:
        ValueError: a set has fewer than 10 series, or the shapes do not agree.
    """
    _require_alike([*real, *fake])
    rng = [np.random.default_rng([seed, place]) for place in range(len(real)) for seed in seeds]
    pairs = [[_tensor(side) for side in pair] for pair in zip(real, fake, strict=True)]
    sets = [pair for pair in pairs for _ in seeds]
    orders = [
        [g.permutation(len(side)) for side in pair] for g, pair in zip(rng, sets, strict=True)
    ]
    cuts = [[int(TRAINED_SHARE * len(side)) for side in pair] for pair in sets]
    channels = real[0].shape[2]
    net = Recurrent([*seeds] * len(real), channels, max(channels // 2, 1), 1)
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    truth = torch.arange(2 * BATCH).expand(len(sets), -1).lt(BATCH).float()
    for _ in range(TELLING if updates is None else updates):
        batches = [
            torch.cat([side[drawn(g, order[:cut])] for side, order, cut in zip(*each, strict=True)])
            for g, *each in zip(rng, sets, orders, cuts, strict=True)
        ]
        logits = net(torch.stack(batches).transpose(1, 2))[:, -1, :, 0]
        _descend(binary_cross_entropy_with_logits(logits, truth, reduction="none"), optimizer)
    tests = [
        [side[order[cut:]] for side, order, cut in zip(*each, strict=True)]
        for each in zip(sets, orders, cuts, strict=True)
    ]
    right = [
        np.concatenate([part[:, -1, 0] > 0 if is_real else part[:, -1, 0] <= 0
                        for part, is_real in zip(said, (True, False), strict=True)])
        for said in zip(*(_said(net, [test[k] for test in tests]) for k in (0, 1)), strict=True)
    ]  # fmt: skip
    found = np.array([abs(float(each.mean()) - 0.5) for each in right])
    return found.reshape(len(real), len(seeds))


def predictive_scores(
    train: Sequence[Set],
    test: Set,
    seeds: Sequence[int] = (0,),
    updates: int | None = None,
) -> Scores:
    """Mean |x − x̂| over real series of a recurrent network that learned on each of the sets.

    From all channels but the last at a step it tells the last at the next step; of a single channel
    from itself. Its answers lie in 0 to 1: give values scaled so, as the paper does. Lower is
    better; what a network that learned on the real series themselves reaches is the floor. One row
    for each set, one column for each seed; all train at once.

    Raises:
        ValueError: a set has fewer than 10 series, or the shapes do not agree, or a series has a
            single step.
    """
    _require_alike([*train, test])
    if test.shape[1] < 2:
        raise ValueError("series of one step have no next one to predict: at least 2 are needed")
    rng = [np.random.default_rng([seed, place]) for place in range(len(train)) for seed in seeds]
    sets = [part for side in train for part in [_tensor(side)] * len(seeds)]
    channels = test.shape[2]
    given = slice(None) if channels == 1 else slice(None, -1)
    inputs = max(channels - 1, 1)
    net = Recurrent([*seeds] * len(train), inputs, max(channels // 2, 1), 1)
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    for _ in range(FORETELLING if updates is None else updates):
        x = torch.stack([side[drawn(g, np.arange(len(side)))] for g, side in
                         zip(rng, sets, strict=True)]).transpose(1, 2)  # fmt: skip
        told = torch.sigmoid(net(x[:, :-1, :, given]))
        _descend((told - x[:, 1:, :, -1:]).abs(), optimizer)
    said = _said(net, [_tensor(test)[:, :-1, given]] * len(sets))
    gaps = [np.abs(expit(each[..., 0]) - test[:, 1:, -1]) for each in said]
    return np.array([float(np.nanmean(gap)) for gap in gaps]).reshape(len(train), len(seeds))


def drawn(rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """A batch of them without repetition, or all where there are no more: then with."""
    is_enough = len(places) >= BATCH
    return rng.choice(places, BATCH, replace=not is_enough)


def _descend(losses: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One update of all networks, the loss of each the mean of its own."""
    optimizer.zero_grad()
    losses.flatten(1).mean(1).sum().backward()
    optimizer.step()


@torch.inference_mode()
def _said(net: Recurrent, parts: Sequence[Tensor]) -> list[np.ndarray]:
    """What each network says at each step of its own part (n × t × outputs)."""
    longest = max(map(len, parts))
    padded = [torch.nn.functional.pad(part, (0, 0, 0, 0, 0, longest - len(part))) for part in parts]
    said = net(torch.stack(padded).transpose(1, 2)).transpose(1, 2)
    return [each[: len(part)].double().numpy() for each, part in zip(said, parts, strict=True)]


def _tensor(values: Set) -> Tensor:
    return torch.from_numpy(carried(values).astype(np.float32))


def _require_alike(sets: Sequence[Set]) -> None:
    if len({part.shape[1:] for part in sets}) > 1:
        shapes = ", ".join(str(part.shape) for part in sets)
        raise ValueError(f"series are compared step by step: give sets of one shape, not {shapes}")
    if min(map(len, sets)) < FEWEST:
        raise ValueError(f"at least {FEWEST} series of each set are needed")
