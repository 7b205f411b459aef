"""Pictures as pretrained networks take them: three channels, the wanted size, nothing seen through.

Resizing is bicubic with antialiasing whatever the program: resizers that skip it, as most
frameworks' do, shift a Fréchet distance by more than a year of progress (Parmar et al. 2022).
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

RESIZING = "bicubic, antialiased"
BACKDROP = 255.0  # white: what the rest of Gantlet puts behind what is transparent

Pictures = UInt8[np.ndarray, "n h w c"]


def coloured(rows: Pictures, size: tuple[int, int] | None = None) -> Float[Tensor, "n 3 H W"]:
    """Red, green and blue from 0 to 255: grey three times over, transparent places white.

    Args:
        size: height and width to bring them to; none: their own.
    """
    x = _opaque(rows)
    return (x if size is None else resized(x, size)).expand(-1, 3, -1, -1)


def _opaque(rows: Pictures) -> Float[Tensor, "n C h w"]:
    x = torch.from_numpy(np.ascontiguousarray(rows)).permute(0, 3, 1, 2).float()
    if x.shape[1] in (2, 4):
        alpha = x[:, -1:] / 255
        x = x[:, :-1] * alpha + BACKDROP * (1 - alpha)
    return x


def resized(x: Float[Tensor, "n c h w"], size: tuple[int, int]) -> Float[Tensor, "n c H W"]:
    """Bicubic, antialiased where it shrinks, what overshoots clamped to 0 … 255."""
    if x.shape[2:] == size:
        return x
    return interpolate(x, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 255)
