"""Series gone on with: G draws steps given those before them."""

from torch import Tensor, nn

from gantlet.engine.noise import Rows, StepNoise
from gantlet.latents import PRIORS
from gantlet.modalities.base import Draw
from gantlet.types import GoneOn


def drawing(G: nn.Module, gone_on: GoneOn, prior: str, latent_dim: int, seed: int) -> Draw:
    """Windows whose first steps are given; the latents follow from the seed and the turn."""
    some = next(G.parameters())

    def draw(begun: Tensor, turn: int) -> Tensor:
        noise = StepNoise(seed, turn, Rows(0, len(begun), len(begun)), some.device)
        z = PRIORS[prior](noise, "continued/z", 1, latent_dim).flatten(0, 1)
        return gone_on(G, z.to(some.dtype), None, begun.to(some)).float().cpu()

    return draw
