"""The library's front door: train, fit, load, sample, evaluate."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gantlet.config import ConfigError, layered
from gantlet.evaluation.evaluate import judged
from gantlet.evaluation.figures import Evaluation
from gantlet.events import Ended, Event
from gantlet.execute import execute
from gantlet.folder import Folder, named, unused
from gantlet.gan import Gan
from gantlet.modalities.base import Source, finished
from gantlet.opening import of_folder, opened
from gantlet.prepare import prepared, reopened


def fit(
    source: Source,
    *,
    minutes: float | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Event]:
    """Trains, and yields what happens: every step, look, preview and checkpoint.

    Leaving the loop keeps what was done, so that `resume=True` goes on exactly.

    Args:
        source: a path, a built-in's name, a NumPy array, a torch tensor or a Dataset.
        minutes: time to train; the schedules end when it does.
        out: folder of the run; without it a new one below `runs/`.
        settings: nested settings, e.g. {"optimization": {"batch": 32}}.

    Raises:
        ConfigError, SourceError, StoreError: at the first step of the iterator.
    """
    folder = Folder(Path(out) if out else unused(named(source)))
    if resume:
        session = finished(reopened(folder, source))
        yield from execute(session, folder, minutes=minutes)
        return
    if folder.exists:
        raise ConfigError(f"{folder.path}: there is a run here; pass resume=True or another `out`")
    budget = {} if minutes is None else {"budget": {"minutes": minutes}}
    session = finished(prepared(source, layered(budget, settings or {}), folder))
    yield from execute(session, folder)


def train(
    source: Source,
    *,
    minutes: float | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Gan:
    """The GAN that `fit` ends with: the best checkpoint's, by the held-out distance.

    Raises:
        ConfigError, SourceError, StoreError: what was asked for cannot be done.
        ArithmeticError: training failed for good; the run's folder holds the last good state.
    """
    out = Path(out) if out else unused(named(source))
    for event in fit(source, minutes=minutes, out=out, resume=resume, settings=settings):
        if isinstance(event, Ended) and event.is_failure:
            raise ArithmeticError(f"{out}: {event.why}")
    return of_folder(Folder(out))


def load(path: str | Path) -> Gan:
    """The GAN in a run's folder or in a file that `Gan.save` wrote."""
    return opened(path)


def sample(path: str | Path, count: int, **wishes: Any) -> Any:
    """`count` samples of the GAN at `path`, in the data's own form; see `Gan.sample`."""
    return opened(path).sample(count, **wishes)


def evaluate(
    target: str | Path,
    *,
    against: Source | None = None,
    held_out: Source | None = None,
    features: str | None = None,
    count: int | None = None,
    seed: int = 0,
) -> Evaluation:
    """A run, or anyone's samples beside real data, judged in all views; writes nothing.

    `gantlet.report.render` makes the page of it, `evaluation.kept.metrics_json` the numbers.

    Args:
        target: a run's folder; or samples, and then `against` names the real data.
        held_out: real data that the samples' maker has not seen; a run has its own.
        features: as `--features` of the command line.
        count: generated rows, at most.
    """
    return finished(judged(target, against, held_out, features, count, seed, None))
