"""Pictures: trained with defaults on a CPU budget, judged beside the floor of real against real."""

import argparse
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from gantlet.api import fit, load
from gantlet.config import ConfigError, assign, layered
from gantlet.folder import unused
from gantlet.metrics import coverage, density, frechet_distance, precision, recall
from gantlet.metrics.classifier import features as classifier_features
from gantlet.metrics.classifier import trained
from gantlet.metrics.extractors import Wanted
from gantlet.metrics.features import extractor
from gantlet.metrics.kernel import kernel_estimate, standardised
from gantlet.modalities.base import finished
from gantlet.modalities.idx import idx_file, read_idx
from gantlet.modalities.image_loading import ImageSettings
from gantlet.modalities.image_loading import load as read

SAMPLES = 10_000
NEIGHBOURS_OF = 3_000  # rows among which precision, recall, density and coverage are told, k = 5
Pictures = UInt8[np.ndarray, "n h w c"]
Features = Float[np.ndarray, "n d"]


class Task(NamedTuple):
    """What is trained on, what judges it, and what is known of it elsewhere."""

    source: Path
    train: Pictures
    test: Pictures
    features: Callable[[Pictures], Features]
    judge: str


class Published(NamedTuple):
    """Figures of others; the features they were taken in are not ours."""

    minutes: float
    lines: tuple[str, ...]


FASHION = Published(
    5.0, ("a textbook DCGAN in this protocol: `python benchmarks/fashion.py` trains one beside",)
)
CIFAR = Published(
    10.0,
    (
        "published on GPUs, as FID in Inception's features of the original PNG pictures: "
        "R3GAN 1.96. Another judge and another scale: never compare it with the figures above",
    ),
)


def fashion_task(options: argparse.Namespace) -> Task:
    """Fashion-MNIST's idx files, and a classifier trained on them as the judge."""
    folder = _given(options)
    train, test = (
        read_idx(idx_file(folder, part, "images-idx3-ubyte"))[..., None]
        for part in ("train", "t10k")
    )
    labels = read_idx(idx_file(folder, "train", "labels-idx1-ubyte")).astype(np.int64)
    print("training the judge ...", flush=True)
    net = finished(trained(train, labels, epochs=2))
    source = idx_file(folder, "train", "images-idx3-ubyte")
    return Task(
        source, train, test, lambda x: classifier_features(net, x), "a classifier's features"
    )


def cifar_task(options: argparse.Namespace) -> Task:
    """A folder or archive with train/ and test/ by class; a network of photographs as judge."""
    root = _unpacked(_given(options), options.out / "cifar10-data")
    place = next(
        (p.parent for p in sorted(root.rglob("train")) if (p.parent / "test").is_dir()), None
    )
    if place is None:
        raise ConfigError(f"{root}: no folders train/ and test/ are in it; give CIFAR-10 by --data")
    train, test = (_pictures(place / part) for part in ("train", "test"))
    channels_first = (train.shape[3], train.shape[1], train.shape[2])
    wanted = Wanted(shape=channels_first, rows=train, indices=np.arange(len(train)))
    judge = finished(extractor("efficientnet-lite0", wanted))
    return Task(place / "train", train, test, judge.extract, f"{judge.name}, {judge.digest}")


def protocol(
    name: str, task_of: Callable[[argparse.Namespace], Task], published: Published
) -> Callable[[argparse.Namespace], int]:
    """The command that trains with defaults, once a seed, and prints the table."""

    def command(options: argparse.Namespace) -> int:
        options.out.mkdir(parents=True, exist_ok=True)
        task = task_of(options)
        minutes = options.minutes or published.minutes
        count = min(SAMPLES, len(task.test))
        some = np.sort(np.random.default_rng(0).choice(len(task.train), count, replace=False))
        test, train = task.features(task.test[:count]), task.features(task.train[some])
        print(f"judged by {task.judge}, {count:,} samples; the floor is train against test")
        print(f"{'':>16} {'against':>8} {'FD':>9} {'KD':>9}  P    R    D    C")
        _print("floor", "test", test, train)
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            samples, seconds = _drawn(name, task.source, seed, minutes, count, options)
            fake = task.features(samples)
            _print(f"seed {seed}, {seconds:.0f} s", "test", test, fake)
            _print("", "train", train, fake)
        for line in published.lines:
            print(line)
        return 0

    return command


def _drawn(
    name: str, source: Path, seed: int, minutes: float, count: int, options: argparse.Namespace
) -> tuple[Pictures, float]:
    """Samples of a run with nothing set but budget, seed and one thread, and its CPU seconds."""
    out = unused(options.out / f"{name}-{seed}")
    budget = {"minutes": minutes, "clock": "cpu"}
    wishes: dict[str, Any] = layered(
        {"seed": seed, "threads": 1, "budget": budget}, assign(options.set)
    )
    began = time.process_time()
    for _ in fit(source, out=out, settings=wishes):
        pass
    return load(out).sample(count, seed=1), time.process_time() - began


def report(real: Features, fake: Features) -> dict[str, float]:
    """Distances of all rows, and what neighbours say of the first 3,000."""
    near, far = real[:NEIGHBOURS_OF], fake[:NEIGHBOURS_OF]
    return {
        "fd": frechet_distance(real, fake), "kd": kernel_estimate(*standardised(real, fake)).value,
        "precision": precision(near, far, 5), "recall": recall(near, far, 5),
        "density": density(near, far, 5), "coverage": coverage(near, far, 5),
    }  # fmt: skip


def _print(who: str, against: str, real: Features, fake: Features) -> None:
    fd, kd, *shares = report(real, fake).values()
    told = " ".join(f"{share:.2f}" for share in shares)
    print(f"{who:>16} {against:>8} {fd:9.3f} {kd:9.4f}  {told}", flush=True)


def _given(options: argparse.Namespace) -> Path:
    if options.data is None:
        raise ConfigError(f"bench {options.protocol}: give the folder of its data by --data")
    return options.data


def _unpacked(path: Path, place: Path) -> Path:
    """The folder itself, or what its archive holds."""
    if path.is_dir() and (path / "train").is_dir():
        return path
    archives = [path] if path.is_file() else list(_archives(path))
    if not archives:
        raise ConfigError(f"{path}: neither train/ and test/ nor a .tar or .tar.gz of them is here")
    if not place.is_dir():
        print(f"unpacking {archives[0].name} ...", flush=True)
        aside = place.with_name(f"{place.name}.aside")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(aside, filter="data")
        aside.rename(place)  # last: what was broken off is unpacked anew
    return place


def _archives(folder: Path) -> Iterator[Path]:
    yield from sorted([*folder.glob("*.tar.gz"), *folder.glob("*.tar")])


def _pictures(folder: Path) -> Pictures:
    raw = finished(read(folder, ImageSettings()))
    order = np.random.default_rng(0).permutation(len(raw.rows))  # files come class by class
    return np.asarray(raw.rows[np.sort(order)])[order]


fashion = protocol("fashion", fashion_task, FASHION)
cifar10 = protocol("cifar10", cifar_task, CIFAR)
