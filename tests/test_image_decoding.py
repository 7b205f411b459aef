"""Odd image files: each is read as a viewer would show it, or left out with a reason."""

import os

import numpy as np
import pytest
from PIL import ExifTags, Image

from gantlet.config import ConfigError
from gantlet.modalities.base import SourceError
from image_files import all_rows, looked, noise, read, save, some_images


def test_a_photograph_taken_sideways_is_turned_upright(tmp_path):
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[:, :20] = 255  # the left half is white; turned by 90 degrees it is the upper half
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    save(tmp_path / "d", "a.jpg", pixels, exif=exif, quality=95)
    found = looked(tmp_path / "d", tmp_path / "cache")
    (row,) = all_rows(read(tmp_path / "d", tmp_path / "cache"))
    assert found.shape == (1, 40, 24)
    assert row[:18].min() > 240
    assert row[22:].max() < 15


def test_every_mode_of_a_red_square_is_read_as_red(tmp_path):
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    folder = tmp_path / "d"
    folder.mkdir()
    red.save(folder / "rgb.png")
    red.convert("RGBA").save(folder / "rgba.png")
    red.convert("P").save(folder / "palette.png")
    red.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    frames = [red.convert("P"), Image.new("RGB", (16, 16), "blue").convert("P")]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    red.save(folder / "a.webp", lossless=True)
    rows = all_rows(read(folder, tmp_path / "cache", channels=3)).astype(int)
    assert len(rows) == 6
    assert np.abs(rows - [255, 0, 0]).max() <= 3


def test_every_depth_of_grey_is_scaled_to_eight_bits(tmp_path):
    ramp = np.linspace(0, 1, 256).reshape(16, 16)
    save(tmp_path / "d", "8.png", np.rint(ramp * 255).astype(np.uint8))
    save(tmp_path / "d", "16.png", np.rint(ramp * 65535).astype(np.uint16))
    save(tmp_path / "d", "16.tif", np.rint(ramp * 65535).astype(np.uint16))
    save(tmp_path / "d", "32.tif", np.rint(ramp * 65535).astype(np.int32))
    save(tmp_path / "d", "float.tif", ramp.astype(np.float32))
    rows = all_rows(read(tmp_path / "d", tmp_path / "cache"))
    assert rows.shape == (5, 16, 16, 1)
    assert (rows == np.arange(256).reshape(16, 16, 1)).all()


def test_one_bit_images_become_black_and_white(tmp_path):
    checks = np.indices((16, 16)).sum(0) % 2 == 0
    save(tmp_path / "d", "a.png", checks)
    (row,) = all_rows(read(tmp_path / "d", tmp_path / "cache"))
    assert (row[..., 0] == checks * 255).all()


def test_transparent_places_become_white_where_alpha_is_not_kept(tmp_path):
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:8] = (10, 20, 30, 255)
    save(tmp_path / "d", "a.png", pixels)
    (row,) = all_rows(read(tmp_path / "d", tmp_path / "cache", channels=3))
    assert (row[:8] == [10, 20, 30]).all()
    assert (row[8:] == 255).all()


def test_alpha_is_kept_where_pictures_are_really_transparent(tmp_path):
    pixels = noise(16, 16, 4)
    pixels[:8, :, 3] = 0
    save(tmp_path / "see", "a.png", pixels)
    pixels[..., 3] = 255
    save(tmp_path / "solid", "a.png", pixels)
    assert looked(tmp_path / "see", tmp_path / "cache").shape == (4, 16, 16)
    assert looked(tmp_path / "solid", tmp_path / "cache").shape == (3, 16, 16)


def test_hidden_colour_does_not_bleed_through_when_a_picture_shrinks(tmp_path):
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:] = (0, 255, 0, 0)  # invisible green
    pixels[16:48, 16:48] = (255, 0, 0, 255)
    save(tmp_path / "d", "a.png", pixels)
    (row,) = all_rows(read(tmp_path / "d", tmp_path / "cache", resolution=24))
    assert row[..., 1].max() == 0
    assert (row[row[..., 3] == 0] == 0).all()


