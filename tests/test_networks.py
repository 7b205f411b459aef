"""The contract of every network family, on every shape it takes, with classes and without."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.func import jacrev, vmap
from torch.linalg import vector_norm
from torch.nn.functional import softplus
from torch.testing import assert_close

from gantlet.config import ConfigError
from gantlet.networks import NETWORKS, Task
from gantlet.networks.mlp import MlpSettings, Waves
from gantlet.regularizers import REGULARIZERS
from gantlet.run import NetworkSettings, players
from gantlet.types import Timed
from tiny import drawn, noise_of, scored, surroundings

SHAPES = [(2,), (7,), (5, 3), (1, 8, 8), (3, 16, 16), (2, 17, 16), (4, 13, 5), (3, 3, 3)]
CLASSES = [0, 3]
LATENT_DIM = 6
BLOCKS = {(2,): (2,), (7,): (2, 3)}  # the last two of seven are positions
TAKEN = [
    (name, s)
    for name, family in NETWORKS.items()
    for s in SHAPES
    if len(s) in family.ranks and (len(BLOCKS.get(s, ())) > 1 or not family.wants_blocks)
]
# One odd rectangle of each rank, for properties that no size can change.
FEW = [(name, s) for name, s in TAKEN if s in ((7,), (5, 3), (2, 17, 16))]


def case(pairs: list) -> pytest.MarkDecorator:
    names = ["-".join([name, "x".join(map(str, shape))]) for name, shape in pairs]
    return pytest.mark.parametrize(("name", "shape"), pairs, ids=names)


with_classes = pytest.mark.parametrize("classes", CLASSES)


def latents(name: str) -> int:
    """Numbers in z: two for each number of 5 × 3 where those are drawn in turn."""
    return 30 if NETWORKS[name].wants_time else LATENT_DIM


def task_for(name: str, shape: tuple[int, ...], classes: int) -> Task:
    """The task; choices come first in samples for families that are made for them."""
    blocks = BLOCKS.get(shape, ()) if NETWORKS[name].wants_blocks else ()
    timed = Timed() if NETWORKS[name].wants_time else None
    return Task(shape, classes, latents(name), blocks, timed)


def pair(name: str, shape: tuple[int, ...], classes: int, seed: int = 0):
    """G and D in float64, training mode."""
    task = task_for(name, shape, classes)
    G, D, _ = players(NetworkSettings(family=name), task, seed)
    return G.double(), D.double()


def labels(b: int, classes: int) -> Tensor | None:
    return torch.arange(b) % classes if classes else None


@case(TAKEN)
@with_classes
def test_samples_have_the_tasks_shape_and_a_sensible_scale_from_the_start(name, shape, classes):
    G, D = pair(name, shape, classes)
    x = G(drawn(16, latents(name)), y := labels(16, classes))
    logits = D(drawn(16, *shape, seed=1), y)
    assert x.shape == (16, *shape)
    assert logits.shape == (16,)
    assert 0.01 < x.std() < 10
    assert 0.01 < logits.std() < 10


@case(TAKEN)
@with_classes
def test_every_weight_moves_within_two_updates_of_a_game(name, shape, classes):
    G, D = pair(name, shape, classes)
    x, y = drawn(6, *shape), labels(6, classes)
    if (prime := NETWORKS[name].prime) is not None:
        prime(G, D, x, y)
    before = copy.deepcopy(G), copy.deepcopy(D)
    optimizers = [torch.optim.Adam(player.parameters(), lr=1e-3) for player in (D, G)]
    for step in range(2):
        fake = G(drawn(6, latents(name), seed=step), y)
        optimizers[0].zero_grad()
        (softplus(-D(x, y)) + softplus(D(fake.detach(), y))).mean().backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        softplus(-D(fake, y)).mean().backward()
        optimizers[1].step()
    for player, was in zip((G, D), before, strict=True):
        old = dict(was.named_parameters())
        still = [n for n, weight in player.named_parameters() if torch.equal(weight, old[n])]
        assert still == []


def first_rows_move(play, inputs: Tensor, y: Tensor | None, count: int = 1) -> bool:
    """Whether the first rows' results change with the inputs of the rows after them."""
    others = torch.cat([inputs[:count], 3 * inputs[count:] + 1])
    before, after = play(inputs, y)[:count], play(others, y)[:count]
    return not torch.allclose(before, after, rtol=1e-9, atol=1e-12)


