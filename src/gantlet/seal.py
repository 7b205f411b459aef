"""Named tensors and metadata as files under one manifest of SHA-256 sums; knows no GAN.

The manifest has one spelling only and carries a sum of itself, so that no bit of it can change
unseen; every other file stands in it with its size and sum. Nothing is pickled.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gantlet.files import StoreError, json_bytes

FORMAT = 1
META = "meta.json"
MANIFEST = "manifest.json"
SUFFIX = ".safetensors"
STEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
DTYPES = {
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
}

Tensors = Mapping[str, Mapping[str, Tensor]]  # file stem -> name -> tensor


class CorruptCheckpoint(StoreError):
    """A file that is not the one that was written; names it and what is wrong with it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """What was read from a folder or a package, every byte of it checked."""

    path: Path
    step: int
    meta: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]]  # file stem -> name -> tensor


class Seal(NamedTuple):
    """Size and sum of a file's content."""

    size: int
    sha256: str


class Manifest(NamedTuple):
    """The step that was kept, and the seal of every file but the manifest."""

    step: int
    seals: dict[str, Seal]


def seal(data: bytes) -> Seal:
    """Size and SHA-256 of `data`."""
    return Seal(len(data), hashlib.sha256(data).hexdigest())


def files_of(tensors: Tensors, meta: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files to keep, made one at a time to spare memory.

    Raises:
        StoreError: at the first `next`, before any content is made, where something cannot be
            kept bit for bit.
    """
    kept_meta = json_bytes(dict(meta), META)
    _require_keepable(tensors)
    yield META, kept_meta
    for stem, named in tensors.items():
        yield stem + SUFFIX, save({name: _packed(tensor) for name, tensor in named.items()})


def size_of(tensors: Tensors) -> int:
    """Bytes of all the tensors, without names and headers."""
    return sum(
        tensor.numel() * tensor.element_size()
        for named in tensors.values()
        for tensor in named.values()
    )


def _packed(tensor: Tensor) -> Tensor:
    # A copy of its own: safetensors takes neither strides nor tensors that share memory.
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _require_keepable(tensors: Tensors) -> None:
    seen: dict[str, str] = {}
    for stem, named in tensors.items():
        if not STEM.fullmatch(stem):
            raise StoreError(f"{stem!r} is no file name; use letters, digits, '_', '-' and '.'")
        if stem.casefold() in seen:
            raise StoreError(
                f"{stem!r} and {seen[stem.casefold()]!r} are one file where case does not count; "
                "rename one"
            )
        seen[stem.casefold()] = stem
        for name, tensor in named.items():
            if name == "__metadata__":
                raise StoreError(f"{stem}: '__metadata__' is safetensors' own; rename the tensor")
            if tensor.dtype not in DTYPES or tensor.layout != torch.strided:
                kind = f"{tensor.dtype}, {tensor.layout}"
                raise StoreError(
                    f"{stem}: {name} is {kind}; convert it to a dense tensor of one of "
                    f"{', '.join(sorted(map(str, DTYPES)))}"
                )


def manifest_bytes(manifest: Manifest) -> bytes:
    """The one spelling of a manifest, its own sum included."""
    files = {
        name: {"bytes": size, "sha256": sha256} for name, (size, sha256) in manifest.seals.items()
    }
    rest = {"files": files, "format": FORMAT, "step": manifest.step}
    return json_bytes({**rest, "seal": seal(json_bytes(rest, MANIFEST)).sha256}, MANIFEST)


def manifest_from(data: bytes, where: Path) -> Manifest:
    """The manifest spelled by `data`.

    Raises:
        CorruptCheckpoint: any spelling but the one of `manifest_bytes`.
    """
    try:
        value = json.loads(data)
        format_ = value["format"]
        seals = {
            name: Seal(int(entry["bytes"]), str(entry["sha256"]))
            for name, entry in value["files"].items()
        }
        manifest = Manifest(int(value["step"]), seals)
        spelled = manifest_bytes(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptCheckpoint(f"{where}: {MANIFEST} is damaged: {error!r:.200}") from error
    if format_ != FORMAT:
        raise CorruptCheckpoint(
            f"{where}: {MANIFEST} says format {format_!r:.40} and this Gantlet reads {FORMAT}; "
            "it is damaged, or a newer Gantlet wrote it: then update"
        )
    if spelled != data:
        raise CorruptCheckpoint(f"{where}: {MANIFEST} is damaged: its own sum does not match")
    return manifest


def require_names(found: Iterable[str], manifest: Manifest, where: Path) -> None:
    """Raises CorruptCheckpoint unless exactly the files of the manifest are there."""
    present, expected = set(found), {MANIFEST, *manifest.seals}
    for name in sorted(expected - present):
        raise CorruptCheckpoint(f"{where}: {name} is missing")
    for name in sorted(present - expected):
        raise CorruptCheckpoint(f"{where}: {name} does not belong there; move it away")


def checked(name: str, data: bytes, manifest: Manifest, where: Path) -> bytes:
    """`data`, having the size and the sum that the manifest gives to `name`."""
    expected, found = manifest.seals[name], seal(data)
    if found.size != expected.size:
        raise CorruptCheckpoint(
            f"{where}: {name} is damaged: {found.size:,} bytes where {expected.size:,} were written"
        )
    if found != expected:
        raise CorruptCheckpoint(f"{where}: {name} is damaged: its SHA-256 is not the one written")
    return data


def checkpoint_from(
    contents: Iterable[tuple[str, bytes]],
    manifest: Manifest,
    where: Path,
    device: str | torch.device,
) -> Checkpoint:
    """The checkpoint in files that have been checked already."""
    meta: dict[str, Any] | None = None
    tensors: dict[str, dict[str, Tensor]] = {}
    for name, data in contents:
        try:
            if name == META:
                meta = dict(json.loads(data))
                continue
            loaded = load(data)
        except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise CorruptCheckpoint(
                f"{where}: {name} is as written, but unreadable: {error}"
            ) from error
        stem = name.removesuffix(SUFFIX)
        if stem == name or not STEM.fullmatch(stem):
            raise CorruptCheckpoint(f"{where}: {name!r} is no name of a tensor file; refused")
        tensors[stem] = {name: tensor.to(device) for name, tensor in loaded.items()}
    if meta is None:
        raise CorruptCheckpoint(f"{where}: {META} is missing from {MANIFEST}")
    return Checkpoint(path=where, step=manifest.step, meta=meta, tensors=tensors)
