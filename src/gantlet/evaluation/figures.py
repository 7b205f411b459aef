"""What an evaluation is made of: figures, panels, findings, views. Data only; all of it is JSON.

Whoever shows an evaluation (the report, the terminal, the studio) needs these types and nothing
else: no kind of data, no metric and no network is known by name outside the view that made it.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

Better = Literal["lower", "higher", "near"]  # near: the nearer to the figure of real data
Severity = Literal["fault", "warning", "good"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number with all that it takes to trust it."""

    name: str  # its key in metrics.json, e.g. "frechet_distance"
    title: str
    value: float
    low: float = math.nan  # 95 % interval; NaN where the figure has none
    high: float = math.nan
    error: float = math.nan  # standard error
    real: float = math.nan  # the same figure for real against real, at the same sizes
    baseline: float = math.nan  # the same for the trivial generator
    m: int  # real rows
    n: int  # generated rows, or paths
    better: Better
    unit: str = ""  # "%" multiplies by 100 on showing
    words: str  # a sentence: what it means here
    definition: str  # the formula in plain text, and its source
    page: str  # of the documentation, e.g. "frechet-distance"
    space: str = ""  # the features it was measured in, with their hash
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Series:
    """One named row of numbers in a chart."""

    name: str
    x: tuple[float, ...]  # bin edges of a histogram, else one for each y
    y: tuple[float, ...]
    kind: str  # "real", "held_out", "fake", "baseline" or "other": decides its colour


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Histograms (x: k + 1 edges, y: k heights), lines or bars over common axes."""

    title: str
    shape: Literal["histogram", "line", "bar"]
    series: tuple[Series, ...]
    x_label: str
    y_label: str
    words: str  # what it shows: the text alternative and the caption
    names: tuple[str, ...] = ()  # of the bars, where they stand for categories


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One sample in a map."""

    x: float
    y: float
    kind: str  # "real" or "fake"
    words: str  # shown on hover, e.g. its class
    picture: bytes = b""  # a small PNG shown on hover


@dataclass(frozen=True, kw_only=True)
class Map:
    """A joint embedding of real and generated samples."""

    title: str
    dots: tuple[Dot, ...]
    words: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Something to look at with its caption: a sample, a strip, a grid."""

    content: bytes
    media_type: str  # "image/png"
    words: str  # text alternative and caption


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Pictures side by side, or pairs of them."""

    title: str
    rows: tuple[tuple[Picture, ...], ...]  # each row belongs together
    words: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: str


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One series, drawn small: a line for each of its channels that share an axis."""

    kind: str  # "real" or "fake"
    words: str
    lines: tuple[tuple[float, ...], ...]  # NaN breaks a line


@dataclass(frozen=True, kw_only=True)
class Strips:
    """Small drawings of series side by side; all of one row share their axis."""

    title: str
    names: tuple[str, ...]  # of the rows
    rows: tuple[tuple[Strip, ...], ...]
    words: str


Panel = Chart | Map | Pictures | Strips | Table


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that the summary says: what, how bad, by which figure, what to do."""

    kind: str  # e.g. "repeats", "blurred", "class_missing"
    severity: Severity
    words: str
    advice: str = ""
    figure: str = ""  # the name of the figure that shows it


@dataclass(frozen=True, kw_only=True)
class View:
    """One of the four questions, answered."""

    name: str  # "realness", "distributions", "continuity", "copying"
    question: str
    answer: str  # in a sentence or two
    figures: tuple[Figure, ...] = ()
    panels: tuple[Panel, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A generator judged."""

    title: str
    verdict: str  # in a sentence
    findings: tuple[Finding, ...]
    views: tuple[View, ...]
    samples: tuple[Picture, ...] = ()  # generated beside real, at random
    facts: dict[str, str] = field(default_factory=dict)  # data, extractor, sizes, versions
