"""Randomness as a function of (seed, step, name) and of the sample's row in the global batch.

Nothing is drawn from a running generator, so a checkpoint holds no random state; and a row's
numbers do not depend on how the batch is cut into micro-batches or over processes.
"""

import hashlib
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor


class Rows(NamedTuple):
    """The rows start ≤ i < stop of a global batch of `total`."""

    start: int
    stop: int
    total: int

    def __len__(self) -> int:  # type: ignore[override] - rows, not fields
        return self.stop - self.start

    @property
    def share(self) -> float:
        """Part of the global batch."""
        return (self.stop - self.start) / self.total

    def chosen(self, stride: int, pack: int) -> Tensor:
        """Every n-th pack of consecutive rows, told by its place in the global batch."""
        return _chosen(self.start, self.stop, stride, pack)

    def of_process(self, rank: int, size: int) -> "Rows":
        """The part that falls to one of `size` processes; every part has the same length."""
        if len(self) % size:
            raise ValueError(
                f"batch = {len(self)} does not divide among {size} processes: "
                f"take a multiple, e.g. --set optimization.batch={-(-len(self) // size) * size}"
            )
        part = len(self) // size
        return Rows(self.start + rank * part, self.start + (rank + 1) * part, self.total)

    def cut(self, size: int) -> list["Rows"]:
        """Consecutive parts of at most `size` rows."""
        edges = [*range(self.start, self.stop, size), self.stop]
        return [Rows(a, b, self.total) for a, b in pairwise(edges)]


@lru_cache(maxsize=64)  # the same few at every step; nobody writes to them
def _chosen(start: int, stop: int, stride: int, pack: int) -> Tensor:
    places = torch.arange(start, stop)
    return places[(places // pack) % stride == 0]


def generator(seed: int, *names: int | str) -> torch.Generator:
    """A CPU generator whose state follows from the seed and the names alone."""
    digest = hashlib.blake2b(repr((seed, *names)).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


class StepNoise(NamedTuple):
    """The random numbers of one update, by name; drawn on the CPU, so equal on every device."""

    seed: int
    step: int
    rows: Rows
    device: torch.device
    places: Tensor | None = None  # only these of the global batch's rows
    each: int = 1  # samples that belong to a row: the fakes of a real

    def normal(self, name: str, *shape: int) -> Tensor:
        """Standard normal numbers, one row per sample."""
        source = generator(self.seed, self.step, name)
        return self._own(torch.randn(self.rows.total, self.each, *shape, generator=source))

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), one row per sample."""
        source = generator(self.seed, self.step, name)
        return self._own(torch.rand(self.rows.total, self.each, *shape, generator=source))

    def _own(self, drawn: Tensor) -> Tensor:
        whole = self.places is None
        own = drawn[self.rows.start : self.rows.stop] if whole else drawn[self.places]
        return own.flatten(0, 1).to(self.device, non_blocking=True)
