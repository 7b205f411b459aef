"""The small classifier: it learns, gives the same bits again, and is kept by content."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from gantlet.config import ConfigError
from gantlet.metrics.classifier import (
    Classifier,
    accuracy,
    classifier,
    features,
    multiplications,
    predicted,
    shrunk,
    trained,
)
from gantlet.metrics.extractors import Wanted
from gantlet.modalities.base import finished
from pictures_of import digits


def wanted(cache: Path, **changes: object) -> Wanted:
    rows, labels = digits()
    whole = {
        "shape": (1, 8, 8), "rows": rows, "indices": np.arange(0, 1_700), "labels": labels,
        "fingerprint": "digits", "cache": cache,
    }  # fmt: skip
    return Wanted(**(whole | changes))


def test_it_reads_digits_that_it_has_not_seen() -> None:
    rows, labels = digits()
    net = finished(trained(rows, labels, epochs=6, indices=np.arange(1_400)))
    assert accuracy(net, rows[1_400:], labels[1_400:]) > 0.9
    assert features(net, rows[:5]).shape == (5, 128)
    assert_close(
        torch.from_numpy(predicted(net, rows[:9])),
        net.head(torch.from_numpy(features(net, rows[:9]))).argmax(1),
    )


def weights(draws: int) -> dict[str, torch.Tensor]:
    """What half an epoch learns while somebody else draws random numbers between its steps."""
    rows, labels = digits()
    job = trained(rows, labels, epochs=0.5, seed=3)
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value.state_dict()
        torch.rand(draws)


def test_training_gives_the_same_bits_whatever_is_drawn_meanwhile() -> None:
    once, again = weights(0), weights(7)
    for name in once:
        assert torch.equal(once[name], again[name])


def test_training_leaves_the_random_state_as_it_was(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    finished(classifier(wanted(tmp_path)))
    finished(classifier(wanted(tmp_path)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (4, 20, 9), (2, 64, 48), (3, 100, 200)])
def test_it_takes_one_to_four_channels_and_any_size(shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    net = Classifier(shape, 3).eval()
    rows = np.random.default_rng(0).integers(0, 256, (3, height, width, channels), np.uint8)
    assert features(net, rows).shape == (3, 128)
    assert multiplications(shape) > 0


def test_multiplications_are_those_of_the_layers() -> None:
    net, counted = Classifier((1, 28, 28), 10).eval(), []

    def count(layer: torch.nn.Module, _: object, output: torch.Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        counted.append(weight[0].numel() * output[0].numel())

    for layer in net.body:
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    net(torch.zeros(1, 1, 28, 28))
    assert multiplications((1, 28, 28)) == 3 * sum(counted)


def test_large_pictures_are_shrunk_and_small_ones_are_not() -> None:
    assert shrunk(28, 28) == (28, 28)
    assert shrunk(128, 256) == (32, 64)
    assert shrunk(8, 1_000) == (8, 64)


def test_what_was_learned_is_kept_by_content_and_damage_is_learned_again(tmp_path: Path) -> None:
    steps = list(classifier(wanted(tmp_path)))
    assert len(steps) > 1
    first = finished(classifier(wanted(tmp_path)))
    assert list(classifier(wanted(tmp_path))) == []
    (kept,) = (tmp_path / "classifiers").iterdir()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    assert finished(classifier(wanted(tmp_path))).digest == first.digest
    assert list(classifier(wanted(tmp_path))) == []
    assert len(list(classifier(wanted(tmp_path, fingerprint="others")))) > 1
    assert len(list(classifier(wanted(tmp_path, indices=np.arange(1_000))))) > 1


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    made = finished(classifier(wanted(tmp_path / "file")))
    assert made.predict is not None
    rows, labels = digits()
    assert (made.predict(rows[1_700:]) == labels[1_700:]).mean() > 0.8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "labels of at least two classes"),
        ({"labels": np.zeros(1_797, np.int64)}, "labels of at least two classes"),
        ({"shape": (2,)}, "only pictures"),
        ({"shape": (1, 4, 4)}, "smaller than 8"),
    ],
)
def test_what_cannot_be_classified_is_refused_with_another_choice(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        finished(classifier(wanted(tmp_path, **changes)))
    assert "pixels" in str(caught.value)
