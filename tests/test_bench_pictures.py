"""The picture protocols run from data to table, on a few made-up pictures."""

import argparse
import io
import subprocess
import sys
import tarfile
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantlet.bench import PROTOCOLS, bench
from gantlet.bench.pictures import report
from gantlet.config import ConfigError

SHORT = [
    "network.options={width_G=32, width_D=8}", "optimization.batch=8",
    "keeping.measured=20", "keeping.preview=4", "budget.steps=2",
]  # fmt: skip


def options(protocol: str, data: Path | None, out: Path) -> argparse.Namespace:
    cache = f"data.cache='{out / 'cache'}'"
    return argparse.Namespace(
        protocol=protocol, data=data, out=out, minutes=0.5, seeds=1, first_seed=3,
        set=[*SHORT, cache],
    )  # fmt: skip


def idx(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    path.write_bytes(header + values.tobytes())


def test_every_protocol_is_where_it_is_said_to_be():
    for module, command in PROTOCOLS.values():
        assert callable(getattr(import_module(f"gantlet.bench.{module}"), command))


def test_protocols_are_listed_without_torch():
    script = "import sys, gantlet.bench\nassert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_equal_features_are_nought_apart_and_cover_each_other():
    x = np.random.default_rng(0).normal(size=(400, 4))
    found = report(x, x)
    assert found["fd"] == pytest.approx(0, abs=1e-9)
    assert found["precision"] == found["recall"] == found["coverage"] == 1


def test_fashion_prints_the_floor_and_a_row_against_test_and_train(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for part, count in (("train", 300), ("t10k", 60)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        idx(tmp_path / f"{part}-images-idx3-ubyte", images)
        idx(tmp_path / f"{part}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    assert bench(options("fashion", tmp_path, tmp_path / "out")) == 0
    said = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in said if " test " in line or " train " in line]
    assert any(line.lstrip().startswith("floor") for line in said)
    assert any(line.lstrip().startswith("seed 3") for line in said)
    assert len(rows) >= 3


def test_cifar_is_unpacked_and_published_figures_are_marked_as_of_another_judge(tmp_path, capsys):
    rng = np.random.default_rng(0)
    with tarfile.open(tmp_path / "pictures.tar.gz", "w:gz") as archive:
        for part, count in (("train", 40), ("test", 12)):
            for n in range(count):
                buffer = io.BytesIO()
                pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(buffer, "PNG")
                entry = tarfile.TarInfo(f"{part}/{'ab'[n % 2]}/{n:04d}.png")
                entry.size = len(buffer.getvalue())
                archive.addfile(entry, io.BytesIO(buffer.getvalue()))
    assert bench(options("cifar10", tmp_path, tmp_path / "out")) == 0
    said = capsys.readouterr().out
    assert "EfficientNet-Lite0" in said
    assert "never compare it with the figures above" in said


@pytest.mark.parametrize("protocol", ["fashion", "cifar10"])
def test_data_that_are_missing_are_asked_for(protocol, tmp_path):
    with pytest.raises(ConfigError, match=f"bench {protocol}: give the folder"):
        bench(options(protocol, None, tmp_path))
    with pytest.raises(ValueError, match=r"is here"):
        bench(options(protocol, tmp_path, tmp_path / "out"))
