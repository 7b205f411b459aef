"""Plain 2-D points: the modality to learn with, and to measure mode coverage on."""

import csv
import hashlib
import io
import itertools
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from scipy.ndimage import maximum_filter
from torch import Tensor

from gantlet.config import setting
from gantlet.metrics import segregation
from gantlet.metrics.characteristic import characteristic_distance
from gantlet.modalities.base import (
    Found,
    Modality,
    Preview,
    Progress,
    Raw,
    Read,
    Skipped,
    Source,
    SourceError,
    Survey,
    Trait,
)
from gantlet.modalities.clouds import CLOUDS
from gantlet.modalities.writing import Writing, file_aside, gathered, write_npy, write_npz

Points = Float[np.ndarray, "n 2"]
ARRAYS = (".npy", ".npz")
TEXTS = (".csv", ".tsv", ".txt")
LOOKED_AT = 50  # lines, for the first that are not empty


@dataclass(frozen=True, kw_only=True)
class PointsSettings:
    count: int = setting(100_000, "points drawn of a built-in cloud")
    seed: int = setting(0, "seed of a built-in cloud")
    bad_share: float = setting(0.1, "share of unreadable rows above which reading stops")


@dataclass(frozen=True)
class PointsCodec:
    """Brings each coordinate to mean nought and unit variance."""

    mean: tuple[float, float]
    scale: tuple[float, float]

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    @property
    def blocks(self) -> tuple[int, ...]:
        """None: coordinates are continuous."""
        return ()

    def encode(self, rows: Points) -> Float[Tensor, "n 2"]:
        return torch.from_numpy(
            ((rows - np.array(self.mean)) / np.array(self.scale)).astype(np.float32)
        )

    def decode(self, samples: Float[Tensor, "n 2"]) -> Points:
        return samples.double().cpu().numpy() * np.array(self.scale) + np.array(self.mean)

    def plain(self) -> dict[str, Any]:
        return {"mean": list(self.mean), "scale": list(self.scale)}


def codec(plain: Mapping[str, Any]) -> PointsCodec:
    """The inverse of `PointsCodec.plain`."""
    return PointsCodec(tuple(plain["mean"]), tuple(plain["scale"]))


def fit(raw: Raw) -> PointsCodec:
    """The codec of this cloud; a coordinate that never changes keeps its scale."""
    rows = raw.rows[np.arange(len(raw.rows))]
    mean, scale = rows.mean(0), rows.std(0)
    if not scale.any():
        raise SourceError("every point is the same: there is nothing to learn from one point")
    scale = np.where(scale > 0, scale, 1.0)
    return PointsCodec((float(mean[0]), float(mean[1])), (float(scale[0]), float(scale[1])))


def recognises(source: Source) -> bool:
    """Built-in clouds, texts of numbers, and arrays of two columns; a frame is a table."""
    if isinstance(source, (str, Path)):
        path = Path(source)
        if path.is_file() and path.suffix in ARRAYS:
            return _has_two_columns(_array(path).shape)
        return str(source) in CLOUDS or (path.suffix in TEXTS and _begins_with_points(path))
    return isinstance(source, (np.ndarray, Tensor)) and _has_two_columns(tuple(source.shape))


def survey(source: Source, settings: PointsSettings) -> Survey:
    """Points are few and small: the survey reads them all."""
    raw = yield from load(source, settings)
    return Found(
        count=len(raw.rows), shape=(2,), classes=raw.classes, notes=raw.notes, variance=2.0
    )


def load(source: Source, settings: PointsSettings) -> Read:
    """The points in float64; rows that are no finite numbers are skipped and listed."""
    yield Progress(0, 1, "reading points")
    if isinstance(source, (str, Path)) and str(source) in CLOUDS:
        rng = np.random.default_rng(settings.seed)
        points, _ = CLOUDS[str(source)](rng, settings.count)
        return _raw(points, [], f"{len(points):,} points drawn of the built-in cloud '{source}'")
    if isinstance(source, (str, Path)):
        path = Path(source)
        points, skipped = (_array(path), []) if path.suffix in ARRAYS else _rows_of_text(path)
    else:
        path = Path("array")
        points, skipped = np.asarray(source), []
    points = np.asarray(points, dtype=np.float64)
    finite = np.isfinite(points).all(1)
    skipped += [Skipped(f"row {i + 1}", "not a finite number") for i in np.flatnonzero(~finite)]
    total = len(points) + len(skipped) - int((~finite).sum())
    if len(skipped) > settings.bad_share * total:
        first = f"{skipped[0].name}: {skipped[0].why}"
        raise SourceError(
            f"{path}: {len(skipped)} of {total} rows cannot be read (first: {first}); "
            f"mend them, or allow more with --set data.bad_share=0.5"
        )
    return _raw(points[finite], skipped, f"{int(finite.sum()):,} points read from {path.name}")


