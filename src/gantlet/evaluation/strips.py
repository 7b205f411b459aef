"""Paths through a latent space as pictures."""

import io

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from PIL import Image
from torch import Tensor

from gantlet.evaluation.explorable import Explorable
from gantlet.evaluation.figures import Picture, Pictures
from gantlet.evaluation.walks import Walk, part
from gantlet.metrics.continuity import Paths
from gantlet.modalities.base import Preview

PERCENTILES = (5, 50, 95)
FRAMES = 9
DOTS = 400  # samples of a path that are drawn as dots
OTHERS = 2_000  # samples that show where the others are
COPIES, THICKNESS = 40, 0.02  # of a dot, in the unit of encoded samples
SIDE = 112  # pixels, of a frame
GAP = 2


def at_percentiles(values: Float64[np.ndarray, "n"]) -> Int[np.ndarray, "three"]:
    """The places of the values at the 5th, 50th and 95th percentile."""
    order = np.argsort(values, kind="stable")
    return order[[round(share / 100 * (len(values) - 1)) for share in PERCENTILES]]


def strips(it: Explorable, paths: Paths, walk: Walk, apart: float) -> Pictures:
    """A short, a middling and a long path, in equal steps of time."""
    rows = []
    for percent, i in zip(PERCENTILES, at_percentiles(walk.length), strict=True):
        words = (
            f"length at the {percent}th percentile: {walk.length[i] / apart:.2f} times what parts "
            f"two real samples; its largest step is {walk.peak[i]:.1f} times the mean one"
        )
        rows.append(_strip(it, part(paths, slice(i, i + 1)), words))
    return Pictures(
        title="From one sample to another", rows=tuple(rows),
        words="Equal steps in the latent space from left to right. Where neighbours differ far "
        "more than elsewhere, the space is torn or folded.",
    )  # fmt: skip


@torch.no_grad()
def _strip(it: Explorable, path: Paths, words: str) -> tuple[Picture, ...]:
    """The path's samples side by side; all in one picture where a sample is but a few numbers."""
    is_vector = it.generator(path.start, path.y).ndim == 2
    count = DOTS if is_vector else FRAMES
    shares = torch.linspace(0, 1, count, dtype=torch.float64)
    z = torch.cat([path.at(share[None]) for share in shares])
    samples = it.generator(z, None if path.y is None else path.y.repeat(count))
    if is_vector:
        preview = it.preview(it.decode(_over_others(it, samples)))
        words = f"{words}; dark: {count} places of the path, gaps are jumps; pale: other samples"
        return (Picture(content=preview.content, media_type=preview.media_type, words=words),)
    rows = it.decode(samples)
    frames = [it.preview(rows[i : i + 1]) for i in range(count)]
    if all(frame.media_type == "image/png" for frame in frames):
        return (Picture(content=side_by_side(frames), media_type="image/png", words=words),)
    return tuple(
        Picture(content=f.content, media_type=f.media_type, words=f"{i + 1} of {count}; {words}")
        for i, f in enumerate(frames)
    )


def _over_others(it: Explorable, samples: Float[Tensor, "n d"]) -> Float[Tensor, "m d"]:
    """The samples as thick dots, before a cloud of others."""
    z, y = it.latents(OTHERS, 0, "strips"), it.labels(OTHERS, 0, "strips")
    thick = samples.repeat(COPIES, 1)
    source = torch.Generator().manual_seed(0)
    thick = thick + THICKNESS * torch.randn(thick.shape, generator=source).to(thick)
    return torch.cat([it.generator(z, y), thick])


def side_by_side(frames: list[Preview]) -> bytes:
    """One PNG of small versions."""
    small = []
    for frame in frames:
        with Image.open(io.BytesIO(frame.content)) as picture:
            copy = picture.convert("RGB")
        copy.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
        small.append(copy)
    width = sum(picture.width for picture in small) + GAP * (len(small) - 1)
    sheet = Image.new("RGB", (width, max(picture.height for picture in small)), (128, 128, 128))
    left = 0
    for picture in small:
        sheet.paste(picture, (left, 0))
        left += picture.width + GAP
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
