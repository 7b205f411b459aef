"""The whole evaluation as one long job that keeps what it has done."""

import json
import platform
from collections.abc import Callable, Generator
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gantlet.config import ConfigError
from gantlet.evaluation.blind import marked
from gantlet.evaluation.columns import Tables, tables_of
from gantlet.evaluation.columns_alike import columns_alike
from gantlet.evaluation.columns_private import columns_private
from gantlet.evaluation.columns_told import columns_told
from gantlet.evaluation.continuity import continuity_view
from gantlet.evaluation.copying import copying_view
from gantlet.evaluation.courses import Runs, runs_of
from gantlet.evaluation.courses_alike import courses_alike
from gantlet.evaluation.courses_told import courses_told
from gantlet.evaluation.distributions import distributions_view
from gantlet.evaluation.figures import Evaluation, Finding, Picture, View
from gantlet.evaluation.judged import Judged, More, picture_of, widened
from gantlet.evaluation.kept import metrics_json, plain, restored
from gantlet.evaluation.realness import realness_view
from gantlet.evaluation.space import Space, space_of
from gantlet.evaluation.subject import Subject, named_source, of_run, of_samples, sides
from gantlet.evaluation.summary import ordered, verdict
from gantlet.files import make_folder, write_bytes, write_json
from gantlet.folder import Folder
from gantlet.metrics.neighbours import Neighbours, neighbour_estimates, own_neighbours
from gantlet.modalities.base import Progress, Source

SHOWN = 36  # samples beside as many real rows
PACKAGES = ("gantlet", "torch", "numpy", "scikit-learn")
VERSION = 3  # of what is kept: views computed by another are not taken up again

Job = Generator[Progress, None, Judged]


class Seen(NamedTuple):
    """What the views are made from, the costly parts computed once."""

    subject: Subject
    space: Space
    near: dict[str, Neighbours]
    tables: list[Tables]  # one, where rows have columns and it was asked for
    runs: list[Runs]  # the same, where rows run over time


def judged(
    target: str | Path,
    against: Source | None,
    held_out: Source | None,
    features: str | None,
    count: int | None,
    seed: int,
    kept: Path | None,
) -> Generator[Progress, None, Evaluation]:
    """A run's folder, or samples beside real data, judged; see `evaluated`."""
    path = named_source(str(target))
    if Folder(path).exists:
        subject = yield from of_run(Folder(path), count, against, seed)
    elif against is None:
        raise ConfigError(
            f"{target}: this is no run of Gantlet; to judge samples, name the real data beside "
            "them: --against FOLDER"
        )
    else:
        subject = yield from of_samples(path, against, held_out, count, seed)
    return (yield from evaluated(subject, features, kept))


def evaluated(
    subject: Subject, features: str | None, kept: Path | None
) -> Generator[Progress, None, Evaluation]:
    """A subject judged in all views.

    Args:
        features: name of an extractor or path of one; none: what suits the kind of data.
        kept: folder in which each view is kept when it is done, and looked for before.
    """
    subject = replace(subject, **_equal(subject))
    space = yield from space_of(subject, features)
    if kept is not None:
        make_folder(kept)
    seen = Seen(subject, space, {}, [], [])
    key = _key(subject, space)
    done: list[Judged] = []
    for name, make in VIEWS.items():
        place = kept / f"{name}-{key}.json" if kept else None
        found = _restored(place)
        if found is None:
            found = yield from make(seen)
            if place is not None and found is not None:
                write_json(place, {"view": plain(found.view), "findings": plain(found.findings)})
        if found is not None:
            done.append(found)
    return composed(subject, space, done)


def _equal(subject: Subject) -> dict[str, Any]:
    """No more generated rows than there are real ones on either side."""
    size, labels = len(sides(subject).reference), subject.fake_labels
    return {
        "fake": subject.fake[:size], "fake_labels": None if labels is None else labels[:size],
    }  # fmt: skip


def composed(subject: Subject, space: Space, done: list[Judged]) -> Evaluation:
    """The views and what they found as one evaluation."""
    findings = [finding for one in done for finding in one.findings]
    findings += _formats(subject)
    return Evaluation(
        title=subject.title, verdict=verdict(findings), findings=ordered(findings),
        views=tuple(marked(one.view) for one in done), samples=_samples(subject, space),
        facts=_facts(subject, space),
    )  # fmt: skip


def _neighbours(seen: Seen) -> Generator[Progress, None, dict[str, Neighbours]]:
    if seen.near:
        return seen.near
    reference, others = seen.space.reference, ("fake", "stand_in", "baseline")
    yield Progress(0, 4, "looking for neighbours")
    own = own_neighbours(reference)
    for number, side in enumerate(others, start=1):
        yield Progress(number, 4, "looking for neighbours")
        seen.near[side] = neighbour_estimates(reference, getattr(seen.space, side), own=own)
    return seen.near


