"""Cheap features of pictures, to tell during training whether a Fréchet distance falls.

They see layout and colour at 8×8 and how much fine detail lies where. They know no objects: the
distance says "better than before", not how good.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

COARSE = 8  # cells a side for colour
FINE = 4  # cells a side for detail
DIMENSIONS = 64
AT_ONCE = 2**22  # values held as floats at a time


def image_features(rows: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n d"]:
    """Box averages and local contrasts under one fixed random projection to at most 64 numbers."""
    step = max(1, AT_ONCE // int(np.prod(rows.shape[1:])))
    parts = [_plain_features(rows[start : start + step]) for start in range(0, len(rows), step)]
    features = np.concatenate(parts)
    if features.shape[1] <= DIMENSIONS:
        return features
    directions = np.random.default_rng(0).standard_normal((features.shape[1], DIMENSIONS))
    return features @ (directions / math.sqrt(DIMENSIONS))


@torch.no_grad()
def _plain_features(rows: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n d"]:
    pictures = torch.tensor(rows).permute(0, 3, 1, 2).float() / 255
    if pictures.shape[1] in (2, 4):  # a colour under alpha 0 is not there
        pictures[:, :-1] *= pictures[:, -1:]
    height, width = pictures.shape[2:]
    colour = adaptive_avg_pool2d(pictures, (min(COARSE, height), min(COARSE, width)))
    light = pictures.mean(1, keepdim=True)
    across, down = light.diff(dim=3).abs(), light.diff(dim=2).abs()
    bend = (light[..., 1:-1] - (light[..., 2:] + light[..., :-2]) / 2).abs()
    detail = [_cells(part) for part in (across, down, bend)]
    whole = torch.cat([colour.flatten(1), *detail], 1)
    return whole.double().numpy()


def _cells(detail: Tensor) -> Float[Tensor, "n cells"]:
    """Mean contrast in each cell, weighted to count about as much as colour."""
    cells = adaptive_avg_pool2d(detail, (min(FINE, detail.shape[2]), min(FINE, detail.shape[3])))
    return 4 * cells.flatten(1)
