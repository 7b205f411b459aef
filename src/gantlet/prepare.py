"""From a source and wishes to a session ready to train: look, plan, read, split."""

import platform
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from gantlet import conditions
from gantlet.conditions import Clusters
from gantlet.config import ConfigError, build, plain
from gantlet.feed import Split, picked, split
from gantlet.folder import Folder
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import Codec, Found, Modality, Progress, Raw, Source, SourceError
from gantlet.networks import task_of
from gantlet.plan import Plan, draft, planned
from gantlet.run import Run, begun, game, resolved
from gantlet.sampling import Conditions
from gantlet.session import Session

CLUSTERED_ON = 10_000  # rows on which clusters are found
TYPICAL_VARIANCE = 0.3  # of an encoded number, before any was read
PACKAGES = ("gantlet", "torch", "numpy", "pillow", "safetensors")


class Look(NamedTuple):
    """What a dry run shows."""

    modality: Modality
    found: Found
    plan: Plan


def modality_of(source: Source, wishes: Mapping[str, Any]) -> Modality:
    """The modality that the user names, or the first that recognises the source."""
    if "modality" in wishes:
        if wishes["modality"] not in MODALITIES:
            raise ConfigError(
                f"modality = {wishes['modality']!r}: there are {', '.join(MODALITIES)}"
            )
        return MODALITIES[wishes["modality"]]
    for modality in MODALITIES.values():
        if modality.recognises(source):
            return modality
    names = [name for modality in MODALITIES.values() for name in modality.builtins]
    if isinstance(source, (str, Path)) and not Path(source).exists():
        raise SourceError(
            f"{source}: there is no such file or folder, and no built-in data of that name "
            f"(built-in: {', '.join(names)})"
        )
    raise SourceError(
        f"{source if isinstance(source, (str, Path)) else type(source).__name__}: not a kind of "
        "data that Gantlet knows: give a folder, zip or array of pictures, or a CSV of two "
        "numeric columns"
    )


@contextmanager
def _naming(source: Source) -> Iterator[None]:
    """Errors name the file or folder, of which whoever looks at a column knows nothing."""
    try:
        yield
    except SourceError as error:
        if not _is_path(source) or Path(source).name in str(error):
            raise
        raise SourceError(f"{source}: {error}") from error


def looked(source: Source, wishes: Mapping[str, Any]) -> Generator[Progress, None, Look]:
    """What is there and what would be done; writes nothing."""
    modality = modality_of(source, wishes)
    settings = _reading(modality, wishes)
    with _naming(source):
        found = yield from modality.survey(source, settings)
    run = draft(modality.name, wishes)
    classes = len(found.classes) or _cluster_count(run, found.count)
    variance = found.variance or TYPICAL_VARIANCE * float(np.prod(found.shape))
    plan = planned(modality.name, found, classes, variance, wishes, probed=True)
    return Look(modality, found, plan)


def prepared(
    source: Source, wishes: Mapping[str, Any], folder: Folder
) -> Generator[Progress, None, Session]:
    """A new run in the folder, its data read and its settings resolved and written down."""
    modality = modality_of(source, wishes)
    settings = _reading(modality, wishes)
    with _naming(source):
        raw = yield from modality.load(source, settings)
        codec = modality.fit(raw)
    sketch = draft(modality.name, wishes)
    parts = split(sketch.seed, len(raw.rows), sketch.keeping.hold_out, raw.spans)
    clusters = _clusters(sketch, raw, codec, parts)
    given, labels = _conditions(raw, codec, clusters, parts)
    found = Found(
        count=len(parts.train), shape=codec.shape, blocks=codec.blocks,
        timed=modality.timed(codec),
        advice=None if modality.advice is None else modality.advice(raw, codec),
    )  # fmt: skip
    yield Progress(0, 0, "trying out the machine")
    variance = _variance(raw, codec, parts)
    plan = planned(modality.name, found, len(given.weights), variance, wishes, probed=False)
    run = replace(plan.run, data=plain(settings))
    game(run)  # what cannot be played is refused before anything is written
    begun(run, plan.task)
    facts = {
        "run": plain(run),
        "source": str(Path(source).resolve()) if _is_path(source) else str(source)[:80],
        "is_path": _is_path(source),
        "command": sys.argv,
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version(), "system": platform.platform()},
        "data": {
            "fingerprint": raw.fingerprint,
            "count": len(raw.rows),
            "held_out": len(parts.held_out),
            "skipped": len(raw.skipped),
            "notes": list(raw.notes),
        },
        "task": plan.task.plain(),
        "classes": list(raw.classes),
        "reasons": list(plan.reasons),
    }
    beside: dict[str, bytes] = {}
    if clusters is not None:
        beside[conditions.FILE] = conditions.content(clusters)
    if raw.skipped:
        lines = [f"{item.name}\t{item.why}\n" for item in raw.skipped]
        beside["skipped.tsv"] = "".join(lines).encode("utf-8")
    folder.begin(facts, codec.plain(), beside)
    return Session(run, modality, raw, codec, plan.task, given, labels, parts, facts)


