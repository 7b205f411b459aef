"""Series whose steps are coded once."""

import numpy as np
from jaxtyping import Float32, Int

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
