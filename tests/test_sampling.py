"""Samples follow from the seed, however many are computed at once."""

import pytest
import torch
from torch import nn

from gantlet import sampling
from gantlet.sampling import CHUNK, Conditions, sampled


class Labelled(nn.Module):
    """z moved by its label."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Embedding(3, 4)

    def forward(self, z, y):
        return z + self.shift(y)


@pytest.mark.parametrize("size", [1, 7, CHUNK])
def test_samples_are_the_same_however_many_are_generated_at_once(size, monkeypatch):
    G = Labelled().eval()
    conditions = Conditions((0.2, 0.5, 0.3))
    expected = list(sampled(G, "normal", 4, conditions, CHUNK + 50, seed=3))
    monkeypatch.setattr(sampling, "AT_ONCE", size)
    made = list(sampled(G, "normal", 4, conditions, CHUNK + 50, seed=3))
    assert [len(part.samples) for part in made] == [CHUNK, 50]
    for one, other in zip(made, expected, strict=True):
        assert torch.equal(one.samples, other.samples)


def test_batch_norm_in_training_sees_all_rows_of_a_part_together():
    class Normed(nn.BatchNorm1d):
        def forward(self, z, y):  # pyright: ignore[reportIncompatibleMethodOverride] - as G
            return super().forward(z)

    (part,) = sampled(Normed(4).train(), "normal", 4, Conditions(), CHUNK)
    assert part.samples.mean(0) == pytest.approx(torch.zeros(4), abs=1e-6)
