"""Clusters of data without classes: found where they are, told again, counted as shares."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch.testing import assert_close

from gantlet.conditions import FILE, clusters_of, content, found, weights

SHAPES = [(5,), (1, 12, 12)]
COUNT, ROWS = 4, 60


def blobs(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Blobs of deviation 0.1 about centres that lie some 10 apart, and whose each row is."""
    centres = 10 * torch.randn(COUNT, *shape) / torch.Size(shape).numel() ** 0.5
    kind = torch.randperm(COUNT * ROWS) % COUNT
    width = 0.1 / torch.Size(shape).numel() ** 0.5
    return centres[kind] + width * torch.randn(len(kind), *shape), kind


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 1])
def test_well_separated_blobs_are_found_with_their_centres(shape, seed):
    x, kind = blobs(shape)
    clusters = found(x, COUNT, seed)
    assigned = clusters.assign(x)
    assert adjusted_rand_score(kind, assigned) == 1
    for label in range(COUNT):
        centre = clusters.mean + clusters.centroids[label] @ clusters.basis.T
        assert_close(centre, x[assigned == label].flatten(1).mean(0), atol=0.02, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_row_goes_to_the_centroid_that_is_nearest_on_the_basis(shape):
    x, _ = blobs(shape)
    clusters = found(torch.randn(50, *shape), 7, seed=0)
    on_basis = (x.flatten(1) - clusters.mean) @ clusters.basis
    distances = (on_basis[:, None] - clusters.centroids).square().sum(2)
    assert torch.equal(clusters.assign(x), distances.argmin(1))


def test_clusters_and_assignment_follow_from_data_and_seed_alone():
    x, _ = blobs((1, 12, 12))
    before = torch.random.get_rng_state()
    first = found(x, 9, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 - the generator that scikit-learn falls back to
    second = found(x, 9, seed=3)
    for name, tensor in first.tensors().items():
        assert torch.equal(tensor, second.tensors()[name])
    assert torch.equal(first.assign(x), first.assign(x))
    order = torch.randperm(len(x))
    assert torch.equal(first.assign(x[order]), first.assign(x)[order])


def test_clusters_survive_their_file(tmp_path):
    x, _ = blobs((5,))
    clusters = found(x, COUNT, seed=0)
    assert clusters_of(tmp_path) is None
    (tmp_path / FILE).write_bytes(content(clusters))
    read = clusters_of(tmp_path)
    assert read is not None
    assert torch.equal(read.assign(x), clusters.assign(x))


def test_weights_are_the_labels_shares_and_sum_to_one_with_a_class_that_is_empty():
    assert weights(np.array([0, 0, 0, 2]), 4) == (0.75, 0.0, 0.25, 0.0)
    drawn = np.random.default_rng(0).integers(0, 7, 1000)
    assert sum(weights(drawn, 7)) == pytest.approx(1)
