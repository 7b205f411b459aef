"""Samples go to files a part at a time: the same bytes, in bounded memory, whole or not at all."""

import copy
import io
import os
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import runs
from gantlet.config import ConfigError
from gantlet.files import StoreError
from gantlet.folder import Folder
from gantlet.gan import Gan
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import finished
from gantlet.opening import of_folder

PICTURES = {
    "modality": "image", "network": {"options": {"width": 8}},
    "budget": {"steps": 1}, "keeping": {"measured": 20, "preview": 4},
}  # fmt: skip


@pytest.fixture(scope="module")
def of_points(tmp_path_factory) -> Gan:
    folder = tmp_path_factory.mktemp("points")
    runs.played(runs.begun(folder, budget={"steps": 2}), folder)
    return of_folder(Folder(folder))


@pytest.fixture(scope="module")
def of_pictures(tmp_path_factory) -> Gan:
    """A generator of 8×8 pictures in three classes."""
    folder = tmp_path_factory.mktemp("pictures")
    source = folder / "a.npz"
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 255, (90, 8, 8, 1), dtype=np.uint8)
    np.savez(source, samples=rows, labels=np.arange(90) % 3)
    data = {"cache": str(folder / "cache")}
    network = {"family": "mlp", "options": {"width": 8, "depth": 2}}
    runs.played(
        runs.begun(folder / "run", source, data=data, **PICTURES | {"network": network}),
        folder / "run",
    )
    return of_folder(Folder(folder / "run"))


def saved(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_arrays_are_written_as_numpy_writes_them_whole(of_points, of_pictures, tmp_path):
    rows = of_points.sample(700, seed=3)
    finished(of_points.writing(tmp_path / "a.npy", 700, seed=3))
    np.save(tmp_path / "whole.npy", rows)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    finished(of_points.writing(tmp_path / "a.npz", 700, seed=3))
    assert (tmp_path / "a.npz").read_bytes() == saved(samples=rows)
    pictures, labels = of_pictures.labelled(300, truncation=0.7)
    finished(of_pictures.writing(tmp_path / "b.npz", 300, truncation=0.7))
    assert (tmp_path / "b.npz").read_bytes() == saved(samples=pictures, labels=labels)


def test_a_table_holds_the_same_points(of_points, tmp_path):
    finished(of_points.writing(tmp_path / "a.csv", 600))
    whole = tmp_path / "whole.csv"
    np.savetxt(
        whole, of_points.sample(600), delimiter=",", header="x,y", comments="", fmt="%.9g",
        newline="\n",
    )  # fmt: skip
    assert (tmp_path / "a.csv").read_bytes() == whole.read_bytes().replace(b"\r\n", b"\n")


def test_a_folder_and_a_zip_hold_the_same_pictures_by_class(of_pictures, tmp_path):
    rows, labels = of_pictures.labelled(300)
    finished(of_pictures.writing(tmp_path / "pictures", 300))
    finished(of_pictures.writing(tmp_path / "pictures.zip", 300))
    names = sorted(f"{labels[i]}/{i:06d}.png" for i in range(300))
    found = sorted(
        p.relative_to(tmp_path / "pictures").as_posix()
        for p in (tmp_path / "pictures").rglob("*.png")
    )
    archive = zipfile.ZipFile(tmp_path / "pictures.zip")
    assert found == sorted(archive.namelist()) == names
    for name in (names[0], names[-1]):
        content = (tmp_path / "pictures" / name).read_bytes()
        assert content == archive.read(name)
        assert (np.asarray(Image.open(io.BytesIO(content))) == rows[int(name[2:8]), ..., 0]).all()


def test_names_of_class_folders_do_not_depend_on_how_many_are_drawn(tmp_path):
    rows = np.zeros((2, 8, 8, 1), np.uint8)
    with MODALITIES["image"].writers[""](tmp_path / "a", 2, 11) as put:
        put(rows, np.array([0, 3]))
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["00", "03"]


@pytest.mark.parametrize(
    ("suffix", "least", "most"),
    [(".npy", 2_000, 30_000), (".npz", 2_000, 30_000), (".zip", 200, 2_000), ("", 200, 2_000)],
)
def test_memory_does_not_grow_with_the_number_of_pictures(suffix, least, most, tmp_path):
    def peak(count: int) -> int:
        tracemalloc.start()
        with MODALITIES["image"].writers[suffix](tmp_path / f"{count}{suffix}", count, 10) as put:
            for start in range(0, count, 200):
                rows = np.full((200, 16, 16, 3), start % 251, np.uint8)
                put(rows, np.full(200, 7, np.int64))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    grown = peak(most) - peak(least)
    # Of 768 a picture: its label, and its line in an archive's table of contents.
    assert grown < (600 if suffix == ".zip" else 100) * (most - least)


def test_a_long_draw_holds_a_part_at_a_time_and_tells_how_far_it_is(of_points, tmp_path):
    job = of_points.writing(tmp_path / "a.npy", 30_000)
    next(job)
    tracemalloc.start()
    told = [progress.done for progress in job]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told == [*range(512, 30_000, 256), 30_000]
    assert peak < 200_000  # all of them are 480,000 bytes
    assert len(np.load(tmp_path / "a.npy")) == 30_000


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".png", ".zip", ""])
def test_a_draw_that_is_broken_off_leaves_nothing_and_what_was_there(
    suffix, of_points, of_pictures, tmp_path
):
    gan = of_points if suffix == ".csv" else of_pictures
    path = tmp_path / f"a{suffix}"
    if suffix:
        path.write_text("before")
    job = gan.writing(path, 2_000)
    next(job)
    next(job)
    job.close()
    assert [p.name for p in tmp_path.iterdir()] == ([path.name] if suffix else [])
    assert not suffix or path.read_text() == "before"


