"""A mixture of Gaussians in the space of the data's principal components, drawn from z."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gantlet.networks.base import Task
from gantlet.types import Labels, Latents, PerSample, Samples

HELD = 24  # first components in which samples are held to where they set out
PRIOR_ROWS = 20  # that all conditions' common covariance counts for beside a condition's own
RIDGE = 1e-3  # of the mean variance of a component, added to each


class Mixture(nn.Module):
    """A Gaussian for each condition in the space of principal components, drawn from z.

    Nothing here is learned by the game; `prime` sets it from data. Each covariance is drawn
    towards the one common to all conditions, the more the fewer rows it has (Friedman 1989).
    """

    mean: Tensor
    variance: Tensor
    basis: Tensor
    centres: Tensor
    factors: Tensor

    def __init__(self, task: Task, components: int) -> None:
        super().__init__()
        size = torch.Size(task.shape).numel()
        self.components = min(components, task.latent_dim, size)
        self.shape, conditions = task.shape, max(1, task.classes)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(()))
        self.register_buffer("basis", torch.zeros(self.components, size))
        self.register_buffer("centres", torch.zeros(conditions, self.components))
        self.register_buffer("factors", torch.zeros(conditions, self.components, self.components))

    def code(self, z: Latents, y: Labels) -> Float[Tensor, "b components"]:
        """Coordinates of the draw that z stands for."""
        spread = torch.bmm(self.factors[y], z[:, : self.components, None])[:, :, 0]
        return self.centres[y] + spread

    def forward(self, z: Latents, y: Labels) -> Samples:
        return (self.mean + self.code(z, y) @ self.basis).unflatten(1, self.shape)

    def distance(self, z: Latents, y: Labels, x: Samples) -> PerSample:
        """½ ‖P(x − μ) − code(z, y)‖² over the data's total variance, in the main directions."""
        main = slice(HELD)
        coordinates = (x.flatten(1) - self.mean) @ self.basis[main].T
        return (coordinates - self.code(z, y)[:, main]).square().sum(1) / (2 * self.variance)

    @torch.no_grad()
    def prime(self, x: Samples, y: Labels | None) -> None:
        """Fits mean, components and each condition's Gaussian to samples of the data."""
        flat = x.detach().float().cpu().flatten(1)
        mean = flat.mean(0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            _, _, directions = torch.svd_lowrank(flat - mean, self.components, niter=3)
        found = directions.shape[1]  # fewer than asked for where there are fewer samples
        coordinates = torch.zeros(len(flat), self.components)
        coordinates[:, :found] = (flat - mean) @ directions
        self.mean.copy_(mean)
        self.variance.copy_((flat - mean).square().sum(1).mean().clamp_min(1e-12))
        self.basis[:found].copy_(directions.T)
        labels = torch.zeros(len(flat), dtype=torch.int64) if y is None else y.cpu()
        groups = [coordinates[labels == label] for label in range(len(self.centres))]
        ridge = RIDGE * coordinates.square().mean().clamp_min(1e-12) * torch.eye(self.components)
        pooled = sum(scatter(rows) for rows in groups if len(rows)) / len(flat) + ridge
        for label, group in enumerate(groups):
            rows = group if len(group) else coordinates
            covariance = (scatter(rows) + PRIOR_ROWS * pooled) / (len(rows) + PRIOR_ROWS) + ridge
            self.centres[label].copy_(rows.mean(0))
            self.factors[label, :found].copy_(torch.linalg.cholesky(covariance)[:found])


def scatter(rows: Float[Tensor, "n d"]) -> Float[Tensor, "d d"]:
    """Σ (x − x̄)(x − x̄)ᵀ."""
    centred = rows - rows.mean(0)
    return centred.T @ centred
