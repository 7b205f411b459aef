"""What a person sees while a run goes on: a live view, plain lines, or JSON lines."""

import json
import math
import sys
import time
from typing import Protocol, runtime_checkable

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from gantlet.engine.health import Verdict
from gantlet.engine.train import Tick
from gantlet.events import (
    Drawn,
    Ended,
    Event,
    Measured,
    Noted,
    RolledBack,
    Saved,
    Stepped,
    described,
)
from gantlet.modalities.base import Progress as JobProgress
from gantlet.pace import Job, Pace, spelled

REFRESH = 0.2  # seconds between two redrawings
PLAIN_EVERY = 10.0  # seconds between two plain lines
LATE = 2.0  # seconds that a job may take without a word
TROUBLE = {"diverged", "dead_gradient", "collapsing"}


@runtime_checkable  # so that tests can check signatures
class View(Protocol):
    """Shows what comes, in its own manner."""

    def counting(self, noun: str) -> None:
        """What the samples of the run are called."""
        ...

    def working(self, progress: JobProgress) -> None: ...
    def event(self, event: Event) -> None: ...
    def close(self) -> None: ...


def words(verdicts: list[Verdict]) -> str:
    """The first verdict, and what to do about it."""
    first = verdicts[0]
    advice = f" → {first.advice}" if first.advice else ""
    return f"{first.kind.replace('_', ' ')}: {first.words}{advice}"


def line(event: Event) -> str | None:
    """One plain line for an event, or nothing for those that need none."""
    match event:
        case Noted(text):
            return text
        case RolledBack(to_step, lr_scale, why):
            return f"{why}: back to step {to_step:,}, learning rates now × {lr_scale:g}"
        case Ended(step, why, is_failure):
            return f"{'FAILED' if is_failure else 'finished'} at step {step:,}: {why}"
        case Measured(reading, verdicts, _):
            right = f"D right on {reading.real_right:.0%} real {reading.fake_right:.0%} fake  "
            is_asked = math.isfinite(reading.real_right) and not reading.is_warm_up
            return (
                f"step {reading.step:,}  {reading.progress:.0%}  held-out distance "
                f"{reading.distance:.4g} (floor {reading.floor:.2g})  "
                f"{right if is_asked else ''}{words(verdicts)}"
            )
        case _:
            return None


class Silence:
    """Nothing: for all processes but the first."""

    def counting(self, noun: str) -> None: ...
    def working(self, progress: JobProgress) -> None: ...
    def event(self, event: Event) -> None: ...
    def close(self) -> None: ...


class Late:
    """The view that suits, but only once a job has taken two seconds."""

    def __init__(self, title: str) -> None:
        self._title, self._began = title, time.monotonic()
        self._view: View = Silence()

    def counting(self, noun: str) -> None:
        self._view.counting(noun)

    def working(self, progress: JobProgress) -> None:
        if isinstance(self._view, Silence) and time.monotonic() - self._began > LATE:
            self._view = chosen(self._title, as_json=False)
        self._view.working(progress)

    def event(self, event: Event) -> None:
        self._view.event(event)

    def close(self) -> None:
        self._view.close()


class JsonView:
    """One JSON object a line, for programs; a step line at most five times a second."""

    def __init__(self) -> None:
        self._last = 0.0

    def counting(self, noun: str) -> None: ...

    def working(self, progress: JobProgress) -> None:
        self._print({"event": "working", **progress._asdict()})

    def event(self, event: Event) -> None:
        if isinstance(event, Stepped):
            if time.monotonic() - self._last < REFRESH:
                return
            self._last = time.monotonic()
        self._print(described(event))

    def close(self) -> None:
        sys.stdout.flush()

    def _print(self, value: dict[str, object]) -> None:
        print(json.dumps(value), flush=True)


