"""What a modality is: raw data ↔ tensors, and what the rest needs to know of its data.

A modality cannot train, measure or draw progress bars. Long jobs are generators that yield
`Progress` and return their result, so that the caller decides how to show them.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from gantlet.metrics.columns import Columns
from gantlet.metrics.courses import Courses
from gantlet.types import Progress, Rows, Samples, Timed

T = TypeVar("T")

Source = Any  # a path, a built-in's name, a NumPy array, a torch tensor or a Dataset


class SourceError(ValueError):
    """Data that cannot be read; names the file, what is wrong and the way out."""


class Skipped(NamedTuple):
    """One item that was left out, and why."""

    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A data set in its own form, opened but not in memory."""

    rows: Rows
    labels: Int[np.ndarray, "n"] | None = None
    classes: tuple[str, ...] = ()
    fingerprint: str  # SHA-256 over content and reading settings
    notes: tuple[str, ...] = ()  # what was found and decided, a sentence each
    skipped: tuple[Skipped, ...] = ()
    formats: Mapping[str, int] = field(default_factory=dict)  # files of each, where there are files
    # First and last part of the record that each row draws on: rows that share one stay together.
    spans: Int[np.ndarray, "n 2"] | None = None
    resized: int = 0  # rows that were brought to this size from another


class Preview(NamedTuple):
    """Something a browser or a terminal's image viewer can show."""

    media_type: str
    content: bytes


@runtime_checkable  # the same
class Codec(Protocol):
    """Raw rows ↔ samples of about unit scale; frozen, kept as JSON beside the weights."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one encoded sample."""
        ...

    @property
    def blocks(self) -> tuple[int, ...]:
        """Sizes of the choices that a sample begins with, each one-hot; none: all is continuous."""
        ...

    def encode(self, rows: Any) -> Samples: ...
    def decode(self, samples: Samples) -> Any: ...
    def plain(self) -> dict[str, Any]: ...


class Advice(NamedTuple):
    """Settings of a run that suit the data, where its modality's own network is used."""

    settings: Mapping[str, Any]
    why: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a look at the source shows before anything is read for good or written."""

    count: int  # rows, at most: unreadable ones are found out on reading
    shape: tuple[int, ...]  # of one encoded sample
    blocks: tuple[int, ...] = ()  # as the codec's
    timed: Timed | None = None  # as the modality's
    advice: Advice | None = None  # the same
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what was found and decided, a sentence each
    variance: float | None = None  # of a sample, summed over its numbers, where it is known
    columns: tuple[tuple[str, str, str, str], ...] = ()  # name, kind, why, encoding of each
    cache_bytes: int = 0  # what `load` will write to disk, where it does


@dataclass(frozen=True, kw_only=True)
class Trait:
    """A number of each row with a name of its own, by which a fault can be told in words."""

    measure: Callable[[Any], Float[np.ndarray, "n"]]  # raw rows → one number each
    words: str  # what is measured, e.g. "mean of all pixels"
    more: str  # "generated samples have MORE than real ones": "more noise"
    less: str
    finding_more: str  # the kind of finding that this is: "noisy"
    finding_less: str
    severity: Literal["fault", "warning"] = "fault"  # of both findings
    advice_more: str = ""
    advice_less: str = ""


class Narrowing(NamedTuple):
    """A condition on samples, as it was asked for in the data's own terms."""

    words: str
    allowed: Bool[np.ndarray, "choices"]  # choices that a fitting sample may be made of
    fits: Callable[[Any], Bool[np.ndarray, "n"]]  # raw rows → which of them do


class Holes(NamedTuple):
    """Rows of which something is missing, and how it is put there."""

    size: int  # how many such rows
    # Numbers among those rows → choices that agree with what is known of each.
    allowed: Callable[[Int[np.ndarray, "b"]], Bool[np.ndarray, "b choices"]]
    # (numbers among them, a sample for each) → whether it leaves nothing missing and agrees
    fits: Callable[[Int[np.ndarray, "b"], Samples], Bool[np.ndarray, "b"]]
    filled: Callable[[Samples], Any]  # a sample for each → all rows, what is missing taken from it


