"""What a run tells while it goes on: the view draws these, --json prints them."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gantlet.engine.health import Reading, Verdict
from gantlet.engine.train import Tick


class Noted(NamedTuple):
    """Something worth knowing, in a sentence."""

    text: str


class Stepped(NamedTuple):
    """A step done."""

    tick: Tick


class Measured(NamedTuple):
    """A look at the run, and what it means."""

    reading: Reading
    verdicts: list[Verdict]
    means: dict[str, float]


class Drawn(NamedTuple):
    """A preview written."""

    path: Path
    step: int


class Saved(NamedTuple):
    """A checkpoint written."""

    path: Path
    step: int
    is_best: bool


class RolledBack(NamedTuple):
    """The run went back to an earlier step with lower rates."""

    to_step: int
    lr_scale: float
    why: str


class Ended(NamedTuple):
    """The run is over."""

    step: int
    why: str
    is_failure: bool


Event = Noted | Stepped | Measured | Drawn | Saved | RolledBack | Ended


def described(event: Event) -> dict[str, Any]:
    """The event as JSON keeps it; numbers that are not finite become null."""
    kind = {"event": type(event).__name__.lower()}
    match event:
        case Stepped(tick):
            body = {
                "step": tick.step,
                "images": tick.images,
                "progress": tick.progress,
                **tick.rates._asdict(),
                **{name: value.item() for name, value in tick.scalars.items()},
            }
        case Measured(reading, verdicts, means):
            body = {
                **means,
                **reading._asdict(),
                "health": [verdict._asdict() for verdict in verdicts],
            }
        case _:
            body = {k: str(v) if isinstance(v, Path) else v for k, v in event._asdict().items()}
    return kind | {name: _finite(value) for name, value in body.items()}


def recalled(event: Mapping[str, Any]) -> Reading:
    """The look at the run that a `measured` event was described from; null is not a number."""
    values = {name: event.get(name) for name in Reading._fields}
    return Reading(**{k: float("nan") if v is None else v for k, v in values.items()})  # pyright: ignore[reportArgumentType] - numbers, as `described` wrote them


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
