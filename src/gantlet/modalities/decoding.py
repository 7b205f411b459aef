"""One image, of any size, mode and state, → an array of the wanted size and channels."""

import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, ImageOps

from gantlet.modalities.pictures import BYTES, Scale, as_bytes

# Pillow would hand EPS to Ghostscript and WMF to Windows, whatever the file is called.
Image.init()
FORMATS = tuple(
    name
    for name in (
        *("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA"),
        *("ICO", "AVIF", "JPEG2000", "QOI"),
    )
    if name in Image.OPEN
)

# What Pillow raises on broken files, found by fuzzing: TypeError on texts where EXIF has numbers.
DECODER_FAILURES = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, IndexError, KeyError),
    *(OverflowError, ZeroDivisionError, RuntimeError, MemoryError, struct.error, zlib.error),
    *(zipfile.BadZipFile, Image.DecompressionBombError, Image.DecompressionBombWarning),
)

DRAFT_GAP = 2.0  # times the wanted size: as small as a JPEG is decoded
GAP = 3.0  # times the wanted size: where box averaging hands over to Lanczos


class Target(NamedTuple):
    """What every image is brought to."""

    height: int
    width: int
    channels: int
    fit: str


def opened(file: Path | BytesIO) -> Image.Image:
    """The image with its header read, its pixels not yet."""
    image = Image.open(file, formats=FORMATS)
    limit, pixels = Image.MAX_IMAGE_PIXELS, image.width * image.height
    if limit is not None and pixels > limit:
        image.close()
        raise ValueError(f"{image.width}x{image.height} is more than {limit} pixels")
    return image


def turned(image: Image.Image) -> bool:
    """Does the camera's note say that width and height change places?"""
    if image.format == "PNG" and "exif" not in image.info:
        return False  # to look for a note behind the pixels would decode them
    return image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)


def decoded(image: Image.Image, target: Target) -> UInt8[np.ndarray, "h w c"]:
    """The picture upright, in 8 bits, fitted to the target's size and channels."""
    _draft(image, target)
    image.seek(0)
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    plain = _with_channels(_eight_bit(image), target.channels)
    pixels = np.asarray(_fitted(plain, target)).reshape(target[:3])
    if target.channels in (2, 4):  # colour that nobody can see would only be learned
        pixels = pixels * (pixels[..., -1:] > 0)
    return pixels


def reason(error: BaseException) -> str:
    """Why an image was left out, in a few words."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image that Pillow can read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _draft(image: Image.Image, target: Target) -> None:
    """Let a JPEG decode at a fraction of its size, still DRAFT_GAP times what is needed."""
    width, height = (target.width, target.height)
    if turned(image):
        width, height = height, width
    scale = DRAFT_GAP * max(width / image.width, height / image.height)
    if scale < 1:
        image.draft(None, (round(image.width * scale), round(image.height * scale)))


def _eight_bit(image: Image.Image) -> Image.Image:
    """L, LA, RGB or RGBA of whatever the file held."""
    if image.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        return _scaled(image, Scale(0, 65535))
    if image.mode in ("I", "F"):
        return _scaled(image, _deep_scale(image))
    grey = image.mode in ("1", "L", "La", "LA")
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        return image.convert("LA" if grey else "RGBA")
    return image.convert("L" if grey else "RGB")


def _scaled(image: Image.Image, scale: Scale) -> Image.Image:
    return Image.fromarray(as_bytes(np.asarray(image).astype(np.float64), scale))


def _deep_scale(image: Image.Image) -> Scale:
    """The range of 32-bit whole or floating values: nothing in the file says it."""
    low, high = (float(value) for value in image.getextrema())  # pyright: ignore[reportArgumentType] # one band
    if image.mode == "F" and low >= 0 and high <= 1:
        return Scale(0, 1)
    if image.mode == "F" and low >= 0 and high <= 255:
        return BYTES
    if low >= 0 and high <= 65535:
        return Scale(0, 65535)
    if low >= 0 and image.mode == "I":
        return Scale(0, 2**31 - 1)
    raise ValueError(f"values from {low:g} to {high:g} have no usual range: save it in 8 bits")


def _with_channels(image: Image.Image, channels: int) -> Image.Image:
    if channels in (2, 4):
        return image.convert("LA" if channels == 2 else "RGBA")
    if image.mode in ("LA", "RGBA"):
        backdrop = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(backdrop, image.convert("RGBA"))
    return image.convert("L" if channels == 1 else "RGB")


def _fitted(image: Image.Image, target: Target) -> Image.Image:
    """The image cropped, padded or stretched: Lanczos, premultiplied where there is alpha."""
    size = (target.width, target.height)
    if image.size == size:
        return image
    across, down = target.width / image.width, target.height / image.height
    box = (0.0, 0.0, float(image.width), float(image.height))
    if target.fit == "crop":
        scale = max(across, down)
        left = max(0.0, (image.width - target.width / scale) / 2)
        top = max(0.0, (image.height - target.height / scale) / 2)
        box = (left, top, image.width - left, image.height - top)
    elif target.fit == "pad":
        scale = min(across, down)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    premultiplied = {"LA": "La", "RGBA": "RGBa"}.get(image.mode)
    resized = image.convert(premultiplied) if premultiplied else image
    resized = resized.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=GAP)
    resized = resized.convert(image.mode) if premultiplied else resized
    if size == (target.width, target.height):
        return resized
    canvas = Image.new(image.mode, (target.width, target.height))  # black, or transparent
    canvas.paste(resized, ((target.width - size[0]) // 2, (target.height - size[1]) // 2))
    return canvas
