"""Which states of a run are written as checkpoints, and when."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from gantlet import store
from gantlet.engine.best import is_worth_keeping
from gantlet.events import Saved
from gantlet.folder import Folder
from gantlet.run import KeepingSettings


class Taken(NamedTuple):
    """A state as a checkpoint keeps it."""

    step: int
    tensors: store.Tensors
    meta: dict[str, Any]
    distance: float  # held-out, of the last look

    def apart(self) -> "Taken":
        """A copy in main memory, that the next step does not change."""
        tensors = {
            name: {key: value.detach().to("cpu", copy=True) for key, value in part.items()}
            for name, part in self.tensors.items()
        }
        return self._replace(tensors=tensors)


class Keeper:
    """Writes into a run's folder; a best state that comes too soon after the last one waits."""

    def __init__(
        self, folder: Folder, settings: KeepingSettings, elapsed: Callable[[], float]
    ) -> None:
        """
        Args:
            elapsed: seconds that the run has taken
        """
        self.folder, self.settings, self.elapsed = folder, settings, elapsed
        self.saved_at, self.saved_in = elapsed(), 0.0
        # The first of all best states is kept at once.
        self.best_at = -math.inf if folder.best() is None else self.saved_at
        self.waiting: Taken | None = None

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint is as old as it may be."""
        return self.elapsed() - self.saved_at > self.settings.checkpoint_seconds

    def look(self, take: Callable[[], Taken], better: bool) -> list[Saved]:
        """After a look at a state: what is written of it, or of the best one that waits."""
        is_free = is_worth_keeping(self.elapsed() - self.best_at, self.saved_in)
        if self.is_due or (better and is_free):
            return self.save(take(), better)
        if better:
            self.waiting = take().apart()
        return self._waited() if is_free else []

    def save(self, taken: Taken, better: bool) -> list[Saved]:
        """Writes a state, and before it the best one that waits, unless this one is better."""
        if better:
            self.waiting = None
        saved = [*self._waited(), self._write(taken, better)]
        self.saved_at = self.elapsed()
        return saved

    def _waited(self) -> list[Saved]:
        best, self.waiting = self.waiting, None
        return [] if best is None else [self._write(best, better=True)]

    def _write(self, taken: Taken, better: bool) -> Saved:
        began = self.elapsed()
        path = store.write(self.folder.checkpoints, taken.step, taken.tensors, taken.meta)
        if better:
            self.folder.keep_best(path, taken.distance)
            self.best_at = self.elapsed()
        best = self.folder.best()
        store.prune(self.folder.checkpoints, self.settings.keep, {best} if best else set())
        self.saved_in = self.elapsed() - began
        return Saved(path, taken.step, better)
