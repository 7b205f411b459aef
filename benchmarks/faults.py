"""Are planted faults seen, and named?  Eight of them on real pictures, and a sound control.

    python benchmarks/faults.py --data FOLDER --repetitions 20

FOLDER holds cifar10/, unpacked: a folder for each class, in train/ or at once. The pictures are
stored as JPEG; here they are brought to 24 pixels, which leaves nothing of JPEG's blocks, so that
these can be a fault. In each
repetition other pictures are trained on, held out and judged. "Generated" are real pictures
that nobody has seen, altered in one way; the sound control is not altered. The whole of
`gantlet evaluate` runs on them, and what its summary names is counted.
"""

import argparse
import io
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter
from sklearn.decomposition import PCA

from gantlet.evaluation.evaluate import evaluated
from gantlet.evaluation.explorable import Explorable
from gantlet.evaluation.subject import Subject
from gantlet.feed import Split
from gantlet.metrics.features import EXTRACTORS, Extractor, Wanted, extractor
from gantlet.modalities.base import Progress, finished
from gantlet.modalities.image import IMAGE, ImageCodec

SIDE = 24
POOL = 16_000  # real pictures that repetitions draw from


class Drawn(NamedTuple):
    """Real pictures of one repetition, drawn apart."""

    train: np.ndarray
    train_labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray
    fresh: np.ndarray  # what the generator would be perfect with
    fresh_labels: np.ndarray
    rng: np.random.Generator


Fault = Callable[[Drawn], np.ndarray]


def sound(drawn: Drawn) -> np.ndarray:
    """Unseen real pictures."""
    return drawn.fresh


def repeated(drawn: Drawn) -> np.ndarray:
    """A tenth of the pictures, each ten times."""
    few = drawn.fresh[: len(drawn.fresh) // 10]
    return few[drawn.rng.integers(len(few), size=len(drawn.fresh))]


def noisy(drawn: Drawn) -> np.ndarray:
    """Gaussian noise of 5 % of the range."""
    noise = drawn.rng.normal(0, 0.05 * 255, drawn.fresh.shape)
    return np.clip(np.rint(drawn.fresh + noise), 0, 255).astype(np.uint8)


def blurred(drawn: Drawn) -> np.ndarray:
    """A Gaussian blur of 0.8 pixels."""
    return np.stack(
        [
            np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(0.8)))
            for picture in drawn.fresh
        ]
    )


def class_missing(drawn: Drawn) -> np.ndarray:
    """No picture of one class."""
    return drawn.fresh[drawn.fresh_labels != drawn.rng.integers(10)]


def near_copies(drawn: Drawn) -> np.ndarray:
    """Training pictures with noise of 1 % of the range."""
    rows = drawn.train[drawn.rng.permutation(len(drawn.train))[: len(drawn.fresh)]]
    noise = drawn.rng.normal(0, 0.01 * 255, rows.shape)
    return np.clip(np.rint(rows + noise), 0, 255).astype(np.uint8)


def jpeg(drawn: Drawn) -> np.ndarray:
    """Saved as JPEG of quality 75 and opened again."""
    out = []
    for picture in drawn.fresh:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=75)
        out.append(np.asarray(Image.open(buffer)))
    return np.stack(out)


def wrong_colours(drawn: Drawn) -> np.ndarray:
    """Red and blue exchanged."""
    return drawn.fresh[..., ::-1].copy()


FAULTS: dict[str, tuple[Fault, str]] = {  # what the summary must name
    "sound control": (sound, ""),
    "few images repeated": (repeated, "repeats"),
    "noise": (noisy, "noisy"),
    "blur": (blurred, "blurred"),
    "one class missing": (class_missing, "mode_missing"),
    "near-copies of training data": (near_copies, "copies"),
    "JPEG against PNG": (jpeg, "compressed"),
    "wrong colours": (wrong_colours, "colours"),
    "discontinuous generator": (sound, "jumps"),
}


def smooth_generator(pictures: np.ndarray, seed: int) -> Explorable:
    """A linear G: pictures' mean and 32 principal components, scaled by z."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    parts = PCA(32, random_state=seed).fit(flat)
    mean = torch.from_numpy(parts.mean_.astype(np.float32))
    basis = torch.from_numpy((parts.components_ * np.sqrt(parts.explained_variance_)[:, None])
                             .astype(np.float32))  # fmt: skip

    def generator(z: torch.Tensor, _y: torch.Tensor | None) -> torch.Tensor:
        flat = mean.to(z) + z @ basis.to(z)
        x = flat.reshape(len(z), *pictures.shape[1:]) / 127.5 - 1
        return x.permute(0, 3, 1, 2).float()

    def decode(x: torch.Tensor) -> np.ndarray:
        pixels = ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).numpy()

    return Explorable(
        generator=generator, latent_dim=32, decode=decode,
        preview=lambda rows: IMAGE.preview(rows, None),
    )  # fmt: skip


def torn(smooth: Explorable) -> Explorable:
    """The same G, z rounded to whole numbers first: nothing between them."""

    def generator(z: torch.Tensor, y: torch.Tensor | None) -> torch.Tensor:
        return smooth.generator(z.round(), y)

    return replace(smooth, generator=generator)


def pool(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Real pictures and their classes, shuffled once."""
    source = folder / "train" if (folder / "train").is_dir() else folder
    settings = IMAGE.settings(resolution=SIDE, labels=True)
    raw = finished(IMAGE.load(source, settings))
    assert raw.labels is not None, "data.labels was asked for"
    rows = np.random.default_rng(0).permutation(len(raw.rows))[:POOL]
    rows = np.sort(rows)
    mixed = np.random.default_rng(1).permutation(len(rows))
    return raw.rows[rows][mixed], raw.labels[rows][mixed]


