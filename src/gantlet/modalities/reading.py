"""All of a source's pictures decoded in parallel, in order, a bounded number in flight."""

import itertools
import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import UInt8

from gantlet.modalities import decoding
from gantlet.modalities.base import Progress, Skipped, SourceError
from gantlet.modalities.decoding import Target
from gantlet.modalities.listing import Pace
from gantlet.modalities.pictures import Item, Pictures

GROUP = 16  # pictures handed to a thread at once: small ones cost less than the handing over
AHEAD = 3  # groups in flight for each thread

A = TypeVar("A")
B = TypeVar("B")


class Row(NamedTuple):
    """One picture that was read, or why it was not."""

    pixels: UInt8[np.ndarray, "h w c"] | None
    label: int | None
    skipped: Skipped | None
    format: str | None = None  # of the file, as Pillow names it
    resized: bool = False


class Content(NamedTuple):
    """What belongs to the rows that were read, beside their pixels."""

    labels: np.ndarray | None
    skipped: tuple[Skipped, ...]
    formats: dict[str, int]  # files of each format
    resized: int  # pictures that had another size


def read_rows(
    pictures: Pictures,
    target: Target,
    keep: Callable[[UInt8[np.ndarray, "h w c"]], None],
    bad_share: float,
    workers: int | None,
) -> Generator[Progress, None, Content]:
    """Every picture in order goes to `keep`; stops where too large a share cannot be read."""
    labels, skipped, pace = [], list(pictures.skipped), Pace()
    formats, resized = Counter[str](), 0
    total = pictures.count + len(pictures.skipped)
    groups = _grouped(pictures.pick(range(pictures.count)), GROUP)
    work = partial(_rows, target=target)
    done = len(skipped)
    with closing(in_order(work, groups, workers or os.cpu_count() or 1)) as read:
        for row in itertools.chain.from_iterable(read):
            done += 1
            if row.pixels is not None:
                keep(row.pixels)
                labels.append(-1 if row.label is None else row.label)
                formats.update([row.format] if row.format else [])
                resized += row.resized
            elif row.skipped:
                skipped.append(row.skipped)
            if len(skipped) > bad_share * total:
                raise SourceError(too_many(skipped, done, bad_share))
            if pace.due():
                yield Progress(done, total, "reading images")
    if not labels or len(skipped) > bad_share * total:
        raise SourceError(too_many(skipped, done, bad_share))
    numbers = np.array(labels, np.int64) if pictures.labelled else None
    return Content(numbers, tuple(skipped), dict(formats), resized)


def too_many(skipped: list[Skipped] | tuple[Skipped, ...], done: int, bad_share: float) -> str:
    """What is wrong with them, and the way out."""
    first = "; ".join(f"{name}: {why}" for name, why in skipped[:5])
    more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    out = "; --set data.bad_share=0.5 leaves up to half of them out" if done > len(skipped) else ""
    return (
        f"{len(skipped)} of the first {done} images cannot be read, more than data.bad_share = "
        f"{bad_share:g} of all: {first}{more}{out}"
    )


def in_order(work: Callable[[A], B], items: Iterable[A], workers: int) -> Generator[B, None, None]:
    """work(item) for each, in the order of the items, a few ahead in threads."""
    waiting: deque[Future[B]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="gantlet-read")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _rows(items: list[Item], target: Target) -> list[Row]:
    return [_row(item, target) for item in items]


def _row(item: Item, target: Target) -> Row:
    try:
        with item.open() as image:
            kind, was = image.format, image.size[::-1] if not decoding.turned(image) else image.size
            pixels = decoding.decoded(image, target)
            return Row(pixels, item.label, None, kind, was != target[:2])
    except decoding.DECODER_FAILURES as error:
        return Row(None, None, Skipped(item.name, decoding.reason(error)))


def _grouped(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while group := list(itertools.islice(items, size)):
        yield group