@case(FEW)
@with_classes
def test_in_training_a_row_depends_on_the_rows_that_the_family_says(name, shape, classes):
    G, D = pair(name, shape, classes)
    family = NETWORKS[name]
    pack = family.pack(family.settings())
    b = 2 * pack + 3  # two packs and what is left over
    z, x, y = drawn(b, latents(name)), drawn(b, *shape), labels(b, classes)
    if family.prime is not None:
        family.prime(G, D, x, y)
    couples = not family.is_sample_wise
    assert first_rows_move(G, z, y) == couples
    assert first_rows_move(D, x, y) == (couples or pack > 1)
    for packs in (1, 2):
        assert first_rows_move(D, x, y, packs * pack) == couples


@case(TAKEN)
@with_classes
def test_in_evaluation_no_row_depends_on_another(name, shape, classes):
    G, D = pair(name, shape, classes)
    z, x, y = drawn(5, latents(name)), drawn(5, *shape), labels(5, classes)
    if (prime := NETWORKS[name].prime) is not None:
        prime(G, D, x, y)
    if (settle := NETWORKS[name].settle) is not None:
        settle(D, x)
    G.eval()
    D.eval()
    assert not first_rows_move(G, z, y)
    assert not first_rows_move(D, x, y)


@case([(name, shape) for name, shape in FEW if NETWORKS[name].is_sample_wise])
@with_classes
def test_the_gradient_of_r1_in_the_weights_is_that_of_a_finite_difference(name, shape, classes):
    _, D = pair(name, shape, classes)
    x, y = drawn(4, *shape), labels(4, classes)
    weights = list(D.parameters())
    with torch.no_grad():  # zero-initialised maps would hide what lies before them
        for i, weight in enumerate(weights):
            weight.add_(0.02 * drawn(*weight.shape, seed=i))
    directions = [drawn(*weight.shape, seed=i + 1) for i, weight in enumerate(weights)]

    def r1() -> Tensor:
        at_real = scored(D, x, y)
        return REGULARIZERS["r1"](D, at_real, at_real, surroundings(noise_of(4))).mean()

    def r1_moved(by: float) -> float:
        _add(weights, directions, by)
        value = r1().item()
        _add(weights, directions, -by)
        return value

    gradients = torch.autograd.grad(r1(), weights, allow_unused=True)
    pairs = zip(gradients, directions, strict=True)
    slope = sum((g * v).sum().item() for g, v in pairs if g is not None)
    step = 1e-8  # so small that hardly any leaky ReLU passes its kink
    assert slope == pytest.approx((r1_moved(step) - r1_moved(-step)) / (2 * step), rel=1e-4)


def _add(weights: list[nn.Parameter], directions: list[Tensor], by: float) -> None:
    with torch.no_grad():
        torch._foreach_add_(weights, directions, alpha=by)


@case([(name, shape) for name, shape in FEW if not NETWORKS[name].wants_blocks])
def test_labels_change_what_both_players_say(name, shape):
    G, D = pair(name, shape, 3)
    z, x = drawn(4, latents(name)), drawn(4, *shape)
    zeros, twos = torch.zeros(4, dtype=torch.long), torch.full((4,), 2)
    for play, inputs in ((G, z), (D, x)):
        changed = (play(inputs, zeros) - play(inputs, twos)).reshape(4, -1).abs().amax(1)
        assert (changed > 1e-6).all()


