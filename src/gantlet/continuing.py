"""Series gone on with: G draws steps given those before them."""

from typing import Any

from torch import Tensor, nn

from gantlet.config import ConfigError
from gantlet.engine.noise import Rows, StepNoise
from gantlet.latents import PRIORS
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import Codec, Draw
from gantlet.networks import NETWORKS
from gantlet.run import Run
from gantlet.types import GoneOn


def require_time(run: Run, asked: str) -> None:
    """
    Raises:
        ConfigError: this generator does not draw its samples step by step.
    """
    modality, family = MODALITIES[run.modality], NETWORKS[run.network.family]
    if modality.gone_on is None or family.gone_on is None or run.clusters:
        raise ConfigError(
            f"{asked}: only series can be gone on with, and samples of this run ({run.modality}, "
            f"network {run.network.family}) are not drawn step by step; leave it out"
        )


def gone_on(
    run: Run, G: nn.Module, codec: Codec, rows: Any, steps: int, seed: int, *, whole: bool
) -> Any:
    """So many more steps of each of these series, which the modality's `gone_on` puts together."""
    modality, family = MODALITIES[run.modality], NETWORKS[run.network.family]
    assert modality.gone_on is not None, "asked before"
    assert family.gone_on is not None, "asked before"
    if steps < 1:
        raise ConfigError(f"{steps} more steps were asked for; ask for at least 1")
    draw = drawing(G, family.gone_on, run.objective.prior, run.objective.latent_dim, seed)
    return modality.gone_on(codec, rows, draw, steps, whole)


def drawing(G: nn.Module, gone_on: GoneOn, prior: str, latent_dim: int, seed: int) -> Draw:
    """Windows whose first steps are given; the latents follow from the seed and the turn."""
    some = next(G.parameters())

    def draw(begun: Tensor, turn: int) -> Tensor:
        noise = StepNoise(seed, turn, Rows(0, len(begun), len(begun)), some.device)
        z = PRIORS[prior](noise, "continued/z", 1, latent_dim).flatten(0, 1)
        return gone_on(G, z.to(some.dtype), None, begun.to(some)).float().cpu()

    return draw
