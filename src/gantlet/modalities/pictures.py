"""What a source of images holds before any pixel is decoded, however it is stored.

Folders, archives, arrays and data sets all become `Pictures`; what follows (looking, deciding,
packing) has no branch on where an image came from.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image

from gantlet.modalities.base import Skipped


class Scale(NamedTuple):
    """The values that stand for black and for white."""

    low: float
    high: float


BYTES = Scale(0, 255)


class Item(NamedTuple):
    """One image that is there to be opened, possibly in another thread, possibly in vain."""

    name: str
    open: Callable[[], Image.Image]
    label: int | None = None


@dataclass(frozen=True)
class PixelRows:
    """Rows of an array as uint8 pictures, converted as they are picked; may lie on disk."""

    array: Shaped[np.ndarray, "n *picture"]
    scale: Scale = BYTES
    channels_first: bool = False
    fit: str = "crop"  # how the pictures were brought to this size, for the codec to record

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, indices: np.ndarray, /) -> UInt8[np.ndarray, "m h w c"]:
        picked = as_bytes(np.asarray(self.array[indices]), self.scale)
        return channels_last(picked, self.channels_first)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one picture."""
        height, width, channels = channels_last(self.array[:1], self.channels_first).shape[1:]
        return height, width, channels

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed of the array, where there was something to guess."""
        guesses = ()
        if self.array.ndim == 4 and self.channels_first:
            guesses += ("The array is read as N x C x H x W.",)
        if self.scale != BYTES:
            guesses += (f"Values run from {self.scale.low:g} (black) to {self.scale.high:g}.",)
        return guesses


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Everything a source holds, in one order that does not change."""

    count: int
    pick: Callable[[Iterable[int]], Iterator[Item]]  # positions ascend: some sources are streams
    key: str | None = None  # tells this content from another without reading it; None: no cache
    rows: PixelRows | None = None  # where the source is an array that can be read as it is
    labels: np.ndarray | None = None  # of these rows
    channels: int | None = None  # where the source itself says how many
    spread: bool = True  # is a look at pictures far apart cheap?
    classes: tuple[str, ...] = ()
    labelled: bool = False
    what: str = "files"
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def as_bytes(values: Shaped[np.ndarray, "*any"], scale: Scale) -> UInt8[np.ndarray, "*any"]:
    """255 · (value − low) / (high − low), rounded and clipped."""
    if values.dtype == np.uint8 and scale == BYTES:
        return values
    unit = (values.astype(np.float32) - scale.low) / (scale.high - scale.low)
    return np.clip(np.rint(unit * 255), 0, 255).astype(np.uint8)


def channels_last(stack: Shaped[np.ndarray, "..."], first: bool) -> Shaped[np.ndarray, "n h w c"]:
    """The same pictures with their channels as the last axis; a grey stack gains that axis."""
    if stack.ndim == 3:
        return stack[..., None]
    return stack.transpose(0, 2, 3, 1) if first else stack


def image_of(pixels: UInt8[np.ndarray, "h w c"]) -> Image.Image:
    """An image that shares nothing with the file or array it came from."""
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))
