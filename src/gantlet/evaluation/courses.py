"""Every side of a comparison as series, where rows run over time."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gantlet.evaluation.space import Space
from gantlet.evaluation.subject import Subject
from gantlet.metrics.courses import Courses, Windows, shuffled_courses

WIDEST = 24  # channels that are looked at; of more, some are drawn
MOST = 5_000  # series of a side


class Runs(NamedTuple):
    """Real and generated series of one shape, equally many."""

    reference: Windows
    stand_in: Windows
    fake: Windows
    baseline: Windows  # the reference, every number from another series
    names: tuple[str, ...]  # of the channels
    seed: int


def runs_of(
    subject: Subject, space: Space, courses: Callable[[Any, Sequence[Any]], list[Courses]]
) -> Runs:
    """The sides of a subject as the modality lays them out, cut to one number of steps."""
    rng = np.random.default_rng([subject.seed, 29])
    places = space.sides.reference, space.sides.stand_in
    rows = [subject.rows[np.sort(rng.permutation(part)[:MOST])] for part in places]
    chosen = np.sort(rng.permutation(len(subject.fake))[:MOST])
    made = courses(subject.codec, [*rows, subject.fake[chosen]])
    channels = np.arange(len(made[0].names))
    if len(channels) > WIDEST:
        channels = np.sort(rng.permutation(channels)[:WIDEST])
    steps = max(side.values.shape[1] for side in made)
    reference, stand_in, fake = (_long(side.values[:, :, channels], steps) for side in made)
    return Runs(
        reference, stand_in, fake, shuffled_courses(reference, subject.seed),
        tuple(made[0].names[place] for place in channels), subject.seed,
    )  # fmt: skip


def _long(values: Windows, steps: int) -> Windows:
    """As many steps as all sides have, those after a series' end NaN."""
    more = ((0, 0), (0, steps - values.shape[1]), (0, 0))
    return np.pad(values, more, constant_values=np.nan)
