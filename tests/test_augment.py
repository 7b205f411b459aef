"""Augmentations: the identity at p = 0, two derivatives, one draw per sample, shapes, and ADA."""

import zlib

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from gantlet.augment import AUGMENTATIONS, adapted, overfit

every = pytest.mark.parametrize("name", AUGMENTATIONS)
SHAPES = [(1, 8, 8), (3, 8, 8), (2, 9, 16), (3, 16, 5), (4, 8, 12), (1, 1, 7), (3, 1, 1)]


class Rows:
    """Noise of a batch of `total` samples, of which some rows are asked for."""

    def __init__(self, total: int, rows: slice = slice(None), seed: int = 0) -> None:
        self.total, self.rows, self.seed = total, rows, seed

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(zlib.crc32(name.encode()) + self.seed)

    def normal(self, name: str, *shape: int) -> Tensor:
        return torch.randn(self.total, *shape, generator=self._generator(name))[self.rows]

    def uniform(self, name: str, *shape: int) -> Tensor:
        return torch.rand(self.total, *shape, generator=self._generator(name))[self.rows]


def pictures(b: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randn(b, *shape, generator=torch.Generator().manual_seed(seed))


def struck_share(name: str, p: float, b: int = 4000) -> float:
    x = pictures(b, 3, 8, 8)
    return (AUGMENTATIONS[name](x, p, Rows(b), "x") != x).flatten(1).any(1).float().mean().item()


@every
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("p", [0.0, torch.tensor(0.0)], ids=["float", "tensor"])
def test_strength_0_is_exactly_the_identity(name, shape, p):
    x = pictures(5, *shape)
    assert torch.equal(AUGMENTATIONS[name](x, p, Rows(5), "real"), x)


@every
@pytest.mark.parametrize("shape", SHAPES)
def test_shape_and_type_are_kept_for_rectangles_grey_and_alpha(name, shape):
    x = pictures(5, *shape).double()
    y = AUGMENTATIONS[name](x, 1.0, Rows(5), "real")
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert y.isfinite().all()


@every
@pytest.mark.parametrize("shape", [(3, 3, 8, 8), (3, 4, 8, 3)], ids=["rgb", "rgba"])
def test_first_and_second_derivative_agree_with_differences(name, shape):
    x = pictures(*shape).double().requires_grad_()

    def cubed(x: Tensor) -> Tensor:  # the augmentations are affine: without it the second is 0
        return AUGMENTATIONS[name](x, 0.8, Rows(3, seed=1), "real").pow(3)

    # Along random directions: every entry of so large a Jacobian takes minutes.
    assert gradcheck(cubed, x, fast_mode=True)
    assert gradgradcheck(cubed, x, fast_mode=True)


@every
@pytest.mark.parametrize("shape", [(1, 3, 4, 3), (1, 1, 8, 4)], ids=["rgb", "grey"])
def test_full_jacobians_of_one_small_picture_agree_with_differences(name, shape):
    x = pictures(*shape).double().requires_grad_()

    def squared(x: Tensor) -> Tensor:
        return AUGMENTATIONS[name](x, 1.0, Rows(1), "real").square()

    assert gradcheck(squared, x)
    assert gradgradcheck(squared, x)


@every
def test_a_sample_changes_its_own_result_only(name):
    x = pictures(6, 3, 8, 8)
    changed = x.clone()
    changed[2] += 1
    before, after = (AUGMENTATIONS[name](v, 0.7, Rows(6), "real") for v in (x, changed))
    others = [0, 1, 3, 4, 5]
    assert torch.equal(before[others], after[others])
    assert not torch.equal(before[2], after[2])


@every
def test_rows_of_a_batch_are_what_they_would_be_in_a_part_of_it(name):
    x = pictures(8, 3, 8, 8)
    whole = AUGMENTATIONS[name](x, 0.7, Rows(8), "real")
    part = AUGMENTATIONS[name](x[2:5], 0.7, Rows(8, slice(2, 5)), "real")
    assert_close(whole[2:5], part, rtol=0, atol=1e-6)


@every
def test_same_noise_same_result_and_every_stream_its_own(name):
    x = pictures(64, 3, 8, 8)
    one, same, other = (
        AUGMENTATIONS[name](x, 0.5, Rows(64), stream) for stream in ("real", "real", "fake")
    )
    assert torch.equal(one, same)
    assert torch.equal(one, other) == (name == "none")


@every
def test_strength_as_a_tensor_is_the_same_strength(name):
    x = pictures(32, 3, 8, 8)
    augmentation = AUGMENTATIONS[name]
    assert torch.equal(
        augmentation(x, 0.5, Rows(32), "real"),
        augmentation(x, torch.tensor(0.5), Rows(32), "real"),
    )


@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
@pytest.mark.parametrize(
    ("name", "visible"),
    [
        ("flip", 1 / 2),
        ("quarter_turns", 3 / 4),
        ("shift", 8 / 9),
        ("zoom", 1),
        ("brightness", 1),
        ("contrast", 1),
        ("saturation", 1),
        ("cutout", 1),
        ("noise", 1),
    ],
)
def test_share_of_samples_struck_is_p_times_the_odds_against_the_identity(name, visible, p):
    rate = p * visible
    tolerance = 4 * (rate * (1 - rate) / 4000) ** 0.5  # standard errors
    assert struck_share(name, p) == pytest.approx(rate, abs=tolerance)


def test_transforms_of_a_set_strike_independently():
    p = 0.3
    untouched = (1 - p * 8 / 9) * (1 - p) ** 5
    assert struck_share("image", p) == pytest.approx(1 - untouched, abs=0.02)


def test_flip_at_full_strength_makes_every_other_sample_a_mirror_image():
    x = pictures(1000, 1, 2, 3)
    y = AUGMENTATIONS["flip"](x, 1.0, Rows(1000), "real")
    is_mirrored = (y == x.flip(3)).flatten(1).all(1)
    assert torch.equal(y[~is_mirrored], x[~is_mirrored])
    assert is_mirrored.float().mean().item() == pytest.approx(0.5, abs=0.07)


def test_quarter_turns_are_the_four_rotations_equally_often():
    x = pictures(1000, 1, 3, 3)
    y = AUGMENTATIONS["quarter_turns"](x, 1.0, Rows(1000), "real")
    turned = [(y == x.rot90(k, (2, 3))).flatten(1).all(1).float().mean().item() for k in range(4)]
    assert sum(turned) == pytest.approx(1)
    assert turned == pytest.approx([0.25] * 4, abs=0.06)


def test_quarter_turns_of_a_rectangle_are_half_turns():
    x = pictures(100, 1, 2, 5)
    y = AUGMENTATIONS["quarter_turns"](x, 1.0, Rows(100), "real")
    halves = [(y == x.rot90(k, (2, 3))).flatten(1).all(1) for k in (0, 2)]
    assert (halves[0] ^ halves[1]).all()


def test_shift_moves_by_at_most_an_eighth_and_continues_by_the_mirror_image():
    x = torch.arange(32.0).expand(500, 1, 16, 32)
    y = AUGMENTATIONS["shift"](x, 1.0, Rows(500), "real")
    offsets = y[:, 0, 0, 16] - 16
    assert offsets.unique().tolist() == list(range(-4, 5))
    mirrored = torch.arange(32.0) + offsets[:, None]
    mirrored = 31 - (31 - mirrored.abs()).abs()
    assert torch.equal(y, mirrored[:, None, None].expand_as(y))


def test_zoom_keeps_a_straight_line_straight_inside_the_picture():
    x = torch.arange(64.0).expand(50, 1, 64, 64)
    middle = AUGMENTATIONS["zoom"](x, 1.0, Rows(50), "real")[:, 0, 20, 26:38]
    slopes = middle.diff(dim=1)
    assert_close(slopes, slopes[:, :1].expand_as(slopes), rtol=1e-4, atol=0)
    assert slopes.min() >= 2**-0.351
    assert slopes.max() <= 2**0.351
    assert (middle.mean(1) - 31.5).abs().max() <= 8 + 1e-3


@pytest.mark.parametrize("name", ["shift", "zoom", "flip", "quarter_turns", "contrast"])
def test_a_constant_picture_is_left_constant(name):
    x = torch.full((50, 3, 12, 12), 0.7)
    assert_close(AUGMENTATIONS[name](x, 1.0, Rows(50), "real"), x)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "noise"])
