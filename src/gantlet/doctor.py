"""What this machine offers to a run, what is missing, and how to get it."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import torch
from platformdirs import user_cache_dir

PACKAGES = ("gantlet", "torch", "numpy", "pillow", "safetensors", "rich", "scikit-learn")
FEW_GIGABYTES = 2.0


class Finding(NamedTuple):
    """One thing looked at: what it is, whether it will do, and the way out if not."""

    name: str
    value: str
    is_fine: bool
    way_out: str = ""


def findings() -> list[Finding]:
    """Everything that a run depends on."""
    return [*_versions(), *_devices(), _memory(), *_disk()]


def doctor(options: argparse.Namespace) -> int:
    """gantlet doctor; 1 where something a run needs is missing."""
    found = findings()
    if options.json:
        print(json.dumps([finding._asdict() for finding in found], indent=2))
    else:
        for finding in found:
            print(f"{'ok ' if finding.is_fine else '!! '} {finding.name:<14} {finding.value}")
            if not finding.is_fine:
                print(f"    → {finding.way_out}")
    return 0 if all(finding.is_fine for finding in found) else 1


def _versions() -> list[Finding]:
    found = [Finding("python", platform.python_version(), sys.version_info >= (3, 11),
                     "install Python 3.11 or newer")]  # fmt: skip
    for name in PACKAGES:
        try:
            found.append(Finding(name, version(name), True))
        except PackageNotFoundError:
            found.append(Finding(name, "missing", False, f"pip install {name}"))
    return found


def _devices() -> list[Finding]:
    cores = os.cpu_count() or 1
    found = [Finding("cpu", f"{platform.machine()}, {cores} cores, {torch.get_num_threads()} "
                     "threads by default (a run tries which number is fastest)", True)]  # fmt: skip
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            memory = properties.total_memory / 2**30
            found.append(Finding(f"cuda:{index}", f"{properties.name}, {memory:.0f} GiB", True))
    elif torch.backends.mps.is_available():
        found.append(Finding("mps", "Apple GPU", True))
    else:
        found.append(Finding("gpu", "none usable; the CPU will do for small pictures", True))
    return found


def _memory() -> Finding:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return Finding("memory", "not told by this system", True)
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return Finding(
        "memory", f"{total:.1f} GiB", total >= FEW_GIGABYTES, "close other programs, or use a "
        "smaller --resolution and --set optimization.micro_batch=16"
    )  # fmt: skip


def _disk() -> list[Finding]:
    found = []
    for name, folder in (("runs", Path.cwd()), ("cache", Path(user_cache_dir("gantlet")))):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free / 2**30
        found.append(
            Finding(f"{name} disk", f"{free:.1f} GiB free in {there}", free >= FEW_GIGABYTES,
                    f"free some space, or choose another place for {name}")
        )  # fmt: skip
        try:
            with tempfile.TemporaryFile(dir=there):
                found.append(Finding(f"{name} write", f"{there} can be written", True))
        except OSError as error:
            found.append(
                Finding(f"{name} write", f"{there}: {error.strerror}", False,
                        "choose another place with --out, or --set data.cache=FOLDER")
            )  # fmt: skip
    return found
