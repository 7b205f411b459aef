"""Small pictures to test on: digits, and patches of scikit-learn's two photographs."""

from functools import cache

import numpy as np
from sklearn.datasets import load_digits, load_sample_images


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 grey pictures of 8×8 as bytes, and what they show."""
    data = load_digits()
    return np.rint(data.images * 255 / 16).astype(np.uint8)[..., None], data.target


@cache
def patches(side: int = 32) -> np.ndarray:
    """Colour patches of a temple and a flower, in an order that mixes the two; no empty sky.

    The photographs are JPEG files: patches are cut from them at half their size, where no grid of
    8×8 blocks is left.
    """
    halves = []
    for photo in load_sample_images().images:
        even = photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2].astype(np.float64)
        halves.append((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)
    cut = [
        half[top : top + side, left : left + side]
        for half in halves
        for top in range(0, half.shape[0] - side + 1, side // 2)
        for left in range(0, half.shape[1] - side + 1, side // 2)
    ]
    busy = [patch for patch in cut if patch.mean(2).std() > 15]
    order = np.random.default_rng(0).permutation(len(busy))
    return np.rint(np.stack(busy)[order]).astype(np.uint8)
