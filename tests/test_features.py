"""Extractors: each row by itself, the same by the same hash, and errors that show the way."""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from gantlet.config import ConfigError
from gantlet.metrics import inception
from gantlet.metrics.features import EXTRACTORS, Wanted, extracted, extractor, own
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import finished
from pictures_of import digits, patches


def halved(rows: np.ndarray) -> np.ndarray:
    """Every other number of a row."""
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:])))[:, ::2].astype(np.float64)


def of_digits(tmp_path: Path, **changes: object) -> Wanted:
    rows, labels = digits()
    whole = {
        "shape": (1, 8, 8), "rows": rows, "indices": np.arange(600), "labels": labels,
        "fingerprint": "digits", "cache": tmp_path, "plain": halved,
    }  # fmt: skip
    return Wanted(**(whole | changes))


def of_patches(tmp_path: Path) -> Wanted:
    rows = patches()
    return Wanted(
        shape=(3, 32, 32), rows=rows, indices=np.arange(100), labels=np.arange(len(rows)) % 2,
        fingerprint="patches", cache=tmp_path, plain=halved,
    )  # fmt: skip


def constant_onnx(path: Path, kind: str = "float", size: int | str = 16) -> Path:
    """A network that gives the means of the input's channels in each quarter."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper

    types = {"float": TensorProto.FLOAT, "uint8": TensorProto.UINT8}
    x = helper.make_tensor_value_info("x", types[kind], ["n", 3, size, size])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, None, None])
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("AveragePool", ["f"], ["y"], kernel_shape=[8, 8], strides=[8, 8]),
    ]
    graph = helper.make_graph(nodes, "means", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize("wanted", [of_digits, of_patches])
def test_a_row_has_the_same_features_in_any_company(name: str, wanted, tmp_path: Path) -> None:
    asked = wanted(tmp_path)
    made = finished(extractor(name, asked))
    rows = asked.rows[:70]
    features = made.extract(rows)
    assert features.shape == (70, made.dimensions)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    order = np.random.default_rng(0).permutation(70)
    np.testing.assert_array_equal(made.extract(rows[order]), features[order])
    np.testing.assert_array_equal(made.extract(rows[3:4]), features[3:4])
    np.testing.assert_array_equal(finished(extracted(made, rows)), features)
    chosen = np.array([5, 2, 69])
    by_index = finished(extracted(made, rows, "features", chosen))
    np.testing.assert_array_equal(by_index, features[chosen])
    assert made.extract(rows[:0]).shape == (0, made.dimensions)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_the_same_extractor_has_the_same_hash_and_another_has_not(
    name: str, tmp_path: Path
) -> None:
    once, again = (finished(extractor(name, of_digits(tmp_path / part))) for part in "ab")
    assert once.digest == again.digest
    assert len(once.digest) == 12
    other = finished(extractor(name, of_patches(tmp_path)))
    if name != "efficientnet-lite0":  # which takes both at 64 pixels
        assert other.digest != once.digest


def test_pixels_keep_distances_where_they_keep_every_direction(tmp_path: Path) -> None:
    rows, _ = digits()
    made = finished(extractor("pixels", of_digits(tmp_path, indices=np.arange(len(rows)))))
    x = rows[:40].reshape(40, -1) / 255
    y = made.extract(rows[:40]).astype(np.float64)
    apart = np.linalg.norm(x[:, None] - x, axis=2)
    np.testing.assert_allclose(np.linalg.norm(y[:, None] - y, axis=2), apart, atol=1e-5)
    np.testing.assert_allclose(made.extract(rows).mean(0), 0, atol=1e-5)


def test_a_function_of_the_users_own_is_an_extractor_like_any_other(tmp_path: Path) -> None:
    make = own("means", lambda rows: rows.mean((1, 2)))
    made = finished(make(of_patches(tmp_path)))
    assert made.dimensions == 3
    np.testing.assert_allclose(made.extract(patches()[:5]), patches()[:5].mean((1, 2)), rtol=1e-6)
    again = finished(own("means", lambda rows: rows.max((1, 2)), "2")(of_patches(tmp_path)))
    assert again.digest != made.digest


def test_a_function_that_gives_no_row_for_each_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one row of numbers for each"):
        finished(own("one", lambda rows: rows.mean())(of_patches(tmp_path)))


@pytest.mark.parametrize("kind", ["float", "uint8"])
@pytest.mark.parametrize("size", [16, "side"])
def test_an_onnx_network_gets_pictures_at_the_size_and_scale_it_takes(
    kind: str, size: int | str, tmp_path: Path
) -> None:
    path = constant_onnx(tmp_path / "means.onnx", kind, size)
    made = finished(extractor(str(path), of_patches(tmp_path)))
    cells = 2 if size == 16 else 4
    assert made.dimensions == 3 * cells * cells
    even = np.full((2, 32, 32, 3), (51, 102, 204), np.uint8)
    scale = 1 if kind == "uint8" else 255
    means = made.extract(even).reshape(2, 3, -1)
    wanted = np.broadcast_to(np.array([51, 102, 204])[:, None] / scale, means.shape)
    np.testing.assert_allclose(means, wanted, rtol=1e-5)


def test_a_broken_onnx_file_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(ConfigError, match=r"broken\.onnx: cannot be opened"):
        finished(extractor(str(path), of_patches(tmp_path)))


def test_another_inception_is_not_run_and_the_right_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "inception.pt"
    path.write_bytes(b"a pickle that would do harm")
    with pytest.raises(ConfigError, match=inception.SHA256):
        finished(extractor(str(path), of_patches(tmp_path)))


def test_unknown_features_are_answered_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="efficientnet-lite0, classifier, pixels, identity"):
        extractor("resnet", of_patches(tmp_path))
    with pytest.raises(ConfigError, match="no such file"):
        extractor(str(tmp_path / "none.onnx"), of_patches(tmp_path))


@pytest.mark.parametrize("name", MODALITIES)
@pytest.mark.parametrize("has_labels", [False, True])
def test_every_modality_names_an_extractor_that_exists(name: str, has_labels: bool) -> None:
    modality = MODALITIES[name]
    for shape in [(2,)] if name == "points" else [(1, 28, 28), (3, 64, 64), (1, 4, 4)]:
        assert modality.extractor(shape, has_labels) in EXTRACTORS


def test_points_are_their_own_features() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2))
    wanted = Wanted(shape=(2,), rows=points, indices=np.arange(50))
    made = finished(extractor("identity", wanted))
    np.testing.assert_allclose(made.extract(points), points, rtol=1e-6)


class Graph(torch.nn.Module):
    """Called as the Inception graph is: bytes in, as many features out."""

    def forward(self, x: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        assert x.dtype == torch.uint8
        assert return_features
        return x.to(torch.float32).mean((1, 2, 3))[:, None].repeat(1, 2048)


def test_the_inception_graph_is_called_with_bytes_and_gives_the_fid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "inception.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit.script is on its way out; loading is not
        torch.jit.script(Graph()).save(path)
    content = path.read_bytes()
    monkeypatch.setattr(inception, "SHA256", hashlib.sha256(content).hexdigest())
    made = finished(extractor(str(path), of_patches(tmp_path)))
    assert made.is_fid
    features = made.extract(patches()[:20])
    assert features.shape == (20, 2048)
    np.testing.assert_allclose(features[:, 0], patches()[:20].mean((1, 2, 3)), rtol=1e-5)
