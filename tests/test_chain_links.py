"""What a chain knows of pairs before it learns: the right parents, and what rows say of them."""

import itertools
import math

import torch
from torch.nn.functional import one_hot
from torch.testing import assert_close

from gantlet.networks import Task
from gantlet.networks.chain import CHAIN
from gantlet.networks.chain_generator import ChainGenerator, ChainSettings
from gantlet.networks.chain_links import SHRINK, linked


def rows(count: int, seed: int = 0) -> torch.Tensor:
    """Blocks of 4, 3, 4 and 2 choices: the third follows the first, the last the third."""
    source = torch.Generator().manual_seed(seed)

    def die(sides: int) -> torch.Tensor:
        return torch.randint(sides, (count,), generator=source)

    first, second = die(4), die(3)
    third = torch.where(torch.rand(count, generator=source) < 0.8, first, die(4))
    last = torch.where(torch.rand(count, generator=source) < 0.9, third % 2, die(2))
    return torch.stack([first, second, third, last], dim=1)


SIZES = (4, 3, 4, 2)


def log_shares(codes: torch.Tensor, sizes: tuple[int, ...]) -> torch.Tensor:
    counts = [torch.bincount(codes[:, i], minlength=size) for i, size in enumerate(sizes)]
    return torch.cat([(n + 1 / len(n)) / (len(codes) + 1) for n in counts]).double().log()


def test_each_choice_leans_on_what_foretells_it_best():
    links = linked(rows(500), SIZES, log_shares(rows(500), SIZES))
    assert links.parent.tolist() == [-1, -1, 0, 2]


def test_a_link_is_what_rows_say_once_shares_count_for_some_of_them():
    codes = rows(500)
    shares = log_shares(codes, SIZES)
    added = linked(codes, SIZES, shares).added
    third = slice(7, 11)
    seen = torch.zeros(4, 4).double()
    for parent, child in codes[:, [0, 2]].tolist():
        seen[child, parent] += 1
    possible = [
        ((seen + a * shares[third, None].exp()) / (seen.sum(0) + a)).log() - shares[third, None]
        for a in SHRINK
    ]
    assert any(torch.allclose(added[third], one) for one in possible)
    p = (added[third] + shares[third, None]).exp()
    assert_close(p.sum(0), torch.ones(4).double(), atol=2e-3, rtol=0)  # shares sum to one
    assert not added[:7].any()


def test_shares_count_for_as_many_rows_as_foretells_each_row_best_from_the_others():
    codes = rows(60, seed=3)[:, [0, 2]]
    shares = log_shares(codes, (4, 4))

    def told(a: float) -> float:
        """Each row left out in turn, in plain words."""
        total = 0.0
        for i, (parent, child) in enumerate(codes.tolist()):
            others = torch.cat([codes[:i], codes[i + 1 :]])
            alike = others[others[:, 0] == parent]
            n = (alike[:, 1] == child).sum().item()
            total += math.log((n + a * shares[4 + child].exp().item()) / (len(alike) + a))
        return total

    best = max(SHRINK, key=told)
    seen = torch.zeros(4, 4).double()
    for parent, child in codes.tolist():
        seen[child, parent] += 1
    p = (seen + best * shares[4:, None].exp()) / (seen.sum(0) + best)
    assert_close(linked(codes, (4, 4), shares).added[4:], p.log() - shares[4:, None])


def test_what_only_seems_to_hang_together_for_want_of_rows_makes_few_links():
    """Thirty dice that know nothing of each other: each could lean on up to 29."""
    codes = torch.randint(6, (100, 30), generator=torch.Generator().manual_seed(1))
    sizes = (6,) * 30
    parent = linked(codes, sizes, log_shares(codes, sizes)).parent
    naive = torch.tensor(
        [
            [_information(codes[:, j], codes[:, i]) for j in range(i)] + [0.0] * (30 - i)
            for i in range(1, 30)
        ]
    )
    assert (naive.amax(1) > 0.05).all()  # of 100 rows some pair always looks informative
    assert (parent >= 0).float().mean() < 0.35


def _information(a: torch.Tensor, b: torch.Tensor) -> float:
    joint = torch.bincount(a * 6 + b, minlength=36).view(6, 6) / len(a)
    alone = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    return torch.where(joint > 0, joint * torch.log(joint / alone), 0.0).sum().item()


def test_a_chain_that_has_learned_nothing_yet_draws_pairs_as_they_are():
    codes = rows(4_000)
    x = torch.cat([one_hot(codes[:, i], size) for i, size in enumerate(SIZES)], dim=1).float()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        G = ChainGenerator(Task((13,), 0, 4, SIZES), ChainSettings())
    assert CHAIN.prime is not None
    CHAIN.prime(G, G, x, None)
    with torch.no_grad():
        made = G.codes(G(torch.randn(20_000, 4, generator=torch.Generator().manual_seed(5))))
    for i, j in itertools.combinations(range(4), 2):
        pairs = [
            torch.bincount(c[:, i] * 4 + c[:, j], minlength=16) / len(c) for c in (codes, made)
        ]
        assert_close(*pairs, atol=0.02, rtol=0)
