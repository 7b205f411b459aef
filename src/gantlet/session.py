"""A run with its data opened: everything that playing it takes."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int

from gantlet.feed import Split, picked
from gantlet.modalities.base import Codec, Modality, Raw
from gantlet.networks import Task
from gantlet.run import Run
from gantlet.sampling import Conditions
from gantlet.types import Batch

EXAMPLE = 10_000  # samples from which G is set up


class Session(NamedTuple):
    """A run with its data opened."""

    run: Run
    modality: Modality
    raw: Raw
    codec: Codec
    task: Task
    conditions: Conditions
    labels: Int[np.ndarray, "n"] | None
    split: Split
    facts: dict[str, object]


def example(session: Session) -> Batch:
    """Some of the training data, encoded: enough to know its covariance by."""
    rows, labels = session.split.train, session.labels
    x = session.codec.encode(picked(session.raw.rows, rows, EXAMPLE))
    if labels is None:
        return Batch(x, None)
    return Batch(x, torch.as_tensor(picked(labels, rows, EXAMPLE), dtype=torch.int64))
