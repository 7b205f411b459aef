"""The family for tables: G a chain of choices, D an MLP, and what G sets out from."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gantlet.layers import Projection
from gantlet.networks.base import Family, Tally, Task
from gantlet.networks.chain_generator import ChainGenerator, ChainSettings
from gantlet.networks.chain_links import linked
from gantlet.networks.chain_rows import freedom
from gantlet.types import Labels, Latents, Noise, PerSample, Samples

QUICK = 10.0  # times the pace of a weight: a number that stands for a whole block


class ChainDiscriminator(nn.Module):
    """A residual MLP on choices and positions."""

    def __init__(self, task: Task, settings: ChainSettings) -> None:
        super().__init__()
        width = settings.width_D
        self.enter = nn.Linear(task.shape[0], width)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        for layer in (self.enter, self.first, self.second):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)
        self.out = Projection(task.classes, width)

    def forward(self, x: Samples, y: Labels | None = None) -> PerSample:
        hidden = leaky_relu(self.enter(x), 0.2)
        for layer in (self.first, self.second):
            hidden = hidden + leaky_relu(layer(hidden), 0.2)
        return self.out(hidden, y)


def _prime(G: nn.Module, D: nn.Module, x: Samples, y: Labels | None) -> None:
    """Sets out from the choices' shares, and from the pairs that hang together most."""
    del D, y
    assert isinstance(G, ChainGenerator), "a chain's prime is given a chain"
    with torch.no_grad():
        codes = G.codes(x.to(G.first.device))
        counts = torch.bincount((codes + G.first).flatten(), minlength=G.total)
        sizes = torch.tensor(G.blocks).to(counts)[G.out.block]
        G.shares.copy_(torch.log((counts + 1 / sizes) / (len(x) + 1)))
        links = linked(codes, G.blocks, G.shares)
        G.parent.copy_(links.parent)
        G.added.copy_(links.added)
        G.freedom.fill_(freedom(len(x), G.total))
        G.quick.fill_(QUICK)


def _within(
    G: nn.Module, z: Latents, y: Labels | None, allowed: Bool[Tensor, "b choices"]
) -> tuple[Samples, PerSample]:
    assert isinstance(G, ChainGenerator), "a chain is asked"
    return G.within(z, y, allowed)


def _numbered(G: nn.Module, z: Latents, y: Labels | None) -> Samples:
    assert isinstance(G, ChainGenerator), "a chain is asked"
    return G.numbered(z, y)


def _surprisal(G: nn.Module, x: Samples, y: Labels | None, noise: Noise | None) -> PerSample:
    assert isinstance(G, ChainGenerator), "a chain's density is a chain's"
    return G.surprisal(x, y, noise)


def _steepness(G: nn.Module, x: Samples, y: Labels | None) -> tuple[PerSample, PerSample]:
    assert isinstance(G, ChainGenerator), "a chain's density is a chain's"
    return G.steepness(x, y)


def _tallied(G: nn.Module, x: Samples) -> Float[Tensor, "b choices"]:
    assert isinstance(G, ChainGenerator), "a chain counts its own choices"
    return x[:, : G.total]


def _set_out(G: nn.Module, sums: Float[Tensor, "choices"], deviation: float) -> None:
    """Log-shares as `_prime` has them, of counts that noise has made uncertain.

    No links, and choices' own weights as free as they come: rows would have to be counted. What is
    quick to learn is quick to be moved by noise too, and stays as it is.
    """
    assert isinstance(G, ChainGenerator), "a chain is given a chain's counts"
    with torch.no_grad():
        # Half the noise: no count below it can be told from nought.
        counts = sums.clamp_min(deviation / 2 + 1e-3)
        whole = torch.stack([counts[start:stop].sum() for start, stop in G.edges])
        G.shares.copy_(torch.log(counts / whole[G.out.block]))


CHAIN = Family(
    settings=ChainSettings,
    generator=ChainGenerator,
    discriminator=ChainDiscriminator,
    ranks=(1,),
    prime=_prime,
    surprisal=_surprisal,
    steepness=_steepness,
    tally=Tally(of=_tallied, length=lambda task: len(task.blocks) ** 0.5, set_out=_set_out),
    within=_within,
    numbered=_numbered,
    latent_dim=lambda task: len(task.blocks) + task.shape[0] - sum(task.blocks),
    wants_blocks=True,
    at_once=16,
)
