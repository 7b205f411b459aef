"""Damages a checkpoint bit by bit and counts how much of the damage is found.

    python benchmarks/corruption.py                     # a checkpoint and a package made here
    python benchmarks/corruption.py RUN/checkpoints/step-000000012345
    python benchmarks/corruption.py photos.gantlet --bits 20000

Works on a copy. Files up to --small bytes: every bit is flipped, every shorter length tried. Larger
ones: --bits distinct bits and --lengths lengths drawn with --seed, the first and last bytes always
among them. Ends with status 1 unless all damage was found.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import torch

from gantlet.package import pack, unpack
from gantlet.seal import CorruptCheckpoint, Tensors
from gantlet.store import verify, write

Check = Callable[[Path], object]


class Row(NamedTuple):
    """One file, and how much of its damage was found."""

    file: str
    size: int
    bits: int
    bits_found: int
    lengths: int
    lengths_found: int
    seconds: float


def main() -> int:
    arguments = parsed()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        sources = [arguments.source] if arguments.source else made(Path(scratch) / "made")
        for source in sources:
            copy = Path(scratch) / "copy" / source.name
            if source.is_dir():
                shutil.copytree(source, copy)
            else:
                copy.parent.mkdir(exist_ok=True)
                shutil.copy(source, copy)
            rows += damaged(copy, arguments)
    print(table(rows))
    found = sum(row.bits_found + row.lengths_found for row in rows)
    total = sum(row.bits + row.lengths for row in rows)
    print(f"\nfound {found:,} of {total:,} ({100 * found / total:.4f} %), seed {arguments.seed}")
    return int(found < total)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"{__doc__}".split("\n\n")[0])
    parser.add_argument("source", type=Path, nargs="?", help="a checkpoint folder or a package")
    parser.add_argument("--small", type=int, default=2_048, help="bytes up to which all is tried")
    parser.add_argument("--bits", type=int, default=5_000, help="bits flipped in a larger file")
    parser.add_argument("--lengths", type=int, default=500, help="lengths tried of a larger file")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def made(folder: Path) -> list[Path]:
    """A checkpoint and a package of about a quarter of a megabyte each."""
    noise = torch.Generator().manual_seed(0)
    tensors: Tensors = {
        stem: {
            "weight": torch.randn(128, 128, generator=noise),
            "half": torch.randn(1_000, generator=noise).bfloat16(),
            "steps": torch.tensor(12_345),
        }
        for stem in ["G", "D", "G_ema"]
    }
    tensors["tiny"] = {"scale": torch.tensor(1.0)}
    meta = {"samples": 1_580_160, "best": {"step": 12_000, "score": 4.25}}
    path = write(folder, 12_345, tensors, meta)
    return [path, pack(folder / "photos.gantlet", tensors, meta, step=12_345)]


def damaged(path: Path, arguments: argparse.Namespace) -> list[Row]:
    """Every file of a checkpoint, or the one of a package, damaged and restored."""
    check: Check = verify if path.is_dir() else unpack
    check(path)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    rows = [damaged_file(file, path, check, arguments) for file in files]
    check(path)
    return rows


def damaged_file(file: Path, path: Path, check: Check, arguments: argparse.Namespace) -> Row:
    begun, size = time.perf_counter(), file.stat().st_size
    small = size <= arguments.small
    chance = random.Random(f"{arguments.seed} {file.name}")
    bits = range(8 * size) if small else sample(8 * size, arguments.bits, chance, ends=64)
    lengths = range(size) if small else sample(size, arguments.lengths, chance, ends=8)
    bits_found = sum(is_flip_found(file, bit, path, check) for bit in bits)
    lengths_found = cuts_found(file, lengths, path, check)
    seconds = time.perf_counter() - begun
    return Row(file.name, size, len(bits), bits_found, len(lengths), lengths_found, seconds)


def sample(total: int, count: int, chance: random.Random, ends: int) -> list[int]:
    """`count` numbers below `total`, and the first and last `ends`, each once."""
    drawn = chance.sample(range(total), min(count, total))
    return sorted({*drawn, *range(ends), *range(total - ends, total)})


def is_flip_found(file: Path, bit: int, path: Path, check: Check) -> bool:
    flip(file, bit)
    found = is_found(path, check)
    flip(file, bit)
    return found


def flip(file: Path, bit: int) -> None:
    with open(file, "r+b") as handle:
        handle.seek(bit // 8)
        (byte,) = handle.read(1)
        handle.seek(bit // 8)
        handle.write(bytes([byte ^ 1 << bit % 8]))


def cuts_found(file: Path, lengths: Iterable[int], path: Path, check: Check) -> int:
    whole = file.read_bytes()
    found = 0
    for length in sorted(lengths, reverse=True):  # each a cut of the one before
        with open(file, "r+b") as handle:
            handle.truncate(length)
        found += is_found(path, check)
    file.write_bytes(whole)
    return found


def is_found(path: Path, check: Check) -> bool:
    try:
        check(path)
    except CorruptCheckpoint:
        return True
    return False


def table(rows: list[Row]) -> str:
    lines = [
        "| file | bytes | bits flipped | found | lengths cut | found | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        share = "all" if row.bits == 8 * row.size else "sample"
        lines.append(
            f"| {row.file} | {row.size:,} | {row.bits:,} ({share}) | {row.bits_found:,} "
            f"| {row.lengths:,} | {row.lengths_found:,} | {row.seconds:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
