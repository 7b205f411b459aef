"""Images are decoded once, and nothing half-written is ever taken for a whole."""

import json
import shutil

import numpy as np
import pytest
from PIL import ExifTags, Image

from gantlet.modalities import packing
from gantlet.modalities.base import SourceError, finished
from gantlet.modalities.image import IMAGE, ImageSettings
from image_files import all_rows, looked, noise, read, save, some_images


def packs(cache):
    return sorted(path for path in (cache / "images").glob("*") if path.is_dir())


def test_a_second_reading_does_not_open_the_images(tmp_path):
    folder = some_images(tmp_path / "d", 5)
    first = read(folder, tmp_path / "cache")
    header = packs(tmp_path / "cache")[0] / "header.json"
    written = header.stat().st_mtime_ns
    steps = IMAGE.load(folder, ImageSettings(cache=str(tmp_path / "cache")))
    assert [step for step in steps if step.what == "reading images"] == []
    second = read(folder, tmp_path / "cache")
    assert (all_rows(first) == all_rows(second)).all()
    assert second.fingerprint == first.fingerprint
    assert header.stat().st_mtime_ns == written
    assert looked(folder, tmp_path / "cache").cache_bytes == 0


def test_the_survey_tells_the_size_of_the_cache_and_writes_nothing(tmp_path):
    folder = some_images(tmp_path / "d", 5)
    found = looked(folder, tmp_path / "cache")
    assert found.cache_bytes == 5 * 16 * 16 * 3
    assert not (tmp_path / "cache").exists()


def test_the_fingerprint_is_of_the_pixels_and_not_of_the_place(tmp_path):
    first = read(some_images(tmp_path / "d", 5), tmp_path / "cache")
    shutil.copytree(tmp_path / "d", tmp_path / "copy", copy_function=shutil.copyfile)
    copy = read(tmp_path / "copy", tmp_path / "elsewhere")
    assert copy.fingerprint == first.fingerprint
    save(tmp_path / "copy", "003.png", noise(16, 16, 3, seed=99))
    assert read(tmp_path / "copy", tmp_path / "elsewhere").fingerprint != first.fingerprint


def test_a_changed_setting_or_file_makes_another_pack(tmp_path):
    folder = some_images(tmp_path / "d", 3)
    for settings in ({}, {"resolution": 8}, {"channels": 1}, {"fit": "pad"}):
        read(folder, tmp_path / "cache", **settings)
    assert len(packs(tmp_path / "cache")) == 4
    save(folder, "more.png", noise(16, 16, 3))
    assert len(read(folder, tmp_path / "cache").rows) == 4


def test_one_thread_and_four_give_the_same_pixels(tmp_path):
    folder = some_images(tmp_path / "d", 70, side=20)
    one = read(folder, tmp_path / "one", workers=1, resolution=12)
    four = read(folder, tmp_path / "four", workers=4, resolution=12)
    assert one.fingerprint == four.fingerprint
    assert (all_rows(one) == all_rows(four)).all()


def test_leaving_in_the_middle_leaves_nothing_that_would_be_used(tmp_path):
    folder = some_images(tmp_path / "d", 300)
    job = IMAGE.load(folder, ImageSettings(cache=str(tmp_path / "cache"), workers=1))
    step = next(step for step in job if step.what == "reading images")
    assert step.done < step.total
    with pytest.raises(KeyboardInterrupt):
        job.throw(KeyboardInterrupt())
    assert packs(tmp_path / "cache") == []
    assert len(read(folder, tmp_path / "cache").rows) == 300


def test_half_written_packs_are_not_used(tmp_path):
    folder = some_images(tmp_path / "d", 4)
    whole = read(folder, tmp_path / "cache").fingerprint
    (pack,) = packs(tmp_path / "cache")
    pixels = pack / "pixels.npy"
    left_over = pack.with_name(f"{pack.name}.partial")
    shutil.copytree(pack, left_over)
    for damage in (
        (pack / "header.json").unlink,
        lambda: pixels.write_bytes(pixels.read_bytes()[:-1]),
        lambda: pixels.write_bytes(b""),
        lambda: (pack / "header.json").write_text('{"shape"'),
    ):
        damage()
        assert packing.found_pack(pack) is None
        assert read(folder, tmp_path / "cache").fingerprint == whole
    assert not left_over.exists()


def test_of_two_that_read_the_same_one_waits_and_uses_the_others_work(tmp_path):
    folder = some_images(tmp_path / "d", 40)
    settings = ImageSettings(cache=str(tmp_path / "cache"))
    first, second = IMAGE.load(folder, settings), IMAGE.load(folder, settings)
    assert any(step.what == "reading images" for step in first)
    assert any("waiting for another" in step.what for step in second)
    done = finished(first)
    assert not any(step.what == "reading images" for step in second)
    assert read(folder, tmp_path / "cache").fingerprint == done.fingerprint
    assert len(packs(tmp_path / "cache")) == 1


def test_a_cache_inside_the_data_is_refused(tmp_path):
    folder = some_images(tmp_path / "d", 1)
    with pytest.raises(SourceError, match="inside the data"):
        read(folder, folder / "cache")


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(tmp_path):
    (tmp_path / "cache").write_text("a file, no folder")
    with pytest.raises(SourceError, match=r"cache.*--set data\.cache"):
        read(some_images(tmp_path / "d", 1), tmp_path / "cache")


def test_a_full_disk_is_told_before_anything_is_read(tmp_path):
    with pytest.raises(SourceError, match=r"GB.*--set data\.cache"):
        packing.check_space(tmp_path / "not" / "there", 2**60)


def test_rows_are_picked_by_any_order_of_indices(tmp_path):
    raw = read(some_images(tmp_path / "d", 5), tmp_path / "cache")
    picked = np.asarray(raw.rows[np.array([4, 0, 4])])
    assert (picked == [noise(16, 16, 3, seed=seed) for seed in (4, 0, 4)]).all()


def test_what_the_files_were_is_known_and_kept(tmp_path):
    folder = tmp_path / "data"
    for number in range(3):
        save(folder, f"{number}.png", noise(16, 16, 3))
    for number in range(2):
        save(folder, f"{number}.jpg", noise(20, 16, 3))
    for _ in range(2):  # decoded, and from the pack
        raw = read(folder, tmp_path / "cache", resolution=16)
        assert raw.formats == {"PNG": 3, "JPEG": 2}
        assert raw.resized == 2


def test_a_turned_picture_of_the_right_size_was_not_resized(tmp_path):
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    save(tmp_path / "data", "a.jpg", noise(24, 16, 3), exif=turned)
    raw = read(tmp_path / "data", tmp_path / "cache", resolution="24x16")
    assert raw.rows.shape == (16, 24, 3)
    assert raw.resized == 0


def test_a_pack_of_an_earlier_version_is_read(tmp_path):
    source, cache = some_images(tmp_path / "data", 3), tmp_path / "cache"
    read(source, cache)
    (pack,) = packs(cache)
    header = json.loads((pack / "header.json").read_text())
    del header["formats"], header["resized"]
    (pack / "header.json").write_text(json.dumps(header))
    raw = read(source, cache)
    assert (len(raw.rows), raw.formats, raw.resized) == (3, {}, 0)
