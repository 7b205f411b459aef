"""Stacked MNIST: 1,000 modes of three digits in three colours.  Metz et al. 2017; PacGAN, 4.2."""

import argparse
import time
from pathlib import Path

import numpy as np

from gantlet.api import fit, load
from gantlet.config import ConfigError, assign, layered
from gantlet.folder import unused
from gantlet.gan import Gan
from gantlet.metrics.classifier import Classifier, accuracy, predicted, trained
from gantlet.metrics.modes import StackedModes, stacked_modes
from gantlet.modalities.base import finished
from gantlet.modalities.idx import idx_file, read_idx

TRIPLES = 128_000
SAMPLES = 26_000
FLOOR = 0.0235
DEFAULT_MINUTES = 30.0
PUBLISHED = (
    ("DCGAN", "78.9–99", "3.40–4.50"),
    ("VEEGAN", "150", "2.95"),
    ("WGAN-GP", "959", "0.73"),
    ("StyleGAN2", "940", "0.42"),
    ("PacGAN", "992", "0.28"),
    ("DDGAN", "1000", "0.071"),
    ("MEG", "1000", "0.031"),
    ("R3GAN (GPU, 10 million images)", "1000", "0.029"),
)


def triples(
    digits: np.ndarray, labels: np.ndarray, seed: int, count: int = TRIPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Random digits as the channels of `count` pictures, and the three labels of each."""
    picked = np.random.default_rng(seed).integers(len(digits), size=(count, 3))
    return np.moveaxis(digits[picked], 1, -1), labels[picked]


def stacked_mnist(options: argparse.Namespace) -> int:
    """gantlet bench stacked-mnist"""
    minutes = options.minutes or DEFAULT_MINUTES
    x, y = _mnist(options.data, "train")
    x_test, y_test = _mnist(options.data, "t10k")
    print("training the judge on single digits ...", flush=True)
    judge = finished(trained(x[..., None], y, epochs=6))
    print(f"the judge reads {accuracy(judge, x_test[..., None], y_test):.2%} of the test digits")
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        pictures = options.out / f"stacked-mnist-{seed}.npy"
        if not pictures.is_file():
            np.save(pictures, triples(x, y, seed)[0])
        out = unused(options.out / f"stacked-mnist-{seed}")
        wishes = layered(
            {"seed": seed, "budget": {"minutes": minutes, "clock": "cpu"}}, assign(options.set)
        )
        began = time.process_time()
        for _ in fit(pictures, out=out, settings=wishes):
            pass
        seconds = time.process_time() - began
        found = _modes(load(out), judge)
        print(f"seed {seed}: {found.modes} of 1000 modes, KL {found.kl:.4f}, {seconds:.0f} CPU s")
    print(f"perfect sampler: 1000 modes, KL {FLOOR} ± 0.001; a figure below 0.0225 means a bug")
    for name, modes, kl in PUBLISHED:
        print(f"published, {name}: {modes} modes, KL {kl}")
    return 0


def _modes(gan: Gan, judge: Classifier) -> StackedModes:
    digits = []
    for part in gan.parts(SAMPLES, seed=1):
        rows = gan.codec.decode(part.samples)
        digits.append(np.stack([predicted(judge, rows[..., c : c + 1]) for c in range(3)], axis=1))
    return stacked_modes(np.concatenate(digits))


def _mnist(folder: Path | None, part: str) -> tuple[np.ndarray, np.ndarray]:
    if folder is None:
        raise ConfigError("stacked-mnist: give the folder with MNIST's four idx files by --data")
    images = read_idx(idx_file(folder, part, "images-idx3-ubyte"))
    return images, read_idx(idx_file(folder, part, "labels-idx1-ubyte")).astype(np.int64)