@pytest.mark.parametrize("channels", [2, 4])
def test_colour_transforms_leave_alpha_alone_and_do_not_see_it(name, channels):
    x = pictures(50, channels, 8, 8)
    y = AUGMENTATIONS[name](x, 1.0, Rows(50), "real")
    assert torch.equal(y[:, -1], x[:, -1])
    recoloured = AUGMENTATIONS[name](
        torch.cat([x[:, :-1], 1 - x[:, -1:]], 1), 1.0, Rows(50), "real"
    )
    assert torch.equal(y[:, :-1], recoloured[:, :-1])


@pytest.mark.parametrize("channels", [1, 2])
def test_saturation_leaves_grey_pictures_alone(channels):
    x = pictures(50, channels, 8, 8)
    assert torch.equal(AUGMENTATIONS["saturation"](x, 1.0, Rows(50), "real"), x)


def test_saturation_keeps_the_mean_of_the_colours_and_contrast_that_of_the_picture():
    x = pictures(50, 3, 8, 8)
    saturated = AUGMENTATIONS["saturation"](x, 1.0, Rows(50), "real")
    contrasted = AUGMENTATIONS["contrast"](x, 1.0, Rows(50), "real")
    assert_close(saturated.mean(1), x.mean(1), rtol=0, atol=1e-5)
    assert_close(contrasted.mean((1, 2, 3)), x.mean((1, 2, 3)), rtol=0, atol=1e-5)


