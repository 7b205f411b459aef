"""How far a run is: progress in [0, 1] from steps, images and time, whichever is furthest."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gantlet.config import ConfigError, setting
from gantlet.engine.state import TrainState

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.monotonic, "cpu": time.process_time}


@dataclass(frozen=True, kw_only=True)
class BudgetSettings:
    """When a run ends: at the first of these that is reached."""

    minutes: float | None = setting(None, "time; the schedules end when it does")
    images: int | None = setting(None, "real samples shown to D")
    steps: int | None = setting(None, "updates of G")
    plateau: float | None = setting(
        None, "share of the run without a better held-out distance after which it ends"
    )
    target: float | None = setting(None, "held-out distance at which it ends")
    clock: str = setting("wall", "what minutes count", one_of=CLOCKS)

    def __post_init__(self) -> None:
        for name in ("minutes", "images", "steps"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(f"budget.{name} = {value}: it must be positive")


class Anchor(NamedTuple):
    """Where a budget of time sets in: `progress` was reached after `elapsed` seconds."""

    elapsed: float = 0.0
    progress: float = 0.0


class Clock:
    """Progress of a run, told once a step; time spent between steps counts."""

    def __init__(self, budget: BudgetSettings, elapsed: float = 0.0, anchor: Anchor | None = None):
        self.budget = budget
        self.anchor = anchor or Anchor()
        self._now = CLOCKS[budget.clock]
        self._began = self._now() - elapsed
        self._ended: str | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, over all its sessions."""
        return self._now() - self._began

    def end(self, why: str) -> None:
        """Lets the run end before its budget does."""
        self._ended = why

    def why(self, state: TrainState) -> str:
        """Why the run is over, in words."""
        if self._ended:
            return self._ended
        if self.budget.steps and state.step >= self.budget.steps:
            return f"{self.budget.steps:,} steps are done"
        if self.budget.images and state.images >= self.budget.images:
            return f"{self.budget.images:,} real samples were shown"
        return "the time is up"

    def progress(self, state: TrainState) -> float:
        """Share of the budget that is used up before the next step."""
        if self._ended:
            return 1.0
        shares = [0.0]
        if self.budget.steps:
            shares.append(state.step / self.budget.steps)
        if self.budget.images:
            shares.append(state.images / self.budget.images)
        if self.budget.minutes:
            since = (self.elapsed - self.anchor.elapsed) / (60 * self.budget.minutes)
            shares.append(self.anchor.progress + (1 - self.anchor.progress) * since)
        return min(1.0, max(shares))


class Recorded:
    """A clock that repeats what another wrote down, step by step, then stands at 1."""

    def __init__(self, progress: list[float]) -> None:
        self._progress = progress

    @property
    def elapsed(self) -> float:
        """No time passes on a recorded clock."""
        return 0.0

    def progress(self, state: TrainState) -> float:
        """The recorded progress of the state's step."""
        return self._progress[state.step] if state.step < len(self._progress) else 1.0
