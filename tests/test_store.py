"""What was kept comes back bit for bit, or its damage is told."""

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from gantlet.files import StoreError
from gantlet.package import pack, unpack
from gantlet.seal import MANIFEST, CorruptCheckpoint, Manifest, manifest_bytes, seal
from gantlet.store import checkpoints, newest, prune, read, verify, write

SMALL = {"G": {"w": torch.tensor([1.5, -2.0])}}
ODD = {
    "scalar": torch.tensor(0.1, dtype=torch.float64),
    "empty": torch.empty(0, 3),
    "transposed": torch.arange(12.0).view(3, 4).t(),
    "expanded": torch.ones(1).expand(5),
    "channels_last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "learned": torch.nn.Parameter(torch.rand(3)),
    "whole": torch.tensor([2**62, -(2**62)]),
    "bytes": torch.arange(256, dtype=torch.uint8),
    "small": torch.tensor([-128, 127], dtype=torch.int8),
    "short": torch.tensor([-(2**15)], dtype=torch.int16),
    "int": torch.tensor([2**30], dtype=torch.int32),
    "flags": torch.tensor([True, False, True]),
    "half": torch.tensor([6e-8, 65504.0], dtype=torch.float16),
    "brain": torch.tensor([3.14, 1e38], dtype=torch.bfloat16),
    "special": torch.tensor([0x7FC12345, 0x80000000, 0x00000001, 0xFF800000])
    .int()
    .view(torch.float32),
    "negated": torch.tensor([1 + 2j]).conj().imag,
    "": torch.zeros(1),
    "名": torch.ones(2),
}


def is_found(check: Callable[[Path], object], path: Path) -> bool:
    try:
        check(path)
    except CorruptCheckpoint:
        return True
    return False


def rewritten(file: Path, data: bytes) -> None:
    with open(file, "r+b") as handle:
        handle.write(data)
        handle.truncate()


def flips(data: bytes) -> Iterator[bytes]:
    """`data` with one bit changed, for every bit."""
    for index in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[index // 8] ^= 1 << index % 8
        yield bytes(flipped)


def bits(tensor: torch.Tensor) -> list[int]:
    return (
        tensor.detach()
        .clone(memory_format=torch.contiguous_format)
        .resolve_neg()
        .reshape(-1)
        .view(torch.uint8)
        .tolist()
    )


@pytest.mark.parametrize(
    "keep",
    [
        lambda folder: read(write(folder, 7, {"G": ODD}, {})),
        lambda folder: unpack(pack(folder / "x.gantlet", {"G": ODD}, {})),
    ],
    ids=["folder", "package"],
)
def test_every_dtype_and_layout_comes_back_bit_for_bit(keep, tmp_path):
    found = keep(tmp_path).tensors["G"]
    assert found.keys() == ODD.keys()
    for name, tensor in ODD.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert bits(found[name]) == bits(tensor), name


def test_tensors_that_share_memory_come_back_each_by_itself(tmp_path):
    base = torch.arange(6.0)
    found = read(write(tmp_path, 0, {"G": {"a": base, "b": base[2:], "c": base}, "D": {}}, {}))
    assert found.tensors["D"] == {}
    found.tensors["G"]["a"].zero_()
    assert found.tensors["G"]["b"].tolist() == [2, 3, 4, 5]
    assert found.tensors["G"]["c"].tolist() == [0, 1, 2, 3, 4, 5]


def test_metadata_comes_back_as_it_went(tmp_path):
    meta = {"score": 0.1 + 0.2, "名": ["a", None, True, {"n": -1}], "big": 2**80, "tiny": 5e-324}
    found = read(write(tmp_path, 12_345, SMALL, meta))
    assert (found.step, found.meta) == (12_345, meta)
    assert found.path == tmp_path / "step-000000012345"


@pytest.mark.parametrize(
    ("meta", "named"),
    [
        ({"best": {"score": float("nan")}}, "best.score = nan"),
        ({"sizes": [1, (2, 3)]}, r"sizes\[1\] = \(2, 3\) is a tuple"),
        ({"a": {1: 2}}, "key 1 is no string"),
        ({"path": "\udc80"}, "is not Unicode"),
    ],
)
def test_metadata_that_json_would_change_is_refused_by_name(meta, named, tmp_path):
    with pytest.raises(StoreError, match=named):
        write(tmp_path, 0, SMALL, meta)
    assert checkpoints(tmp_path) == []


@pytest.mark.parametrize(
    ("tensors", "named"),
    [
        ({"G": {"c": torch.zeros(1, dtype=torch.complex64)}}, "G: c is torch.complex64"),
        ({"G": {"s": torch.eye(2).to_sparse()}}, "torch.sparse_coo"),
        ({"G": {}, "g": {}}, "one file where case does not count"),
        ({"../G": {}}, "is no file name"),
        ({"G": {"__metadata__": torch.zeros(1)}}, "safetensors' own"),
    ],
)
def test_tensors_that_cannot_be_kept_are_refused_by_name(tensors, named, tmp_path):
    with pytest.raises(StoreError, match=named):
        write(tmp_path, 0, tensors, {})
    with pytest.raises(StoreError, match=named):
        pack(tmp_path / "x.gantlet", tensors, {})
    assert os.listdir(tmp_path) == [".turn"]


def test_every_flipped_bit_of_every_file_is_found(tmp_path):
    path = write(tmp_path, 5, SMALL, {"a": 1})
    for file in path.iterdir():
        whole = file.read_bytes()
        for flipped in flips(whole):
            rewritten(file, flipped)
            assert is_found(verify, path), file.name
        rewritten(file, whole)
    verify(path)


def test_every_shorter_and_a_longer_file_is_found(tmp_path):
    path = write(tmp_path, 5, SMALL, {"a": 1})
    for file in path.iterdir():
        whole = file.read_bytes()
        for data in [whole[:length] for length in range(len(whole))] + [whole + b"\0"]:
            rewritten(file, data)
            assert is_found(read, path), f"{file.name} of {len(data)} bytes"
        rewritten(file, whole)
    assert read(path).meta == {"a": 1}


def test_damage_is_told_with_the_name_of_the_file(tmp_path):
    path = write(tmp_path, 5, SMALL, {"a": 1})
    (path / "G.safetensors").write_bytes(b"short")
    with pytest.raises(CorruptCheckpoint, match=r"step-0{11}5: G.safetensors is damaged: 5 bytes"):
        verify(path)
    (path / "G.safetensors").unlink()
    with pytest.raises(CorruptCheckpoint, match=r"G.safetensors is missing"):
        verify(path)


def test_missing_and_extra_files_are_found_but_not_what_file_browsers_leave(tmp_path):
    for name in ["G.safetensors", "meta.json", "manifest.json"]:
        path = write(tmp_path / name, 5, SMALL, {})
        (path / name).unlink()
        assert is_found(verify, path), name
    path = write(tmp_path, 5, SMALL, {})
    (path / ".DS_Store").touch()
    verify(path)
    (path / "D.safetensors").touch()
    with pytest.raises(CorruptCheckpoint, match=r"D.safetensors does not belong"):
        verify(path)


def test_a_checkpoint_under_the_name_of_another_step_is_found(tmp_path):
    path = write(tmp_path, 5, SMALL, {})
    assert read(path.rename(tmp_path / "best")).step == 5
    assert is_found(verify, (tmp_path / "best").rename(tmp_path / "step-000000000006"))


def test_every_flipped_bit_and_every_length_of_a_package_is_found(tmp_path):
    path = pack(tmp_path / "x.gantlet", SMALL, {"a": 1}, step=3)
    whole = path.read_bytes()
    shorter = [whole[:length] for length in range(len(whole))]
    for data in [*flips(whole), *shorter, whole + b"\0", b"\0" + whole]:
        rewritten(path, data)
        assert is_found(unpack, path)
    rewritten(path, whole)
    assert (unpack(path).step, unpack(path).meta) == (3, {"a": 1})


def test_an_unzipped_package_is_a_checkpoint_and_the_same_content_the_same_bytes(tmp_path):
    path = pack(tmp_path / "x.gantlet", SMALL, {"a": 1}, step=3)
    again = pack(tmp_path / "y.gantlet", SMALL, {"a": 1}, step=3)
    assert path.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        package.extractall(tmp_path / "out")
    assert read(tmp_path / "out").tensors["G"]["w"].tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    "files",
    [
        {"meta.json": b"[1]", "G.safetensors": b"no"},
        {"meta.json": b"{}", "../G.safetensors": b""},
        {"meta.json": b"{}", "G.pickle": b"cos\nsystem\n"},
        {"G.safetensors": (8).to_bytes(8, "little") + b"{}      "},
        {"meta.json": b"[" * 100_000},
    ],
)
def test_well_sealed_nonsense_is_refused(files, tmp_path):
    for name, data in files.items():
        if "/" not in name:
            (tmp_path / name).write_bytes(data)
    seals = {name: seal(data) for name, data in files.items()}
    (tmp_path / MANIFEST).write_bytes(manifest_bytes(Manifest(1, seals)))
    assert is_found(read, tmp_path)