class PlainView:
    """Lines without any control characters, for logs and pipes."""

    def __init__(self) -> None:
        self._pace, self._job = Pace(), Job()
        self._last = self._worked = 0.0
        self._noun = "samples"

    def counting(self, noun: str) -> None:
        self._noun = noun

    def working(self, progress: JobProgress) -> None:
        left = self._job.left(progress)
        if time.monotonic() - self._worked > PLAIN_EVERY / 4 or progress.done == progress.total:
            self._worked = time.monotonic()
            of = f" {progress.done:,} of {progress.total:,}" if progress.total else ""
            print(f"{progress.what}{of}{'  ' * bool(left)}{left}", flush=True)

    def event(self, event: Event) -> None:
        if isinstance(event, Stepped):
            self._pace.step(event.tick)
            if time.monotonic() - self._last > PLAIN_EVERY:
                self._last = time.monotonic()
                print(
                    f"step {event.tick.step:,}  {event.tick.progress:.0%}  "
                    f"{self._pace.images_per_second:,.0f} {self._noun}/s  "
                    f"{spelled(self._pace.seconds_left)} left",
                    flush=True,
                )
        elif text := line(event):
            print(text, flush=True)

    def close(self) -> None:
        sys.stdout.flush()


class LiveView:
    """A panel that is redrawn in place."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        self._pace, self._job = Pace(), Job()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=None),
            TaskProgressColumn(), TextColumn("{task.fields[left]}"),
        )  # fmt: skip
        self._task = self._bar.add_task("reading", total=None, left="")
        self._noun = "samples"
        self._tick: Tick | None = None
        self._measured: Measured | None = None
        self._preview = ""
        self._drawn_at = 0.0
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._live.start()

    def counting(self, noun: str) -> None:
        self._noun = noun

    def working(self, progress: JobProgress) -> None:
        self._bar.update(
            self._task, description=progress.what, completed=progress.done,
            total=progress.total or None, left=self._job.left(progress),
        )  # fmt: skip
        self._draw()

    def event(self, event: Event) -> None:
        match event:
            case Stepped(tick):
                self._tick = tick
                self._pace.step(tick)
            case Measured():
                self._measured = event
            case Drawn(path, _):
                self._preview = str(path)
            case Saved():
                pass
            case _:
                self._live.console.print(line(event), markup=False)
        self._draw(at_once=isinstance(event, Ended))

    def close(self) -> None:
        self._draw(at_once=True)
        self._live.stop()

    def _draw(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and now - self._drawn_at < REFRESH:
            return
        self._drawn_at = now
        if self._tick is not None:
            self._bar.update(
                self._task, description="training", total=1.0, completed=self._tick.progress,
                left=f"{spelled(self._pace.seconds_left)} left",
            )  # fmt: skip
        parts = [self._bar, *self._numbers()]
        panel = Panel(Group(*parts), title=Text(self._title), title_align="left")
        self._live.update(panel, refresh=True)

    def _numbers(self) -> list[Table | Text]:
        if self._tick is None:
            return []
        table = Table.grid(padding=(0, 2))
        scalars = self._tick.scalars
        table.add_row(
            "step", f"{self._tick.step:,}",
            f"{self._noun}/s", f"{self._pace.images_per_second:,.0f}",
            "γ ×", f"{self._tick.rates.gamma:.3g}", "lr", f"{self._tick.rates.lr_G:.2e}",
        )  # fmt: skip
        table.add_row(
            "D loss", _number(scalars, "D/loss"), "G loss", _number(scalars, "G/loss"),
            "D right on real", _share(scalars, "D/real_right"),
            "on fake", _share(scalars, "D/fake_right"),
        )  # fmt: skip
        if self._measured is None:
            return [table]
        reading = self._measured.reading
        table.add_row(
            "distance", f"{reading.distance:.4g}", "floor", f"{reading.floor:.3g}",
            "diversity", _percent(reading.diversity), "", "",
        )  # fmt: skip
        first = self._measured.verdicts[0].kind
        style = "bold red" if first in TROUBLE else "yellow" if first.startswith("D_") else "green"
        said = Text("health  " + words(self._measured.verdicts), style=style)
        return [table, said, Text(f"samples {self._preview}", style="dim")]


def _number(scalars: dict, name: str) -> str:
    return f"{scalars[name].item():.3f}" if name in scalars else "–"


def _share(scalars: dict, name: str) -> str:
    return _percent(scalars[name].item()) if name in scalars else "–"


def _percent(share: float) -> str:
    return f"{share:.0%}" if math.isfinite(share) else "–"


def chosen(title: str, *, as_json: bool) -> View:
    """The live view in a terminal, plain lines elsewhere, JSON where it was asked for."""
    if as_json:
        return JsonView()
    console = Console()
    return LiveView(console, title) if console.is_terminal else PlainView()
