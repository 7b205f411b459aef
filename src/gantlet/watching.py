"""Long jobs on the command line: their progress shown, and ended between two steps when asked."""

from collections.abc import Generator
from typing import TypeVar

from gantlet.interrupts import Interrupts
from gantlet.modalities.base import Progress
from gantlet.view import View

T = TypeVar("T")


def watched(job: Generator[Progress, None, T], view: View, interrupts: Interrupts) -> T | None:
    """The result of a long job, its progress shown; nothing if it was interrupted."""
    while interrupts.asked is None:
        try:
            view.working(next(job))
        except StopIteration as stop:
            return stop.value
    job.close()
    return None
