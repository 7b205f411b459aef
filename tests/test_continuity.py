"""How samples move with latents, against what is known in closed form."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.testing import assert_close

from gantlet.metrics.continuity import (
    HALVINGS,
    Paths,
    halved,
    has_jump,
    jacobian,
    label_steps,
    local_rank,
    pushed,
    speeds,
    steps,
    trimmed_mean,
    unevenness,
)
from gantlet.networks import NETWORKS, Task
from gantlet.networks.swift import Clamp
from tiny import drawn

LATENT = 6


def paths(count: int = 5, latent: int = LATENT) -> Paths:
    return Paths(drawn(count, latent, seed=1), drawn(count, latent, seed=2))


def on_sphere(radius: float, angle: float) -> Paths:
    """One path over so wide an angle on a sphere."""
    start = torch.tensor([[radius, 0, 0]], dtype=torch.float64)
    end = radius * torch.tensor([[math.cos(angle), math.sin(angle), 0]], dtype=torch.float64)
    return Paths(start, end)


def identity(z: Tensor, _y: Tensor | None) -> Tensor:
    return z


def linear(A: Tensor):
    return lambda z, _y: z @ A.T


def tread(z: Tensor, _y: Tensor | None) -> Tensor:
    """One step at z₀ = 0, from a gentle slope to the same slope, one unit higher."""
    return torch.cat([(z[:, :1] > 0).to(z), z / 50], dim=1)


@pytest.mark.parametrize("angle", [0.3, 1.5, 3.0])
def test_an_arc_on_a_sphere_is_as_long_as_angle_times_radius(angle):
    path = on_sphere(2.0, angle)
    np.testing.assert_allclose(speeds(identity, path, 4).length, 2 * angle, rtol=1e-12)
    np.testing.assert_allclose(speeds(identity, path, 4).latents, 2 * angle, rtol=1e-12)
    taken = steps(identity, path, 64)
    np.testing.assert_allclose(taken.length, 64 * 2 * 2 * math.sin(angle / 128), rtol=1e-12)
    np.testing.assert_allclose(taken.straight, 2 * 2 * math.sin(angle / 2), rtol=1e-12)


def test_a_linear_generators_speed_is_the_length_of_what_it_makes_of_the_velocity():
    A = drawn(9, LATENT)
    z, velocity = drawn(7, LATENT, seed=3), drawn(7, LATENT, seed=4)
    assert_close(pushed(linear(A), z, None, velocity), velocity @ A.T)


def test_a_quadratic_generators_derivative_grows_with_z():
    A = drawn(4, LATENT, LATENT)
    z, velocity = drawn(7, LATENT, seed=3), drawn(7, LATENT, seed=4)
    expected = torch.einsum("bi,kij,bj->bk", velocity, A + A.transpose(1, 2), z)
    found = pushed(lambda z, _y: torch.einsum("bi,kij,bj->bk", z, A, z), z, None, velocity)
    assert_close(found, expected)


def test_scaling_samples_scales_lengths_and_leaves_unevenness():
    A = drawn(9, LATENT)
    one, three = steps(linear(A), paths(), 16), steps(linear(3 * A), paths(), 16)
    np.testing.assert_allclose(three.length, 3 * one.length)
    np.testing.assert_allclose(
        unevenness(three.samples, three.latents), unevenness(one.samples, one.latents)
    )


def test_a_generator_that_keeps_lengths_is_perfectly_even():
    Q, _ = torch.linalg.qr(drawn(9, LATENT))
    taken, running = steps(linear(Q), paths(), 16), speeds(linear(Q), paths(), 16)
    np.testing.assert_allclose(unevenness(taken.samples, taken.latents), 0, atol=1e-9)
    np.testing.assert_allclose(unevenness(running.samples, running.latents), 0, atol=1e-9)


def test_steps_and_derivatives_agree_on_the_length_of_a_smooth_path():
    A, B = drawn(20, LATENT), drawn(9, 20)
    G = lambda z, _y: torch.sin(z @ A.T) @ B.T  # noqa: E731 - a generator of one line
    fine, running = steps(G, paths(), 2000), speeds(G, paths(), 500)
    np.testing.assert_allclose(running.length, fine.length, rtol=1e-4)
    assert (fine.length > fine.straight).all()


def test_the_halves_of_a_path_add_up_to_the_whole():
    A = drawn(9, LATENT)
    whole, G = paths(), lambda z, _y: torch.tanh(z @ A.T)
    first, second = whole._replace(high=0.5), whole._replace(low=0.5)
    parts = steps(G, first, 8).length + steps(G, second, 8).length
    np.testing.assert_allclose(parts, steps(G, whole, 16).length)
    parts = speeds(G, first, 8).length + speeds(G, second, 8).length
    np.testing.assert_allclose(parts, speeds(G, whole, 16).length)


def test_steps_may_be_taken_in_another_space():
    A, path = drawn(9, LATENT), paths()
    embedded = steps(identity, path, 8, embedding=lambda x: x @ A.T)
    np.testing.assert_allclose(embedded.length, steps(linear(A), path, 8).length)


def test_the_largest_step_of_a_smooth_generator_halves_with_its_time():
    path = paths()
    taken = steps(identity, path, 64)
    halves = halved(identity, path, taken)
    np.testing.assert_allclose(halves[:, 0], taken.samples.max(1))
    np.testing.assert_allclose(halves[:, 1:] / halves[:, :-1], 0.5, atol=0.01)


def crossing() -> Paths:
    """Paths on which z₀ changes its sign."""
    start, end = drawn(20, LATENT, seed=1), drawn(20, LATENT, seed=2)
    start[:, 0], end[:, 0] = -start[:, 0].abs() - 0.1, end[:, 0].abs() + 0.1
    return Paths(start, end)


def test_a_generator_with_a_step_jumps_on_every_path_over_it_and_on_no_other():
    path = crossing()
    taken = steps(tread, path, 64)
    halves = halved(tread, path, taken)
    assert has_jump(halves, taken).all()
    np.testing.assert_allclose(halves[:, -1], 1, atol=1e-3)
    away = path._replace(start=-path.start.abs(), end=-path.end.abs())
    taken = steps(tread, away, 64)
    assert not has_jump(halved(tread, away, taken), taken).any()


def test_derivatives_miss_what_a_jump_adds_to_the_length():
    path = crossing()
    missing = steps(tread, path, 256).length - speeds(tread, path, 64).length
    np.testing.assert_allclose(missing, 1, atol=0.05)


@pytest.mark.parametrize("treads", [1, 10, 100])
def test_a_staircase_jumps_however_many_treads_a_step_takes(treads):
    G = lambda z, _y: torch.floor(z * treads) / treads  # noqa: E731 - a generator of one line
    taken = steps(G, paths(), 64)
    assert has_jump(halved(G, paths(), taken), taken).all()


@pytest.mark.parametrize("steepness", [1.0, 10.0, 300.0])
def test_steep_and_bent_but_continuous_generators_have_no_jump(steepness):
    A = steepness * drawn(12, LATENT)
    for bent in (torch.tanh, torch.sin, torch.relu, lambda x: x.abs().sqrt()):
        G = lambda z, _y, bent=bent: bent(z @ A.T)  # noqa: E731 - a generator of one line
        taken = steps(G, paths(20), 64)
        assert not has_jump(halved(G, paths(20), taken), taken).any()


def test_rounding_is_no_jump():
    def almost_constant(z: Tensor, _y: Tensor | None) -> Tensor:
        return (1000 + 1e-3 * z).float()

    taken = steps(almost_constant, paths(), 64)
    assert not has_jump(halved(almost_constant, paths(), taken), taken).any()


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_a_linear_generator_of_so_many_directions_has_that_rank(rank):
    left, _ = torch.linalg.qr(drawn(30, rank))
    right, _ = torch.linalg.qr(drawn(LATENT, rank, seed=1))
    J = jacobian(linear(left @ right.T), drawn(LATENT), None)
    assert_close(J, left @ right.T)
    found = local_rank(J)
    assert found.rank == rank
    assert found.effective == pytest.approx(rank)
    assert found.participation == pytest.approx(rank)


def test_the_effective_rank_of_uneven_directions_is_that_of_their_shares():
    found = local_rank(torch.diag(torch.tensor([3.0, 1.0])))
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert found.effective == pytest.approx(math.exp(entropy))
    assert found.participation == pytest.approx(100 / 82)


def test_a_generator_that_ignores_z_has_rank_nought_and_no_length():
    constant = lambda z, _y: torch.ones(len(z), 5)  # noqa: E731 - a generator of one line
    assert local_rank(jacobian(constant, drawn(LATENT), None)) == (0, 0.0, 0.0)
    taken = steps(constant, paths(), 16)
    assert not taken.length.any()
    assert not has_jump(halved(constant, paths(), taken), taken).any()
    assert not unevenness(taken.samples, taken.latents).any()


def test_a_label_that_moves_samples_by_a_fixed_vector_makes_a_step_of_its_length():
    shift = torch.tensor([0.0, 3.0, 4.0], dtype=torch.float64)
    G = lambda z, y: z[:, :3] + y[:, None] * shift  # noqa: E731 - a generator of one line
    y = torch.zeros(4, dtype=torch.int64)
    np.testing.assert_allclose(label_steps(G, drawn(4, LATENT), y, y + 1), 5)


def test_the_trimmed_mean_leaves_out_both_ends():
    values = np.array([*np.linspace(1, 2, 38), 1e9, -1e9])
    assert trimmed_mean(values).value == pytest.approx(np.sort(values)[2:-2].mean())
    assert trimmed_mean(values, share=0.0).value == pytest.approx(values.mean())


def test_intervals_of_trimmed_means_hold():
    rng = np.random.default_rng(0)
    truth = trimmed_mean(rng.exponential(size=1_000_000)).value
    found = [trimmed_mean(rng.exponential(size=100)) for _ in range(1000)]
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.98


def players() -> list[tuple[str, tuple[int, ...], int]]:
    """Every family on every rank of samples that it takes, with labels and without."""
    shapes = {1: (3,), 2: (2, 5), 3: (1, 12, 10)}
    return [
        (name, shapes[rank], classes)
        for name, family in NETWORKS.items()
        if not (family.wants_blocks or family.wants_time)  # a choice has no derivative
        for rank in family.ranks
        for classes in (0, 3)
    ]


@pytest.mark.parametrize(("name", "shape", "classes"), players())
def test_derivatives_of_every_network_agree_with_central_differences(name, shape, classes):
    family = NETWORKS[name]
    G = family.generator(Task(shape, classes, LATENT), family.settings()).double().eval()
    y = torch.arange(8) % 3 if classes else None
    if family.prime is not None:
        family.prime(G, G, 0.5 * drawn(60, *shape), torch.arange(60) % 3 if classes else None)
    z, direction = drawn(8, LATENT, seed=1), drawn(8, LATENT, seed=2)
    h = 1e-6
    with torch.no_grad():
        moved = (G(z + h * direction, y) - G(z - h * direction, y)).flatten(1) / (2 * h)
    found = pushed(G, z, y, direction)
    assert vector_norm(found) > 0
    # Kinks that lie within h of a z are rare, but pictures have many units: most of the length
    # is compared, not each pixel.
    assert vector_norm(found - moved) < 1e-4 * vector_norm(moved)


def test_the_clamps_derivative_is_nought_where_it_cuts_however_gradients_pass():
    x = torch.tensor([-3.0, -1.2, 0.5, 1.2, 3.0])
    _, moved = torch.func.jvp(Clamp.apply, (x,), (torch.ones_like(x),))
    assert torch.equal(moved, torch.tensor([0.0, 0, 1, 0, 0]))


def test_a_path_is_measured_alike_whatever_stands_beside_it():
    A = drawn(9, LATENT)
    G = lambda z, _y: torch.tanh(z @ A.T)  # noqa: E731 - a generator of one line
    whole = paths(6)
    alone = Paths(whole.start[2:3], whole.end[2:3])
    np.testing.assert_allclose(steps(G, alone, 8).samples[0], steps(G, whole, 8).samples[2])
    assert halved(G, alone, steps(G, alone, 8)).shape == (1, HALVINGS + 1)
