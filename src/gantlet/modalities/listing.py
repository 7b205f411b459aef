"""Which image files a folder holds, kept so compactly that three million fit in memory."""

import hashlib
import os
import stat
import time
from array import array
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from gantlet.modalities.base import Progress, Skipped

SUFFIXES = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif"),
        *(".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".avif", ".jp2", ".j2k"),
        *(".qoi", ".heic", ".heif"),
    }
)
SPLITS = frozenset(["train", "test", "val", "valid", "validation", "dev", "eval", "holdout"])
PACE = 0.1  # seconds between two reports of progress


class Names:
    """Texts in one block of memory: each costs its letters and 8 bytes."""

    def __init__(self) -> None:
        self._letters = bytearray()
        self._ends = array("Q")

    def append(self, name: str) -> None:
        """Put one more text at the end."""
        self._letters += name.encode("utf-8", "surrogateescape")
        self._ends.append(len(self._letters))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        start = self._ends[index - 1] if index else 0
        return self._letters[start : self._ends[index]].decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))


@dataclass
class Listing:
    """Image files by their path below the root, in an order that does not change."""

    names: Names = field(default_factory=Names)
    ignored: int = 0  # files that are no images by their name
    unreadable: list[Skipped] = field(default_factory=list)
    key: str = ""


class Pace:
    """Says when the next report of progress is due: ten times a second, at most."""

    def __init__(self) -> None:
        self._last = -PACE  # the first report is due at once

    def due(self) -> bool:
        """Is it time? Asking and hearing yes starts the next wait."""
        now = time.monotonic()
        if now - self._last < PACE:
            return False
        self._last = now
        return True


def is_image_name(path: str) -> bool:
    """Is this the name of an image that somebody meant to keep?"""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and os.path.splitext(path)[1].lower() in SUFFIXES


def folder_listing(root: Path) -> Generator[Progress, None, Listing]:
    """Every image file below a folder, and a key of their names, sizes and times."""
    listing, digest, pace = Listing(), hashlib.sha256(), Pace()
    for name, status in _walk(root, "", listing, set()):
        if not is_image_name(name):
            listing.ignored += 1
            continue
        listing.names.append(name)
        size, changed = (status.st_size, status.st_mtime_ns) if status else (0, 0)
        digest.update(f"{name}\0{size}\0{changed}\n".encode("utf-8", "surrogateescape"))
        if pace.due():
            yield Progress(len(listing.names), 0, f"listing {root}")
    listing.key = digest.hexdigest()
    return listing


def file_key(path: Path) -> str:
    """A key of one file's name, size and time."""
    status = path.stat()
    text = f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\n"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def class_folders(
    names: Iterable[str],
) -> tuple[tuple[str, ...], np.ndarray | None, tuple[str, ...]]:
    """Classes, a label for each name, and notes: what the folders say of their contents.

    Classes are the folders below what all names have in common, where every image lies in one of
    at least two. Folders called `train`, `test` and the like are parts of a data set, not classes.
    """
    common = _common_folder(names)
    skip = len(common) + 1 if common else 0
    folders = [name[skip:].partition("/") for name in _firsts(names, skip)]
    classes = tuple(sorted({folder for folder, slash, _ in folders if slash}))
    if len(classes) < 2 or any(not slash for _, slash, _ in folders):
        return (), None, ()
    if {name.lower() for name in classes} <= SPLITS:
        note = f"{', '.join(classes)} look like parts, not classes: give one of them as the source"
        return (), None, (f"{note} (of an archive, unpacked) to have its own folders as classes.",)
    number = {name: label for label, name in enumerate(classes)}
    labels = (number[name[skip:].partition("/")[0]] for name in names)
    return classes, np.fromiter(labels, np.int32), ()


def _firsts(names: Iterable[str], skip: int) -> list[str]:
    """One name out of every folder (and one of no folder) below the common one."""
    seen: dict[str, str] = {}
    for name in names:
        folder, slash, _ = name[skip:].partition("/")
        seen.setdefault(folder if slash else "", name)
    return list(seen.values())


def _common_folder(names: Iterable[str]) -> str:
    common: list[str] | None = None
    for name in names:
        parts = name.split("/")[:-1]
        if common is None:
            common = parts
        elif parts[: len(common)] != common:
            same = [a == b for a, b in zip(common, parts, strict=False)]
            common = common[: same.index(False) if False in same else len(same)]
        if not common:
            break
    return "/".join(common or ())


def _walk(
    folder: Path, below: str, listing: Listing, seen: set[tuple[int, int]]
) -> Iterator[tuple[str, os.stat_result | None]]:
    """Files with their status, None where there is none, folder by folder in order of names."""
    try:
        own = os.stat(folder)
        if (own.st_dev, own.st_ino) in seen:  # a link that leads back up
            return
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)  # entries themselves weigh five times
    except OSError as error:
        listing.unreadable.append(Skipped(f"{below}/", error.strerror or type(error).__name__))
        return
    for name in names:
        try:
            status = os.stat(folder / name)
        except OSError:  # a link to nowhere, or forbidden: reading it will say why
            status = None
        if status is None or stat.S_ISREG(status.st_mode):
            yield below + name, status
        elif stat.S_ISDIR(status.st_mode) and not name.startswith(".") and name != "__MACOSX":
            inner = {*seen, (own.st_dev, own.st_ino)}
            yield from _walk(folder / name, f"{below}{name}/", listing, inner)
