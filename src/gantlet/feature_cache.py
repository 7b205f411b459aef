"""Features of real rows, kept by content: what was extracted once is read the next time.

A file is named by what its features follow from: the data's fingerprint, the extractor's hash and
the rows. At its end stands the SHA-256 of all before, so that damage is told from features.
"""

import hashlib
import io
import os
from collections.abc import Generator
from pathlib import Path

import numpy as np
import platformdirs
from jaxtyping import Int

from gantlet.files import StoreError, make_folder, write_bytes
from gantlet.metrics.extractors import Extracted, Extractor, extracted
from gantlet.types import Progress, Rows

MOST = 2 * 2**30  # bytes that all files take together
TAIL = hashlib.sha256().digest_size


def cached_features(
    extractor: Extractor,
    rows: Rows,
    indices: Int[np.ndarray, "n"],
    fingerprint: str,
    folder: Path | None = None,
) -> Generator[Progress, None, Extracted]:
    """Features of the rows at the indices, from the cache or into it.

    Args:
        fingerprint: of all the rows' content; empty: nothing is kept.
        folder: what `data.cache` says; none: the user's own cache folder.
    """
    root = folder or Path(platformdirs.user_cache_dir("gantlet"))
    place = root / "features" / f"{_key(extractor, indices, fingerprint)}.npy"
    if fingerprint:
        kept = _read(place, (len(indices), extractor.dimensions))
        if kept is not None:
            return kept
    features = yield from extracted(extractor, rows, "features of the real", indices)
    if fingerprint:
        _keep(place, features)
    return features


def _key(extractor: Extractor, indices: Int[np.ndarray, "n"], fingerprint: str) -> str:
    which = hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()
    return hashlib.sha256(f"{fingerprint} {extractor.digest} {which}".encode()).hexdigest()


def _read(place: Path, shape: tuple[int, int]) -> Extracted | None:
    """What was kept, if it is there and whole."""
    try:
        data = place.read_bytes()
        body = memoryview(data)[:-TAIL]
        if hashlib.sha256(body).digest() != data[-TAIL:]:
            return None
        features = np.load(io.BytesIO(body), allow_pickle=False)
        os.utime(place)  # the oldest to be removed are those not used for longest
    except (OSError, ValueError, EOFError):
        return None
    return features if features.shape == shape and features.dtype == np.float32 else None


def _keep(place: Path, features: Extracted) -> None:
    buffer = io.BytesIO()
    np.save(buffer, features)
    body = buffer.getbuffer()
    if len(body) > MOST:
        return
    try:
        make_folder(place.parent)
        write_bytes(place, bytes(body) + hashlib.sha256(body).digest())
        _make_room(place)
    except (StoreError, OSError):
        return  # a cache that cannot be written only costs the time to extract again


def _make_room(newest: Path) -> None:
    """Removes the files not used for longest until the rest fits."""
    files = []
    for path in newest.parent.glob("*.npy"):
        try:
            status = path.stat()
        except FileNotFoundError:  # another process made room just now
            continue
        files.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= MOST:
            return
        if path != newest:
            path.unlink(missing_ok=True)
            total -= size
