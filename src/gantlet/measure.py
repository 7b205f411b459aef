"""The cheap look at a run while it trains: a held-out distance, and what D says of whom.

Nothing here changes what is trained: a run that is never measured ends with the same weights.
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gantlet.engine.health import Reading
from gantlet.engine.state import TrainState
from gantlet.feed import Split, picked
from gantlet.modalities.base import Codec, Modality, Raw
from gantlet.networks import NETWORKS
from gantlet.run import Run
from gantlet.sampling import CHUNK, Conditions, Part, decoded, sampled
from gantlet.types import Surprisal

JUDGED = 256  # rows on which D's verdict is taken
TRIED = 64  # samples by which a look's cost is told beforehand
FLOORS = 4  # comparisons of real with real that the floor is the mean of
COMPARED = 1000  # rows that the distance is taken on; the ranking takes all
KNOWN = 4  # real rows for each generated one in the ranking: their features are told once
USUAL = 0.99  # share of training rows that no held-out row counts as rarer than
NEIGHBOURS_OF = 300  # rows among which nearest neighbours are looked for


class Calibration(NamedTuple):
    """P(real | x) = σ(slope · D(x) + offset), fitted to held-out reals and fresh fakes."""

    slope: float
    offset: float


def calibration(real: Float[Tensor, "m"], fake: Float[Tensor, "n"]) -> Calibration:
    """Platt's fit (1999) with both kinds weighted alike and his softened targets, by Newton.

    A relativistic D fixes its logits only up to a constant and a Wasserstein D not even their
    scale; two fitted numbers make any of them a classifier.
    """
    logits = torch.cat([real, fake]).double()
    if not logits.isfinite().all():
        return Calibration(math.nan, math.nan)
    scale = logits.std().clamp_min(1e-12)
    middle = logits.mean()
    x = torch.stack([(logits - middle) / scale, torch.ones_like(logits)], dim=1)
    high, low = (len(real) + 1) / (len(real) + 2), 1 / (len(fake) + 2)
    target = torch.cat([torch.full((len(real),), high), torch.full((len(fake),), low)]).to(x)
    weight = torch.cat(
        [torch.full((len(real),), 0.5 / len(real)), torch.full((len(fake),), 0.5 / len(fake))]
    ).to(x)
    beta = x.new_zeros(2)
    for _ in range(25):
        p = torch.sigmoid(x @ beta)
        gradient = x.T @ (weight * (p - target))
        curvature = (x.T * (weight * p * (1 - p))) @ x + 1e-6 * torch.eye(2).to(x)
        step = torch.linalg.solve(curvature, gradient)
        beta = beta - step / max(1.0, step.norm().item())
    slope = (beta[0] / scale).item()
    return Calibration(slope, (beta[1] - slope * middle).item())


def spread(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    """How varied the generated are beside the real, 1 being equally.

    The smaller of two ratios: of root mean square distances from the mean, which shows a cloud
    that shrinks, and of median distances to the nearest neighbour, which shows repetition.
    """
    wide = math.sqrt(fake.var(0).sum() / max(real.var(0).sum(), 1e-300))
    near = [_nearest(x[:NEIGHBOURS_OF]) for x in (real, fake)]
    return min(wide, near[1] / max(near[0], 1e-300))


def _nearest(x: Float[np.ndarray, "n d"]) -> float:
    squared = np.square(x).sum(1)
    distance = squared[:, None] + squared - 2 * x @ x.T
    np.fill_diagonal(distance, np.inf)
    return float(np.sqrt(np.median(np.maximum(distance.min(1), 0))))


NO_HOLD_OUT = (
    "no rows are kept from training, so the held-out distance is one to rows that were trained on; "
    "50 rows and keeping.hold_out are needed for more"
)


class Meter:
    """Measures a run against rows kept from training, or against training rows for lack of any."""

    def __init__(
        self,
        run: Run,
        modality: Modality,
        raw: Raw,
        codec: Codec,
        split: Split,
        conditions: Conditions,
        labels: np.ndarray | None,
        start: nn.Module,
    ) -> None:
        """`start` is G before its first step."""
        self.run, self.modality, self.codec, self.conditions = run, modality, codec, conditions
        self.has_hold_out = len(split.held_out) > 0
        against = split.held_out if self.has_hold_out else split.train
        most = run.keeping.measured
        self._real = modality.features(codec, picked(raw.rows, against, most))
        self.count = len(self._real)
        self.ranking = modality.ranking or modality.distance
        reals = self._reals(raw, split.train, run.seed)
        self.floor = float(np.mean([self._distance(other) for other in reals]))
        self._train = _Judged(raw, codec, split.train, labels)
        family = NETWORKS[run.network.family]
        self.surprisal, self.at_once = family.surprisal, family.at_once
        if self.surprisal is None:
            self._known = modality.features(codec, picked(raw.rows, against, KNOWN * most))
            self.rank_floor = float(np.mean([self.ranking(self._known, other) for other in reals]))
        else:
            self._to_rank = _Judged(raw, codec, against, labels, most)
            self._rare = self._train.surprisal(start, self.surprisal).quantile(USUAL)
            self._at_start = self._surprise(start)
        self._held_out = _Judged(raw, codec, against, labels)

    def _reals(self, raw: Raw, train: Int[np.ndarray, "n"], seed: int) -> list[np.ndarray]:
        """Features of several draws of training rows, as many as held-out rows are looked at."""
        rng = np.random.default_rng(seed)
        count = min(self.count, len(train))
        draws = [np.sort(rng.choice(train, count, replace=False)) for _ in range(FLOORS)]
        return [self.modality.features(self.codec, raw.rows[rows]) for rows in draws]

    def reading(
        self, state: TrainState, means: Mapping[str, float], skipped: int
    ) -> tuple[Reading, Calibration]:
        """Where the run stands, from the means since the last reading and a fresh look."""
        parts = self._fakes(state.G_ema, max(self.count, JUDGED))
        fake = self._features(parts)
        on_train, on_held_out, on_fake = self._verdicts(state, parts)
        rank, rank_floor = self._rank(state.G_ema, fake)
        reading = Reading(
            step=state.step,
            progress=state.progress,
            D_loss=means.get("D/loss", math.nan),
            G_loss=means.get("G/loss", math.nan),
            real_right=means.get("D/real_right", math.nan),
            fake_right=means.get("D/fake_right", math.nan),
            real=on_train.mean().item(),
            fake=on_fake.mean().item(),
            held_out=on_held_out.mean().item() if self.has_hold_out else math.nan,
            G_gradient=means.get("G/gradient", math.nan),
            D_gradient=means.get("D/gradient", math.nan),
            diversity=spread(self._real, fake),
            distance=self._distance(fake),
            floor=self.floor,
            skipped=skipped,
            rank=rank,
            rank_floor=rank_floor,
            is_warm_up="G/surprisal" in means and "D/loss" not in means,
        )
        return reading, calibration(on_held_out, on_fake)

    def verdicts(
        self, state: TrainState
    ) -> tuple[Float[Tensor, "n"], Float[Tensor, "m"], Float[Tensor, "k"]]:
        """D's logits on training reals, held-out reals and fakes; the same at the same state."""
        return self._verdicts(state, self._fakes(state.G_ema, JUDGED))

    def _verdicts(
        self, state: TrainState, fakes: Sequence[Part]
    ) -> tuple[Float[Tensor, "n"], Float[Tensor, "m"], Float[Tensor, "k"]]:
        fakes = _first(fakes, JUDGED)
        settle = NETWORKS[self.run.network.family].settle
        if settle is not None:
            some = next(state.D.parameters())
            every = [self._held_out.x, *(part.samples.cpu() for part in fakes)]
            settle(state.D, torch.cat(every).to(some.device, some.dtype))
        return (
            self._train.logits(state.D),
            self._held_out.logits(state.D),
            torch.cat([_logits(state.D, part.samples, part.labels) for part in fakes]),
        )

    def cost(self, G: nn.Module) -> float:
        """CPU seconds that a reading will take, told from a small one."""
        tried = max(TRIED, CHUNK * (self.at_once - 1))  # passes are whole, however few are kept
        self._features(self._fakes(G, tried))  # the first of its kind is slow
        began = time.process_time()
        self._features(self._fakes(G, tried))
        return (time.process_time() - began) * max(1.0, max(self.count, JUDGED) / tried)

    def calibration(self, state: TrainState) -> Calibration:
        """What makes D's logits probabilities, by held-out reals and fakes of the average G."""
        _, held_out, fake = self.verdicts(state)
        return calibration(held_out, fake)

    def _rank(self, G: nn.Module, fake: Float[np.ndarray, "n d"]) -> tuple[float, float]:
        """A distance and its floor or, where G has a density, held-out rows' mean surprisal.

        How much a perfect G would be surprised is not known. The floor is put as far below as G has
        come since it set out, so that a set share of what was learned counts as alike.
        """
        if self.surprisal is None:
            return self.ranking(self._known, fake), self.rank_floor
        now = self._surprise(G)
        return now, now - max(0.0, self._at_start - now)

    def _surprise(self, G: nn.Module) -> float:
        """How much held-out rows surprise G on average, none more than rare rows did at the start.

        Some may be like none that G learns from, as where a sensor stood still for a month. They
        surprise every state, and the more so the more G knows of all others: by them a state that
        knows next to nothing would seem best.
        """
        assert self.surprisal is not None, "who asks has a density"
        return self._to_rank.surprisal(G, self.surprisal).clamp_max(self._rare).mean().item()

    def _distance(self, other: Float[np.ndarray, "n d"]) -> float:
        return self.modality.distance(_thinned(self._real), _thinned(other))

    def _features(self, parts: Sequence[Part]) -> Float[np.ndarray, "n d"]:
        rows, _ = decoded(iter(_first(parts, self.count)), self.codec, self.modality)
        return self.modality.features(self.codec, rows)

    def _fakes(self, G: nn.Module, count: int) -> list[Part]:
        # One seed for all: what D judges are the first of those that the distance is taken on.
        objective = self.run.objective
        unhidden = self.conditions._replace(hidden=False)
        drawn = sampled(
            G, objective.prior, objective.latent_dim, unhidden, count, seed=1,
            at_once=self.at_once,
        )  # fmt: skip
        return list(drawn)


