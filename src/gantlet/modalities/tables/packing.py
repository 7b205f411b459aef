"""Arrays as text in JSON: compressed bytes in base64."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa


def text_of(content: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(zlib.compress(content, 6)).decode("ascii")


def bytes_of(text: str) -> bytes:
    """The inverse of `text_of`."""
    return zlib.decompress(base64.b64decode(text))


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array of one axis as JSON takes it."""
    return {"dtype": array.dtype.name, "bytes": text_of(array.tobytes())}


def unpacked(plain: Mapping[str, Any]) -> np.ndarray:
    """The inverse of `packed`; read-only."""
    return np.frombuffer(bytes_of(plain["bytes"]), plain["dtype"])


def packed_values(array: pa.Array) -> str:
    """An Arrow array, its type included, as text."""
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([array], names=["values"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return text_of(sink.getvalue().to_pybytes())


def unpacked_values(text: str) -> pa.Array:
    """The inverse of `packed_values`."""
    with pa.ipc.open_stream(bytes_of(text)) as reader:
        return reader.read_next_batch().column(0)
