"""Differentiable augmentation of what D sees: each transform strikes each sample with chance p.

Karras et al. 2020 (ADA), section 2 and appendix B; Zhao et al. 2020 (DiffAugment), section 3.
Every transform is affine in x and made of products, sums and selections alone, so that a penalty
on D's gradient can be differentiated through it. A sample that is not struck passes
exactly as it is. Real and fake get draws of their own by the name of their stream.

Pictures are b × c × h × w of about unit scale; the second of two and the fourth of four channels
are alpha, which moves with the picture but is no colour.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gantlet.types import Noise, PerSample, Samples

Strength = float | Float[Tensor, ""]  # a chance in [0, 1]; as a tensor it stays on the device
Augmentation = Callable[[Samples, Strength, Noise, str], Samples]


def none(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """x itself."""
    return x


def flip(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """With chance p, x or its mirror image with equal odds.  Karras et al. 2020, appendix B.

    The identity is one of the outcomes: were it not, G would learn mirror images at p = 1.
    """
    struck, number = _draws(noise, f"{stream}/flip", p, 1)
    return torch.where(_spread(struck & (number < 0.5)), x.flip(3), x)


def quarter_turns(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """With chance p, x turned by 0, 90, 180 or 270 degrees with equal odds; 0 or 180 if not square.

    Karras et al. 2020, appendix B.
    """
    struck, number = _draws(noise, f"{stream}/quarter_turns", p, 1)
    is_square = x.shape[2] == x.shape[3]
    angle = 90 * (4 * number).floor() if is_square else 180 * (2 * number).floor()
    angle = _spread(angle * struck)
    if is_square:
        x = torch.where((angle == 90) | (angle == 270), x.transpose(2, 3), x)
    x = torch.where((angle == 90) | (angle == 180), x.flip(2), x)
    return torch.where((angle == 180) | (angle == 270), x.flip(3), x)


def shift(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """x moved by whole pixels, up to 1/8 of each side, and continued by its mirror image.

    Zhao et al. 2020, section 3, who pad with zeros: at sides of uneven colour that draws lines
    which no real sample has. Sides below 8 do not move.
    """
    struck, *numbers = _draws(noise, f"{stream}/shift", p, 2)
    reaches = (x.shape[2] // 8, x.shape[3] // 8)
    offsets = (
        struck * (((2 * reach + 1) * number).long() - reach)
        for reach, number in zip(reaches, numbers, strict=True)
    )
    rows, columns = (
        _mirrored(torch.arange(side, device=x.device) + offset[:, None], side)
        for side, offset in zip(x.shape[2:], offsets, strict=True)
    )
    # One axis at a time each pixel is read at most twice: sums of two have no order to go wrong.
    x = x.gather(2, rows[:, None, :, None].expand_as(x))
    return x.gather(3, columns[:, None, None, :].expand_as(x))


def zoom(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """x scaled by 2^U(−0.35, 0.35) about its centre and moved by up to 1/8 of each side.

    Karras et al. 2020, appendix B, whose scale is log-normal with the same spread. Between pixels
    linear, beyond the edges the mirror image.
    """
    struck, size, down, right = _draws(noise, f"{stream}/zoom", p, 3)
    scale = _exp(0.35 * math.log(2) * (2 * size - 1))[:, None]
    rows, columns = (
        (torch.arange(side, device=x.device) - (side - 1) / 2) / scale
        + (side - 1) / 2
        + (2 * number[:, None] - 1) * side / 8
        for side, number in zip(x.shape[2:], (down, right), strict=True)
    )
    return torch.where(_spread(struck), _resampled(x, rows, columns), x)


def _exp(y: Tensor) -> Tensor:
    """eʸ for |y| < ¼, to 1e-8: by sums and products alone, which round alike in any batch.

    torch.exp does not on every processor: the last few of a row are computed in another way.
    """
    power = torch.ones_like(y)
    for order in range(7, 0, -1):
        power = 1 + power * y * (1 / order)
    return power


def brightness(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """x + U(−½, ½) in all colours alike.  Zhao et al. 2020, section 3."""
    struck, number = _draws(noise, f"{stream}/brightness", p, 1)
    return x + _on_colours(struck * (number - 0.5), x)


def contrast(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """mean + U(½, 3/2) (x − mean), the mean over all colours.  Zhao et al. 2020, section 3."""
    struck, number = _draws(noise, f"{stream}/contrast", p, 1)
    mean = x[:, : _colours(x)].mean((1, 2, 3), keepdim=True)
    return x + _on_colours(struck * (number - 0.5), x) * (x - mean)


def saturation(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """grey + U(0, 2) (x − grey), grey the mean of three colours.  Zhao et al. 2020, section 3.

    Pictures of another number of colours than three pass as they are.
    """
    if _colours(x) != 3:
        return x
    struck, number = _draws(noise, f"{stream}/saturation", p, 1)
    grey = x[:, :3].mean(1, keepdim=True)
    return x + _on_colours(struck * (2 * number - 1), x) * (x - grey)


def cutout(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """x with a box of half its height and width set to 0, centred anywhere, in alpha as well.

    DeVries & Taylor 2017; Zhao et al. 2020, section 3.
    """
    struck, *centres = _draws(noise, f"{stream}/cutout", p, 2)
    rows, columns = (
        (torch.arange(side, device=x.device) + 0.5 - centre[:, None] * side).abs() < side / 4
        for side, centre in zip(x.shape[2:], centres, strict=True)
    )
    hidden = _spread(struck) & rows[:, None, :, None] & columns[:, None, None, :]
    return x * ~hidden


def grain(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """x + σ ε in every colour of every pixel, ε ~ N(0, 1), σ ~ U(0, 0.2).

    Karras et al. 2020, appendix B, whose σ is half-normal with about the same spread.
    """
    struck, number = _draws(noise, f"{stream}/noise", p, 1)
    pixels = noise.normal(f"{stream}/noise/pixels", *x.shape[1:]).to(x)
    return x + _on_colours(struck * 0.2 * number, x) * pixels


def jitter(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
    """x + 0.1 p ε, ε ~ N(0, I), for samples of any shape; p is the scale here, not a chance.

    Sønderby et al. 2017, section 4 (instance noise).
    """
    return x + 0.1 * p * noise.normal(f"{stream}/jitter", *x.shape[1:]).to(x)


def composed(*parts: Augmentation) -> Augmentation:
    """One part after the other, each with chance p by itself.

    A part may occur once only: its draws bear its name.
    """

    def augmentation(x: Samples, p: Strength, noise: Noise, stream: str) -> Samples:
        for part in parts:
            x = part(x, p, noise, stream)
        return x

    return augmentation


AUGMENTATIONS: dict[str, Augmentation] = {
    "none": none,
    "flip": flip,
    "quarter_turns": quarter_turns,
    "shift": shift,
    "zoom": zoom,
    "brightness": brightness,
    "contrast": contrast,
    "saturation": saturation,
    "cutout": cutout,
    "noise": grain,
    "jitter": jitter,
    # Mirror images leak into what G makes as p nears 1, and no digit or letter survives them.
    "image": composed(shift, zoom, brightness, contrast, saturation, cutout),
    "image_mirrored": composed(flip, shift, zoom, brightness, contrast, saturation, cutout),
    "points": jitter,
}


def overfit(
    train_logits: Float[Tensor, "m"],
    heldout_logits: Float[Tensor, "n"],
    fake_logits: Float[Tensor, "k"],
) -> float:
    """r_v = (E[D(train)] − E[D(held-out)]) / (E[D(train)] − E[D(fake)]), within [0, 1].

    Karras et al. 2020, eq. 1: at 1, D knows the training set by heart. Where D tells train from
    fake by less than a standard error the ratio is of noise to noise: it has learned nothing, so 0.
    """
    train, heldout, fake = (
        logits.detach().double() for logits in (train_logits, heldout_logits, fake_logits)
    )
    gap = train.mean() - fake.mean()
    error = (train.var(correction=0) / len(train) + fake.var(correction=0) / len(fake)).sqrt()
    ratio = ((train.mean() - heldout.mean()) / gap).clamp(0, 1)
    return torch.where(gap > error, ratio, 0.0).item()


def adapted(p: float, overfit: float, target: float = 0.6, *, step_size: float) -> float:
    """p one step up where D overfits more than the target, one down where less, within [0, 0.8].

    Karras et al. 2020, section 3. Beyond 0.8 augmentations leak into what G makes (figure 4).

    Args:
        overfit: r_v, averaged over some steps.
        step_size: images since the last adaptation / 500,000 lets p rise from 0 to 1 in 500,000.
    """
    direction = (overfit > target) - (overfit < target)
    return min(max(p + direction * step_size, 0.0), 0.8)


def _draws(noise: Noise, name: str, p: Strength, count: int) -> tuple[Tensor, ...]:
    """Whether each sample is struck, and `count` numbers in [0, 1) for each."""
    chance, *numbers = noise.uniform(name, 1 + count).unbind(1)
    return chance < p, *numbers


def _spread(values: PerSample | Bool[Tensor, "b"]) -> Tensor:
    return values[:, None, None, None]


def _colours(x: Samples) -> int:
    """How many of the channels are colours: all but alpha."""
    channels = x.shape[1]
    return channels - 1 if channels in (2, 4) else channels


def _on_colours(amount: PerSample, x: Samples) -> Float[Tensor, "b c 1 1"]:
    """The amount for each channel of each sample: 0 for alpha."""
    is_colour = torch.arange(x.shape[1], device=x.device) < _colours(x)
    return _spread(amount).to(x) * is_colour[:, None, None]


def _mirrored(position: Tensor, side: int) -> Tensor:
    """Positions on a line of pixels 0 … side − 1 that goes on as its mirror image at both ends."""
    last = side - 1
    return (last - (position.remainder(max(2 * last, 1)) - last).abs()).clamp(min=0)


def _resampled(
    x: Float[Tensor, "b c h w"], rows: Float[Tensor, "b h"], columns: Float[Tensor, "b w"]
) -> Float[Tensor, "b c h w"]:
    """x read at these rows and columns, linearly between pixels: W_rows x W_columnsᵀ.

    Products, as `grid_sample` has no second derivative and the gradient of a gather adds up many
    values for a pixel, in no fixed order on a GPU.
    """
    return _weights(rows).to(x)[:, None] @ x @ _weights(columns).to(x)[:, None].mT


def _weights(position: Float[Tensor, "b n"]) -> Float[Tensor, "b n n"]:
    """Row i interpolates linearly at position i among the pixels 0 … n − 1."""
    n = position.shape[1]
    pixels = torch.arange(n, device=position.device)
    return (1 - (_mirrored(position, n)[:, :, None] - pixels).abs()).clamp(min=0)
