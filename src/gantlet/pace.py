"""How fast a run or a job goes on, and how long it will still take."""

import math
import time

from gantlet.engine.train import Tick
from gantlet.modalities.base import Progress


class Pace:
    """Images a second and time to go, from the last half minute of ticks."""

    def __init__(self) -> None:
        self._marks: list[tuple[float, int, float]] = []

    def step(self, tick: Tick) -> None:
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][0] > 0.5:
            self._marks = [*self._marks[-60:], (now, tick.images, tick.progress)]

    @property
    def images_per_second(self) -> float:
        if len(self._marks) < 2:
            return 0.0
        (t0, n0, _), (t1, n1, _) = self._marks[0], self._marks[-1]
        return (n1 - n0) / (t1 - t0)

    @property
    def seconds_left(self) -> float:
        if len(self._marks) < 2:
            return float("nan")
        (t0, _, p0), (t1, _, p1) = self._marks[0], self._marks[-1]
        return (1 - p1) * (t1 - t0) / max(p1 - p0, 1e-12)


def spelled(seconds: float) -> str:
    """1:02:03, 2:03 or a dash."""
    if math.isnan(seconds) or seconds > 1e7:
        return "–"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Job:
    """Time to go of a long job, from how far it has come since it began."""

    def __init__(self) -> None:
        self._what, self._began, self._first = "", 0.0, 0

    def left(self, progress: Progress) -> str:
        """1:20 left, or nothing before that can be told."""
        now = time.monotonic()
        if progress.what != self._what:
            self._what, self._began, self._first = progress.what, now, progress.done
        done, to_do = progress.done - self._first, progress.total - progress.done
        if done <= 0 or to_do <= 0 or now - self._began < 1:
            return ""
        return f"{spelled((now - self._began) * to_do / done)} left"
