"""Decoded pictures kept on disk as one .npy, so that they are decoded once and then mapped.

A pack is a folder: pixels.npy, labels.npy where there are labels, header.json. It is written
beside its place and renamed when whole, so that what has the right name is whole.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from jaxtyping import Int, Shaped, UInt8

from gantlet.modalities.base import Progress, Skipped, SourceError
from gantlet.modalities.decoding import Target
from gantlet.modalities.reading import Content

FORMAT = 1  # raise when the same source and settings would give other pixels
SPARE = 64 * 2**20  # bytes that stay free on the disk

Filling = Generator[Progress, None, Content]


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Pictures that lie on disk ready to use, and what is known of them."""

    pixels: UInt8[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, "n"] | None
    header: dict[str, Any]

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was left out when this was packed."""
        return tuple(Skipped(name, why) for name, why in self.header["skipped"])


class PixelFile:
    """An .npy that is written picture by picture, its length put in at the end."""

    def __init__(self, file: BinaryIO, target: Target) -> None:
        self._file = file
        self._shape = target[:3]
        self._sha = hashlib.sha256()
        self.count = 0
        self._write_header()
        self.start = file.tell()

    def append(self, pixels: UInt8[np.ndarray, "h w c"]) -> None:
        """One more picture."""
        content = pixels.tobytes()
        self._sha.update(content)
        self._file.write(content)
        self.count += 1

    def finish(self) -> str:
        """SHA-256 of all pixels; the file is whole from here on."""
        self._file.seek(0)
        self._write_header()  # NumPy leaves room for the number to grow
        assert self._file.tell() == self.start, "the .npy header changed its length"
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._sha.hexdigest()

    def _write_header(self) -> None:
        shape = (self.count, *self._shape)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)


def pack_key(content: str, settings: Any) -> str:
    """The name of the pack that this content and these settings make."""
    names = ("resolution", "limit", "fit", "channels", "labels")
    chosen = {name: getattr(settings, name) for name in names}
    return hashlib.sha256(f"{FORMAT} {content} {json.dumps(chosen)}".encode()).hexdigest()


def found_pack(folder: Path) -> Pack | None:
    """The pack in a folder, if it is there and whole."""
    try:
        header = json.loads((folder / "header.json").read_text(encoding="utf-8"))
        pixels = np.load(folder / "pixels.npy", mmap_mode="r")
        labels = np.load(folder / "labels.npy") if header["labels"] else None
    except (OSError, EOFError, ValueError, KeyError):
        return None
    if list(pixels.shape) != header["shape"]:
        return None
    return Pack(pixels=pixels, labels=labels, header=header)


def made_pack(
    folder: Path, target: Target, fill: Callable[[PixelFile], Filling], header: dict[str, Any]
) -> Generator[Progress, None, Pack]:
    """The pack in a folder, written first where it is not there.

    Another process that writes the same is waited for, and its work used.
    """
    _make_folder(folder.parent)
    lock = FileLock(f"{folder}.lock", thread_local=False)
    yield from _acquired(lock)
    aside = Path(f"{folder}.partial")  # ours alone while the lock is held
    try:
        pack = found_pack(folder)
        if pack is not None:
            return pack
        for left_over in (aside, folder):
            if left_over.exists():
                shutil.rmtree(left_over)
        aside.mkdir()
        yield from _written(aside, target, fill, header)
        aside.rename(folder)
    except OSError as error:
        raise SourceError(
            f"{folder}: the cache cannot be written: {error}; --set data.cache=FOLDER puts it "
            "elsewhere"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        lock.release()
    pack = found_pack(folder)
    assert pack is not None, f"{folder} was just written and cannot be opened"
    return pack


def check_space(folder: Path, needed: int) -> None:
    """An error that says so where the disk has no room for a pack."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if needed + SPARE > free:
        raise SourceError(
            f"{folder}: the decoded images need {needed / 1e9:.2f} GB and {free / 1e9:.2f} GB are "
            "free; --set data.cache=FOLDER puts them on another disk, --set data.resolution=32 "
            "makes them smaller"
        )


def fingerprint(
    pixels: str,
    shape: tuple[int, ...],
    labels: Shaped[np.ndarray, "n"] | None,
    classes: tuple[str, ...],
) -> str:
    """SHA-256 over what training sees: pixels, their shape, labels and their names."""
    numbers = None if labels is None else hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest()
    return hashlib.sha256(json.dumps([pixels, shape, numbers, classes]).encode()).hexdigest()


def _written(
    aside: Path, target: Target, fill: Callable[[PixelFile], Filling], header: dict[str, Any]
) -> Generator[Progress, None, None]:
    with (aside / "pixels.npy").open("wb") as file:
        sheet = PixelFile(file, target)
        content = yield from fill(sheet)
        sha = sheet.finish()
    shape = (sheet.count, *target[:3])
    if content.labels is not None:
        np.save(aside / "labels.npy", content.labels)
    whole = {
        **header,
        "shape": shape,
        "labels": content.labels is not None,
        "fingerprint": fingerprint(sha, shape, content.labels, tuple(header["classes"])),
        "skipped": content.skipped,
        "formats": content.formats,
        "resized": content.resized,
    }
    (aside / "header.json").write_text(json.dumps(whole), encoding="utf-8")


def _acquired(lock: FileLock) -> Generator[Progress, None, None]:
    while True:
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            yield Progress(0, 0, "waiting for another process that reads the same images")
        else:
            return


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"{folder}: the cache folder cannot be made: {error.strerror}; "
            "--set data.cache=FOLDER puts it elsewhere"
        ) from error
