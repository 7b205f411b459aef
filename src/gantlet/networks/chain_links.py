"""What a chain knows of pairs before it learns: each choice may lean on one that came before it.

A tree of dependences, near that of Chow & Liu 1968: of all earlier choices the one that foretells a
choice best is its parent, and p(choice | parent) is read from the rows. What foretells best is told
by leaving out each row in turn, and must pay for the words that name the parent among so many
(Rissanen 1978), so that what only seems to hang together, for want of rows, makes no link. All else
is left to be learned.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import log
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

SHRINK = (
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
)  # rows that a choice's overall shares count for; one is found
PRODUCTS = 1.5e11  # of rows and pairs of choices that a search takes, about
FEWEST = 200  # rows that it looks at in any case


class Links(NamedTuple):
    """The parents, and what each choice of theirs adds to the logits."""

    parent: Int[Tensor, "blocks"]  # −1: none
    added: Float[Tensor, "choices k"]  # ln p(choice | parent's choice) − ln p(choice)


def linked(
    codes: Int[Tensor, "n blocks"], sizes: Sequence[int], shares: Float[Tensor, "choices"]
) -> Links:
    """The links that rows of these choices show.

    Args:
        sizes: choices of each block.
        shares: ln p of each choice.
    """
    first = [0, *accumulate(sizes)]
    parent = torch.full((len(sizes),), -1, device=codes.device)
    added = shares.new_zeros(first[-1], max(sizes))
    searched = codes[: max(FEWEST, int(2 * PRODUCTS / first[-1] ** 2))]
    hot = shares.new_zeros(len(searched), first[-1])
    hot.scatter_(1, searched + torch.tensor(first[:-1], device=codes.device), 1.0)
    of = torch.repeat_interleave(torch.tensor(sizes, device=codes.device))
    counts = hot.sum(0)
    for i in range(1, len(sizes)):
        own, before = slice(first[i], first[i + 1]), slice(first[i])
        together = hot[:, own].T @ hot[:, before]
        alone = (counts[own] * shares[own]).sum()
        found = [_foretold(together, counts[before], shares[own], rows) for rows in SHRINK]
        gains = shares.new_zeros(len(SHRINK), i).index_add_(1, of[before], torch.stack(found))
        best = int(gains.argmax())
        rows, j = SHRINK[best // i], best % i
        if gains.flatten()[best] > alone + log(i + 1):
            parent[i] = j
            pairs = codes[:, i] * sizes[j] + codes[:, j]
            seen = torch.bincount(pairs, minlength=sizes[i] * sizes[j]).view(sizes[i], sizes[j])
            p = (seen + rows * shares[own, None].exp()) / (seen.sum(0) + rows)
            added[own, : sizes[j]] = p.log() - shares[own, None]
    return Links(parent, added)


def _foretold(
    together: Float[Tensor, "k m"],
    counts: Float[Tensor, "m"],
    shares: Float[Tensor, "k"],
    rows: float,
) -> Float[Tensor, "m"]:
    """Σ ln p(choice | parent's choice), each row foretold by the others, for m parents' choices."""
    others = torch.log((together - 1).clamp_min(0) + rows * shares.exp()[:, None])
    return (together * others).sum(0) - counts * torch.log((counts - 1).clamp_min(0) + rows)