def reopened(folder: Folder, source: Source | None) -> Generator[Progress, None, Session]:
    """The session of a run that is there already.

    Raises:
        ConfigError: the data, or how they are read, are no longer what the run was trained on.
    """
    facts = folder.facts()
    run = resolved(facts["run"])
    if source is None:
        source = facts["source"]
        if not facts["is_path"] and source not in MODALITIES[run.modality].builtins:
            raise ConfigError(
                f"{folder.path}: this run was trained on data in memory; resume it from Python "
                "with gantlet.train(data, out=..., resume=True)"
            )
    modality = MODALITIES[run.modality]
    raw = yield from modality.load(source, build(modality.settings, run.data, "data."))
    if raw.fingerprint != facts["data"]["fingerprint"]:
        raise ConfigError(
            f"{source}: the data, or how Gantlet reads them, have changed since {folder.path} was "
            "begun, so going on would not be the same run; bring the old data or version back, or "
            "start anew with `gantlet train`"
        )
    codec = modality.codec(folder.codec())
    parts = split(run.seed, len(raw.rows), run.keeping.hold_out, raw.spans)
    given, labels = _conditions(raw, codec, conditions.clusters_of(folder.path), parts)
    task = task_of(facts["task"])
    return Session(run, modality, raw, codec, task, given, labels, parts, facts)


def _reading(modality: Modality, wishes: Mapping[str, Any]) -> Any:
    return build(modality.settings, draft(modality.name, wishes).data, "data.")


def _variance(raw: Raw, codec: Codec, parts: Split) -> float:
    x = codec.encode(picked(raw.rows, parts.train, CLUSTERED_ON)).flatten(1).double()
    return x.var(0, correction=0).sum().item()


def _is_path(source: Source) -> bool:
    return isinstance(source, (str, Path)) and Path(source).exists()


def _cluster_count(run: Run, count: int) -> int:
    return min(run.clusters, count // run.cluster_rows)


def _clusters(run: Run, raw: Raw, codec: Codec, parts: Split) -> Clusters | None:
    count = _cluster_count(run, len(parts.train))
    if raw.labels is not None or count < 2:
        return None
    rows = picked(raw.rows, parts.train, CLUSTERED_ON)
    return conditions.found(codec.encode(rows), count, run.seed)


def _conditions(
    raw: Raw, codec: Codec, clusters: Clusters | None, parts: Split
) -> tuple[Conditions, np.ndarray | None]:
    """Labels of every row, given or found, and how often each occurs in training."""
    if raw.labels is not None:
        labels, classes = raw.labels, len(raw.classes) or int(raw.labels.max()) + 1
    elif clusters is not None:
        every = np.arange(len(raw.rows))
        chunks = np.array_split(every, -(-len(every) // conditions.AT_ONCE))
        labels = torch.cat([clusters.assign(codec.encode(raw.rows[c])) for c in chunks]).numpy()
        classes = len(clusters.centroids)
    else:
        return Conditions(), None
    shares = conditions.weights(labels[parts.train], classes)
    return Conditions(shares, hidden=raw.labels is None), labels
