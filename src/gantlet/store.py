"""Checkpoints as sealed folders: written aside, synced, and renamed into place.

    folder/step-000000012345/G.safetensors  D.safetensors  meta.json  manifest.json

A crash, a full disk or `kill -9` at any moment leaves all earlier checkpoints as they were.
Damage is told, never repaired or deleted.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gantlet.files import StoreError, explained, make_folder, sync_folder, turn, write_synced
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
    size_of,
)

ASIDE = ".aside-"  # begins the name of what is being written or removed
STEP = re.compile(r"step-([0-9]{12,})")
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file browsers leave in any folder


class Choice(NamedTuple):
    """The newest checkpoint that is whole, and what is wrong with the newer ones."""

    path: Path | None
    damaged: tuple[str, ...]


def write(folder: Path, step: int, tensors: Tensors, meta: Mapping[str, Any]) -> Path:
    """Keeps tensors and metadata as folder/step-…; returns that path once it is on the disk.

    A whole checkpoint of the same step stays as it is, a damaged one is replaced.

    Raises:
        StoreError: what cannot be kept bit for bit, a full disk, a folder that cannot be written.
            Earlier checkpoints are untouched and nothing half-written remains.
    """
    if step < 0:
        raise StoreError(f"{folder}: step {step} is negative; steps count from 0")
    final = folder / f"step-{step:012d}"
    with explained(final, size_of(tensors)):
        make_folder(folder)
        with turn(folder):
            _clear(folder)
            if not _is_whole(final):
                _put(final, step, tensors, meta)
    return final


def _put(final: Path, step: int, tensors: Tensors, meta: Mapping[str, Any]) -> None:
    aside = final.with_name(ASIDE + final.name)
    seals = {}
    try:
        aside.mkdir()
        for name, data in files_of(tensors, meta):
            write_synced(aside / name, data)
            seals[name] = seal(data)
        write_synced(aside / MANIFEST, manifest_bytes(Manifest(step, seals)))
        sync_folder(aside)
        if os.path.lexists(final):
            _discard(final)
        os.rename(aside, final)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(final.parent)


def _is_whole(path: Path) -> bool:
    try:
        verify(path)
    except CorruptCheckpoint:
        return False
    return True


def verify(path: Path) -> None:
    """Raises CorruptCheckpoint, naming the file, unless every byte is the one written."""
    for _ in _contents(path, _manifest(path)):
        pass


def read(path: Path, device: str | torch.device = "cpu") -> Checkpoint:
    """The checkpoint at `path`, from the very bytes that were checked.

    Raises:
        CorruptCheckpoint: names the file and what is wrong with it.
    """
    manifest = _manifest(path)
    return checkpoint_from(_contents(path, manifest), manifest, path, device)


def _manifest(path: Path) -> Manifest:
    manifest = manifest_from(_bytes(path, MANIFEST), path)
    named = STEP.fullmatch(path.name)
    if named and int(named[1]) != manifest.step:
        raise CorruptCheckpoint(f"{path}: {MANIFEST} says step {manifest.step}; rename the folder")
    require_names(set(os.listdir(path)) - LITTER, manifest, path)
    return manifest


def _contents(path: Path, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    for name in manifest.seals:
        yield name, checked(name, _bytes(path, name), manifest, path)


def _bytes(path: Path, name: str) -> bytes:
    try:
        return (path / name).read_bytes()
    except OSError as error:  # a missing file, a bad sector, a folder in a file's place
        raise CorruptCheckpoint(f"{path}: {name} cannot be read: {error.strerror}") from error


def checkpoints(folder: Path) -> list[Path]:
    """Every checkpoint in `folder` from the first step to the last, whole or not."""
    if not folder.is_dir():
        return []
    steps = [
        (int(match[1]), name) for name in os.listdir(folder) if (match := STEP.fullmatch(name))
    ]
    return [folder / name for _, name in sorted(steps)]


def newest(folder: Path) -> Choice:
    """The newest whole checkpoint, if any, and why newer ones were passed over."""
    damaged = []
    for path in reversed(checkpoints(folder)):
        try:
            verify(path)
        except CorruptCheckpoint as error:
            damaged.append(str(error))
        else:
            return Choice(path, tuple(damaged))
    return Choice(None, tuple(damaged))


def prune(folder: Path, keep: int, also: Set[Path] = frozenset()) -> list[Path]:
    """Removes all but the last `keep` whole checkpoints and those in `also`; returns the removed.

    Damaged checkpoints do not count as kept, so damage never costs the last whole one; those
    among the last whole ones stay for their owner to look at.
    """
    if keep < 1:
        raise StoreError(f"{folder}: keep = {keep} would remove every checkpoint; keep 1 or more")
    named = {path.resolve() for path in also}
    found = checkpoints(folder)
    whole = 0
    while found and whole < keep:
        whole += _is_whole(found.pop())
    removed = [path for path in found if path.resolve() not in named]
    if removed:
        with explained(folder), turn(folder):
            _clear(folder)
            for path in removed:
                _discard(path)
    return removed


def _discard(path: Path) -> None:
    # Renamed first: a crash in the middle then leaves nothing that looks like a checkpoint.
    gone = path.with_name(f"{ASIDE}removed-{path.name}")
    os.rename(path, gone)
    _remove(gone)


def _clear(folder: Path) -> None:
    # Whoever writes or removes holds the folder's turn, so these have no living owner.
    for name in os.listdir(folder):
        if name.startswith(ASIDE):
            _remove(folder / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
