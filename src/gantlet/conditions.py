"""Conditions of G and D where the data has no classes: clusters that Gantlet finds itself.

G is told which cluster to draw from, with the clusters' true frequencies, and D which cluster a
sample should belong to: no region of the data can be forgotten, and each has its true share.
After Liu et al. 2020 (self-conditioned GAN), with clusters of principal components found once
instead of D's features found again and again.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save
from sklearn.cluster import KMeans
from torch import Tensor

from gantlet.types import Samples

COMPONENTS = 64
AT_ONCE = 4096  # rows assigned at a time


@dataclass(frozen=True)
class Clusters:
    """Centroids in the space of the data's first principal components."""

    mean: Float[Tensor, "D"]
    basis: Float[Tensor, "D d"]
    centroids: Float[Tensor, "k d"]

    def assign(self, x: Samples) -> Int[Tensor, "b"]:
        """The nearest centroid of each encoded sample."""
        coordinates = (x.float().cpu().flatten(1) - self.mean) @ self.basis
        return torch.cdist(coordinates, self.centroids).argmin(1)

    def tensors(self) -> dict[str, Tensor]:
        """What `clusters` takes."""
        return {"mean": self.mean, "basis": self.basis, "centroids": self.centroids}


FILE = "clusters.safetensors"


def content(clusters: Clusters) -> bytes:
    """What a run's folder holds of its clusters, in the file of that name."""
    return save(clusters.tensors())


def clusters_of(folder: Path) -> Clusters | None:
    """The clusters that a run's folder holds, if it has any."""
    return Clusters(**load_file(folder / FILE)) if (folder / FILE).is_file() else None


def found(x: Samples, count: int, seed: int) -> Clusters:
    """`count` clusters of a sample of the data, by k-means on its principal components."""
    flat = x.float().cpu().flatten(1)
    mean = flat.mean(0)
    components = min(COMPONENTS, *flat.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _, _, basis = torch.svd_lowrank(flat - mean, components, niter=3)
    coordinates = ((flat - mean) @ basis).double().numpy()
    start = KMeans(count, n_init=1, max_iter=50, random_state=seed)  # pyright: ignore[reportArgumentType] - its default is a text
    means = start.fit(coordinates)
    centroids = torch.from_numpy(means.cluster_centers_).float()
    return Clusters(mean, basis.contiguous(), centroids)


def weights(labels: Int[np.ndarray, "n"], classes: int) -> tuple[float, ...]:
    """How often each label occurs, as shares that sum to one."""
    counts = np.bincount(labels, minlength=classes)
    return tuple((counts / counts.sum()).tolist())
