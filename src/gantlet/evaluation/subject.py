"""What is judged, and against what: real rows, generated rows, and who of them stands where."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from gantlet.config import ConfigError, build, layered
from gantlet.evaluation.explorable import Explorable, explorable
from gantlet.feed import Split
from gantlet.folder import Folder
from gantlet.gan import Gan
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import Codec, Modality, Progress, Raw, Rows, Source
from gantlet.opening import of_folder
from gantlet.plan import draft
from gantlet.prepare import modality_of, reopened

FEWEST = 50  # rows on a side below which nothing can be said
DEFAULT_COUNT = 10_000  # generated rows
FEWER_OF_LARGE = 2**31  # bytes of generated rows held at once, at most
SAMPLE_SEED = 1_000_003  # apart from previews and looks, which begin at nought


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A generator's samples, the real rows they are held against, and the generator, if any."""

    title: str
    modality: Modality
    codec: Codec
    rows: Rows  # every real row
    labels: Int[np.ndarray, "n"] | None
    classes: tuple[str, ...]
    split: Split  # rows that were trained on, and rows that were not
    fingerprint: str
    fake: Any  # generated rows in the data's own form
    fake_labels: Int[np.ndarray, "k"] | None
    gan: Gan | None
    explorable: Explorable | None = None  # whose latent space can be walked
    is_against_held_out: bool = False  # the reference is data that the user brought
    formats: tuple[Mapping[str, int], Mapping[str, int]] = ({}, {})  # of real and of judged files
    seed: int = 0
    ended: str = ""  # why the run came to an end, and what it then promised


class Sides(NamedTuple):
    """Real rows by index: two disjoint sets as large as that of the generated."""

    reference: Int[np.ndarray, "k"]
    stand_in: Int[np.ndarray, "k"]


class Beside(Rows):
    """The rows of two sources, one after the other."""

    def __init__(
        self, first: Rows, second: Rows, join: Callable[[Sequence[Any]], Any] = np.concatenate
    ) -> None:
        self.first, self.second, self.join = first, second, join

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, indices: np.ndarray, /) -> Any:
        indices = np.asarray(indices)
        is_first = indices < len(self.first)
        parts = self.first[indices[is_first]], self.second[indices[~is_first] - len(self.first)]
        places = np.concatenate([np.flatnonzero(is_first), np.flatnonzero(~is_first)])
        return self.join(parts)[np.argsort(places)]


def sides(subject: Subject) -> Sides:
    """Reference rows from those trained on, rows of the stand-in from those that were not.

    Where one of them does not suffice, the other lends; where the user brought data to judge
    against, these are the reference.
    """
    rng = np.random.default_rng([subject.seed, 7])
    train, held_out = (
        rng.permutation(part) for part in (subject.split.train, subject.split.held_out)
    )
    both = np.concatenate([train, held_out])
    if subject.is_against_held_out:
        both = np.concatenate([held_out, train])
    count = _of_use(subject.title, len(both), len(subject.fake))
    return Sides(np.sort(both[:count]), np.sort(both[::-1][:count]))