def features(rows: Points) -> Float[np.ndarray, "n d"]:
    """The points themselves."""
    return np.asarray(rows, dtype=np.float64)


def preview(rows: Points, labels: Int[np.ndarray, "n"] | None) -> Preview:
    """A 512-pixel PNG of the cloud; crowded places are darker, few points drawn as blots.

    Labels are not shown.
    """
    picture = io.BytesIO()
    _drawn(rows, 512).save(picture, "PNG")
    return Preview("image/png", picture.getvalue())


def _drawn(rows: Points, side: int) -> Image.Image:
    low, high = np.quantile(rows, [0.002, 0.998], axis=0)
    middle, reach = (low + high) / 2, max(float((high - low).max()) * 0.6, 1e-12)
    edges = np.linspace(-reach, reach, side + 1)
    counts, _, _ = np.histogram2d(
        middle[1] - rows[:, 1], rows[:, 0] - middle[0], bins=(edges, edges)
    )
    ink = np.minimum(1.0, np.sqrt(counts / max(1.0, np.quantile(counts[counts > 0], 0.9))))
    radius = min(5, round(side / 16 / len(rows) ** 0.5))
    blot = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1]) <= radius
    ink = maximum_filter(ink, footprint=blot)
    return Image.fromarray((255 * (1 - 0.9 * ink)).astype(np.uint8))


@contextmanager
def _write_csv(path: Path, count: int, classes: int) -> Writing:
    del count, classes
    with file_aside(path) as file:
        file.write(b"x,y\n")

        def put(rows: Points, _: Int[np.ndarray, "b"] | None) -> None:
            np.savetxt(file, rows, delimiter=",", fmt="%.9g")

        yield put


@contextmanager
def _write_png(path: Path, count: int, classes: int) -> Writing:
    del classes
    with file_aside(path) as file, gathered(path, count) as (put, parts):
        yield put
        file.write(preview(np.concatenate(parts), None).content)


def _raw(points: Points, skipped: list[Skipped], note: str) -> Raw:
    if len(points) == 0:
        raise SourceError("there are no points to learn from")
    digest = hashlib.sha256(np.ascontiguousarray(points).tobytes()).hexdigest()
    return Raw(rows=points, fingerprint=digest, notes=(note,), skipped=tuple(skipped))


def _begins_with_points(path: Path) -> bool:
    """Are there two numbers on the first line, or on the second, below two names?"""
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = [line for line in itertools.islice(file, LOOKED_AT) if line.strip()][:2]
    except (OSError, UnicodeDecodeError):
        return False
    rows = _cells(lines) if lines else []
    return any(_numbers(row) for row in rows) and len(rows[0]) == 2


def _cells(lines: list[str]) -> list[list[str]]:
    delimiter = next((d for d in ",;\t" if d in lines[0]), " ")
    return list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))


def _has_two_columns(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[1] == 2


def _array(path: Path) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with np.load(path, allow_pickle=False) as archive:
            return archive["samples" if "samples" in archive else archive.files[0]]
    except (ValueError, OSError, EOFError) as error:
        raise SourceError(f"{path}: not a readable NumPy file ({error})") from error


def _rows_of_text(path: Path) -> tuple[np.ndarray, list[Skipped]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise SourceError(f"{path}: the file is empty")
    rows = _cells(lines)
    columns = max(len(row) for row in rows)
    if columns != 2:
        raise SourceError(
            f"{path}: {columns} columns found; points take two numeric columns, x and y"
        )
    header = 0 if _numbers(rows[0]) else 1
    good = [(i, _numbers(row)) for i, row in enumerate(rows[header:], header + 1)]
    skipped = [Skipped(f"row {i}", "not two numbers") for i, numbers in good if not numbers]
    return np.array([n for _, n in good if n], dtype=np.float64).reshape(-1, 2), skipped


def _numbers(row: list[str]) -> tuple[float, ...] | None:
    try:
        return tuple(float(cell) for cell in row) if len(row) == 2 else None
    except ValueError:
        return None


def _coordinate(axis: int, name: str) -> Trait:
    return Trait(
        measure=lambda rows: np.asarray(rows, dtype=np.float64)[:, axis],
        words=f"the coordinate {name}",
        more=f"a larger {name}",
        less=f"a smaller {name}",
        finding_more="shifted",
        finding_less="shifted",
    )


POINTS = Modality(
    name="points",
    noun="points",
    recognises=recognises,
    settings=PointsSettings,
    survey=survey,
    load=load,
    fit=fit,
    codec=codec,
    features=lambda _codec, rows: features(rows),
    distance=segregation,
    ranking=characteristic_distance,
    preview=preview,
    writers={".npz": write_npz, ".npy": write_npy, ".csv": _write_csv, ".png": _write_png},
    builtins=tuple(CLOUDS),
    traits={name: _coordinate(axis, name) for axis, name in enumerate("xy")},
)
