"""Rows that run over time, as a plain array: numbers, and NaN where there is none."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Courses(NamedTuple):
    """Series of one set, and what their channels are called.

    A category comes as channels of 0 and 1, one a value, named "weather = rain". What is missing
    is NaN, and so is every step after the end of a series shorter than the longest.
    """

    values: Float[np.ndarray, "n t c"]  # float64, in the data's own units
    names: tuple[str, ...]  # of the c channels
