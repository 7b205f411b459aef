"""Every side of a comparison as matrices, where rows have columns with names."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gantlet.evaluation.space import Space
from gantlet.evaluation.subject import Subject
from gantlet.metrics.columns import Columns, Matrix, shuffled_columns

MOST = 200_000  # training rows among which copies and rare combinations are looked for
WIDEST = 60  # columns of which every pair is looked at; of more, some are drawn


class Tables(NamedTuple):
    """Real and generated rows, coded alike; the first four are equally large."""

    reference: Columns
    stand_in: Columns
    fake: Columns
    baseline: Matrix  # the reference, each column shuffled by itself
    train: Columns
    held_out: Columns
    trained: int  # training rows there are
    seed: int


def tables_of(
    subject: Subject, space: Space, columns: Callable[[Sequence[Any]], list[Columns]]
) -> Tables:
    """The sides of a subject as the modality lays them out."""
    train = subject.split.train
    if len(train) > MOST:
        train = np.sort(np.random.default_rng([subject.seed, 17]).permutation(train)[:MOST])
    real = space.sides.reference, space.sides.stand_in, train, subject.split.held_out
    reference, stand_in, train, held_out, fake = columns(
        [*(subject.rows[places] for places in real), subject.fake]
    )
    return Tables(
        reference, stand_in, fake, shuffled_columns(reference.values, subject.seed),
        train, held_out, len(subject.split.train), subject.seed,
    )  # fmt: skip


def narrowed(tables: Tables) -> Tables:
    """The same with at most 60 columns, drawn: for what takes the square of their number."""
    count = len(tables.reference.names)
    if count <= WIDEST:
        return tables
    rng = np.random.default_rng([tables.seed, 19])
    places = np.sort(rng.permutation(count)[:WIDEST])

    def of(side: Columns) -> Columns:
        return Columns(
            side.values[:, places],
            side.is_categorical[places],
            tuple(side.names[place] for place in places),
            tuple(side.categories[place] for place in places),
        )

    names = "reference", "stand_in", "fake", "train", "held_out"
    sides = {name: of(getattr(tables, name)) for name in names}
    return tables._replace(baseline=tables.baseline[:, places], **sides)
