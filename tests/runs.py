"""Tiny runs in folders: begun, stopped, gone on with, and looked into."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from gantlet import store
from gantlet.config import layered
from gantlet.events import Ended, Event, Stepped
from gantlet.execute import execute
from gantlet.folder import Folder
from gantlet.modalities.base import finished
from gantlet.prepare import prepared, reopened
from gantlet.session import Session

TINY: dict[str, Any] = {
    "device": "cpu",
    "threads": 1,
    "network": {"options": {"width": 8, "depth": 2, "waves": 4, "signs": 1}},
    "objective": {"latent_dim": 4},
    "optimization": {"batch": 16},
    "keeping": {"measured": 60, "preview": 8},
    "budget": {"steps": 12},
}


def cloud(count: int = 300, seed: int = 0) -> np.ndarray:
    """Points on a ring of four blobs."""
    rng = np.random.default_rng(seed)
    centres = np.array([[1, 0], [0, 1], [-1, 0], [0, -1.0]])
    return centres[rng.integers(4, size=count)] + 0.1 * rng.standard_normal((count, 2))


def begun(folder: Path, source: Any = None, **settings: Any) -> Session:
    """A new run in the folder."""
    source = cloud() if source is None else source
    return finished(prepared(source, layered(TINY, settings), Folder(folder)))


def again(folder: Path, source: Any = None, **changed: Any) -> Session:
    """The run that is there, some of its settings changed."""
    session = finished(reopened(Folder(folder), cloud() if source is None else source))
    return session._replace(run=replace(session.run, **changed))


def played(session: Session, folder: Path, **given: Any) -> list[Event]:
    return list(execute(session, Folder(folder), **given))


def stopped(session: Session, folder: Path, steps: int) -> list[Event]:
    """The events until so many steps were done in this session, and the iterator closed."""
    events = execute(session, Folder(folder))
    seen = list(_until(events, lambda done: done == steps))
    events.close()
    return seen


def _until(events: Iterator[Event], is_enough: Callable[[int], bool]) -> Iterator[Event]:
    done = 0
    for event in events:
        done += isinstance(event, Stepped)
        yield event
        if isinstance(event, Stepped) and is_enough(done):
            return


def kept(folder: Path) -> dict[str, dict[str, Tensor]]:
    """Every tensor of the newest checkpoint, by file."""
    path = Folder(folder).newest().path
    assert path is not None
    return store.read(path).tensors


def meta(folder: Path) -> dict[str, Any]:
    path = Folder(folder).newest().path
    assert path is not None
    return store.read(path).meta


def ended(events: list[Event]) -> Ended:
    (end,) = [event for event in events if isinstance(event, Ended)]
    return end


def steps(events: list[Event]) -> list[int]:
    return [event.tick.step for event in events if isinstance(event, Stepped)]