def test_a_manifest_of_another_format_says_that_a_newer_gantlet_may_read_it(tmp_path):
    path = write(tmp_path, 5, SMALL, {})
    text = (path / MANIFEST).read_text()
    (path / MANIFEST).write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(CorruptCheckpoint, match=r"reads 1; .* update"):
        verify(path)


def test_the_newest_whole_checkpoint_is_chosen_and_the_damaged_are_named_and_kept(tmp_path):
    assert newest(tmp_path / "none") == (None, ())
    for step in [1, 2, 3, 10**12]:
        write(tmp_path, step, SMALL, {})
    (tmp_path / f"step-{10**12}" / "meta.json").unlink()
    rewritten(tmp_path / "step-000000000003" / "G.safetensors", b"")
    choice = newest(tmp_path)
    assert choice.path == tmp_path / "step-000000000002"
    assert [message.split(": ")[1].split()[0] for message in choice.damaged] == [
        "meta.json",
        "G.safetensors",
    ]
    assert len(checkpoints(tmp_path)) == 4


def test_a_whole_checkpoint_of_the_same_step_stays_and_a_damaged_one_is_replaced(tmp_path):
    path = write(tmp_path, 5, SMALL, {"first": True})
    assert read(write(tmp_path, 5, SMALL, {"first": False})).meta == {"first": True}
    (path / "meta.json").unlink()
    assert read(write(tmp_path, 5, SMALL, {"first": False})).meta == {"first": False}
    assert sorted(os.listdir(tmp_path)) == [".turn", path.name]


def test_pruning_keeps_the_last_the_best_and_the_last_whole_ones_despite_damage(tmp_path):
    paths = [write(tmp_path, step, SMALL, {}) for step in range(6)]
    (paths[5] / "meta.json").unlink()
    assert prune(tmp_path, 2, {paths[0]}) == [paths[1], paths[2]]
    assert checkpoints(tmp_path) == [paths[0], *paths[3:]]
    assert prune(tmp_path, 2, {paths[0]}) == []
    with pytest.raises(StoreError, match="keep = 0"):
        prune(tmp_path, 0)
