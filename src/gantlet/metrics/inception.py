"""The Inception graph of 2015, from a file that the user gives: the one whose distance is FID.

Heusel et al. 2017. Other conversions of Inception give other distances, some by half (Parmar et
al. 2022), so no other file passes: its hash is compared before anything in it is run.
"""

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from gantlet.config import ConfigError
from gantlet.metrics.extractors import Extractor, Making, Wanted, digest_of, in_blocks
from gantlet.metrics.picture_input import BACKDROP, Pictures, coloured
from gantlet.types import Progress

SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
DIMENSIONS = 2_048
STATE_DICT = "6726825d"  # begins the hash of the same weights without their graph


def checked(path: Path) -> bytes:
    """The content of the TorchScript file, which is the very file that is meant.

    Raises:
        ConfigError: another file.
    """
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found == SHA256:
        return content
    wanted = (
        f"the TorchScript file of the 2015 graph is wanted (inception-2015-12-05.pt, SHA-256 "
        f"{SHA256})"
    )
    if found.startswith(STATE_DICT):
        raise ConfigError(f"{path}: holds the weights without their graph; {wanted}")
    raise ConfigError(
        f"{path}: its SHA-256 is {found}: not the Inception whose distance is called FID; {wanted}"
    )


def inception(wanted: Wanted) -> Making:
    """Pooled features of the 2015 Inception graph; the graph itself resizes, without antialiasing.

    That is part of what FID is: a picture is compared as others have compared theirs.
    """
    assert wanted.path is not None
    yield Progress(0, 0, "loading Inception")
    if len(wanted.shape) != 3:
        raise ConfigError(f"{wanted.path}: Inception takes pictures; choose identity")
    content = io.BytesIO(checked(wanted.path))
    with (
        warnings.catch_warnings()
    ):  # the format is old, but the file is what the world's FIDs are of
        warnings.filterwarnings("ignore", "`torch.jit.load`", DeprecationWarning)
        net = torch.jit.load(content, map_location="cpu").eval()

    @torch.inference_mode()
    def block(rows: Pictures) -> Float32[np.ndarray, "n 2048"]:
        x = coloured(rows).round().to(torch.uint8).contiguous()
        return net(x, return_features=True).float().numpy()

    return Extractor(
        name="Inception 2015",
        digest=digest_of(SHA256, backdrop=BACKDROP),
        dimensions=DIMENSIONS,
        extract=lambda rows: in_blocks(block, rows),
        words="resized inside the graph (bilinear to 299×299), transparent places over white",
        is_fid=True,
    )