def drawn(pictures: np.ndarray, labels: np.ndarray, count: int, seed: int) -> Drawn:
    """Disjoint rows of this repetition: twice as many to train on as are judged."""
    rng = np.random.default_rng([seed, 5])
    places = rng.permutation(len(pictures))
    train, held_out, fresh = np.split(places[: 4 * count], [2 * count, 3 * count])
    return Drawn(
        pictures[train], labels[train], pictures[held_out], labels[held_out], pictures[fresh],
        labels[fresh], rng,
    )  # fmt: skip


def judged(
    drawn: Drawn, fault: Fault, explorable: Explorable, extractor: str, seed: int
) -> set[str]:
    """What the summary names, what is good left out."""
    rows = np.concatenate([drawn.train, drawn.held_out])
    count = len(drawn.train)
    subject = Subject(
        title="pictures", modality=IMAGE, rows=rows,
        codec=ImageCodec(height=SIDE, width=SIDE, channels=3),
        labels=np.concatenate([drawn.train_labels, drawn.held_out_labels]),
        classes=tuple(map(str, range(10))),
        split=Split(np.arange(count), np.arange(count, len(rows))),
        fingerprint="", fake=fault(drawn), fake_labels=None, gan=None,
        explorable=explorable, seed=seed,
    )  # fmt: skip
    evaluation = finished(evaluated(subject, extractor, None))
    return {f.kind for f in evaluation.findings if f.severity != "good"}


def remembered(own: Extractor) -> Extractor:
    """The extractor, which does not look twice at a picture that repetitions share."""
    memory: dict[bytes, np.ndarray] = {}

    def extract(rows: np.ndarray) -> np.ndarray:
        keys = [row.tobytes() for row in rows]
        new = [place for place, key in enumerate(keys) if key not in memory]
        if new:
            for place, features in zip(new, own.extract(rows[np.array(new)]), strict=True):
                memory[keys[place]] = features
        return np.stack([memory[key] for key in keys])

    return own._replace(extract=extract)


def main() -> int:
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=f"{__doc__}".split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first repetition's seed")
    parser.add_argument("--count", type=int, default=2_000, help="pictures that are judged")
    parser.add_argument("--features", default="classifier", help="as of gantlet evaluate")
    parser.add_argument("--only", nargs="+", choices=[*FAULTS])
    options = parser.parse_args()
    folder = options.data / "cifar10"
    if not folder.is_dir():
        print(f"skipped: {folder} is not there")
        return 0
    pictures, labels = pool(folder)
    wanted = Wanted(
        shape=(3, SIDE, SIDE), rows=pictures, indices=np.arange(len(pictures)), labels=labels
    )
    own = remembered(finished(extractor(options.features, wanted)))
    EXTRACTORS["remembered"] = lambda _wanted: _made(own)
    named: dict[str, Counter[str]] = {name: Counter() for name in options.only or FAULTS}
    for seed in range(options.first, options.first + options.repetitions):
        data = drawn(pictures, labels, options.count, seed)
        smooth = smooth_generator(data.train, seed)
        for name, counted in named.items():
            began = time.process_time()
            generator = torn(smooth) if FAULTS[name][1] == "jumps" else smooth
            kinds = judged(data, FAULTS[name][0], generator, "remembered", seed)
            counted.update(kinds)
            print(
                f"{seed:>3}  {name:<30} {', '.join(sorted(kinds)) or '-'}  "
                f"({time.process_time() - began:.0f} CPU s)", flush=True,
            )  # fmt: skip
    return _table(named, options.repetitions)


def _made(own: Extractor) -> Generator[Progress, None, Extractor]:
    yield Progress(0, 0, "features")
    return own


def _table(named: dict[str, Counter[str]], repetitions: int) -> int:
    missed = 0
    print("\n| planted | must be named | named in | also named |\n| --- | --- | ---: | --- |")
    for name, counted in named.items():
        wanted = FAULTS[name][1]
        times = counted[wanted] if wanted else repetitions - counted.total()
        others = ", ".join(f"{k} {n}" for k, n in counted.most_common() if k != wanted) or "-"
        print(f"| {name} | {wanted or 'nothing'} | {times} of {repetitions} | {others} |")
        missed += times < repetitions
    return int(missed > 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:  # nothing of this belongs in the user's own
        os.environ.setdefault("XDG_CACHE_HOME", cache)
        sys.exit(main())
