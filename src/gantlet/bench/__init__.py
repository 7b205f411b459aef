"""Published protocols, complete and seeded, with ceilings and floors beside what we reach."""

import argparse
from collections.abc import Mapping
from importlib import import_module

# Name → module here and its command: named, not imported, since --help lists them without torch.
PROTOCOLS: Mapping[str, tuple[str, str]] = {
    "ring": ("toys", "ring"),
    "grid": ("toys", "grid"),
    "stacked-mnist": ("stacked", "stacked_mnist"),
    "fashion": ("pictures", "fashion"),
    "cifar10": ("pictures", "cifar10"),
}


def bench(options: argparse.Namespace) -> int:
    """gantlet bench"""
    module, command = PROTOCOLS[options.protocol]
    return getattr(import_module(f"{__name__}.{module}"), command)(options)
