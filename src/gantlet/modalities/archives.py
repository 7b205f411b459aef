"""Images inside a zip or tar archive, read in memory: nothing is ever unpacked to disk."""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from pathlib import Path

from PIL import Image

from gantlet.modalities import decoding
from gantlet.modalities.base import Progress, SourceError
from gantlet.modalities.listing import Listing, Pace, file_key, is_image_name
from gantlet.modalities.pictures import Item

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
LARGEST_MEMBER = 2**29  # bytes: more than this is no picture but a bomb


def is_archive(path: Path) -> bool:
    """Is this the name of an archive that can be read?"""
    return path.name.lower().endswith(ARCHIVES)


def archive_listing(path: Path) -> Generator[Progress, None, Listing]:
    """Every image in an archive: a zip's by name, a tar's in the order they lie in."""
    listing, pace = Listing(key=file_key(path)), Pace()
    for name in _zip_names(path) if _is_zip(path) else _tar_names(path):
        if not is_image_name(name):
            listing.ignored += 1
            continue
        listing.names.append(name)
        if pace.due():
            yield Progress(len(listing.names), 0, f"listing {path}")
    return listing


def archive_items(path: Path, listing: Listing, positions: Iterable[int]) -> Iterator[Item]:
    """The archive's images at these ascending positions of the listing."""
    if _is_zip(path):
        archive = zipfile.ZipFile(path)  # closes itself after the last item is gone
        for index in positions:
            name = listing.names[index]
            yield Item(name, partial(_zip_image, archive, name))
    else:
        yield from _tar_items(path, positions)


def peek(path: Path, most: int = 64) -> bool:
    """Is there an image among an archive's first files?"""
    names = _zip_names(path) if _is_zip(path) else _tar_names(path)
    return any(is_image_name(name) for name, _ in zip(names, range(most), strict=False))


def _is_zip(path: Path) -> bool:
    return path.name.lower().endswith(".zip")


def _zip_names(path: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(f"{path}: cannot be opened as a zip archive: {error}") from error
    # By parts, as a walk through the folder goes: the same pictures in the same order.
    yield from sorted(names, key=lambda name: name.split("/"))


def _zip_image(archive: zipfile.ZipFile, name: str) -> Image.Image:
    if archive.getinfo(name).file_size > LARGEST_MEMBER:
        raise ValueError(f"more than {LARGEST_MEMBER} bytes")
    return decoding.opened(io.BytesIO(archive.read(name)))


def _members(path: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if member.isfile():
                    yield archive, member
                archive.members = []  # pyright: ignore[reportAttributeAccessIssue] # else it keeps all
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"{path}: the archive is broken or ends early ({error}): fetch or pack it again"
        ) from error


def _tar_names(path: Path) -> Iterator[str]:
    return (member.name.removeprefix("./") for _, member in _members(path))


def _tar_items(path: Path, positions: Iterable[int]) -> Iterator[Item]:
    """Read in order, each in memory as it is handed out: a tar cannot be read out of order."""
    wanted, index = iter(positions), 0
    following = next(wanted, None)
    for archive, member in _members(path):
        name = member.name.removeprefix("./")
        if following is None:
            return
        if not is_image_name(name):
            continue
        if index == following:
            yield Item(name, partial(_tar_image, _content(archive, member)))
            following = next(wanted, None)
        index += 1


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    file = archive.extractfile(member) if member.size <= LARGEST_MEMBER else None
    return file.read() if file else None


def _tar_image(content: bytes | None) -> Image.Image:
    if content is None:
        raise ValueError(f"more than {LARGEST_MEMBER} bytes")
    return decoding.opened(io.BytesIO(content))