@case(FEW)
def test_latents_change_samples_and_samples_change_logits(name, shape):
    G, D = pair(name, shape, 0)
    assert G(drawn(8, latents(name)), None).std(0).min() > 1e-3
    x = drawn(1, *shape).requires_grad_()
    twice = torch.cat([x, drawn(1, *shape, seed=1)])
    (slope,) = torch.autograd.grad(D(twice, None)[0], x)
    assert (slope != 0).all()  # D looks at every number of a sample


@case(FEW)
@with_classes
def test_weights_follow_from_the_seed_alone(name, shape, classes):
    torch.manual_seed(1)
    first, second = (pair(name, shape, classes, seed) for seed in (7, 7))
    other = pair(name, shape, classes, seed=8)
    for a, b, c in zip(first, second, other, strict=True):
        assert all(map(torch.equal, a.parameters(), b.parameters()))
        assert not all(map(torch.equal, a.parameters(), c.parameters()))


@pytest.mark.parametrize("name", NETWORKS)
def test_making_players_leaves_the_global_randomness_as_it_was(name):
    before = torch.random.get_rng_state()
    pair(name, (2,) * NETWORKS[name].ranks[0], 0)
    assert torch.equal(torch.random.get_rng_state(), before)


@case(FEW)
def test_the_average_of_a_generator_can_take_its_weights(name, shape):
    G, _, G_ema = players(NetworkSettings(family=name), task_for(name, shape, 3), 0)
    G_ema.load_state_dict(G.state_dict())
    z, y = torch.randn(4, latents(name)), labels(4, 3)
    assert_close(G_ema(z, y), G(z, y))


def test_the_last_numbers_of_z_count_by_their_sign_alone_where_the_mlp_is_told_so():
    settings = NetworkSettings(family="mlp", options={"signs": 2})
    G = players(settings, Task((3,), 0, LATENT_DIM), 0)[0]
    z = torch.randn(5, LATENT_DIM)
    stretched = torch.tensor([1.0] * 4 + [7.0] * 2)
    for i in range(LATENT_DIM):
        turned = torch.ones(LATENT_DIM).index_fill(0, torch.tensor([i]), -1.0)
        assert not torch.isclose(G(z * turned), G(z)).all(1).any()
    assert torch.equal(G(z * stretched), G(z))


@pytest.mark.parametrize("decay", [0.0, 0.25, 1.0])
def test_the_waves_that_an_mlp_sees_reach_the_height_and_slope_of_their_frequency(decay):
    waves = Waves(3, MlpSettings(waves=40, wave_decay=decay, longest_wave=0.5, shortest_wave=32.0))
    x = 3 * torch.randn(400, 3)
    frequencies = 0.5 * 64 ** (torch.arange(40) / 39)
    seen = waves(x)
    slopes = vector_norm(vmap(jacrev(lambda one: waves(one[None])[0]))(x), dim=2)[:, 3:]
    assert torch.equal(seen[:, :3], x)
    for found, highest in [
        (seen[:, 3:].abs(), frequencies**-decay),
        (slopes, frequencies ** (1 - decay)),
    ]:
        assert (found <= highest * (1 + 1e-4)).all()
        assert (found.amax(0) > 0.9 * highest).all()


WRONG = [(n, r) for n, family in NETWORKS.items() for r in (1, 2, 3) if r not in family.ranks]


@pytest.mark.parametrize(("name", "rank"), WRONG)
def test_a_family_refuses_samples_of_another_rank_and_names_those_that_take_them(name, rank):
    with pytest.raises(ConfigError, match=rf"network\.family = '{name}'") as refusal:
        pair(name, (4,) * rank, 0)
    offered = str(refusal.value).partition("choose one of: ")[2].split(", ")
    assert offered == [other for other, family in NETWORKS.items() if rank in family.ranks]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_misspelt_option_of_a_family_is_refused_with_the_one_that_was_meant(name):
    rank = NETWORKS[name].ranks[0]
    settings = NetworkSettings(family=name, options={"widht": 8})
    with pytest.raises(ConfigError, match=r"options\.widht'; did you mean 'network\.options\.w"):
        players(settings, Task((4,) * rank, 0, latents(name)), 0)
