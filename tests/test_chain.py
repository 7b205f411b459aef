"""The chain of choices: its density sums to one, its samples follow it, its gradient is right."""

import itertools

import pytest
import torch
from torch.nn.functional import one_hot
from torch.testing import assert_close

from games import rules
from gantlet.engine.clock import BudgetSettings, Clock
from gantlet.engine.noise import Rows, StepNoise
from gantlet.engine.schedule import OptimizationSettings
from gantlet.engine.state import TrainState, started
from gantlet.engine.train import Game, PolicySettings, train
from gantlet.networks import Task, chain_drawing
from gantlet.networks.chain import CHAIN
from gantlet.networks.chain_generator import ChainGenerator, ChainSettings
from gantlet.types import Batch

BLOCKS = (2, 3, 2)
SETTINGS = ChainSettings(width=13, depth=3, width_D=8)  # units do not divide among blocks
EVERY = list(itertools.product(*map(range, BLOCKS)))


def chain(classes: int = 0, positions: int = 0, scale: float = 1.5) -> ChainGenerator:
    """A chain in float64 whose choices depend strongly on one another."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        size = sum(BLOCKS) + positions
        G = ChainGenerator(Task((size,), classes, len(BLOCKS) + positions, BLOCKS), SETTINGS)
        for weight in G.parameters():
            torch.nn.init.normal_(weight, 0.0, scale * weight.shape[-1] ** -0.5)
        G.per_block.data.mul_(0.1)
        G.freedom.fill_(0.7)
        G.quick.fill_(2.0)
        G.parent.copy_(torch.tensor([-1, 0, 1]))
        G.added[BLOCKS[0] :] = scale * torch.randn(sum(BLOCKS[1:]), max(BLOCKS))
    return G.double()


def encoded(codes: list[tuple[int, ...]]) -> torch.Tensor:
    rows = torch.tensor(codes)
    blocks = [one_hot(rows[:, i], size) for i, size in enumerate(BLOCKS)]
    return torch.cat(blocks, dim=1).double()


@pytest.mark.parametrize("label", [None, 0, 2])
def test_probabilities_of_all_samples_sum_to_one_under_every_label(label):
    G = chain(classes=3 if label is not None else 0)
    y = None if label is None else torch.full((len(EVERY),), label)
    p = torch.exp(-G.surprisal(encoded(EVERY), y, None))
    assert p.sum().item() == pytest.approx(1, abs=1e-12)
    assert p.max() > 1.5 / len(EVERY)  # and they are not alike


def test_samples_are_as_frequent_as_their_density_says():
    G, count = chain(), 200_000
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        codes = G.codes(G(torch.randn(count, 3, generator=source, dtype=torch.float64)))
    strides = torch.tensor([6, 2, 1])
    found = torch.bincount((codes * strides).sum(1), minlength=12) / count
    p = torch.exp(-G.surprisal(encoded(EVERY), None, None)).detach()
    assert ((found - p).abs() < 5 * (p * (1 - p) / count).sqrt()).all()


def test_choices_are_the_same_with_a_gradient_and_without():
    G = chain(positions=2)
    z = torch.randn(500, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        fast = G(z)
    assert_close(G(z).detach(), fast)


def test_a_number_of_z_decides_its_own_choice_and_those_after_it():
    G = chain()
    z = torch.randn(400, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    for i in range(3):
        other = z.clone()
        other[:, i] = -other[:, i]
        with torch.no_grad():
            differ = (G.codes(G(z)) != G.codes(G(other))).any(0)
        assert not differ[:i].any()
        assert differ[i:].all()


def test_the_gradient_through_choices_is_that_of_the_expectation_where_it_is_linear():
    """Of one block, E[c·x] = c·softmax(b), whose gradient in b is known."""
    G = ChainGenerator(Task((3,), 0, 1, (3,)), SETTINGS).double()
    with torch.no_grad():
        G.shares.copy_(torch.tensor([0.3, -0.2, 0.9]))
    c = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    z = torch.randn(7, 1, dtype=torch.float64)
    (G(z) @ c).mean().backward()
    p = G.shares.detach().softmax(0)
    assert G.shares.grad is not None
    assert_close(G.shares.grad, p * (c - (p * c).sum()))


def test_shares_set_out_from_the_datas_own():
    G = chain(scale=0.0)
    x = encoded(list(itertools.product([0, 0, 0, 1], [0, 0, 0, 2], [1])))  # nothing hangs together
    assert CHAIN.prime is not None
    CHAIN.prime(G, G, x, None)
    p = torch.exp(-G.surprisal(encoded([(0, 0, 1), (0, 1, 1)]), None, None))
    # Each choice counts as if it had been seen once more, divided among its block's.
    first, second, last = 12.5 / 17, 12 + 1 / 3, 16.5 / 17
    assert_close(p.detach(), torch.tensor([second, 1 / 3]).double() / 17 * first * last)


def test_the_more_rows_there_are_the_more_a_choice_stands_by_itself():
    for rows, expected in ((6, 0.1), (70, 0.5), (1_000, 1.0)):  # of seven choices
        G = chain()
        CHAIN.prime(G, G, encoded([(0, 0, 1), (1, 2, 1)]).repeat(rows // 2, 1), None)
        assert G.freedom.item() == pytest.approx(expected)


def test_a_parent_is_let_go_of_and_never_leaned_on_more():
    G = chain()
    for number, kept in ((0.0, 1.0), (0.5, 0.3679), (-0.5, 0.3679), (50.0, 0.0)):  # twice as quick
        with torch.no_grad():
            G.per_block[1] = number
            assert_close(G.weights().added, kept * G.added, rtol=1e-4, atol=1e-12)


def test_spread_narrows_in_steps_that_are_too_few_for_weights():
    """Of two numbers, bins of a normal one: the second is the first and a fifth of noise."""
    x = torch.randn(2_000, 2, generator=torch.Generator().manual_seed(0))
    x[:, 1] = (x[:, 0] + 0.2 * x[:, 1]) / 1.04**0.5
    codes = (10 * torch.special.ndtr(x)).long().clamp_max(9)
    rows = one_hot(codes, 10).flatten(1).float()
    found = []
    for quick in (0.0, 10.0):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            G = ChainGenerator(Task((20,), 0, 2, (10, 10)), ChainSettings(width=32))
        G.quick.fill_(quick)
        G.freedom.fill_(0.1)  # as where rows are few, so that slopes are what is learned
        optimizer = torch.optim.Adam(G.parameters(), lr=5e-3)
        for _ in range(150):
            optimizer.zero_grad()
            G.surprisal(rows, None, None).mean().backward()
            optimizer.step()
        found.append(G.surprisal(rows, None, None).mean().item())
        narrowed = G.per_block[0, 1].item()
    assert narrowed < 0  # both ends of the block are less likely than its middle
    assert found[1] < found[0] - 0.1


def test_noise_moves_no_number_of_a_whole_block_where_counts_were_noisy():
    G, x = chain(), encoded(EVERY)
    fresh = ChainGenerator(Task((7,), 0, 3, BLOCKS), SETTINGS).double()
    assert CHAIN.tally is not None
    CHAIN.tally.set_out(fresh, x.sum(0), 0.0)
    before = fresh.surprisal(x, None, None)
    with torch.no_grad():
        fresh.per_block.copy_(G.per_block + 1)
    assert_close(fresh.surprisal(x, None, None), before)


def test_labels_change_how_likely_samples_are():
    G, x = chain(classes=3), encoded(EVERY)
    each = [G.surprisal(x, torch.full((len(EVERY),), label), None) for label in range(3)]
    assert (each[0] - each[1]).abs().max() > 0.1
    assert (each[0] - each[2]).abs().max() > 0.1


def test_what_is_left_out_in_learning_follows_from_the_step_and_the_row_alone():
    G, x = chain(), encoded(EVERY)
    whole = StepNoise(0, 5, Rows(0, 12, 12), torch.device("cpu"))
    at_once = G.surprisal(x, None, whole)
    parts = [
        G.surprisal(x[rows.start : rows.stop], None, whole._replace(rows=rows))
        for rows in (Rows(0, 5, 12), Rows(5, 12, 12))
    ]
    assert_close(torch.cat(parts), at_once)
    assert not torch.allclose(at_once, G.surprisal(x, None, None))


def played(warm_up: float, steps: int = 400) -> tuple[TrainState, list]:
    """A game on two coins that fall alike nine times in ten, and a die that follows them."""
    task = Task((7,), 0, 3, BLOCKS)
    source = torch.Generator().manual_seed(0)
    first = torch.randint(2, (2000,), generator=source)
    alike = torch.rand(2000, generator=source) < 0.9
    last = torch.where(alike, first, 1 - first)
    codes = torch.stack([first, first + last, last], dim=1)
    x = encoded([tuple(row) for row in codes.tolist()]).float()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        G, G_ema = (CHAIN.generator(task, SETTINGS) for _ in range(2))
        D = CHAIN.discriminator(task, SETTINGS)
    state = started(G, D, G_ema, seed=0)
    game = Game(
        objective=rules(loss="relativistic", penalties={"r1": 0.1, "r2": 0.1})._replace(
            latent_dim=3, surprisal=CHAIN.surprisal, likelihood=1.0
        ),
        optimization=OptimizationSettings(batch=64, warm_up=warm_up, lr_warm_up=0.01, lr_G=2e-4),
        policy=PolicySettings(),
    )

    def draw(update: int, rows: Rows) -> Batch:
        chosen = torch.randint(2000, (64,), generator=torch.Generator().manual_seed(update))
        return Batch(x[chosen][rows.start : rows.stop], None)

    clock = Clock(BudgetSettings(steps=steps), 0.0)
    return state, list(train(state, draw, game, clock))


def test_likelihood_alone_teaches_what_depends_on_what_and_leaves_the_opponent_alone():
    state, ticks = played(warm_up=1.0)
    with torch.no_grad():
        source = torch.Generator().manual_seed(9)
        z = torch.randn(20_000, 3, generator=source)
        codes = state.G_ema.codes(state.G_ema(z))
    assert (codes[:, 0] == codes[:, 2]).float().mean().item() == pytest.approx(0.9, abs=0.02)
    assert (codes[:, 1] == codes[:, 0] + codes[:, 2]).float().mean() > 0.98
    assert all(tick.rates.is_warm_up and "D/loss" not in tick.scalars for tick in ticks)
    assert all(weight.grad is None for weight in state.D.parameters())


def test_the_game_begins_where_the_warm_up_ends_and_keeps_what_was_learned():
    state, ticks = played(warm_up=0.75)
    begun = [tick.progress for tick in ticks if "D/loss" in tick.scalars]
    assert len(begun) == 100
    assert begun[0] == 0.75
    assert all("G/surprisal" in tick.scalars for tick in ticks)
    with torch.no_grad():
        source = torch.Generator().manual_seed(9)
        z = torch.randn(20_000, 3, generator=source)
        codes = state.G_ema.codes(state.G_ema(z))
    assert (codes[:, 0] == codes[:, 2]).float().mean().item() == pytest.approx(0.9, abs=0.03)


def test_samples_held_to_some_choices_are_those_of_g_once_they_are_weighted():
    G, count = chain(), 300_000
    allowed = torch.tensor([True, True, True, False, True, False, True])  # last block: 1 alone
    z = torch.randn(count, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    x, chance = G.within(z, None, allowed.expand(count, -1))
    assert (x[:, :7] <= allowed).all()
    codes, weights = G.codes(x), torch.exp(chance)
    strides = torch.tensor([6, 2, 1])
    found = torch.zeros(12, dtype=torch.float64)
    found.index_add_(0, (codes * strides).sum(1), weights)
    p = torch.exp(-G.surprisal(encoded(EVERY), None, None)).detach()
    fits = torch.tensor([one[1] != 1 and one[2] == 1 for one in EVERY])
    assert weights.mean().item() == pytest.approx(p[fits].sum().item(), rel=0.02)
    assert_close(found / found.sum(), p * fits / p[fits].sum(), atol=0.004, rtol=0)


def test_samples_that_may_choose_anything_are_those_of_g():
    G, z = chain(positions=1), torch.randn(50, 4, dtype=torch.float64)
    x, chance = G.within(z, None, torch.ones(50, 7, dtype=torch.bool))
    with torch.no_grad():
        assert torch.equal(x, G(z))
    assert_close(chance, torch.zeros(50, dtype=torch.float64))


def test_samples_by_number_are_those_of_g():
    G = chain(positions=2)
    z = torch.randn(300, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        x = G(z)
    assert CHAIN.numbered is not None
    small = CHAIN.numbered(G, z, None)
    assert torch.equal(small[:, :3].long(), G.codes(x))
    assert torch.equal(small[:, 3:], x[:, 7:])


def test_choices_do_not_depend_on_how_blocks_are_grouped(monkeypatch):
    G = chain()
    z = torch.randn(300, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    made = []
    for group in (1, 2, 5):
        monkeypatch.setattr(chain_drawing, "GROUP", group)
        with torch.no_grad():
            made.append(G(z))
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])


def test_blocks_may_outnumber_the_hidden_units():
    blocks = (2, 3) * 30
    G = ChainGenerator(Task((sum(blocks),), 0, 60, blocks), SETTINGS).double()
    z = torch.randn(20, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        fast = G(z)
    assert_close(G(z).detach(), fast)


@pytest.mark.parametrize("classes", [0, 3])
def test_steepness_is_the_length_of_the_gradient_of_each_sample_by_itself(classes):
    G, x = chain(classes=classes), encoded(EVERY)
    y = torch.arange(len(EVERY)) % 3 if classes else None
    surprisals, lengths = G.steepness(x, y)
    for i in range(len(EVERY)):
        G.zero_grad()
        alone = G.surprisal(x[i : i + 1], None if y is None else y[i : i + 1], None).sum()
        alone.backward()
        squares = [w.grad.square().sum() for w in G.parameters() if w.grad is not None]
        assert_close(lengths[i], torch.stack(squares).sum().sqrt())
        assert_close(surprisals[i], alone)