def test_cutout_hides_one_box_of_at_most_a_quarter_in_all_channels():
    x = torch.ones(2000, 4, 8, 16)
    hidden = AUGMENTATIONS["cutout"](x, 1.0, Rows(2000), "real") == 0
    assert (hidden == hidden[:, :1]).all()
    box = hidden[:, 0]
    rows, columns = box.any(2), box.any(1)
    assert torch.equal(box, rows[:, :, None] & columns[:, None, :])
    assert rows.sum(1).unique().tolist() == [2, 3, 4]
    assert columns.sum(1).unique().tolist() == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("shape", [(2,), (24, 6), (3, 4, 4)])
def test_jitter_adds_noise_of_a_tenth_of_p_to_samples_of_any_shape(shape):
    x = pictures(5000, *shape)
    added = AUGMENTATIONS["points"](x, 0.5, Rows(5000), "real") - x
    assert added.mean().item() == pytest.approx(0, abs=0.003)
    assert added.std().item() == pytest.approx(0.05, rel=0.03)


def test_overfit_is_0_when_held_out_looks_like_train_and_1_when_like_fakes():
    train, heldout, fake = torch.tensor([3.0, 5.0]), torch.tensor([2.0]), torch.tensor([-1.0, 1.0])
    assert overfit(train, train, fake) == 0
    assert overfit(train, fake, fake) == 1
    assert overfit(train, heldout, fake) == pytest.approx(0.5)


def test_overfit_does_not_see_a_constant_added_to_all_logits():
    train, heldout, fake = torch.tensor([3.0, 5.0]), torch.tensor([3.0]), torch.tensor([-1.0, 1.0])
    assert overfit(train + 7, heldout + 7, fake + 7) == pytest.approx(overfit(train, heldout, fake))


@pytest.mark.parametrize("fake", [[1.0, 2.0], [5.0, 5.0], [0.999, 1.999], [float("nan"), 0.0]])
def test_overfit_is_0_where_train_is_not_told_from_fake(fake):
    train, heldout = torch.tensor([1.0, 2.0]), torch.tensor([-9.0])
    assert overfit(train, heldout, torch.tensor(fake)) == 0


def test_strength_steps_towards_the_target_and_stays_in_range():
    assert adapted(0.3, 0.9, step_size=0.01) == pytest.approx(0.31)
    assert adapted(0.3, 0.2, step_size=0.01) == pytest.approx(0.29)
    assert adapted(0.3, 0.6, step_size=0.01) == 0.3
    assert adapted(0.3, 0.5, 0.4, step_size=0.01) == pytest.approx(0.31)
    assert adapted(0.795, 1.0, step_size=0.01) == 0.8
    assert adapted(0.005, 0.0, step_size=0.01) == 0
