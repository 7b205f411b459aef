"""A small classifier, trained on the data's own labels, as judge and as features.

For pictures unlike ImageNet's it sees more than a large network of photographs does, and it says
which class a sample belongs to.
"""

import hashlib
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import platformdirs
import torch
from jaxtyping import Float, Float32, Int, Shaped
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gantlet.config import ConfigError
from gantlet.files import StoreError, make_folder
from gantlet.metrics.extractors import Extractor, Making, Wanted, digest_of, in_blocks
from gantlet.metrics.picture_input import Pictures, resized
from gantlet.package import pack, unpack
from gantlet.seal import CorruptCheckpoint
from gantlet.types import Progress, Rows

T = TypeVar("T")

FORMAT = 1  # raise when the same data and settings would give other weights
DIMENSIONS = 128
WIDTHS = (24, 48, 96)
BATCH = 128
AT_ONCE, VALUES = 64, 2**22  # pictures and numbers in a block, at most
RATE, DECAY, DROPOUT = 2e-3, 1e-2, 0.3
LARGEST = 64  # side above which pictures are shrunk first
SMALLEST = 8
BUDGET = 8e11  # multiplications in training: about a minute on one thread
MOST_EPOCHS = 6.0  # more would only learn the training rows by heart


class Classifier(nn.Module):
    """Three convolutions and two linear maps; the last hidden layer has 128 features."""

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.size = shrunk(height, width)
        layers, side = [], list(self.size)
        for index, (inner, outer) in enumerate(zip((channels, *WIDTHS), WIDTHS, strict=False)):
            layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU()]
            if index < _poolings(self.size):
                layers.append(nn.MaxPool2d(2))
                side = [length // 2 for length in side]
        places = WIDTHS[-1] * side[0] * side[1]
        layers += [nn.Flatten(), nn.Dropout(DROPOUT), nn.Linear(places, DIMENSIONS), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(DIMENSIONS, classes)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        return self.head(self.body(x))

    def encoded(self, rows: Pictures) -> Float[Tensor, "n c H W"]:
        """Bytes in [−1, 1], large pictures shrunk."""
        x = torch.from_numpy(np.moveaxis(rows, -1, 1).astype(np.float32))
        return resized(x, self.size) / 127.5 - 1


def shrunk(height: int, width: int) -> tuple[int, int]:
    """Height and width that pictures are classified at."""
    scale = min(1.0, LARGEST / max(height, width))
    return max(SMALLEST, round(height * scale)), max(SMALLEST, round(width * scale))


def multiplications(shape: tuple[int, int, int]) -> int:
    """What one picture costs on its way through the network and back, counted."""
    (channels, *_), (height, width) = shape, shrunk(*shape[1:])
    pools, total = _poolings((height, width)), 0
    for index, (inner, outer) in enumerate(zip((channels, *WIDTHS), WIDTHS, strict=False)):
        total += 9 * inner * outer * height * width
        if index < pools:
            height, width = height // 2, width // 2
    return 3 * (total + WIDTHS[-1] * height * width * DIMENSIONS)


def _poolings(size: tuple[int, int]) -> int:
    return 3 if min(size) >= 8 and max(size) > 40 else 2


def trained(
    rows: Rows,
    labels: Int[np.ndarray, "n"],
    *,
    epochs: float,
    seed: int = 0,
    indices: Int[np.ndarray, "k"] | None = None,
) -> Generator[Progress, None, Classifier]:
    """A classifier of the rows at the indices by their labels, its rate falling to nought.

    The same bits on one thread, whatever the random state outside, which is left as it is.
    """
    every = np.arange(len(rows)) if indices is None else indices
    batch = min(BATCH, len(every))
    steps = max(2, round(epochs * (len(every) // batch)))
    shape = np.moveaxis(rows[every[:1]], -1, 1).shape[1:]
    state = torch.Generator().manual_seed(seed).get_state()
    net, state = _apart(state, lambda: Classifier(shape, int(labels[every].max()) + 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    order: list[Tensor] = []
    for step in range(steps):
        yield Progress(step, steps, "training a classifier")
        if not order:
            shuffled, state = _apart(state, lambda: torch.randperm(len(every)))
            order = list(shuffled[: len(every) // batch * batch].view(-1, batch).flip(0))
        picked = every[order.pop().numpy()]
        x, y = net.encoded(rows[picked]), torch.from_numpy(labels[picked].astype(np.int64))
        loss, state = _apart(state, lambda x=x, y=y: cross_entropy(net(x), y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval().requires_grad_(False)


def _apart(state: Tensor, work: Callable[[], T]) -> tuple[T, Tensor]:
    """What `work` gives with this random state, and the state after it."""
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(state)
        return work(), torch.get_rng_state()


def predicted(net: Classifier, rows: Pictures) -> Int[np.ndarray, "n"]:
    """The most likely class of each picture."""
    return _by_blocks(net, rows, lambda x: net(x).argmax(1))


def features(net: Classifier, rows: Pictures) -> Float32[np.ndarray, "n 128"]:
    """The last hidden layer's activations."""
    return _by_blocks(net, rows, net.body)


def accuracy(net: Classifier, rows: Pictures, labels: Int[np.ndarray, "n"]) -> float:
    """Share of pictures whose class is predicted right."""
    return float((predicted(net, rows) == labels).mean())


def _by_blocks(
    net: Classifier, rows: Pictures, work: Callable[[Tensor], Tensor]
) -> Shaped[np.ndarray, "n *any"]:
    @torch.inference_mode()
    def block(part: Pictures) -> np.ndarray:
        return work(net.encoded(part)).numpy()

    return in_blocks(block, rows, _block(rows.shape[1:]))


def _block(shape: Sequence[int]) -> int:
    return max(1, min(AT_ONCE, VALUES // int(np.prod(shape))))


def classifier(wanted: Wanted) -> Making:
    """Features of a classifier trained on the run's own labels, or kept from an earlier time."""
    _require_classes(wanted)
    assert wanted.labels is not None
    shape, labels = wanted.shape, wanted.labels
    assert len(shape) == 3
    epochs = min(MOST_EPOCHS, BUDGET / (multiplications(shape) * len(wanted.indices)))
    settings = {
        "format": FORMAT, "shape": shape, "epochs": epochs, "seed": wanted.seed,
        "batch": BATCH, "rate": RATE, "decay": DECAY, "dropout": DROPOUT, "widths": WIDTHS,
        "labels": hashlib.sha256(labels[wanted.indices].astype("<i8").tobytes()).hexdigest(),
        "indices": hashlib.sha256(wanted.indices.astype("<i8").tobytes()).hexdigest(),
    }  # fmt: skip
    folder = wanted.cache or Path(platformdirs.user_cache_dir("gantlet"))
    place = folder / "classifiers" / f"{digest_of(wanted.fingerprint, **settings)}.gantlet"
    classes = int(labels[wanted.indices].max()) + 1
    net, _ = _apart(torch.get_rng_state(), lambda: Classifier(shape, classes))
    if not (wanted.fingerprint and _restored(net, place)):
        job = trained(wanted.rows, labels, epochs=epochs, seed=wanted.seed, indices=wanted.indices)
        net = yield from job
        if wanted.fingerprint:
            _keep(net, place)
    weights = hashlib.sha256()
    for name, value in net.state_dict().items():
        weights.update(name.encode() + value.numpy().tobytes())
    count = len(wanted.indices)
    return Extractor(
        name=f"classifier of {net.head.out_features} classes",
        digest=digest_of(weights.hexdigest(), size=net.size, block=_block(shape)),
        dimensions=DIMENSIONS,
        extract=partial(features, net),
        words=f"three convolutions, trained on {count:,} real rows and their labels for "
        f"{epochs:.2g} epochs",
        predict=partial(predicted, net),
        block=_block(shape),
    )


def _require_classes(wanted: Wanted) -> None:
    instead = "choose efficientnet-lite0 or pixels"
    if len(wanted.shape) != 3:
        raise ConfigError(f"features 'classifier': only pictures are classified; {instead}")
    if min(wanted.shape[1:]) < SMALLEST:
        raise ConfigError(
            f"features 'classifier': pictures of {wanted.shape[2]}×{wanted.shape[1]} are smaller "
            f"than {SMALLEST} pixels; choose pixels"
        )
    if wanted.labels is None or len(np.unique(wanted.labels[wanted.indices])) < 2:
        raise ConfigError(
            f"features 'classifier': it learns from labels of at least two classes; {instead}"
        )


def _restored(net: Classifier, place: Path) -> bool:
    """Are the weights there and whole? What is not is learned again."""
    if not place.is_file():
        return False
    try:
        net.load_state_dict(unpack(place).tensors["classifier"])
    except CorruptCheckpoint:
        return False
    net.eval().requires_grad_(False)
    return True


def _keep(net: Classifier, place: Path) -> None:
    try:
        make_folder(place.parent)
        pack(place, {"classifier": net.state_dict()}, {})
    except (StoreError, OSError):
        return  # a cache that cannot be written only costs the time to train again
