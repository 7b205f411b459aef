"""Geometry, padding and cropping, resampling, conditioning: identities and small examples."""

import pytest
import torch
from hypothesis import given
from hypothesis.strategies import integers
from torch.testing import assert_close

from gantlet.layers import (
    Bias,
    Embedding,
    Projection,
    cropped,
    downsampled,
    fitted,
    geometry,
    upsampled,
)
from tiny import drawn

sides = integers(1, 90)
bases = integers(1, 8)


@given(sides, sides, bases)
def test_the_doubled_base_covers_the_picture_with_less_than_one_base_pixel_to_spare(h, w, base):
    at = geometry(h, w, base)
    for side, small in ((h, at.base_height), (w, at.base_width)):
        assert 0 <= (small << at.stages) - side < 1 << at.stages


@given(sides, sides, bases)
def test_there_are_as_many_doublings_as_leave_the_base_at_its_smallest(h, w, base):
    stages = geometry(h, w, base).stages
    assert stages == 0 or min(h, w) / 2**stages >= base
    assert min(h, w) / 2 ** (stages + 1) < base


@given(sides, sides)
def test_cropping_undoes_fitting_for_any_size(h, w):
    at, x = geometry(h, w), drawn(1, 1, h, w)
    doubled = fitted(x, at)
    assert doubled.shape[2:] == (at.base_height << at.stages, at.base_width << at.stages)
    assert torch.equal(cropped(doubled, at), x)


@given(sides, sides)
def test_margins_differ_by_a_pixel_at_most_and_repeat_the_edge(h, w):
    at, x = geometry(h, w), drawn(1, 1, h, w)
    left, right, top, bottom = at.padding
    doubled = fitted(x, at)
    assert abs(left - right) <= 1
    assert abs(top - bottom) <= 1
    assert (doubled[0, 0, : top + 1, left] == x[0, 0, 0, 0]).all()
    assert (doubled[0, 0, top + h - 1 :, left + w - 1 :] == x[0, 0, -1, -1]).all()


def test_downsampling_is_the_transpose_of_upsampling_up_to_its_gain_of_four():
    x, y = drawn(2, 3, 4, 5), drawn(2, 3, 8, 10, seed=1)
    assert_close((upsampled(x) * y).sum(), 4 * (x * downsampled(y)).sum())


@pytest.mark.parametrize(("resampled", "size"), [(upsampled, 8), (downsampled, 16)])
def test_resampling_keeps_a_constant_away_from_the_edges(resampled, size):
    x = torch.full((1, 2, size, size), 0.7, dtype=torch.float64)
    inner = resampled(x)[:, :, 1:-1, 1:-1]
    assert_close(inner, torch.full_like(inner, 0.7))


def test_resampling_keeps_a_ramp_away_from_the_edges():
    ramp = torch.arange(8.0).double().expand(1, 1, 8, 8)
    doubled, halved = upsampled(ramp)[0, 0, 4], downsampled(ramp)[0, 0, 2]
    assert_close(doubled[:-1], torch.arange(15).double() / 2)
    assert_close(halved[1:], torch.tensor([2.0, 4.0, 6.0]).double())


def test_upsampling_a_point_draws_the_triangle_and_channels_do_not_mix():
    x = torch.zeros(1, 2, 3, 3)
    x[0, 0, 1, 1] = 1
    side = torch.tensor([0.5, 1.0, 0.5])
    expected = torch.zeros(1, 2, 6, 6)
    expected[0, 0, 1:4, 1:4] = side[:, None] * side
    assert_close(upsampled(x), expected)


def test_resampling_commutes_with_turning_rows_into_columns():
    x = drawn(1, 2, 8, 6)
    assert_close(upsampled(x.mT), upsampled(x).mT)
    assert_close(downsampled(x.mT), downsampled(x).mT)


def test_bias_adds_one_number_to_each_channel():
    bias = Bias(2)
    with torch.no_grad():
        bias.bias.copy_(torch.tensor([1.0, -2.0])[:, None, None])
    added = bias(torch.zeros(1, 2, 3, 4))
    assert_close(added.mean((2, 3)), torch.tensor([[1.0, -2.0]]))
    assert added.std((2, 3)).eq(0).all()


def test_an_embedding_appends_the_row_of_each_samples_class():
    embedding, z, y = Embedding(3, 4), torch.randn(5, 4), torch.tensor([2, 0, 1, 2, 0])
    joined = embedding(z, y)
    assert torch.equal(joined[:, :4], z)
    assert torch.equal(joined[:, 4:], embedding.table[y])


def test_an_embedding_for_no_classes_is_the_identity_without_weights():
    embedding, z = Embedding(0, 4), torch.randn(5, 4)
    assert torch.equal(embedding(z, None), z)
    assert list(embedding.parameters()) == []


def test_a_projection_is_the_scaled_inner_product_with_the_row_of_the_class():
    projection, features, y = Projection(3, 16), torch.randn(5, 16), torch.tensor([2, 0, 1, 2, 0])
    expected = torch.stack([projection.rows[c] @ f / 4 for f, c in zip(features, y, strict=True)])
    assert_close(projection(features, y), expected)


def test_a_projection_for_no_classes_is_one_linear_map():
    projection, a, b = Projection(0, 16), torch.randn(5, 16), torch.randn(5, 16)
    assert_close(projection(a + b, None), projection(a, None) + projection(b, None))
    assert projection.rows.shape == (1, 16)


def test_a_projection_of_unit_variance_features_has_unit_variance():
    projection = Projection(2000, 64)
    logits = projection(torch.randn(2000, 64), torch.arange(2000))
    assert logits.var().item() == pytest.approx(1, abs=0.15)
