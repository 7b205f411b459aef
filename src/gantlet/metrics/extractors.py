"""What features are made by: a function with a name, a hash, and a number of dimensions."""

import hashlib
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int

from gantlet.types import Progress, Rows

Extracted = Float32[np.ndarray, "n d"]
AT_ONCE = 2**24  # values of raw rows held at a time

# Rows are handed to a network in blocks of one size, the last of them filled up: another batch size
# may be computed by another algorithm, and a row's features would depend on its company.
BLOCK = 16  # pictures: small enough for a cache
BETWEEN = 64  # rows between two reports of progress, where blocks are smaller


class Extractor(NamedTuple):
    """Rows in the data's own form → features."""

    name: str  # "EfficientNet-Lite0 at 64 px"
    digest: str  # of the weights and of all that is done to a row before them
    dimensions: int
    extract: Callable[[Any], Extracted]  # of any number of rows; of each by itself
    words: str = ""  # what is done to a row, for the report
    is_fid: bool = False  # the one graph whose Fréchet distance bears that name
    predict: Callable[[Any], Int[np.ndarray, "n"]] | None = None  # rows → classes, where it can
    block: int = BLOCK  # rows that `extract` computes at once: of fewer it costs no less


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an extractor may be made from."""

    shape: tuple[int, ...]  # of one encoded sample: channels, height, width for pictures
    rows: Rows  # real rows in the data's own form
    indices: Int[np.ndarray, "n"]  # of the rows that may be learned from
    labels: Int[np.ndarray, "m"] | None = None  # of all rows
    plain: Callable[[Any], np.ndarray] | None = None  # rows → n × d, as their own kind has it
    fingerprint: str = ""  # of all rows
    seed: int = 0
    path: Path | None = None  # where the extractor was named by a file
    cache: Path | None = None  # folder for what was learned; none: the user's own


Making = Generator[Progress, None, Extractor]


def digest_of(weights: str, **settings: Any) -> str:
    """Twelve hexadecimal digits that change whenever features may.

    Args:
        weights: their SHA-256, or whatever else tells these weights from all others.
    """
    text = json.dumps([weights, settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def extracted(
    extractor: Extractor,
    rows: Rows,
    what: str = "features",
    indices: Int[np.ndarray, "n"] | None = None,
) -> Generator[Progress, None, Extracted]:
    """Features of the rows, or of those at the indices; one piece of the rows in memory at a time.

    Args:
        what: is being done, for whoever shows progress.
    """
    every = np.arange(len(rows)) if indices is None else indices
    features = np.empty((len(every), extractor.dimensions), np.float32)
    blocks = min(AT_ONCE // (extractor.block * _size(rows, every)), BETWEEN // extractor.block)
    step = extractor.block * max(1, blocks)
    for start in range(0, len(every), step):
        yield Progress(start, len(every), what)
        features[start : start + step] = extractor.extract(rows[every[start : start + step]])
    return features


def in_blocks(
    work: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, block: int = BLOCK
) -> np.ndarray:
    """work(rows) computed in blocks of one size, the last one filled up with copies of a row."""
    parts = []
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        missing = block - len(part)
        filled = np.concatenate([part, np.repeat(part[:1], missing, axis=0)]) if missing else part
        parts.append(work(filled)[: len(part)])
    return (
        np.concatenate(parts) if parts else work(np.zeros((block, *rows.shape[1:]), rows.dtype))[:0]
    )


def _size(rows: Rows, indices: Int[np.ndarray, "n"]) -> int:
    return max(1, int(np.prod(np.shape(rows[indices[:1]])[1:]))) if len(indices) else 1