def test_broken_files_are_left_out_each_with_its_reason(tmp_path):
    folder = some_images(tmp_path / "d", 6)
    whole = (folder / "000.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("not an image at all")
    (folder / "postscript.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    os.symlink(folder / "nowhere.png", folder / "link.png")
    raw = read(folder, tmp_path / "cache", bad_share=0.5)
    reasons = dict(raw.skipped)
    assert len(raw.rows) == 6
    assert sorted(reasons) == ["cut.png", "empty.jpg", "link.png", "postscript.jpg", "text.jpg"]
    assert "truncated" in reasons["cut.png"]
    assert reasons["text.jpg"] == reasons["postscript.jpg"] == "not an image that Pillow can read"
    assert reasons["link.png"] == "No such file or directory"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_left_out(tmp_path):
    folder = some_images(tmp_path / "d", 12)
    (folder / "003.png").chmod(0)
    assert read(folder, tmp_path / "cache").skipped == (("003.png", "Permission denied"),)


def test_a_decompression_bomb_is_left_out(tmp_path, monkeypatch):
    folder = some_images(tmp_path / "d", 10)
    save(folder, "huge.png", noise(60, 60, 3))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3_000)
    raw = read(folder, tmp_path / "cache")
    assert [name for name, _ in raw.skipped] == ["huge.png"]


def test_reading_stops_where_too_many_files_are_bad_and_says_what_to_do(tmp_path):
    folder = some_images(tmp_path / "d", 8)
    for number in range(2):
        (folder / f"bad{number}.png").write_bytes(b"no")
    with pytest.raises(SourceError, match=r"bad0\.png.*--set data\.bad_share"):
        read(folder, tmp_path / "cache")
    assert len(read(folder, tmp_path / "cache", bad_share=0.2).rows) == 8
    with pytest.raises(SourceError, match="2 of the first 10"):  # also when they lie in the cache
        read(folder, tmp_path / "cache", bad_share=0.1)


def test_a_large_jpeg_read_at_reduced_size_is_the_same_picture(tmp_path):
    smooth = Image.fromarray(noise(6, 8, 3)).resize((1600, 1200), Image.Resampling.BICUBIC)
    (tmp_path / "jpeg").mkdir()
    (tmp_path / "png").mkdir()
    smooth.save(tmp_path / "jpeg" / "a.jpg", quality=95)
    smooth.save(tmp_path / "png" / "a.png")
    fast = all_rows(read(tmp_path / "jpeg", tmp_path / "cache")).astype(int)
    slow = all_rows(read(tmp_path / "png", tmp_path / "cache")).astype(int)
    assert fast.shape == (1, 64, 64, 3)
    assert np.abs(fast - slow).mean() < 1.5


@pytest.mark.parametrize(
    ("fit", "left", "middle"), [("crop", 255, 255), ("pad", 0, 255), ("stretch", 255, 255)]
)
def test_a_tall_white_picture_fits_into_a_square(tmp_path, fit, left, middle):
    save(tmp_path / "d", "a.png", np.full((64, 32, 3), 255, np.uint8))
    (row,) = all_rows(read(tmp_path / "d", tmp_path / "cache", resolution=16, fit=fit, channels=1))
    assert row.shape == (16, 16, 1)
    assert (row[8, 0, 0], row[8, 8, 0]) == (left, middle)


def test_cropping_keeps_the_middle(tmp_path):
    pixels = np.zeros((32, 96, 3), np.uint8)
    pixels[:, 32:64] = 200
    save(tmp_path / "d", "a.png", pixels)
    (row,) = all_rows(read(tmp_path / "d", tmp_path / "cache", resolution="32"))
    assert (row == 200).all()


@pytest.mark.parametrize("resolution", ["12y", "0", "64x", "3"])
def test_a_resolution_that_is_none_is_refused(tmp_path, resolution):
    with pytest.raises(ConfigError, match=r"data\.resolution"):
        looked(some_images(tmp_path / "d", 1), tmp_path / "cache", resolution=resolution)
