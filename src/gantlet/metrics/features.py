"""By what samples are compared: the one place where pretrained networks are loaded.

An extractor is named in `EXTRACTORS`, or is a file: an ONNX network, or the 2015 Inception graph.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from gantlet.config import ConfigError
from gantlet.metrics.classifier import classifier
from gantlet.metrics.efficientnet import efficientnet
from gantlet.metrics.extractors import (
    Extracted,
    Extractor,
    Making,
    Wanted,
    digest_of,
    extracted,
)
from gantlet.metrics.inception import inception
from gantlet.metrics.onnx_features import onnx_features
from gantlet.types import Progress

__all__ = [
    "EXTRACTORS", "Extracted", "Extractor", "Wanted", "extracted", "extractor", "own",
]  # fmt: skip

COMPONENTS = 128  # of pixels, at most
FITTED_ON = 5_000  # rows from which they are found

Make = Callable[[Wanted], Making]


def identity(wanted: Wanted) -> Making:
    """The numbers of a row themselves."""
    yield Progress(0, 0, "preparing features")
    dimensions = int(np.prod(wanted.rows[wanted.indices[:1]].shape[1:]))
    return Extractor(
        name="the numbers themselves",
        digest=digest_of("identity", dimensions=dimensions),
        dimensions=dimensions,
        extract=_flat,
        words="nothing is done to a row",
    )


def plain(wanted: Wanted) -> Making:
    """What the kind of data itself makes of a row, by a codec that was fitted to all of them."""
    yield Progress(0, 0, "preparing features")
    assert wanted.plain is not None, "who asks for these brings them"
    features = wanted.plain
    dimensions = features(wanted.rows[wanted.indices[:1]]).shape[1]
    return Extractor(
        name="the encoded numbers",
        digest=digest_of("plain", dimensions=dimensions, data=wanted.fingerprint),
        dimensions=dimensions,
        extract=lambda rows: features(rows).astype(np.float32),
        words="as the run's own codec encodes a row",
    )


def pixels(wanted: Wanted) -> Making:
    """Principal components of the training rows: x ↦ Vᵀ(x − mean), at most 128 of them.

    Distances between rows are those between pictures, but for what 128 directions do not hold:
    noise and blur lie there. It knows no objects.
    """
    from sklearn.decomposition import PCA  # noqa: PLC0415 # takes a second that few need

    yield Progress(0, 0, "finding principal components")
    chosen = np.random.default_rng(wanted.seed).permutation(wanted.indices)[:FITTED_ON]
    x = _flat(wanted.rows[np.sort(chosen)]) / 255
    fitted = PCA(min(COMPONENTS, *x.shape), random_state=wanted.seed).fit(x)
    axes = np.ascontiguousarray(fitted.components_, dtype=np.float32)
    middle = np.asarray(fitted.mean_, dtype=np.float32)

    def extract(rows: Any) -> Float32[np.ndarray, "n d"]:
        # A product for each row: in one for many, a row's place decides in what order it is summed.
        return np.matmul(axes, (_flat(rows) / 255 - middle)[:, :, None])[:, :, 0]

    return Extractor(
        name=f"{len(axes)} principal components of pixels",
        digest=digest_of(hashlib.sha256(axes.tobytes() + middle.tobytes()).hexdigest()),
        dimensions=len(axes),
        extract=extract,
        words=f"found from {len(chosen):,} training rows",
    )


def _flat(rows: Any) -> Float32[np.ndarray, "n d"]:
    rows = np.asarray(rows)
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:]))).astype(np.float32)


EXTRACTORS: dict[str, Make] = {
    "efficientnet-lite0": efficientnet,
    "classifier": classifier,
    "pixels": pixels,
    "identity": identity,
    "plain": plain,
}
FILES: dict[str, Make] = {".onnx": onnx_features, ".pt": inception, ".pth": inception}


def own(name: str, function: Callable[[Any], np.ndarray], version: str = "1") -> Make:
    """An entry of `EXTRACTORS` from a function of raw rows → n × d numbers.

        EXTRACTORS["mine"] = own("mine", my_function)

    Args:
        version: change it with the function: features are kept under name and version.
    """

    def make(wanted: Wanted) -> Making:
        yield Progress(0, 0, f"preparing features '{name}'")

        def extract(rows: Any) -> Float32[np.ndarray, "n d"]:
            features = np.asarray(function(rows), dtype=np.float32)
            if features.ndim != 2 or len(features) != len(rows):
                raise ConfigError(
                    f"features {name!r}: {len(rows)} rows gave an array of {features.shape}; "
                    "the function must give one row of numbers for each"
                )
            return features

        dimensions = extract(wanted.rows[wanted.indices[:2]]).shape[1]
        return Extractor(
            name=name,
            digest=digest_of(f"{name} {version}", dimensions=dimensions),
            dimensions=dimensions,
            extract=extract,
            words="a function of the user's own",
        )

    return make


def extractor(name: str, wanted: Wanted) -> Making:
    """The extractor of that name or in that file.

    Raises:
        ConfigError: there is none, or it does not suit the data.
    """
    if name in EXTRACTORS:
        return EXTRACTORS[name](wanted)
    path = Path(name).expanduser()
    make = FILES.get(path.suffix.lower())
    if make is None:
        raise ConfigError(
            f"features {name!r}: there are {', '.join(EXTRACTORS)}, an ONNX file (model.onnx) and "
            "the Inception graph (inception.pt)"
        )
    if not path.is_file():
        raise ConfigError(f"features {name!r}: there is no such file")
    return make(replace(wanted, path=path))
