"""Missing cells filled by G given the other cells of their row."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from gantlet.engine.noise import Rows, StepNoise
from gantlet.latents import PRIORS
from gantlet.modalities.base import Holes
from gantlet.sampling import Part
from gantlet.types import Within

ROWS = 128  # filled in one pass
CANDIDATES = 32  # of each row
TURNS = 50  # for rows none of whose candidates fits; then the last is taken
ALL = Rows(0, ROWS * CANDIDATES, ROWS * CANDIDATES)


def imputed(
    G: nn.Module, within: Within, prior: str, latent_dim: int, holes: Holes, *, seed: int = 0
) -> Iterator[Part]:
    """One sample of G for each row with a hole, given its known cells.

    Of 32 candidates that hold the known cells one is drawn by the probability that they would
    have fallen so: sampling by importance (Rubin 1987), exact as candidates become many, and
    with one alone where all that is known comes before the hole.
    """
    some = next(G.parameters())
    for start in range(0, holes.size, ROWS):
        todo = np.arange(start, min(start + ROWS, holes.size))
        whole = some.new_zeros(len(todo), 0)
        for turn in range(TURNS):
            noise = StepNoise(seed, start * TURNS + turn, ALL, some.device)
            z = PRIORS[prior](noise, "imputed/z", 1, latent_dim).flatten(0, 1).to(some.dtype)
            # Every pass is a whole one, as sums are rounded differently in passes of other sizes.
            rows = np.resize(todo, ROWS).repeat(CANDIDATES)
            allowed = torch.from_numpy(holes.allowed(rows)).to(some.device)
            x, chance = within(G, z, None, allowed)
            able = torch.from_numpy(holes.fits(rows, x)).view(ROWS, CANDIDATES).to(x.device)
            # The largest of ln w plus Gumbel's noise is a draw by w.
            gumbel = -torch.log(-torch.log(noise.uniform("imputed/one")[:, None].flatten()))
            score = (chance + gumbel).view(ROWS, CANDIDATES).masked_fill(~able, -torch.inf)
            drawn = x.view(ROWS, CANDIDATES, -1)[torch.arange(ROWS), score.argmax(1)][: len(todo)]
            if not turn:
                whole = drawn
            else:
                whole[torch.from_numpy(todo - start)] = drawn
            todo = todo[~able.any(1)[: len(todo)].cpu().numpy()]
            if not len(todo):
                break
        yield Part(whole.float(), None)
