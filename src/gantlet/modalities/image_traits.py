"""Numbers of a picture that have names: by them a fault of generated pictures is told in words.

Each is measured on every picture by itself; what is compared is their distribution over real and
over generated pictures. None knows what is in a picture.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from gantlet.modalities.base import Trait

AT_ONCE = 2**20  # values held as floats at a time: more leave the cache
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG
SIDE = 8  # of JPEG's blocks
NEAR_NOUGHT = 1.0  # a coefficient that quantisation has removed, give or take rounding to bytes
EDGES = 0.1  # share of the steepest places that sharpness looks at
MEDIAN_OF_NORMAL = 0.6745  # of |x|
AREA = 4  # pixels a side over which colours are averaged
FEW = 0.02  # share of pixels
CHANCE = 0.1  # difference of shares that pictures show which were never compressed
FLOOR = 1.0  # of 255, squared: contrasts below it are rounding

CHANNELS = "See whether red and blue changed places on the way, or a colour profile was dropped."
FORMATS = "Save both in the same way, best as PNG: compression moves every distance."

Rows = UInt8[np.ndarray, "n h w c"]
Measured = Float[Tensor, "n"]


def brightness(x: Float[Tensor, "n c h w"]) -> Measured:
    """Mean of all pixels."""
    return _light(x).mean((1, 2, 3))


def contrast(x: Float[Tensor, "n c h w"]) -> Measured:
    """Standard deviation of a picture's pixels."""
    return _light(x).flatten(1).std(1, correction=0)


def saturation(x: Float[Tensor, "n c h w"]) -> Measured:
    """Mean over small areas of the largest minus the smallest of red, green and blue."""
    colours = avg_pool2d(_colours(x), AREA)  # of single pixels, noise would be colour
    return (colours.amax(1) - colours.amin(1)).mean((1, 2))


def warmth(x: Float[Tensor, "n c h w"]) -> Measured:
    """Mean of red minus blue."""
    means = _colours(x).mean((2, 3))
    return means[:, 0] - means[:, -1]


def greenness(x: Float[Tensor, "n c h w"]) -> Measured:
    """Mean of green minus the mean of red and blue."""
    means = _colours(x).mean((2, 3))
    if means.shape[1] == 1:
        return torch.zeros(len(x))
    return means[:, 1] - (means[:, 0] + means[:, 2]) / 2


def grain(x: Float[Tensor, "n c h w"]) -> Measured:
    """Log of the median of |N ∗ x|, N a difference of Laplacians.  After Immerkær 1996, eq. 2.

    N is blind to straight edges and slopes, and the median to textures that do not fill half of a
    picture: what is left is noise.
    """
    return (_median_response(_light(x)) + FLOOR / 2).log()


def sharpness(x: Float[Tensor, "n c h w"]) -> Measured:
    """Log of the squared changes over one pixel against that over two, at the steepest places.

    2 : 1 on a slope, 1 : 1 at a step. Noise, as `grain` tells it, adds the same to both sides, and
    is taken off.
    """
    light = _light(x)
    noise = 2 * (_median_response(light) / MEDIAN_OF_NORMAL).square()
    # Places are chosen on a smoothed picture: else those would be, where noise makes `two` large.
    smooth = _smoothed(light)
    fine, coarse, steep = [], [], []
    for axis in (2, 3):
        one = light.diff(dim=axis).square()
        length = one.shape[axis]
        pair = one.narrow(axis, 0, length - 1) + one.narrow(axis, 1, length - 1)
        fine.append(pair.flatten(1))
        coarse.append(_over_two(light, axis).square().flatten(1))
        steep.append(_over_two(smooth, axis).abs().flatten(1))
    which = torch.cat(steep, 1)
    places = which.topk(max(1, int(EDGES * which.shape[1])), dim=1, sorted=False).indices
    one, two = (torch.cat(part, 1).gather(1, places).mean(1) for part in (fine, coarse))
    noise = torch.minimum(noise, one / 4)
    return ((one - 2 * noise + FLOOR) / (two - noise + FLOOR).clamp_min(FLOOR)).log()


