"""Features by any network in an ONNX file."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from gantlet.config import ConfigError
from gantlet.metrics.extractors import Extractor, Making, Wanted, digest_of, in_blocks
from gantlet.metrics.picture_input import BACKDROP, RESIZING, Pictures, coloured
from gantlet.types import Progress

TYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}


class Input(NamedTuple):
    """What the network takes: N × C × H × W of bytes, or of floats from 0 to 1."""

    name: str
    type: str
    batch: int | None  # where it is fixed
    channels: int
    size: tuple[int, int]  # height, width


def onnx_features(wanted: Wanted) -> Making:
    """The first output of the network, flattened."""
    assert wanted.path is not None
    yield Progress(0, 0, f"loading {wanted.path.name}")
    if len(wanted.shape) != 3:
        raise ConfigError(f"{wanted.path}: networks in ONNX files are given pictures only")
    content = wanted.path.read_bytes()
    session = _session(wanted.path, content)
    taken = _input(wanted.path, session, wanted.shape)
    output = session.get_outputs()[0].name

    def block(rows: Pictures) -> Float32[np.ndarray, "n d"]:
        (y,) = session.run([output], {taken.name: _encoded(rows, taken)})
        return np.asarray(y, dtype=np.float32).reshape(len(rows), -1)

    size = taken.batch or 16
    first = wanted.rows[wanted.indices[:1]]
    dimensions = in_blocks(block, first, size).shape[1]
    range_ = "bytes" if taken.type == "tensor(uint8)" else "values from 0 to 1"
    return Extractor(
        name=wanted.path.name,
        digest=digest_of(
            hashlib.sha256(content).hexdigest(),
            input=taken._replace(batch=None),
            resizing=RESIZING,
            backdrop=BACKDROP,
        ),
        dimensions=dimensions,
        extract=lambda rows: in_blocks(block, rows, size),
        block=size,
        words=f"resized to {taken.size[1]}×{taken.size[0]} ({RESIZING}), {range_}",
    )


def _session(path: Path, content: bytes) -> Any:
    try:
        # An extra that few install.
        import onnxruntime  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"{path}: ONNX files are run by onnxruntime: pip install 'gantlet[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no other base
        raise ConfigError(f"{path}: cannot be opened as an ONNX network: {error}") from error


def _input(path: Path, session: Any, shape: tuple[int, ...]) -> Input:
    inputs = session.get_inputs()
    sizes = [side if isinstance(side, int) else None for side in inputs[0].shape]
    if len(inputs) != 1 or len(sizes) != 4 or inputs[0].type not in TYPES:
        found = ", ".join(f"{one.name}: {one.type} {one.shape}" for one in inputs)
        raise ConfigError(
            f"{path}: takes {found}; one input of N × C × H × W, float or uint8, is wanted"
        )
    batch, channels, height, width = sizes
    if channels not in (1, 3, None):
        raise ConfigError(f"{path}: takes {channels} channels; 1 or 3 are wanted (N × C × H × W)")
    own = (height or shape[1], width or shape[2])
    return Input(inputs[0].name, inputs[0].type, batch, channels or 3, own)


def _encoded(rows: Pictures, taken: Input) -> np.ndarray:
    x: Tensor = coloured(rows, taken.size)
    if taken.channels == 1:
        x = x.mean(1, keepdim=True)
    x = x.round() if taken.type == "tensor(uint8)" else x / 255
    return np.ascontiguousarray(x.numpy().astype(TYPES[taken.type]))
