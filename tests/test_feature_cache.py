"""Features of real rows are kept by content: the same come back, nothing else does."""

import os
from pathlib import Path

import numpy as np
import pytest

from gantlet import feature_cache
from gantlet.feature_cache import cached_features
from gantlet.metrics.extractors import Extractor
from gantlet.modalities.base import finished
from pictures_of import patches

ROWS = patches()


class Counted:
    """Means of channels, and how many rows it was asked for."""

    def __init__(self, digest: str = "means") -> None:
        self.asked = 0
        self.extractor = Extractor("means", digest, 3, self._means)

    def _means(self, rows: np.ndarray) -> np.ndarray:
        self.asked += len(rows)
        return rows.mean((1, 2)).astype(np.float32)


def kept(counted: Counted, folder: Path, indices: np.ndarray, data: str = "data") -> np.ndarray:
    return finished(cached_features(counted.extractor, ROWS, indices, data, folder))


def test_what_was_extracted_once_is_read_the_next_time(tmp_path: Path) -> None:
    counted, indices = Counted(), np.array([3, 1, 100, 7])
    first = kept(counted, tmp_path, indices)
    np.testing.assert_allclose(first, ROWS[indices].mean((1, 2)), rtol=1e-6)
    again = kept(counted, tmp_path, indices)
    np.testing.assert_array_equal(again, first)
    assert counted.asked == 4


def test_other_data_rows_or_extractors_are_not_mistaken_for_these(tmp_path: Path) -> None:
    counted = Counted()
    kept(counted, tmp_path, np.arange(4))
    kept(counted, tmp_path, np.arange(4), "other data")
    kept(counted, tmp_path, np.arange(4)[::-1].copy())
    assert counted.asked == 12
    other = Counted("other weights")
    kept(other, tmp_path, np.arange(4))
    assert other.asked == 4


@pytest.mark.parametrize("place", [0, 40, 150, -1])
def test_a_flipped_bit_is_extracted_again(tmp_path: Path, place: int) -> None:
    counted, indices = Counted(), np.arange(4)
    first = kept(counted, tmp_path, indices)
    (file,) = (tmp_path / "features").glob("*.npy")
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    np.testing.assert_array_equal(kept(counted, tmp_path, indices), first)
    assert counted.asked == 8


def test_data_without_a_fingerprint_are_never_kept(tmp_path: Path) -> None:
    counted = Counted()
    kept(counted, tmp_path, np.arange(4), "")
    kept(counted, tmp_path, np.arange(4), "")
    assert counted.asked == 8
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert kept(Counted(), tmp_path / "file", np.arange(4)).shape == (4, 3)


def test_the_files_used_longest_ago_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted()
    kept(counted, tmp_path, np.arange(100))
    (first,) = (tmp_path / "features").glob("*.npy")
    kept(counted, tmp_path, np.arange(1, 101))
    (second,) = set((tmp_path / "features").glob("*.npy")) - {first}
    os.utime(first, (1_000, 1_000))
    os.utime(second, (2_000, 2_000))
    kept(counted, tmp_path, np.arange(100))  # looked at again: now the newest
    monkeypatch.setattr(feature_cache, "MOST", 2 * first.stat().st_size)
    kept(counted, tmp_path, np.arange(2, 102))
    left = set((tmp_path / "features").glob("*.npy"))
    assert len(left) == 2
    assert first in left
    assert second not in left


def test_what_alone_is_larger_than_the_bound_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_cache, "MOST", 100)
    kept(Counted(), tmp_path, np.arange(100))
    assert list(tmp_path.glob("features/*.npy")) == []
