"""Files that are written whole or not at all, and folders that one process owns at a time."""

import errno
import glob
import json
import math
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

ABANDONED = 3_600  # seconds after which a file being written aside has lost its writer
PATIENCE = 600.0  # seconds to wait for another process that is writing in the same folder
WAYS_OUT = {
    errno.ENOSPC: "free some space or choose a folder on another disk",
    errno.EDQUOT: "free some of your quota or choose a folder on another disk",
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f) or choose another disk",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose a folder that you may write, or change its permissions",
    errno.EPERM: "choose a folder that you may write, or change its permissions",
    errno.ENOTDIR: "a file stands where a folder should be; move it away or choose another folder",
    errno.EEXIST: "a file stands where a folder should be; move it away or choose another folder",
    errno.ENOENT: "create the folder first",
}


class StoreError(ValueError):
    """Something that cannot be kept, read or locked; says where, why and the way out."""


@contextmanager
def explained(where: Path, needed: int = 0) -> Iterator[None]:
    """Turns what the operating system says of `where` into a StoreError with a way out.

    Args:
        needed: bytes that are about to be written, for the message.
    """
    try:
        yield
    except OSError as error:
        size = f" (needed: {needed:,} bytes{_free(where, error)})" if needed else ""
        way_out = WAYS_OUT.get(error.errno or 0, "try again, or choose another folder")
        raise StoreError(
            f"{where}: {error.strerror or error}{size}; what stood there before is untouched; "
            f"{way_out}"
        ) from error


def _free(where: Path, error: OSError) -> str:
    if error.errno != errno.ENOSPC:
        return ""
    folder = next(parent for parent in [where, *where.absolute().parents] if parent.is_dir())
    return f", free: {shutil.disk_usage(folder).free:,}"


def write_synced(path: Path, data: bytes) -> None:
    """Writes a new file, down to the disk."""
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """Makes a folder and its parents where they are missing, down to the disk."""
    missing = [path for path in [folder, *folder.parents] if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder down to the disk, where the system can."""
    if os.name == "nt":  # Windows opens no folders; NTFS keeps a journal of names
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network and FUSE file systems
            raise
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Replaces a file in one step: a reader or a crash sees the old content or the new one."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.aside")
    with explained(path, len(data)):
        _clear_abandoned(path)
        try:
            write_synced(aside, data)
            os.replace(aside, path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def _clear_abandoned(path: Path) -> None:
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.aside"):
        try:
            if time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()
        except FileNotFoundError:
            continue  # another process replaced or cleared it just now


def write_json(path: Path, value: Any) -> None:
    """Replaces a JSON file in one step.

    Raises:
        StoreError: a value that would not come back from JSON as it went, or a full disk.
    """
    write_bytes(path, json_bytes(value, path.name))


def json_bytes(value: Any, name: str) -> bytes:
    """The one spelling of a JSON value: keys sorted, one a line, UTF-8, no NaN.

    Args:
        name: the file it is meant for, named in errors.
    """
    _require_plain(value, name)
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        return (text + "\n").encode()
    except UnicodeEncodeError as error:
        around = text[max(0, error.start - 40) : error.end + 40]
        raise StoreError(
            f"{name}: {around!a} holds {text[error.start]!a}, which is not Unicode; "
            "rename the file or the text it stands in"
        ) from error


def _require_plain(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise StoreError(f"{where}: key {key!r} is no string; JSON would make it one")
            _require_plain(item, f"{where}: {key}" if ": " not in where else f"{where}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _require_plain(item, f"{where}[{index}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise StoreError(f"{where} = {value} is not a JSON number; keep None in its place")
    elif value is not None and not isinstance(value, (str, int)):
        raise StoreError(
            f"{where} = {value!r:.80} is a {type(value).__name__}, which JSON would not give back;"
            " keep a str, int, float, bool, None, list or dict"
        )


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Holds a run's folder for this process; the system frees it when the process dies.

    Raises:
        StoreError: at once, where another process holds it.
    """
    owner = folder / ".lock.json"
    with explained(folder):
        make_folder(folder)
        held = _acquired(folder / ".lock", timeout=0.0)
    if held is None:
        raise StoreError(
            f"{folder}: another process ({_described(owner)}) is training in this folder; "
            "wait for it, stop it, or choose another folder"
        )
    try:
        write_json(owner, {"host": socket.gethostname(), "pid": os.getpid()})
        yield
    finally:
        owner.unlink(missing_ok=True)
        held.release()


def _described(owner: Path) -> str:
    try:
        holder = json.loads(owner.read_bytes())
        return f"pid {holder['pid']} on {holder['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "pid not known"  # it took the lock this moment and has yet to write its name


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Waits until no other process writes in `folder`, so that all left-overs are the dead's."""
    held = _acquired(folder / ".turn", timeout=PATIENCE)
    if held is None:
        raise StoreError(
            f"{folder}: another process has been writing here for {PATIENCE:.0f} s; stop it"
        )
    try:
        yield
    finally:
        held.release()


def _acquired(path: Path, timeout: float) -> BaseFileLock | None:
    # The holder may be resumed in another thread (a generator), hence no thread_local.
    held = FileLock(path, timeout=timeout, thread_local=False)
    try:
        held.acquire(poll_interval=0.02)
    except Timeout:
        return None
    except NotImplementedError as error:
        raise StoreError(
            f"{path}: this file system cannot lock files; choose a folder on a local disk"
        ) from error
    return held
