"""Wherever images lie, the same pictures come out."""

import gzip
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from gantlet.modalities.base import SourceError
from gantlet.modalities.image import IMAGE
from image_files import all_rows, looked, noise, read, save, some_images, written


def write_idx(path, array):
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


class Photographs(Dataset):
    """PIL images with labels, as torchvision gives them."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return Image.fromarray(noise(16, 16, 3, seed=index)), 10 + index % 2


def test_folder_zip_and_array_of_the_same_pictures_share_one_fingerprint(tmp_path):
    folder = some_images(tmp_path / "d", 5)
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for path in sorted(folder.iterdir(), reverse=True):
            archive.write(path, f"inside/{path.name}")
    with tarfile.open(tmp_path / "d.tar.gz", "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, f"./{path.name}")
    array = np.stack([noise(16, 16, 3, seed=seed) for seed in range(5)])
    np.save(tmp_path / "d.npy", array)
    sources = [folder, tmp_path / "d.zip", tmp_path / "d.tar.gz", tmp_path / "d.npy", array]
    raws = [read(source, tmp_path / "cache") for source in sources]
    assert all((all_rows(raw) == array).all() for raw in raws)
    assert len({raw.fingerprint for raw in raws}) == 1
    assert all(IMAGE.recognises(source) for source in sources)


def test_folders_become_classes_where_every_image_lies_in_one(tmp_path):
    for name, count in (("ωmega", 2), ("alpha", 3)):
        some_images(tmp_path / "d" / "flowers" / name / "deeper", count)
    raw = read(tmp_path / "d", tmp_path / "cache")
    assert raw.classes == ("alpha", "ωmega")
    assert raw.labels is not None
    assert raw.labels.tolist() == [0, 0, 0, 1, 1]
    assert read(tmp_path / "d", tmp_path / "cache", labels=False).labels is None
    save(tmp_path / "d" / "flowers", "loose.png", noise(16, 16, 3))
    assert read(tmp_path / "d", tmp_path / "cache").labels is None
    with pytest.raises(SourceError, match=r"data\.labels"):
        read(tmp_path / "d", tmp_path / "cache", labels=True)


@pytest.mark.parametrize("above", ["", "train/", "data/", "data/train/", "./train/"])
@pytest.mark.parametrize("name", ["d.zip", "d.tar", "d.tar.gz"])
def test_class_folders_of_an_archive_are_classes_below_whatever_leads_to_them(
    tmp_path, name, above
):
    folder, path = some_images(tmp_path / "d", 4), tmp_path / name
    inside = [
        (above + label, file) for label, file in zip("abba", sorted(folder.iterdir()), strict=True)
    ]
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            for label, file in inside:
                archive.write(file, f"{label}/{file.name}")
    else:
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as archive:
            for label, file in inside:
                archive.add(file, f"{label}/{file.name}")
    raw = read(path, tmp_path / "cache")
    assert raw.classes == ("a", "b")
    assert raw.labels is not None
    # A zip is read by name, as a folder is, a tar in the order it lies in.
    assert raw.labels.tolist() == ([0, 0, 1, 1] if name == "d.zip" else [0, 1, 1, 0])


def test_train_and_test_are_parts_and_no_classes(tmp_path):
    some_images(tmp_path / "d" / "train" / "cat", 2)
    some_images(tmp_path / "d" / "test" / "cat", 2)
    found = looked(tmp_path / "d", tmp_path / "cache")
    assert found.classes == ()
    assert any("parts, not classes" in note for note in found.notes)


def test_files_that_nobody_meant_as_images_are_passed_over_and_counted(tmp_path):
    folder = some_images(tmp_path / "d", 3)
    for name in ("notes.txt", ".hidden.png", "Thumbs.db", "labels.json"):
        (folder / name).write_text("x")
    some_images(folder / "__MACOSX", 1)
    some_images(folder / ".git", 1)
    raw = read(folder, tmp_path / "cache")
    assert len(raw.rows) == 3
    assert raw.skipped == ()
    assert any(note.startswith("4 files") for note in raw.notes)


def test_a_link_back_to_its_own_folder_is_followed_once(tmp_path):
    folder = some_images(tmp_path / "d", 2)
    (folder / "again").symlink_to(folder)
    assert len(read(folder, tmp_path / "cache").rows) == 2


def test_one_file_is_a_data_set_of_one(tmp_path):
    path = save(tmp_path, "ünïcode 🌷.png", noise(16, 24, 3))
    assert (all_rows(read(path, tmp_path / "cache")) == noise(16, 24, 3)).all()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files_use_the_labels_beside_them_only_when_asked(tmp_path, suffix):
    images, labels = noise(7, 28, 28), np.arange(7, dtype=np.uint8) % 3
    path = write_idx(tmp_path / f"t-images-idx3-ubyte{suffix}", images)
    write_idx(tmp_path / f"t-labels-idx1-ubyte{suffix}", labels)
    plain = read(path, tmp_path / "cache")
    asked = read(path, tmp_path / "cache", labels=True)
    assert (all_rows(plain) == images[..., None]).all()
    assert plain.labels is None
    assert any("data.labels=true" in note for note in plain.notes)
    assert asked.labels is not None
    assert asked.labels.tolist() == labels.tolist()
    assert IMAGE.recognises(path)


def test_a_folder_of_idx_files_is_its_training_pictures(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    train, test = noise(7, 28, 28), noise(3, 28, 28, seed=1)
    one = write_idx(folder / "x-test-images-idx3-ubyte.gz", test)
    assert (all_rows(read(folder, tmp_path / "cache")) == test[..., None]).all()
    write_idx(folder / "x-train-images-idx3-ubyte", train)
    write_idx(folder / "x-train-images-idx3-ubyte.gz", train)
    write_idx(folder / "x-train-labels-idx1-ubyte.gz", np.zeros(7, np.uint8))
    assert IMAGE.recognises(folder)
    raw = read(folder, tmp_path / "cache")
    assert (all_rows(raw) == train[..., None]).all()
    assert "Pictures come from x-train-images-idx3-ubyte." in raw.notes
    write_idx(folder / "y-train-images-idx3-ubyte.gz", test)
    with pytest.raises(SourceError, match=r"give .*images-idx3-ubyte.* itself"):
        read(folder, tmp_path / "cache")
    assert (all_rows(read(one, tmp_path / "cache")) == test[..., None]).all()


def test_a_shortened_idx_file_is_an_error_and_no_smaller_data_set(tmp_path):
    path = write_idx(tmp_path / "t-images-idx3-ubyte", noise(7, 28, 28))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SourceError, match="shorter"):
        read(path, tmp_path / "cache")


def test_npz_files_give_images_and_labels_by_their_names(tmp_path):
    np.savez(tmp_path / "a.npz", y=np.array([5, 9, 5]), other=np.ones(3), x=noise(3, 16, 16, 3))
    raw = read(tmp_path / "a.npz", tmp_path / "cache")
    assert (all_rows(raw) == noise(3, 16, 16, 3)).all()
    assert raw.classes == ("5", "9")
    assert raw.labels is not None
    assert raw.labels.tolist() == [0, 1, 0]


def test_what_the_npz_writer_writes_is_read_back(tmp_path):
    rows, labels = noise(4, 16, 16, 3), np.array([0, 1, 1, 2])
    written(tmp_path / "a.npz", rows, labels)
    raw = read(tmp_path / "a.npz", tmp_path / "cache")
    assert (all_rows(raw) == rows).all()
    assert raw.labels is not None
    assert raw.labels.tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("scaled", "low"), [(lambda v: v / 255, 0), (lambda v: v / 127.5 - 1, -1), (lambda v: v, 0)]
)
def test_floating_values_are_scaled_by_their_range(tmp_path, scaled, low):
    pixels = noise(5, 16, 16, 3)
    pixels[0, 0, 0] = (0, 128, 255)
    array = scaled(pixels.astype(np.float32))
    assert array.min() == low
    assert (all_rows(read(array, tmp_path / "cache")) == pixels).all()


def test_channels_come_first_in_tensors_and_last_in_arrays(tmp_path):
    pixels = noise(5, 16, 12, 3)
    tensor = torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255
    assert (all_rows(read(tensor, tmp_path / "cache")) == pixels).all()
    assert (all_rows(read(pixels, tmp_path / "cache")) == pixels).all()


def test_arrays_larger_than_wanted_are_fitted_without_a_named_cache(tmp_path):
    raw = read(noise(3, 100, 100, 3), tmp_path / "cache", resolution=32)
    assert all_rows(raw).shape == (3, 32, 32, 3)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_data_sets_of_pil_images_and_of_tensors_are_read_with_their_labels(tmp_path):
    photographs = read(Photographs(), tmp_path / "cache")
    tensors = TensorDataset(torch.tensor(noise(6, 1, 16, 16)), torch.arange(6) % 3)
    assert (all_rows(photographs)[5] == noise(16, 16, 3, seed=5)).all()
    assert photographs.labels is not None
    assert photographs.labels.tolist() == [0, 1] * 3
    assert photographs.classes == ("10", "11")
    assert (all_rows(read(tensors, tmp_path / "cache"))[..., 0] == noise(6, 1, 16, 16)[:, 0]).all()
    assert IMAGE.recognises(Photographs())
    assert IMAGE.recognises(tensors)


def test_the_builtin_digits_are_there_with_labels(tmp_path):
    raw = read("digits", tmp_path / "cache")
    assert all_rows(raw).shape == (1797, 8, 8, 1)
    assert all_rows(raw).max() == 255
    assert len(raw.classes) == 10


@pytest.mark.parametrize(
    "source",
    ["no/such/folder", np.zeros((10, 2)), np.zeros((50, 24, 6)), torch.zeros(4, 3), 7, None],
)
def test_other_things_are_not_taken_for_images(source):
    assert not IMAGE.recognises(source)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"1,2", "not a source of images"),
        ("a.zip", b"no archive", "zip"),
        ("a.tar.gz", b"no archive", "broken"),
        ("a.npy", b"no array", "npy"),
        ("a.npz", b"no arrays", "npz"),
        ("images-idx3-ubyte", b"\0\0", "idx"),
    ],
)
def test_a_source_that_cannot_be_opened_is_named_in_the_error(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=f"{name}.*{message}"):
        read(tmp_path / name, tmp_path / "cache")


def test_an_empty_folder_says_what_it_holds(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.txt").write_text("x")
    with pytest.raises(SourceError, match="1 other files"):
        read(tmp_path / "d", tmp_path / "cache")
