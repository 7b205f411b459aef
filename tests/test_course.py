"""The family for series: its density, what it draws, and what it knows of the data beforehand."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from gantlet.networks import NETWORKS, Task
from gantlet.networks.course_generator import CourseGenerator
from gantlet.networks.course_settings import CourseSettings
from gantlet.networks.innovations import FARTHEST, FITTED, ORDER, Innovations
from gantlet.types import Timed
from tiny import drawn

COURSE = NETWORKS["course"]
STEPS, HELD, SIZE, VALUES = 7, 3, 2, 2
# A clock of three, whether it is over, whether the second value is there; then two values.
TIMED = Timed(held=1, turning=1, ended=1, governed=(-1, 2))
TASK = Task((STEPS, HELD + 2 * SIZE + VALUES), 0, 0, (HELD, SIZE, SIZE), TIMED)
SETTINGS = CourseSettings(memory=5, width=11, normals=3, width_D=8)


def players(task: Task = TASK):
    torch.manual_seed(1)
    G, D = COURSE.generator(task, SETTINGS).double(), COURSE.discriminator(task, SETTINGS).double()
    assert isinstance(G, CourseGenerator)
    return G, D


def series(count: int = 200) -> Tensor:
    """Random walks that end at random and lack some of their second values."""
    G, _ = players()
    with torch.no_grad():
        return G(drawn(count, G.layout.latents))


def test_generated_series_keep_the_layout():
    x = series()
    held, ended, flag = x[:, :, :HELD], x[:, :, HELD : HELD + 2], x[:, :, HELD + 2 : HELD + 4]
    assert_close(held.sum(2), torch.ones_like(held[:, :, 0]))
    assert_close(held[:, 1:], held[:, :-1].roll(1, 2))  # the clock goes one on at each step
    assert_close(ended.sum(2), torch.ones_like(ended[:, :, 0]))
    over = ended[:, :, 1] > 0
    assert 0 < over.double().mean() < 1
    assert (over[:, 1:] >= over[:, :-1]).all()  # what is over stays over
    assert (x[over][:, HELD + 2 :] == 0).all()
    assert_close(flag.sum(2), (~over).double())
    lacks = (flag[:, 1:, 0] == 0) & ~over[:, 1:]
    assert lacks.any()
    assert_close(x[:, 1:, -1][lacks], x[:, :-1, -1][lacks])  # as the last before it


def test_series_of_choices_alone_are_learned():
    """There is no value to guess: what is new has no channel."""
    task = Task((STEPS, SIZE), 0, 0, (SIZE,), Timed())
    G, D = players(task)
    x = torch.eye(SIZE, dtype=torch.float64)[torch.arange(20 * STEPS) % SIZE].view(20, STEPS, SIZE)
    assert COURSE.prime is not None
    COURSE.prime(G, D, x, None)
    told = G.surprisal(x, None, None)
    assert (told > 0).all()
    assert G(drawn(5, G.layout.latents)).shape == (5, STEPS, SIZE)


def test_the_density_of_one_value_integrates_to_one():
    task = Task((2, 1), 0, 0, (), Timed())
    G, _ = players(task)
    first = torch.linspace(-12, 12, 2401, dtype=torch.float64)
    both = torch.cartesian_prod(first[::8], first[::8])[:, :, None]
    total = torch.exp(-G.surprisal(both, None, None)).sum() * 0.08**2
    assert_close(total.item(), 1.0, rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    ("blocks", "timed"),
    [((3, 2), Timed(held=1, ended=1)), ((2, 3, 2), Timed(held=2, ended=1, late=(1,)))],
)
def test_surprisal_is_the_frequency_of_what_is_drawn(blocks, timed):
    """Of choices alone: −ln p of each series is how often G draws it."""
    G, _ = players(Task((3, sum(blocks)), 0, 0, blocks, timed))
    with torch.no_grad():
        for part in [] if G.late is None else G.late.parameters():
            part.mul_(8)  # what late choices are told from counts
    with torch.no_grad():
        x = G(drawn(60_000, G.layout.latents))
        kinds, counts = torch.unique(x, dim=0, return_counts=True)
        p = torch.exp(-G.surprisal(kinds, None, None))
    assert_close(p.sum().item(), 1.0, rtol=1e-6, atol=0)
    shares = counts / len(x)
    assert ((shares - p).abs() < 5 * torch.sqrt(p * (1 - p) / len(x)) + 1e-9).all()


def test_what_is_begun_is_gone_on_with():
    G, _ = players()
    x, z = series(40), drawn(40, G.layout.latents, seed=3)
    with torch.no_grad():
        one, other = G.gone_on(z, None, x[:, :3]), G.gone_on(z.roll(1, 0), None, x[:, :3])
        assert_close(one[:, :3], x[:, :3])
        assert not torch.allclose(one[:, 3:], other[:, 3:])
        # Given its own first steps and its own latents, a series is what it was.
        whole = G(z)
        assert_close(G.gone_on(z, None, whole[:, :4]), whole)


def test_what_is_late_follows_from_the_steps_and_not_they_from_it():
    timed = Timed(held=2, turning=1, governed=(-1,), late=(1,))
    G, _ = players(Task((4, 3 + 2 + 1), 0, 0, (3, 2), timed))
    z = drawn(50, G.layout.latents)
    changed = z.clone()
    changed[:, 1] *= -1  # the late choice's own
    with torch.no_grad():
        one, other = G(z), G(changed)
    late = slice(3, 5)
    assert_close(one[:, :, [0, 1, 2, 5]], other[:, :, [0, 1, 2, 5]])
    assert not torch.allclose(one[:, :, late], other[:, :, late])
    assert_close(one[:, :, late], one[:, :1, late].expand(-1, 4, -1))


def test_a_step_does_not_depend_on_later_latents():
    G, _ = players()
    z = drawn(30, G.layout.latents)
    changed = z.clone()
    changed[:, 1 + 4 * (2 + 2 * VALUES) :] += 1  # from the fifth step on
    with torch.no_grad():
        one, other = G(z), G(changed)
    assert_close(one[:, :4], other[:, :4])
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("steps", [4, 9])
def test_innovations_of_an_autoregression_are_its_noise(steps):
    """x_t = 0.5 x_{t−1} − 0.3 x_{t−2} + 0.1 ε: the guess is found and ε is what is left."""
    noise = drawn(20_000, steps, 1)
    x = noise.clone()
    for t in range(1, steps):
        x[:, t] = 0.5 * x[:, t - 1] - (0.3 * x[:, t - 2] if t > 1 else 0) + 0.1 * noise[:, t]
    news = Innovations(1).double()
    news.prime(x, torch.ones_like(x))
    assert_close(
        news.weights[ORDER, :, 0], torch.tensor([0.5, -0.3], dtype=x.dtype), rtol=0, atol=0.02
    )
    assert_close(news.scale[ORDER].item(), 0.1, rtol=0.02, atol=0)
    assert_close(news.of(x)[:, ORDER:], noise[:, ORDER:], rtol=0, atol=0.2)
    rows = [x[:, t] for t in range(steps - 1)]
    again = news.guess(rows, x[:, -1]) + news.of(x)[:, -1] * news.scale[ORDER]
    assert_close(again, x[:, -1])


def test_nearly_equal_values_are_told_apart():
    """b is nearly a: what tells them apart is told at the scale of what they share."""
    a, noise = drawn(4_000, 3, 1), drawn(4_000, 3, 1, seed=1)
    x = torch.cat([a, 0.98 * a + 0.05 * noise, 5 + drawn(4_000, 3, 1, seed=2)], dim=2)
    there = torch.ones_like(x)
    there[::7, :, 1] = 0
    x[::7, :, 1] = 0
    news = Innovations(3).double()
    news.prime(x, there)
    told = news.told(x, news.of(x))[there[:, 0, 1] > 0][:, :, 3:6].flatten(0, 1)
    assert_close(torch.cov(told.T), torch.eye(3).double(), rtol=0, atol=0.06)
    apart = told[:, 1] - told[:, 0]
    wanted = noise[there[:, 0, 1] > 0].flatten()
    assert torch.corrcoef(torch.stack([apart, wanted]))[0, 1] > 0.99


def test_equal_values_and_such_as_never_vary_are_told_as_numbers():
    a = drawn(500, 3, 1)
    x = torch.cat([a, a, torch.full_like(a, 2.0)], dim=2)
    news = Innovations(3).double()
    news.prime(x, torch.ones_like(x))
    assert news.told(x, news.of(x)).abs().max() <= 2 * FARTHEST
    constant = Innovations(1).double()
    constant.prime(x[:, :, 2:], torch.ones_like(a))
    assert constant.told(x[:, :, 2:], constant.of(x[:, :, 2:])).abs().max() <= 2 * FARTHEST


@pytest.mark.parametrize("a", [0.0, 0.5, 0.9])
def test_what_is_new_in_an_autoregression_is_known_in_closed_form(a):
    """x' = a·x + e: errors have variance 1, changes 2 / (1 + a); a channel that is nearly the first
    is as new, though little of it is where the first is known."""
    noise = drawn(6_000, 8, 1)
    x = [noise[:, 0] / (1 - a * a) ** 0.5]
    for t in range(1, 8):
        x.append(a * x[-1] + noise[:, t])
    first = torch.stack(x, dim=1)
    both = torch.cat([first, 3 * first + 0.01 * drawn(6_000, 8, 1, seed=1)], dim=2)
    news = Innovations(2).double()
    news.prime(both, torch.ones_like(both))
    wanted = torch.full((2,), ((1 + a) / 2) ** 0.5).double()
    assert_close(news.novelty, wanted, rtol=0, atol=0.02)
    assert news.scale[-1, 1] < 0.02


def test_in_a_wave_of_one_frequency_nothing_is_new():
    x = torch.sin(0.4 * torch.arange(24)[None, :, None] + 6 * drawn(300, 1, 1)).double()
    news = Innovations(1).double()
    news.prime(x, torch.ones_like(x))
    assert news.novelty < 1e-3


@pytest.mark.parametrize("count", [500, FITTED // 5])
def test_guesses_are_least_squares_over_the_values_that_are_there(count):
    """Some of the steps are enough: of ever more of them, every other series is fitted on."""
    every = 1 if count == 500 else 2
    x, held = drawn(count, 8, 2).cumsum(1), torch.eye(3).double()[torch.arange(count) % 3]
    x = x + held[:, None, :2]
    there = (drawn(count, 8, 2, seed=1) > -1).double()
    anchors = held[:, None].expand(-1, 8, -1)
    news = Innovations(2, 3).double()
    news.prime(x, there, anchors)
    for channel in range(2):
        known = there[::every, ORDER:, channel] > 0
        lags = [x[::every, ORDER - back : 8 - back] for back in range(1, ORDER + 1)]
        own = x[::every, ORDER:, :channel]
        inputs = torch.cat([anchors[::every, ORDER:], *lags, own], 2)[known]
        wanted = x[::every, ORDER:, channel][known]
        fitted = torch.linalg.lstsq(inputs, wanted[:, None]).solution[:, 0]  # 1 is the held's sum
        assert_close(news.weights[ORDER, :, channel], fitted[3:7], rtol=0, atol=2e-3)
        assert_close(news.within[ORDER, :channel, channel], fitted[7:], rtol=0, atol=2e-3)
        left = (wanted - inputs @ fitted).square().mean().sqrt()
        assert_close(news.scale[ORDER, channel], left, rtol=1e-3, atol=0)


def test_few_steps_are_guessed_from_fewer_before_them():
    x = drawn(12, 2 + ORDER, 4)  # 24 rows for each of the farthest guesses, 9 weights
    news = Innovations(4).double()
    news.prime(x, torch.ones_like(x))
    assert_close(news.weights[ORDER], news.weights[0])
    assert (news.scale > 0.3).all()


def test_absent_values_count_neither_in_the_guess_nor_in_the_density():
    G, D = players()
    assert COURSE.prime is not None
    x = series(400)
    spoilt = x.clone()
    absent = (x[:, :, HELD + 2] == 0) & (x[:, :, HELD] == 1)
    lasts = absent & ~torch.cat([absent[:, 1:], torch.zeros_like(absent[:, :1])], 1)
    assert lasts.any()
    COURSE.prime(G, D, x, None)
    before = G.surprisal(x, None, None)
    spoilt[:, -1, -1] += absent[:, -1] * 0.5  # the last step's value that is not there
    assert_close(G.surprisal(spoilt, None, None), before)


def test_it_sets_out_from_the_held_choices_shares():
    G, D = players()
    x = torch.zeros(99, *TASK.shape, dtype=torch.float64)
    x[:66, :, 0] = x[66:, :, 1] = 1
    x[:, :, HELD] = x[:, :, HELD + 2] = 1
    assert COURSE.prime is not None
    COURSE.prime(G, D, x, None)
    with torch.no_grad():
        G.held.out.zero_()
        held = G(drawn(30_000, G.layout.latents))[:, 0, :HELD].mean(0)
    assert_close(held, torch.tensor([0.663, 0.333, 0.003]).double(), rtol=0, atol=0.012)


def test_gradients_of_the_surprisal_agree_with_differences():
    G, _ = players()
    x, h = series(20), 1e-6
    G.surprisal(x, None, None).sum().backward()
    for name, weight in G.named_parameters():
        direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)).double()
        with torch.no_grad():
            weight.add_(direction, alpha=h)
            up = G.surprisal(x, None, None).sum()
            weight.sub_(direction, alpha=2 * h)
            down = G.surprisal(x, None, None).sum()
            weight.add_(direction, alpha=h)
        assert weight.grad is not None, name
        found = (weight.grad * direction).sum().item()
        assert math.isclose(found, ((up - down) / (2 * h)).item(), rel_tol=1e-4, abs_tol=1e-5), name


def test_a_value_is_guessed_from_those_before_it_in_its_own_step():
    first = drawn(5_000, 3, 1)
    x = torch.cat([first, 0.8 * first + 0.01 * drawn(5_000, 3, 1, seed=1)], dim=2)
    news = Innovations(2).double()
    news.prime(x, torch.ones_like(x))
    assert_close(news.within[:, 0, 1], torch.full((ORDER + 1,), 0.8).double(), rtol=0, atol=0.01)
    assert (news.within[:, 1] == 0).all()  # nothing from a later value to an earlier one
    assert_close(news.scale[:, 1], torch.full((ORDER + 1,), 0.01).double(), rtol=0.1, atol=0)
    guess = news.guess([x[:, 0], x[:, 1]], x[:, 2]) + x[:, 2] @ news.within[2]
    assert_close(guess + news.of(x)[:, 2] * news.scale[2], x[:, 2])


def test_what_is_drawn_has_the_innovations_that_it_was_drawn_with():
    """A narrow mixture of one normal: G's series differ from the guess by its scale alone."""
    G, D = players(Task((4, 2), 0, 0, (), Timed()))
    first = drawn(3_000, 4, 1)
    assert COURSE.prime is not None
    COURSE.prime(G, D, torch.cat([first, first + 0.1 * drawn(3_000, 4, 1, seed=1)], dim=2), None)
    with torch.no_grad():
        G.later.out.zero_()
        x = G(drawn(4_000, G.layout.latents))
    new = G.news.of(x)
    assert_close(new.mean((0, 1)), torch.zeros(2).double(), rtol=0, atol=0.03)
    # Normals at −1, 0 and 1 whose scale's logarithm is −0.5, softened by the narrowest.
    assert_close(new.std((0, 1)), torch.full((2,), 1.02).double(), rtol=0, atol=0.06)
    assert (x[:, :, 1] - x[:, :, 0]).std() < 0.15
