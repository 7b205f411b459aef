"""Images: folders, archives, arrays, data sets ↔ N×C×H×W in [−1, 1]."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8

from gantlet.config import build
from gantlet.metrics import frechet_distance
from gantlet.modalities.base import Modality, Preview, Raw
from gantlet.modalities.grids import grid_png, thumbnail
from gantlet.modalities.image_features import image_features
from gantlet.modalities.image_loading import ImageSettings, load, survey
from gantlet.modalities.image_traits import IMAGE_TRAITS
from gantlet.modalities.image_writers import IMAGE_WRITERS
from gantlet.modalities.opening import DIGITS, recognises
from gantlet.modalities.pictures import PixelRows
from gantlet.types import Samples

LEAST_CLASSIFIED, MOST_CLASSIFIED = 8, 64  # sides of pictures that a classifier is trained on

__all__ = ["IMAGE", "ImageCodec", "ImageSettings"]


@dataclass(frozen=True, kw_only=True)
class ImageCodec:
    """x = pixel / 127.5 − 1, and back, exactly for all 256 values."""

    height: int
    width: int
    channels: int
    fit: str = "crop"

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, height, width."""
        return (self.channels, self.height, self.width)

    @property
    def blocks(self) -> tuple[int, ...]:
        """None: pixels are continuous."""
        return ()

    def encode(self, rows: UInt8[np.ndarray, "b h w c"]) -> Samples:
        """Pictures as N×C×H×W in [−1, 1]."""
        if rows.shape[1:] != (self.height, self.width, self.channels):
            raise ValueError(
                f"pictures of {rows.shape[1:]} do not fit this codec: "
                f"{(self.height, self.width, self.channels)} (height, width, channels) is wanted"
            )
        pixels = torch.tensor(rows).permute(0, 3, 1, 2)
        return pixels.to(torch.float32, memory_format=torch.contiguous_format) / 127.5 - 1

    def decode(self, samples: Samples) -> UInt8[np.ndarray, "b h w c"]:
        """Pictures, what lies outside [−1, 1] clamped."""
        pixels = ((samples.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def plain(self) -> dict[str, Any]:
        """What `image_codec` needs to make this codec again."""
        return dataclasses.asdict(self)


def image_codec(values: Mapping[str, Any]) -> ImageCodec:
    """The inverse of `ImageCodec.plain`."""
    return build(ImageCodec, values, "codec.")


def fit_codec(raw: Raw) -> ImageCodec:
    """The codec of pictures as they were read: nothing is learned from them."""
    height, width, channels = raw.rows[np.array([0])].shape[1:]
    assert isinstance(raw.rows, PixelRows), "image rows come from image.load"
    return ImageCodec(height=height, width=width, channels=channels, fit=raw.rows.fit)


def image_preview(
    rows: UInt8[np.ndarray, "n h w c"], labels: Int[np.ndarray, "n"] | None
) -> Preview:
    """A grid of the pictures in their order; labels are not drawn."""
    del labels
    return Preview("image/png", grid_png(rows))


def image_extractor(shape: tuple[int, ...], has_labels: bool) -> str:
    """A classifier of their own for small grey pictures with labels, else a network of photographs.

    What ImageNet taught is of little use for digits; nor are there labels for most photographs.
    """
    channels, height, width = shape
    is_small_grey = channels <= 2 and min(height, width) >= LEAST_CLASSIFIED
    is_small_grey = is_small_grey and max(height, width) <= MOST_CLASSIFIED
    return "classifier" if has_labels and is_small_grey else "efficientnet-lite0"


def alike(codec: ImageCodec) -> Mapping[str, Any]:
    """What reads other pictures to the same size and channels."""
    size = f"{codec.width}x{codec.height}"
    return {"resolution": size, "channels": codec.channels, "fit": codec.fit}


IMAGE = Modality(
    name="image",
    noun="images",
    recognises=recognises,
    settings=ImageSettings,
    survey=survey,
    load=load,
    fit=fit_codec,
    codec=image_codec,
    features=lambda _codec, rows: image_features(rows),
    distance=frechet_distance,
    preview=image_preview,
    writers=IMAGE_WRITERS,
    augmentation="image",
    extractor=image_extractor,
    alike=alike,
    traits=IMAGE_TRAITS,
    thumbnail=thumbnail,
    builtins=(DIGITS,),
)
