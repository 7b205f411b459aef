"""Published protocols, complete and seeded, with ceilings and floors beside what we reach."""

import argparse
from collections.abc import Callable

from gantlet.bench.stacked import stacked_mnist
from gantlet.bench.toys import grid, ring

PROTOCOLS: dict[str, Callable[[argparse.Namespace], int]] = {
    "ring": ring,
    "grid": grid,
    "stacked-mnist": stacked_mnist,
}


def bench(options: argparse.Namespace) -> int:
    """gantlet bench"""
    return PROTOCOLS[options.protocol](options)