def _thinned(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "m d"]:
    """Some rows, evenly spread, where there are more than the distance is meant for."""
    return features[:: -(-len(features) // COMPARED)]


def _first(parts: Sequence[Part], count: int) -> list[Part]:
    """So many samples of the parts, from the first on."""
    kept = []
    for samples, labels, *_ in parts:
        left = count - sum(len(part.samples) for part in kept)
        if left > 0:
            kept.append(Part(samples[:left], None if labels is None else labels[:left]))
    return kept


class _Judged:
    """A few rows, encoded once, for D to judge again and again."""

    def __init__(
        self,
        raw: Raw,
        codec: Codec,
        indices: np.ndarray,
        labels: np.ndarray | None,
        most: int = JUDGED,
    ) -> None:
        self.x = codec.encode(picked(raw.rows, indices, most))
        self._labels = None if labels is None else picked(labels, indices, most)

    def surprisal(self, G: nn.Module, of: Surprisal) -> Float[Tensor, "n"]:
        """How much G is surprised by each row, in nats."""
        some = next(G.parameters())
        y = None if self._labels is None else torch.as_tensor(self._labels).to(some.device)
        with torch.no_grad():
            return of(G, self.x.to(some.device, some.dtype), y, None).float().cpu()

    def logits(self, D: nn.Module) -> Float[Tensor, "n"]:
        return _logits(D, self.x, self._labels)


def _logits(D: nn.Module, x: Tensor, labels: object) -> Float[Tensor, "n"]:
    """What D says of each x by itself."""
    some = next(D.parameters())
    y = None if labels is None else torch.as_tensor(labels, dtype=torch.int64).to(some.device)
    D.eval()
    with torch.no_grad():
        logits = D(x.to(some.device, some.dtype), y).float()
    D.train()
    return logits
