"""The features in which a subject is judged: of every side, extracted once and looked up."""

from collections.abc import Generator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int

from gantlet.evaluation.subject import FEWEST, Sides, Subject, sides
from gantlet.feature_cache import cached_features
from gantlet.metrics.features import Extractor, Wanted, extracted, extractor
from gantlet.modalities.base import Progress

COMPARED = 10_000  # training rows at most among which copies are looked for
BASELINE_SEED = 23
BASELINE_NUMBERS = 2**22  # of the trivial generator's features: it is far off, and a few rows tell

Matrix = Float32[np.ndarray, "n d"]


class Space(NamedTuple):
    """Features of every side, each as large as the generated but for the last three."""

    extractor: Extractor
    sides: Sides
    reference: Matrix
    stand_in: Matrix
    fake: Matrix
    baseline: Matrix
    baseline_rows: Any
    train: Matrix  # rows that were trained on, or some of them
    train_rows: Int[np.ndarray, "t"]  # which
    held_out: Matrix  # rows that were kept from training
    held_out_rows: Int[np.ndarray, "h"]

    @property
    def label(self) -> str:
        """The extractor's name with its hash."""
        return f"{self.extractor.name} ({self.extractor.digest})"

    @property
    def size(self) -> int:
        """Rows on each side."""
        return len(self.reference)


def space_of(subject: Subject, name: str | None) -> Generator[Progress, None, Space]:
    """Every side in the features of the extractor of that name, or the modality's own choice."""
    chosen, held_out = sides(subject), subject.split.held_out
    train = _compared(subject, chosen)
    used = np.unique(np.concatenate([*chosen, train, held_out]))
    has_labels = subject.labels is not None
    name = name or subject.modality.extractor(subject.codec.shape, has_labels)
    wanted = Wanted(
        shape=subject.codec.shape, rows=subject.rows, indices=subject.split.train,
        labels=subject.labels, plain=partial(subject.modality.features, subject.codec),
        fingerprint=subject.fingerprint, seed=subject.seed,
    )  # fmt: skip
    own = yield from extractor(name, wanted)
    real = yield from cached_features(own, subject.rows, used, subject.fingerprint)
    fake = yield from extracted(own, subject.fake, "features of the generated")
    baseline_rows = trivial(subject, chosen.reference)
    baseline_rows = baseline_rows[: max(FEWEST, BASELINE_NUMBERS // own.dimensions)]
    baseline = yield from extracted(own, baseline_rows, "features of the trivial generator")

    def of(rows: Int[np.ndarray, "n"]) -> Matrix:
        return real[np.searchsorted(used, rows)]

    return Space(
        extractor=own, sides=chosen, reference=of(chosen.reference),
        stand_in=of(chosen.stand_in), fake=fake, baseline=baseline, baseline_rows=baseline_rows,
        train=of(train), train_rows=train, held_out=of(held_out), held_out_rows=held_out,
    )  # fmt: skip


def _compared(subject: Subject, chosen: Sides) -> Int[np.ndarray, "t"]:
    """Training rows among which copies are looked for: first those whose features are wanted."""
    train = subject.split.train
    if len(train) <= COMPARED:
        return train
    wanted = np.isin(train, np.concatenate(chosen))
    order = np.random.default_rng([subject.seed, 13]).permutation(len(train))
    return np.sort(train[order[np.argsort(~wanted[order], kind="stable")][:COMPARED]])


def trivial(subject: Subject, reference: Int[np.ndarray, "k"]) -> Any:
    """Rows of the trivial generator: each number drawn from the data's own, without the others.

    It has every marginal right and no dependence at all: what it scores, a metric gives for free.
    """
    if subject.modality.independent is not None:
        return subject.modality.independent(
            subject.rows[reference], np.random.default_rng(BASELINE_SEED)
        )
    x = subject.codec.encode(subject.rows[reference])
    source = torch.Generator().manual_seed(BASELINE_SEED)
    flat = x.flatten(1)
    for column in range(flat.shape[1]):
        flat[:, column] = flat[torch.randperm(len(flat), generator=source), column]
    return subject.codec.decode(flat.view_as(x))
