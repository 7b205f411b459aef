"""Means of what steps tell, by name, since they were last asked for."""

from torch import Tensor

from gantlet.types import Scalars


class Means:
    """Sums stay on the device until they are asked for: asking is what costs."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self.sums)

    def add(self, scalars: Scalars) -> None:
        """Counts each number in under its name; not every step tells of every name."""
        for name, value in scalars.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value.clone()
            self.counts[name] = self.counts.get(name, 0) + 1

    def taken(self) -> dict[str, float]:
        """The means so far; from here on they begin anew."""
        means = {name: (total / self.counts[name]).item() for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        return means