def test_weights_that_make_nothing_finite_leave_no_file(of_points, tmp_path):
    class Broken(type(of_points.generator)):  # as G with weights too large for what they make
        def forward(self, z, y=None):
            return super().forward(z, y) * float("inf")

    G = copy.deepcopy(of_points.generator)
    G.__class__ = Broken
    with pytest.raises(ArithmeticError, match="not finite"):
        finished(replace(of_points, generator=G).writing(tmp_path / "a.npz", 300))
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_of_more_pictures_than_memory_takes_is_refused_with_a_way_out(tmp_path):
    with (
        pytest.raises(ConfigError, match=r"3,000,000 samples are too many for one picture; .*npz"),
        MODALITIES["image"].writers[".png"](tmp_path / "a.png", 3_000_000, 0) as put,
    ):
        put(np.zeros((4, 32, 32, 3), np.uint8), None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_files_is_left_as_it_is(of_pictures, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.png").touch()
    with pytest.raises(ConfigError, match=r"mine: holds files already; give a folder"):
        finished(of_pictures.writing(tmp_path / "mine", 3))
    (tmp_path / "empty").mkdir()
    finished(of_pictures.writing(tmp_path / "empty", 3))
    assert len(list((tmp_path / "empty").rglob("*.png"))) == 3


def test_a_place_that_cannot_be_written_is_named(of_points, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"move it away or choose another folder"):
        finished(of_points.writing(tmp_path / "file" / "a.npz", 3))


@pytest.mark.skipif(os.name == "nt", reason="signals as on Unix")
@pytest.mark.parametrize("suffix", [".npz", ""])
def test_ctrl_c_leaves_no_half_file_and_says_so(suffix, of_points, of_pictures, tmp_path):
    gan = of_pictures if suffix == "" else of_points
    out = tmp_path / f"samples{suffix}"
    assert gan.path is not None
    process = subprocess.Popen(
        [sys.executable, "-m", "gantlet", "sample", gan.path, "-n", "900000000", "--out", out],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in _until(lambda: any(tmp_path.iterdir())):
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 130
    assert "Ctrl-C: stopped; nothing was written" in said
    assert list(tmp_path.iterdir()) == []


def _until(is_so, seconds: float = 100) -> Iterator[None]:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        yield
        time.sleep(0.05)
