"""Means of what training steps report between two measurements."""

from torch import Tensor

from gantlet.engine.train import Tick


class Means:
    """The scalars of steps that moved, summed where they are; and how many steps were skipped."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self.skipped = 0

    def add(self, tick: Tick) -> None:
        """One more step."""
        if not tick.moved:
            self.skipped += 1
            return
        for name, value in tick.scalars.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
            self._counts[name] = self._counts.get(name, 0) + 1

    def forget(self) -> None:
        """Leaves out the steps that moved so far, but not how many were skipped."""
        self._sums, self._counts = {}, {}

    @property
    def is_empty(self) -> bool:
        """Whether there was no step at all."""
        return not self._counts and not self.skipped

    def values(self) -> dict[str, float]:
        """The mean of each scalar over the steps that told of it."""
        return {name: (total / self._counts[name]).item() for name, total in self._sums.items()}
