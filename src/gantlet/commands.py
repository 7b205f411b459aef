"""What each command does; torch is imported here, never for --help."""

import argparse
import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gantlet import judge
from gantlet.bench import bench
from gantlet.config import ConfigError, assign, described, layered, read
from gantlet.doctor import doctor
from gantlet.engine.devices import joined
from gantlet.events import Ended, Stepped
from gantlet.execute import execute
from gantlet.folder import Folder, named, unused
from gantlet.interrupts import NAMES, Interrupts
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import SourceError
from gantlet.opening import opened
from gantlet.plan import Plan
from gantlet.prepare import Look, looked, prepared, reopened
from gantlet.run import Run
from gantlet.session import Session
from gantlet.view import Late, Silence, View, chosen
from gantlet.watching import watched

FAILED = 1


def wishes_of(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that the command line asks for, nested."""
    flags: dict[str, Any] = {}
    for name in ("minutes", "steps", "images"):
        if getattr(options, name) is not None:
            flags.setdefault("budget", {})[name] = getattr(options, name)
    if options.seed is not None:
        flags["seed"] = options.seed
    if options.modality is not None:
        flags["modality"] = options.modality
    for name in ("resolution", "time", "entity", "wide", "length"):
        if getattr(options, name) is not None:
            flags.setdefault("data", {})[name] = getattr(options, name)
    file = read(options.config) if options.config else {}
    return layered(file, flags, assign(options.set))


def train(options: argparse.Namespace) -> int:
    """gantlet train"""
    _load(options.load)
    wishes = wishes_of(options)
    if options.dry_run:
        return _dry_run(options.source, wishes)
    folder = Folder(options.out or named(options.source))
    world = joined()
    if world.size > 1 and options.new:
        raise ConfigError("--new: several processes must know the folder; name it with --out")
    if world.rank:  # the first process begins the run, the others join it
        world.wait()
        return _resumed(folder, None, options.json)
    if folder.exists:
        if not options.new and not _wants_new(folder):
            world.wait()
            return _resumed(folder, None, options.json)
        folder = Folder(unused(folder.path))
    view = chosen(f"gantlet · {folder.path}", as_json=options.json)
    with Interrupts() as interrupts:
        try:
            session = watched(prepared(options.source, wishes, folder), view, interrupts)
            world.wait()
            if session is None:
                return _stopped_early(interrupts, "nothing was written")
            return _play(session, folder, None, view, interrupts)
        finally:
            view.close()


def resume(options: argparse.Namespace) -> int:
    """gantlet resume"""
    _load(options.load)
    return _resumed(Folder(options.run), options.minutes, options.json)


def sample(options: argparse.Namespace) -> int:
    """gantlet sample"""
    _load(options.load)
    gan = opened(options.run)
    out = options.out or Path(f"samples{next(iter(MODALITIES[gan.run.modality].writers))}")
    label = int(options.label) if (options.label or "").isdigit() else options.label
    count = options.n if options.n is not None else 64 if options.after is None else 1
    job = gan.writing(
        out, count, seed=options.seed, truncation=options.truncation, label=label,
        where=options.where or None, steps=options.steps, after=options.after,
    )  # fmt: skip
    view = Late(f"gantlet · {out}")
    with Interrupts() as interrupts:
        try:
            watched(job, view, interrupts)
        finally:
            view.close()
    if interrupts.asked is not None:
        print(f"\n{NAMES[interrupts.asked]}: stopped; nothing was written", file=sys.stderr)
        return 128 + interrupts.asked  # as a shell counts it: no file is there to go on with
    if options.after is None:
        print(f"{count:,} samples of {options.run} written to {out}")
    else:
        print(f"what may follow each series of {options.after}, {count:,} ×, written to {out}")
    return 0


def settings(options: argparse.Namespace) -> int:
    """gantlet settings"""
    for item in described(Run):
        if options.pattern in item.path:
            print(f"{item.path} = {item.default!r}\n    {item.doc}")
    return 0


def _dry_run(source: str, wishes: dict[str, Any]) -> int:
    view = chosen(f"gantlet · {source}", as_json=False)
    try:
        look: Look | None = watched(looked(source, wishes), view, Interrupts())
    finally:
        view.close()
    assert look is not None, "nothing interrupts a look"
    found, plan = look.found, look.plan
    counted = f"{found.count:,} {look.modality.noun}"
    print(f"\nFound ({look.modality.name}): {counted} of shape {found.shape}")
    for note in found.notes:
        print(f"  · {note}")
    if found.columns:
        print()
        _print_columns(found.columns)
    if found.classes:
        names = ", ".join(found.classes[:8]) + (" …" if len(found.classes) > 8 else "")
        print(f"  · {len(found.classes)} classes: {names}")
    if found.cache_bytes:
        print(f"  · the cache of decoded data will take {found.cache_bytes / 2**20:,.0f} MiB")
    print("\nWill do:")
    for text in _intentions(plan, look.modality.noun):
        print(f"  · {text}")
    for reason in plan.reasons:
        print(f"  · {reason}")
    print("\nNothing was written.")
    return 0


def _print_columns(columns: Sequence[tuple[str, str, str, str]]) -> None:
    table = Table(
        "column", "kind", "why", "encoding", box=None, header_style="bold", pad_edge=False
    )
    for column in columns:
        # Text is not read as markup; a cell is one line, whatever a name holds.
        table.add_row(*(Text(cell.replace("\n", "\\n")) for cell in column))
    Console(highlight=False).print(table)


def _intentions(plan: Plan, noun: str) -> Iterator[str]:
    run, speed = plan.run, plan.speed
    assert speed is not None, "a dry run is probed"
    yield (
        f"network {run.network.family}: {speed.parameters_G:,} parameters in G, "
        f"{speed.parameters_D:,} in D; about {speed.megabytes:,} MiB of memory"
    )
    penalties = (f"{name} {weight:g}" for name, weight in (run.objective.penalties or {}).items())
    yield (
        f"loss {run.objective.loss}, penalties {', '.join(penalties) or 'none'}, "
        f"batch {run.optimization.batch}"
    )
    if plan.task.classes:
        yield f"G and D are told one of {plan.task.classes} conditions"
    yield f"about {speed.images_per_second:,.0f} {noun}/s here"
    if run.budget.minutes:
        shown = speed.images_per_second * run.budget.minutes * 60
        yield f"{run.budget.minutes:g} minutes buy about {shown:,.0f} {noun}"


def _wants_new(folder: Folder) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError(
            f"{folder.path}: there is a run here. Go on with `gantlet resume {folder.path}`, "
            "or begin another with --new or --out"
        )
    answer = input(f"{folder.path} holds a run. [r]esume it, begin a [n]ew one, or [q]uit? ")
    if answer.strip().lower().startswith("q"):
        raise ConfigError("nothing was done")
    return answer.strip().lower().startswith("n")


def _resumed(folder: Folder, minutes: float | None, as_json: bool) -> int:
    quiet = joined().rank > 0
    view = Silence() if quiet else chosen(f"gantlet · {folder.path}", as_json=as_json)
    with Interrupts() as interrupts:
        try:
            session = watched(reopened(folder, None), view, interrupts)
            if session is None:
                return _stopped_early(interrupts, f"{folder.path} is as it was")
            return _play(session, folder, minutes, view, interrupts)
        finally:
            view.close()


def _play(
    session: Session,
    folder: Folder,
    minutes: float | None,
    view: View,
    interrupts: Interrupts,
) -> int:
    view.counting(session.modality.noun)
    events = execute(session, folder, minutes=minutes, world=joined())
    failed = moved = False
    for event in events:
        view.event(event)
        moved |= isinstance(event, Stepped)
        failed |= isinstance(event, Ended) and event.is_failure
        if interrupts.asked is not None:
            events.close()
            if not moved:
                way = f"no step was done. Go on with: gantlet resume {folder.path}"
                return _stopped_early(interrupts, way)
            print(
                f"\n{NAMES[interrupts.asked]}: saved. Go on with: gantlet resume {folder.path}",
                file=sys.stderr,
            )
            return interrupts.exit_code
    return FAILED if failed else 0


def _stopped_early(interrupts: Interrupts, what: str) -> int:
    assert interrupts.asked is not None
    print(f"\n{NAMES[interrupts.asked]}: stopped; {what}", file=sys.stderr)
    return interrupts.early_code


def _load(files: list[Path]) -> None:
    for file in files:
        if not file.is_file():
            raise SourceError(f"--load {file}: there is no such file")
        runpy.run_path(str(file))


def evaluate(options: argparse.Namespace) -> int:
    """gantlet evaluate"""
    _load(options.load)
    return judge.evaluate(options)


def compare(options: argparse.Namespace) -> int:
    """gantlet compare"""
    _load(options.load)
    return judge.compare(options)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "train": train,
    "resume": resume,
    "sample": sample,
    "settings": settings,
    "evaluate": evaluate,
    "compare": compare,
    "bench": bench,
    "doctor": doctor,
}
