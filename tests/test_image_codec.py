"""Pictures ↔ samples, previews, cheap features and written files."""

import io
import time
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from gantlet.modalities.image import IMAGE, ImageCodec
from gantlet.modalities.image_features import image_features
from image_files import all_rows, noise, read, written

SQUARE = ImageCodec(height=16, width=16, channels=1)


def test_all_256_values_survive_encoding_and_decoding():
    rows = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    x = SQUARE.encode(rows)
    assert (x.min(), x.max()) == (-1, 1)
    assert (SQUARE.decode(x) == rows).all()


def test_channels_height_and_width_stay_apart():
    codec = ImageCodec(height=5, width=7, channels=3)
    rows = noise(2, 5, 7, 3)
    x = codec.encode(rows)
    assert x.shape[1:] == codec.shape == (3, 5, 7)
    assert x[1, 2, 4, 6] == rows[1, 4, 6, 2] / 127.5 - 1
    assert (codec.decode(x) == rows).all()


def test_values_outside_the_range_are_clamped():
    x = torch.tensor([-9.0, 9.0]).repeat(128).reshape(1, 1, 16, 16)
    assert set(SQUARE.decode(x).ravel().tolist()) == {0, 255}


def test_pictures_of_another_shape_are_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"\(8, 8, 1\).*\(16, 16, 1\)"):
        SQUARE.encode(noise(1, 8, 8, 1))


def test_a_codec_comes_back_from_its_plain_form(tmp_path):
    raw = read(noise(3, 20, 24, 3), tmp_path / "cache", fit="pad")
    codec = IMAGE.fit(raw)
    assert codec == ImageCodec(height=20, width=24, channels=3, fit="pad")
    assert IMAGE.codec(codec.plain()) == codec


def test_features_put_like_nearer_than_unlike(tmp_path):
    digits = all_rows(read("digits", tmp_path / "cache"))
    halves = image_features(digits[::2]), image_features(digits[1::2])
    blurred = image_features(digits[1::2] // 2 + np.roll(digits[1::2], 1, axis=2) // 2)
    near, far = IMAGE.distance(*halves), IMAGE.distance(halves[0], blurred)
    assert halves[0].dtype == np.float64
    assert near < far / 5


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (3, 32, 32, 3), (3, 5, 40, 4), (3, 4, 4, 2)])
def test_features_are_few_finite_and_the_same_each_time(shape):
    features = image_features(noise(*shape))
    assert features.shape[0] == 3
    assert features.shape[1] <= 64
    assert np.isfinite(features).all()
    assert (features == image_features(noise(*shape))).all()
    assert np.allclose(features[:1], image_features(noise(*shape)[:1]))


def test_features_of_five_thousand_pictures_cost_little():
    rows = noise(5000, 32, 32, 3)
    start = time.process_time()
    image_features(rows)
    assert time.process_time() - start < 2  # 0.3 s measured: room for a slow machine


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_preview_is_a_near_square_png_wide_enough_to_see(channels):
    preview = IMAGE.preview(noise(10, 8, 8, channels), None)
    image = Image.open(io.BytesIO(preview.content))
    assert preview.media_type == "image/png"
    assert image.width >= 512
    assert 0.5 < image.width / image.height < 2


def test_a_preview_shows_each_pixel_enlarged_and_alpha_as_a_checkerboard():
    rows = np.zeros((1, 8, 8, 4), np.uint8)
    rows[0, 2, 5] = (255, 0, 0, 255)
    sheet = np.asarray(Image.open(io.BytesIO(IMAGE.preview(rows, None).content)))
    factor = (sheet.shape[0] - 2) // 8
    inside = sheet[1:-1, 1:-1]
    square = inside[2 * factor : 3 * factor, 5 * factor : 6 * factor]
    assert (square == (255, 0, 0)).all()
    inside = np.delete(inside, np.s_[2 * factor : 3 * factor], axis=0)
    assert set(np.unique(inside)) == {200, 232}


def test_a_written_folder_is_read_back_with_its_classes(tmp_path):
    rows, labels = noise(12, 16, 16, 3), np.arange(12) % 11
    written(tmp_path / "out", rows, labels)
    raw = read(tmp_path / "out", tmp_path / "cache")
    assert raw.classes == tuple(f"{number:02d}" for number in range(11))
    order = np.argsort(labels, kind="stable")
    assert (all_rows(raw) == rows[order]).all()
    with pytest.raises(ValueError, match="holds files already"):
        written(tmp_path / "out", rows, labels)


def test_every_writer_leaves_one_whole_file(tmp_path):
    rows = noise(3, 16, 16, 3)
    for suffix in (".npz", ".npy", ".png", ".zip"):
        written(tmp_path / f"a{suffix}", rows, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "a.npz", "a.png", "a.zip"]
    assert (np.load(tmp_path / "a.npy") == rows).all()
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays.files == ["samples"]
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist()[2] == "000002.png"
