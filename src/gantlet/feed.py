"""Raw rows → batches on the device, read ahead by threads where reading costs something."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from gantlet.engine.noise import Rows
from gantlet.engine.order import order
from gantlet.modalities.base import Codec
from gantlet.modalities.base import Rows as RawRows
from gantlet.types import Batch


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows kept from training, by index."""

    train: Int[np.ndarray, "n"]
    held_out: Int[np.ndarray, "m"]
    by_parts: bool = False  # whole parts were kept, of several rows that are like each other


FEWEST_TO_SPLIT = 50  # below this many rows nothing is kept from training
MOST_HELD_OUT = 10_000


def split(
    seed: int, count: int, share: float, spans: Int[np.ndarray, "n 2"] | None = None
) -> Split:
    """A fixed part of the rows kept from training, the same for the same seed and count.

    Args:
        spans: first and last part of the data that each row draws on. Whole parts are kept then,
            spread over the data, and a row that draws on both kinds is left out.
    """
    if spans is not None and count >= FEWEST_TO_SPLIT:
        return _split_parts(seed, spans, share)
    kept = min(int(count * share), MOST_HELD_OUT) if count >= FEWEST_TO_SPLIT else 0
    places = np.random.default_rng([seed, count]).permutation(count)
    return Split(np.sort(places[kept:]), np.sort(places[:kept]))


def _split_parts(seed: int, spans: Int[np.ndarray, "n 2"], share: float) -> Split:
    total = int(spans.max()) + 1
    kept = np.zeros(total, bool)
    count = min(round(total * share), total - 1)
    if count:  # one of each of so many stretches, that what is kept is of the whole record
        ends = np.linspace(0, total, count + 1).astype(np.int64)
        kept[np.random.default_rng([seed, total]).integers(ends[:-1], ends[1:])] = True
    within = np.append(0, np.cumsum(kept))
    held = within[spans[:, 1] + 1] - within[spans[:, 0]]  # kept parts that each row draws on
    sizes = spans[:, 1] - spans[:, 0] + 1
    held_out = np.flatnonzero(held == sizes)
    chosen = np.random.default_rng([seed, 1]).permutation(held_out)[:MOST_HELD_OUT]
    return Split(np.flatnonzero(held == 0), np.sort(chosen), total < len(spans))


class Feed:
    """`draw(update, rows)`: the batch of an update, whatever the number of reading threads."""

    def __init__(
        self,
        raw_rows: RawRows,
        codec: Codec,
        chosen: Int[np.ndarray, "n"],
        labels: Int[np.ndarray, "all"] | None,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
        workers: int = 0,
    ) -> None:
        self._rows, self._codec, self._chosen, self._labels = raw_rows, codec, chosen, labels
        self._order = order(seed, len(chosen))
        self._device, self._dtype = device, dtype
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._ahead = 2 * workers
        self._coming: dict[tuple[int, Rows], Future[Batch]] = {}

    def __call__(self, update: int, rows: Rows) -> Batch:
        """The reals of one part of an update's batch, encoded."""
        if self._pool is None:
            return self._read(update, rows)
        coming = self._coming.pop((update, rows), None)
        for later in range(update + 1, update + 1 + self._ahead):
            if (later, rows) not in self._coming:
                self._coming[later, rows] = self._pool.submit(self._read, later, rows)
        self._coming = {key: job for key, job in self._coming.items() if key[0] >= update}
        return coming.result() if coming else self._read(update, rows)

    def close(self) -> None:
        """Ends the reading threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _read(self, update: int, rows: Rows) -> Batch:
        return self._of(self._chosen[self._order(update, rows)])

    def _of(self, indices: Int[np.ndarray, "b"]) -> Batch:
        x = self._codec.encode(self._rows[indices]).to(self._device, self._dtype)
        if self._labels is None:
            return Batch(x, None)
        return Batch(x, torch.from_numpy(self._labels[indices].astype(np.int64)).to(self._device))


class ChanceFeed(Feed):
    """Every row with one probability in each update's batch, by chance that nobody can repeat.

    A batch's size is by chance, too; the rows asked for are what it is on average.
    """

    def _read(self, update: int, rows: Rows) -> Batch:
        del update
        rate = len(rows) / len(self._chosen)
        return self._of(self._chosen[np.random.default_rng().random(len(self._chosen)) < rate])


def picked(rows: RawRows, indices: Int[np.ndarray, "n"], most: int) -> object:
    """At most `most` of the rows, evenly spread over the indices."""
    step = max(1, len(indices) // most)
    return rows[indices[::step][:most]]


def loads(sizes: Sequence[int]) -> int:
    """Reading threads that a row of these sizes is worth: none for small ones."""
    return 2 if int(np.prod(sizes)) >= 3 * 64 * 64 else 0
