"""A table that can be read, part by part and more than once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from gantlet.modalities.base import Skipped

Skip = Callable[[Skipped], None]  # takes rows that are left out
Batches = Callable[[Skip, Sequence[int]], Iterator[pa.RecordBatch]]  # of these columns, so ordered


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A source of rows whose types may have yet to be found."""

    name: str  # for messages
    labels: tuple[str, ...]  # the columns' names as they stand there
    fields: tuple[pa.Field, ...]  # what the batches hold
    delimiter: str | None = None  # of a file of text, whose cells may mean any type
    batches: Batches
    size: int  # bytes, roughly, once read
    count: int = 0  # rows, where it is known
    key: str = ""  # tells its content from another without reading it; empty: nothing does
    notes: tuple[str, ...] = ()
    formats: Mapping[str, int] = field(default_factory=dict)
    metadata: Mapping[bytes, bytes] = field(default_factory=dict)  # of the schema
    mapped: pa.Table | None = None  # the same rows where they lie, if they can be used so
