"""Priors of z, truncation, and paths between latents."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import vector_norm

from gantlet.types import Latents, Noise

Prior = Callable[[Noise, str, int, int], Float[Tensor, "b k latent"]]


def normal(noise: Noise, name: str, per_row: int, dim: int) -> Float[Tensor, "b k latent"]:
    """z ~ N(0, I)."""
    return noise.normal(name, per_row, dim)


def uniform(noise: Noise, name: str, per_row: int, dim: int) -> Float[Tensor, "b k latent"]:
    """z evenly in [−√3, √3]ᵈ, so that each coordinate has unit variance."""
    return (noise.uniform(name, per_row, dim) * 2 - 1) * 3**0.5


def sphere(noise: Noise, name: str, per_row: int, dim: int) -> Float[Tensor, "b k latent"]:
    """z evenly on the sphere of radius √d, so that each coordinate has unit variance."""
    z = noise.normal(name, per_row, dim)
    return z * (dim**0.5 / vector_norm(z, dim=-1, keepdim=True))


PRIORS: dict[str, Prior] = {"normal": normal, "uniform": uniform, "sphere": sphere}


def truncated(z: Latents, psi: float) -> Latents:
    """ψ·z: nearer to the middle of the latent space, less varied and more typical for ψ < 1."""
    return z * psi


def lerp(a: Latents, b: Latents, t: float | Tensor) -> Latents:
    """(1 − t)·a + t·b."""
    return a + (b - a) * t


def slerp(a: Latents, b: Latents, t: float | Tensor) -> Latents:
    """Great-circle path from a to b, lengths interpolated.  Shoemake 1985; White 2016.

    Along it z keeps the norm that a normal prior gives nearly all its samples. Where a and b are
    parallel it is the straight line.
    """
    norm_a, norm_b = vector_norm(a, dim=-1, keepdim=True), vector_norm(b, dim=-1, keepdim=True)
    unit_a, unit_b = a / norm_a, b / norm_b
    angle = torch.acos((unit_a * unit_b).sum(-1, keepdim=True).clamp(-1, 1))
    straight = angle.sin() < 1e-6
    sine = torch.where(straight, torch.ones_like(angle), angle.sin())
    arc = (torch.sin((1 - t) * angle) * unit_a + torch.sin(t * angle) * unit_b) / sine
    return torch.where(straight, lerp(a, b, t), arc * lerp(norm_a, norm_b, t))
