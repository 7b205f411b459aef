"""One sealed file to hand to others: a plain zip of a checkpoint's files and manifest.

The archive's comment is the SHA-256 of every byte before it, so that changes which a zip reader
would pass over (dates, flags, names kept twice) are found as well. Unzipped, it is a checkpoint
folder. Nothing in it is code, and nothing is unpacked onto the disk.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gantlet.files import StoreError, write_bytes
from gantlet.seal import (
    MANIFEST,
    Checkpoint,
    CorruptCheckpoint,
    Manifest,
    Tensors,
    checked,
    checkpoint_from,
    files_of,
    manifest_bytes,
    manifest_from,
    require_names,
    seal,
)

TAIL = len("sha256:") + 64  # bytes of the archive's comment
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content is the same file, whenever it was packed


def pack(path: Path, tensors: Tensors, meta: Mapping[str, Any], *, step: int = 0) -> Path:
    """Writes one sealed file, replacing what is there in one step; returns `path`.

    Raises:
        StoreError: what cannot be kept bit for bit, a full disk, a folder that cannot be written.
    """
    if step < 0:
        raise StoreError(f"{path}: step {step} is negative; steps count from 0")
    archive = io.BytesIO()
    seals = {}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as package:
        for name, data in files_of(tensors, meta):
            _add(package, name, data)
            seals[name] = seal(data)
        _add(package, MANIFEST, manifest_bytes(Manifest(step, seals)))
        package.comment = bytes(TAIL)
    body = archive.getvalue()[:-TAIL]
    write_bytes(path, body + _tail(body))
    return path


def _add(package: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16  # else unzip makes files that nobody may read
    package.writestr(entry, data)


def _tail(body: bytes | memoryview) -> bytes:
    return b"sha256:" + hashlib.sha256(body).hexdigest().encode()


def unpack(path: Path, device: str | torch.device = "cpu") -> Checkpoint:
    """The checkpoint in a package, from the very bytes that were checked.

    Raises:
        CorruptCheckpoint: says what is wrong with the file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptCheckpoint(f"{path}: cannot be read: {error.strerror}") from error
    view = memoryview(data)
    if _tail(view[:-TAIL]) != data[-TAIL:]:
        raise CorruptCheckpoint(
            f"{path}: its {len(data):,} bytes are not those that were packed; copy it again"
        )
    files = _files(data, path)
    if MANIFEST not in files:
        raise CorruptCheckpoint(f"{path}: {MANIFEST} is missing; it is no Gantlet package")
    manifest = manifest_from(files[MANIFEST], path)
    require_names(files, manifest, path)
    contents = ((name, checked(name, files[name], manifest, path)) for name in manifest.seals)
    return checkpoint_from(contents, manifest, path, device)


def _files(data: bytes, path: Path) -> dict[str, bytes]:
    """Every file in the archive. A stranger may have made it: none may be packed or overlap."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            plain = all(
                entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1
                for entry in entries
            )
            if not plain or sum(entry.file_size for entry in entries) > len(data):
                raise CorruptCheckpoint(f"{path}: holds compressed or overlapping files; refused")
            if len({entry.filename for entry in entries}) < len(entries):
                raise CorruptCheckpoint(f"{path}: holds two files of one name; refused")
            return {entry.filename: package.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise CorruptCheckpoint(f"{path}: is no Gantlet package: {error}") from error