def _of_use(title: str, real: int, fake: int) -> int:
    """Generated rows that are of use: as many as there are real ones on either side."""
    count = min(real // 2, fake)
    if count < FEWEST:
        raise ConfigError(
            f"{title}: {real:,} real and {fake:,} generated rows are too few to judge by; at least "
            f"{2 * FEWEST} and {FEWEST} are wanted"
        )
    return count


def of_run(
    folder: Folder, count: int | None, against: Source | None, seed: int
) -> Generator[Progress, None, Subject]:
    """A run's best generator beside the data that it was trained on and those kept from it."""
    gan = of_folder(folder)
    session = yield from reopened(folder, None)
    rows, labels, split = session.raw.rows, session.raw.labels, session.split
    fingerprint = session.raw.fingerprint
    if against is not None:
        other = yield from _alike(session.modality, session.codec, against)
        kept = np.arange(len(rows), len(rows) + len(other.rows))
        split, rows = Split(split.train, kept), Beside(rows, other.rows, session.modality.joined)
        labels = _joined(labels, other.labels)
        fingerprint = f"{fingerprint}+{other.fingerprint}"
    real = len(split.train) + len(split.held_out)
    wanted = _of_use(folder.path.name, real, count or _affordable(session.codec))
    fake, fake_labels = yield from _generated(gan, wanted, seed)
    return Subject(
        title=folder.path.name, modality=session.modality, codec=session.codec, rows=rows,
        labels=labels, classes=session.raw.classes, split=split, fingerprint=fingerprint,
        fake=fake, fake_labels=fake_labels, gan=gan, explorable=explorable(gan),
        is_against_held_out=against is not None,
        formats=(session.raw.formats, {}), seed=seed, ended=folder.why_ended(),
    )  # fmt: skip


def of_samples(
    source: Source, against: Source, held_out: Source | None, count: int | None, seed: int
) -> Generator[Progress, None, Subject]:
    """Anyone's samples beside the real data: files only, no generator."""
    modality = modality_of(against, {})
    real = yield from modality.load(against, _settings(modality, {}))
    codec = modality.fit(real)
    judged = yield from _alike(modality, codec, source)
    rows, labels, fingerprint = real.rows, real.labels, real.fingerprint
    split = Split(np.arange(len(rows)), np.arange(0))
    if held_out is not None:
        kept = yield from _alike(modality, codec, held_out)
        split = Split(split.train, np.arange(len(rows), len(rows) + len(kept.rows)))
        rows, labels = Beside(rows, kept.rows, modality.joined), _joined(labels, kept.labels)
        fingerprint = f"{fingerprint}+{kept.fingerprint}"
    every = np.random.default_rng([seed, 11]).permutation(len(judged.rows))
    taken = np.sort(every[: count or _affordable(codec)])
    names_agree = judged.classes == real.classes and judged.labels is not None
    return Subject(
        title=str(source), modality=modality, codec=codec, rows=rows, labels=labels,
        classes=real.classes, split=split, fingerprint=fingerprint, fake=judged.rows[taken],
        fake_labels=judged.labels[taken] if names_agree and judged.labels is not None else None,
        gan=None, formats=(real.formats, judged.formats), seed=seed,
    )  # fmt: skip


def _generated(gan: Gan, count: int, seed: int) -> Generator[Progress, None, tuple[Any, Any]]:
    rows, labels, done = [], [], 0
    join = MODALITIES[gan.run.modality].joined
    for part in gan.parts(count, seed=SAMPLE_SEED + seed):
        rows.append(gan.codec.decode(part.samples))
        labels.append(part.labels)
        done += len(rows[-1])
        yield Progress(done, count, "generating samples")
    return join(rows), None if labels[0] is None else np.concatenate(labels)


def _alike(modality: Modality, codec: Codec, source: Source) -> Generator[Progress, None, Raw]:
    """Another source, brought to the form that the codec takes."""
    return (yield from modality.load(source, _settings(modality, modality.alike(codec))))


def _settings(modality: Modality, data: Mapping[str, Any]) -> Any:
    values = draft(modality.name, {}).data
    return build(modality.settings, layered(values, data), "data.")


def _joined(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return None if a is None or b is None else np.concatenate([a, b])


def _affordable(codec: Codec) -> int:
    return max(1_000, min(DEFAULT_COUNT, FEWER_OF_LARGE // int(np.prod(codec.shape))))


def named_source(text: str) -> Path:
    """The path, or an error that names it and the ways to say what is to be judged."""
    path = Path(text)
    if not path.exists():
        raise ConfigError(
            f"{text}: there is no run, file or folder of that name; give a run's folder, or a "
            "folder or file of samples with --against REAL_DATA"
        )
    return path
