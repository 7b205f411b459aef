"""What a kind of column is: cells ↔ a few choices, and positions where a choice is a range.

Every kind has a name `kind` and a reason `why`, its `parts`, whether it `is_modelled` (decoding
gives back what was encoded), `split` (cells → a Split for each part), `join` (a Drawn of each part,
and Seeds → cells) and `plain` (JSON). Cells are arrays in the simple form of the column's type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt64

from gantlet.modalities.tables.digits import Digits


class Part(NamedTuple):
    """One choice that a column's cells make."""

    digits: Digits
    positioned: bool  # a choice is a range of values, and a position tells where in it


class Split(NamedTuple):
    """Real cells of one part: their choice, and the places (of GRID) that would mean each."""

    choice: Int[np.ndarray, "n"]
    low: Float[np.ndarray, "n"] | None = None
    width: Int[np.ndarray, "n"] | None = None


class Drawn(NamedTuple):
    """Encoded cells of one part: their choice, and the place (of GRID) of each."""

    choice: Int[np.ndarray, "n"]
    place: Float[np.ndarray, "n"] | None = None


class Seeds(NamedTuple):
    """What regenerated cells follow from: the row's number and a hash of what was drawn for it."""

    number: Int[np.ndarray, "n"]
    hash: UInt64[np.ndarray, "n"]


@dataclass(frozen=True)
class ColumnNote:
    """A column as it is told to the user."""

    name: str
    kind: str
    why: str
    encoding: str
    is_modelled: bool


def encoding_of(parts: Sequence[Part]) -> str:
    """The blocks and positions of a column in words."""
    blocks = [" × ".join(map(str, part.digits.sizes)) for part in parts if part.digits.sizes]
    positions = sum(part.positioned for part in parts)
    words = [f"choices {' and '.join(blocks)}"] if blocks else []
    words += ["a position" if positions == 1 else f"{positions} positions"] if positions else []
    return ", ".join(words) or "no choice"