def _with_columns(
    seen: Seen, judged: Judged, more: Callable[[Tables], Generator[Progress, None, More]]
) -> Job:
    if seen.subject.modality.columns is None:
        return judged
    if not seen.tables:
        yield Progress(0, 0, "laying out columns")
        seen.tables.append(tables_of(seen.subject, seen.space, seen.subject.modality.columns))
    return widened(judged, (yield from more(seen.tables[0])))


def _over_time(
    seen: Seen, judged: Judged, more: Callable[[Runs], Generator[Progress, None, More]]
) -> Job:
    if seen.subject.modality.courses is None:
        return judged
    if not seen.runs:
        yield Progress(0, 0, "laying out series")
        seen.runs.append(runs_of(seen.subject, seen.space, seen.subject.modality.courses))
    return widened(judged, (yield from more(seen.runs[0])))


def _realness(seen: Seen) -> Job:
    near = yield from _neighbours(seen)
    view = yield from realness_view(seen.subject, seen.space, near)
    view = yield from _over_time(seen, view, courses_told)
    return (yield from _with_columns(seen, view, columns_told))


def _distributions(seen: Seen) -> Job:
    near = yield from _neighbours(seen)
    view = yield from distributions_view(seen.subject, seen.space, near)
    view = yield from _over_time(seen, view, courses_alike)
    return (yield from _with_columns(seen, view, columns_alike))


def _continuity(seen: Seen) -> Generator[Progress, None, Judged | None]:
    if seen.subject.explorable is None:
        return None
    return (yield from continuity_view(seen.subject.explorable, seen.subject, seen.space))


def _copying(seen: Seen) -> Job:
    view = yield from copying_view(seen.subject, seen.space, seen.near.get("fake"))
    return (yield from _with_columns(seen, view, columns_private))


VIEWS: dict[str, Callable[[Seen], Generator[Progress, None, Judged | None]]] = {
    "realness": _realness,
    "distributions": _distributions,
    "continuity": _continuity,
    "copying": _copying,
}


def _key(subject: Subject, space: Space) -> str:
    sha = sha256(f"{VERSION}/{version('gantlet')}/{subject.fingerprint}".encode())
    sha.update(f"{space.extractor.digest}/{subject.seed}".encode())
    for array in (*space.sides, space.fake):
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()[:16]


def _restored(place: Path | None) -> Judged | None:
    if place is None or not place.is_file():
        return None
    values: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return Judged(restored(View, values["view"]), restored(tuple[Finding, ...], values["findings"]))


def _samples(subject: Subject, space: Space) -> tuple[Picture, ...]:
    # Rows come in the order of their files: the first of them are no random ones.
    chosen = np.random.default_rng(subject.seed).permutation(space.size)[:SHOWN]
    fake, real = subject.fake[chosen], subject.rows[space.sides.reference[np.sort(chosen)]]
    return (
        picture_of(subject.modality, fake, "generated, at random"),
        picture_of(subject.modality, real, "real, at random"),
    )


def _formats(subject: Subject) -> list[Finding]:
    real, judged = subject.formats
    if not real or not judged or set(real) == set(judged):
        return []
    kinds = [" and ".join(sorted(formats)) for formats in (real, judged)]
    return [
        Finding(
            kind="formats_differ",
            severity="warning",
            words=f"The real files are {kinds[0]}, the judged ones {kinds[1]}: compression alone "
            "moves every distance.",
            advice="write the samples in the real files' format, or judge both from raw arrays",
        )
    ]


def _facts(subject: Subject, space: Space) -> dict[str, str]:
    split = subject.split
    facts = {
        "real rows": f"{len(subject.rows):,}, of which {len(split.held_out):,} "
        "were kept from training",
        "compared": f"{space.size:,} real, {space.size:,} other real and {len(subject.fake):,} "
        f"generated; of the trivial generator {len(space.baseline):,}",
        "data": subject.fingerprint[:16],
        "features": f"{space.extractor.name}, {space.reference.shape[1]:,} numbers",
        "features' hash": space.extractor.digest,
        "seed": str(subject.seed),
    }
    if subject.gan is not None and subject.gan.path is not None:
        facts["run"] = str(subject.gan.path)
    if subject.ended:
        facts["training ended"] = subject.ended
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return facts | {"versions": f"{versions}, Python {platform.python_version()}"}


def written(evaluation: Evaluation, page: str, folder: Path) -> tuple[Path, Path]:
    """report.html and metrics.json in the folder."""
    report, metrics = folder / "report.html", folder / "metrics.json"
    write_bytes(report, page.encode("utf-8"))
    write_json(metrics, metrics_json(evaluation))
    return report, metrics