Draw = Callable[[Samples, int], Samples]  # (first steps, a turn's number) → steps gone on with
Survey = Generator[Progress, None, Found]
Read = Generator[Progress, None, Raw]
Begun = Generator[Progress, None, Any]
Put = Callable[[Any, Int[np.ndarray, "b"] | None], None]  # takes rows and their labels
Writer = Callable[[Path, int, int], AbstractContextManager[Put]]  # (path, rows, classes or 0)


@dataclass(frozen=True, kw_only=True)
class Modality:
    """Everything that is particular to one kind of data, as plain functions."""

    name: str
    recognises: Callable[[Source], bool]
    settings: type  # the dataclass that `survey` and `load` read
    survey: Callable[[Source, Any], Survey]  # what is there; quick, writes nothing
    load: Callable[[Source, Any], Read]
    fit: Callable[[Raw], Codec]
    codec: Callable[[Mapping[str, Any]], Codec]  # the inverse of Codec.plain
    features: Callable[[Any, Any], np.ndarray]  # (codec, rows) → n × d, for the held-out distance
    distance: Callable[[np.ndarray, np.ndarray], float]  # (real, generated) features
    preview: Callable[[Any, Int[np.ndarray, "n"] | None], Preview]
    writers: Mapping[str, Writer]  # suffix ("" is a folder) → how samples are written
    taken: Callable[[Any], Any] = lambda rows: rows  # rows as a user holds them → the raw form
    handed: Callable[[Any], Any] = lambda rows: rows  # and back: what `Gan.sample` returns
    # (codec, rows) → the same rows in a form that the codec encodes more quickly, for training
    quick: Callable[[Any, Rows], Rows] = lambda _codec, rows: rows
    # (codec, samples, number of the first among all that are decoded in parts) → raw rows
    decoded: Callable[[Any, Samples, int], Any] = lambda codec, x, _first: codec.decode(x)
    # The same of samples that hold a number for each block of choices (`Family.numbered`)
    numbered: Callable[[Any, Samples, int], Any] | None = None
    joined: Callable[[Sequence[Any]], Any] = np.concatenate  # parts of rows → all rows
    ranking: Callable[[np.ndarray, np.ndarray], float] | None = None  # of states; none: distance
    advice: Callable[[Raw, Any], Advice | None] | None = None  # of the data and its codec
    augmentation: str | None = None  # what D's view of few samples is changed by
    narrowing: Callable[[Any, Any], Narrowing] | None = None  # (codec, condition), where it can
    holes: Callable[[Any, Any], Holes] | None = None  # (codec, rows), where cells can be missing
    # (codec, rows, draw, steps, whole: with their beginning) → rows gone on with, where they can be
    gone_on: Callable[[Any, Any, Draw, int, bool], Any] | None = None
    # (codec, source, settings, ways) → rows to be gone on with, each so many times over
    beginnings: Callable[[Any, Source, Any, int], Begun] | None = None
    noun: str = "samples"  # what several of its rows are called where they are counted
    timed: Callable[[Any], Timed | None] = lambda _codec: None  # of a codec, where rows are timed
    # What evaluation takes: (shape, has labels) → the features' name; codec → settings by which
    # other data is read to the same form.
    extractor: Callable[[tuple[int, ...], bool], str] = lambda _shape, _has_labels: "identity"
    # (rows, generator) → as many with every column right and no dependence; none: number by number
    independent: Callable[[Any, np.random.Generator], Any] | None = None
    alike: Callable[[Any], Mapping[str, Any]] = lambda _codec: {}
    traits: Mapping[str, Trait] = field(default_factory=dict)
    thumbnail: Callable[[Any], bytes] | None = None  # one row → a small PNG
    # Sets of rows whose numbers have names, as matrices coded alike; none: a row is one thing.
    columns: Callable[[Sequence[Any]], list[Columns]] | None = None
    # (codec, sets of rows that run over time) → arrays; none: rows have no time.
    courses: Callable[[Any, Sequence[Any]], list[Courses]] | None = None
    builtins: Sequence[str] = field(default=())  # names that `load` knows besides paths
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of a run, beside a file in recipes/


def finished(job: Generator[Progress, None, T]) -> T:
    """The result of a long job, its progress unseen."""
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value