def _smoothed(light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
    """Mean over three by three pixels, in a sixth of the time that `avg_pool2d` takes."""
    total = pad(light, (1, 1, 1, 1), mode="replicate")
    for axis in (2, 3):
        first, second, third = (total.narrow(axis, at, light.shape[axis]) for at in range(3))
        total = first + second + third
    return total / 9


def _over_two(light: Float[Tensor, "n 1 h w"], axis: int) -> Float[Tensor, "n 1 H W"]:
    length = light.shape[axis] - 2
    return light.narrow(axis, 2, length) - light.narrow(axis, 0, length)


def blockiness(x: Float[Tensor, "n c h w"]) -> Measured:
    """How many more 8×8 cosine coefficients are near nought on JPEG's grid than half a block off,
    beyond what chance brings.

    JPEG rounds most coefficients to nought; blurred or flat pictures have as many off the grid.
    """
    light = _light(x)
    if min(light.shape[2:]) < SIDE + SIDE // 2:
        return torch.zeros(len(x))
    half = SIDE // 2
    on, off = _removed(light), _removed(light[..., half:, half:])
    if min(on.shape[1:]) > 1:  # the middle of pictures is busier: each block off the grid against
        on = avg_pool2d(on, 2, 1)  # the four that it lies on
    return (on.mean((1, 2)) - off.mean((1, 2)) - CHANCE).clamp_min(0)


def extremes(x: Float[Tensor, "n c h w"]) -> Measured:
    """Share of numbers that are exactly 0 or 255, where it is more than a few."""
    opaque = x[:, : x.shape[1] - (x.shape[1] in (2, 4))]
    share = ((opaque == 0) | (opaque == 255)).float().mean((1, 2, 3))
    return (share - FEW).clamp_min(0)


def transparency(x: Float[Tensor, "n c h w"]) -> Measured:
    """Mean of 1 − alpha; 0 without an alpha channel."""
    return 1 - x[:, -1].mean((1, 2)) / 255 if x.shape[1] in (2, 4) else torch.zeros(len(x))


def _median_response(light: Float[Tensor, "n 1 h w"]) -> Measured:
    response = (light.diff(n=2, dim=2).diff(n=2, dim=3) / 6).flatten(1).abs().numpy()
    middle = (response.shape[1] - 1) // 2
    # In a third of the time that `Tensor.median` takes.
    return torch.from_numpy(np.partition(response, middle, axis=1)[:, middle].copy())


def _removed(light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n rows columns"]:
    """Share of each block's coefficients that are near nought."""
    rows, columns = (length // SIDE * SIDE for length in light.shape[2:])
    blocks = light[:, 0, :rows, :columns].unflatten(2, (-1, SIDE)).unflatten(1, (-1, SIDE))
    cosines = _cosines()
    coefficients = cosines @ blocks.transpose(2, 3) @ cosines.T
    near = (coefficients.abs() < NEAR_NOUGHT).float()
    return near.mean((3, 4))


def _cosines() -> Float[Tensor, "8 8"]:
    """The orthonormal discrete cosine transform."""
    k, i = torch.arange(SIDE)[:, None], torch.arange(SIDE)[None]
    basis = (math.pi * (2 * i + 1) * k / (2 * SIDE)).cos() * math.sqrt(2 / SIDE)
    basis[0] /= math.sqrt(2)
    return basis


def _light(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 h w"]:
    colours = _colours(x)
    if colours.shape[1] == 1:
        return colours
    return (colours * torch.tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def _colours(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n C h w"]:
    """Without alpha: what is transparent over white."""
    if x.shape[1] not in (2, 4):
        return x
    alpha = x[:, -1:] / 255
    return x[:, :-1] * alpha + 255 * (1 - alpha)


def measured(
    rows: Rows, of: Callable[[Float[Tensor, "n c h w"]], Measured]
) -> Float[np.ndarray, "n"]:
    """A trait of every picture, a bounded number of them in memory at a time."""
    step = max(1, AT_ONCE // int(np.prod(rows.shape[1:])))
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows), step):
            x = torch.from_numpy(np.ascontiguousarray(rows[start : start + step]))
            parts.append(of(x.permute(0, 3, 1, 2).float().contiguous()))
    return torch.cat(parts).double().numpy()


def _trait(of: Callable[[Float[Tensor, "n c h w"]], Measured], **rest: Any) -> Trait:
    summary = (of.__doc__ or "").split(".  ")[0].splitlines()[0].rstrip(".")
    return Trait(measure=partial(measured, of=of), words=summary, **rest)


IMAGE_TRAITS: Mapping[str, Trait] = {
    "brightness": _trait(
        brightness, more="lighter pixels", less="darker pixels",
        finding_more="bright", finding_less="dark",
    ),
    "contrast": _trait(
        contrast, more="more contrast", less="less contrast",
        finding_more="harsh", finding_less="flat",
    ),
    "saturation": _trait(
        saturation, more="stronger colours", less="paler colours",
        finding_more="colours", finding_less="colours",
    ),
    "warmth": _trait(
        warmth, more="redder and less blue colours", less="bluer and less red colours",
        finding_more="colours", finding_less="colours", advice_more=CHANNELS, advice_less=CHANNELS,
    ),
    "greenness": _trait(
        greenness, more="a greener cast", less="a more magenta cast",
        finding_more="colours", finding_less="colours", advice_more=CHANNELS, advice_less=CHANNELS,
    ),
    "grain": _trait(
        grain, more="more noise", less="less fine grain",
        finding_more="noisy", finding_less="smooth",
        advice_more="Train longer: fine detail settles last; or average over more steps.",
        advice_less="What varies from pixel to pixel in real pictures is missing.",
    ),
    "sharpness": _trait(
        sharpness, more="harder edges", less="softer edges",
        finding_more="sharpened", finding_less="blurred",
        advice_less="Train longer, or widen the generator at its full resolution.",
    ),
    "blockiness": _trait(
        blockiness, more="more traces of JPEG compression", less="fewer traces of JPEG compression",
        finding_more="compressed", finding_less="uncompressed", severity="warning",
        advice_more=FORMATS, advice_less=FORMATS,
    ),
    "extremes": _trait(
        extremes, more="more pixels of pure black or white",
        less="fewer pixels of pure black or white",
        finding_more="clipped", finding_less="unclipped", severity="warning",
    ),
    "transparency": _trait(
        transparency, more="more transparent places", less="fewer transparent places",
        finding_more="transparent", finding_less="opaque",
    ),
}  # fmt: skip
