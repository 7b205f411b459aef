"""Traits of pictures: closed forms, and each fault moves its own trait and few others."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy.stats import ks_2samp

from gantlet.modalities import MODALITIES
from gantlet.modalities.image_traits import IMAGE_TRAITS
from pictures_of import digits, patches

NOTABLE = 0.15  # Kolmogorov–Smirnov distance from which an evaluation speaks of a trait


def saved_as_jpeg(rows: np.ndarray) -> np.ndarray:
    out = []
    for row in rows:
        buffer = io.BytesIO()
        Image.fromarray(row).save(buffer, "JPEG", quality=80)
        out.append(np.asarray(Image.open(buffer)))
    return np.stack(out)


def blurred(rows: np.ndarray) -> np.ndarray:
    blur = ImageFilter.GaussianBlur(0.8)
    return np.stack([np.asarray(Image.fromarray(row).filter(blur)) for row in rows])


def noisy(rows: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 10, rows.shape)
    return np.clip(np.rint(rows + noise), 0, 255).astype(np.uint8)


def times(*factors: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: np.clip(np.rint(rows * np.array(factors)), 0, 255).astype(np.uint8)


def pale(rows: np.ndarray) -> np.ndarray:
    grey = rows.mean(3, keepdims=True)
    return np.rint(grey + (rows - grey) * 0.3).astype(np.uint8)


def flat(rows: np.ndarray) -> np.ndarray:
    return np.rint(100 + (rows - 100.0) * 0.4).astype(np.uint8)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Kolmogorov–Smirnov."""
    return float(ks_2samp(a, b, method="asymp").statistic)


def shifts(altered: np.ndarray) -> dict[str, float]:
    """Of each trait: the Kolmogorov–Smirnov distance with the sign of the change of the mean."""
    real = patches()
    found = {}
    for name, trait in IMAGE_TRAITS.items():
        before, after = trait.measure(real), trait.measure(altered)
        found[name] = distance(before, after) * float(np.sign(after.mean() - before.mean()))
    return found


@pytest.mark.parametrize(
    ("fault", "trait", "sign", "also"),
    [
        (noisy, "grain", 1, {"extremes"}),
        (blurred, "sharpness", -1, {"grain", "contrast", "extremes"}),
        (saved_as_jpeg, "blockiness", 1, {"grain", "extremes"}),
        (pale, "saturation", -1, {"warmth", "greenness", "extremes"}),
        (times(1.2, 1, 0.8), "warmth", 1, {"saturation", "greenness", "extremes"}),
        (times(0.7, 1, 1.3), "warmth", -1,
         {"saturation", "greenness", "extremes", "contrast"}),
        (times(0.9, 1.15, 0.9), "greenness", 1, {"saturation", "extremes", "brightness"}),
        (times(0.5, 0.5, 0.5), "brightness", -1,
         {"contrast", "saturation", "warmth", "greenness", "grain", "extremes"}),
        (flat, "contrast", -1,
         {"saturation", "warmth", "greenness", "grain", "extremes", "brightness"}),
    ],
)  # fmt: skip
def test_a_fault_moves_its_own_trait_and_none_that_it_has_no_part_in(
    fault: Callable, trait: str, sign: int, also: set[str]
) -> None:
    found = shifts(fault(patches()))
    assert found[trait] * sign > 0.3, found
    others = {name: shift for name, shift in found.items() if name not in {trait, *also}}
    assert all(abs(shift) < NOTABLE for shift in others.values()), others


def test_noise_and_blur_are_not_taken_for_each_other_on_grey_pictures() -> None:
    grey = patches()[..., 1:2]
    soft = blurred(grey[..., 0])[..., None]
    before, noise, blur = (
        {name: IMAGE_TRAITS[name].measure(x) for name in ("grain", "sharpness")}
        for x in (grey, noisy(grey), soft)
    )
    assert distance(before["grain"], noise["grain"]) > 0.5
    assert distance(before["sharpness"], noise["sharpness"]) < NOTABLE
    assert distance(before["sharpness"], blur["sharpness"]) > 0.5
    assert blur["grain"].mean() < before["grain"].mean() < noise["grain"].mean()


def test_blur_shows_on_digits_of_eight_pixels() -> None:
    rows, _ = digits()
    sharpness = IMAGE_TRAITS["sharpness"].measure
    assert distance(sharpness(rows), sharpness(blurred(rows[..., 0])[..., None])) > 0.5
    assert distance(sharpness(rows[::2]), sharpness(rows[1::2])) < 0.1


def test_traits_of_even_colours_are_known() -> None:
    rows = np.broadcast_to(np.array([200, 100, 40], np.uint8), (2, 16, 16, 3))
    measured = {name: trait.measure(rows)[0] for name, trait in IMAGE_TRAITS.items()}
    assert measured["brightness"] == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 40, rel=1e-5)
    assert measured["saturation"] == pytest.approx(160)
    assert measured["warmth"] == pytest.approx(160)
    assert measured["greenness"] == pytest.approx(100 - 120)
    for name in ("contrast", "blockiness", "extremes", "transparency"):
        assert measured[name] == pytest.approx(0, abs=1e-4)


def test_half_transparent_black_is_half_white() -> None:
    rows = np.zeros((1, 8, 8, 4), np.uint8)
    rows[..., 3] = 51
    assert IMAGE_TRAITS["transparency"].measure(rows)[0] == pytest.approx(0.8)
    assert IMAGE_TRAITS["brightness"].measure(rows)[0] == pytest.approx(0.8 * 255)


def test_noise_is_measured_in_its_own_size() -> None:
    noise = np.random.default_rng(0).normal(128, 20, (20, 64, 64, 1))
    grain = IMAGE_TRAITS["grain"].measure(np.rint(noise).astype(np.uint8))
    assert np.exp(grain).mean() - 0.5 == pytest.approx(20 * 0.6745, rel=0.03)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(4, 4), (9, 30), (32, 32)])
@pytest.mark.parametrize("name", IMAGE_TRAITS)
def test_every_trait_is_a_finite_number_of_each_picture_by_itself(
    name: str, size: tuple[int, int], channels: int
) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (7, *size, channels), np.uint8)
    rows[0], rows[1] = 0, 255
    measured = IMAGE_TRAITS[name].measure(rows)
    assert measured.shape == (7,)
    assert np.isfinite(measured).all()
    np.testing.assert_allclose(IMAGE_TRAITS[name].measure(rows[3:5]), measured[3:5], rtol=1e-5)


def test_every_trait_of_every_modality_says_what_it_finds() -> None:
    for modality in MODALITIES.values():
        for trait in modality.traits.values():
            texts = (trait.words, trait.more, trait.less, trait.finding_more, trait.finding_less)
            assert all(texts)
            assert trait.severity in ("fault", "warning")
