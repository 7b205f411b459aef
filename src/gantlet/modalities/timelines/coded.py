"""Series whose steps are coded once."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int

from gantlet.modalities.timelines.levels import Level
from gantlet.types import Rows


class Coded(Rows):
    """Steps that a codec has coded once, and the windows to pick from them."""

    def __init__(
        self,
        steps: Float32[np.ndarray, "steps width"],
        starts: Int[np.ndarray, "n"],
        stops: Int[np.ndarray, "n"],
        held: Int[np.ndarray, "n h"],
    ) -> None:
        self.steps, self.starts, self.stops, self.held = steps, starts, stops, held

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, indices: np.ndarray | slice, /) -> "Coded":
        return Coded(self.steps, self.starts[indices], self.stops[indices], self.held[indices])


def settled(
    body: Float32[np.ndarray, "n t w"], going: Bool[np.ndarray, "n t"], levels: Sequence[Level]
) -> Float32[np.ndarray, "n t w"]:
    """Values that are not there stand as the last before them, and nothing after the end.

    What a series begins with is said, even where a longer record stood there before.
    """
    body, at, flag = body * going[:, :, None], body.shape[2] - len(levels), 0
    for place, one in enumerate(levels):
        if not one.sizes:
            continue
        if one.same:
            body[:, 0, flag] += body[:, 0, flag + one.same]
            body[:, 0, flag + one.same] = 0
        there = body[:, :, flag] > 0
        last = np.maximum.accumulate(np.where(there, np.arange(body.shape[1]), -1), 1)
        values = np.take_along_axis(body[:, :, at + place], np.maximum(last, 0), 1)
        body[:, :, at + place] = np.where(last < 0, 0, values) * going
        flag += one.sizes[0]
    return body
