"""Estimates with 95 % intervals."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """A figure at the sizes it was measured at, and how far it may be trusted."""

    value: float
    low: float  # of the 95 % interval of its expectation at these sizes
    high: float
    error: float  # standard error
