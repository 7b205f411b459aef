"""The entropy term on G against torch's own divergence between Gaussians."""

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.distributions import Normal, kl_divergence
from torch.func import functional_call
from torch.testing import assert_close

from gantlet.regularizers import initial_moments, relative_entropy
from tiny import drawn


@pytest.fixture
def G() -> nn.Module:
    G = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3), nn.Linear(3, 2)).double()
    with torch.no_grad():
        for i, layer in enumerate(G):
            layer.weight.copy_(0.3 * drawn(*layer.weight.shape, seed=i) + 0.1 * i)
            layer.bias.zero_()
    return G


def test_relative_entropy_is_zero_at_initialisation_and_flat_there(G):
    entropy = relative_entropy(G, initial_moments(G))
    weights = [layer.weight for layer in G]
    gradients = torch.autograd.grad(entropy, weights)
    assert entropy.abs() < 1e-14
    assert all(gradient.abs().max() < 1e-14 for gradient in gradients)


@pytest.mark.parametrize(("scale", "offset"), [(2.0, 0.0), (0.25, 0.0), (1.0, 0.7), (1.5, -0.4)])
def test_relative_entropy_of_changed_weights_is_the_divergence_of_their_gaussians(G, scale, offset):
    origin = initial_moments(G)
    expected = torch.tensor(0.0, dtype=torch.float64)
    with torch.no_grad():
        for layer in G:
            mean, std = layer.weight.mean(), layer.weight.std()
            now = Normal(scale * mean + offset, scale * std)
            expected += kl_divergence(now, Normal(mean, std))
            layer.weight.mul_(scale).add_(offset)
    assert_close(relative_entropy(G, origin), expected)


def test_relative_entropy_does_not_see_how_weights_are_arranged(G):
    origin = initial_moments(G)
    with torch.no_grad():
        for layer in G:
            layer.weight.mul_(1.3)
    before = relative_entropy(G, origin)
    with torch.no_grad():
        for layer in G:
            order = torch.randperm(layer.weight.numel(), generator=torch.Generator().manual_seed(0))
            layer.weight.copy_(layer.weight.flatten()[order].view_as(layer.weight))
    assert before > 0.1
    assert_close(relative_entropy(G, origin), before)


def test_layers_that_start_constant_have_no_distribution_and_are_left_alone(G):
    origin = initial_moments(G)
    assert set(origin) == {"0.weight", "1.weight", "2.weight"}
    with torch.no_grad():
        for layer in G:
            layer.bias.add_(3.0)
    assert relative_entropy(G, origin).abs() < 1e-14


def test_relative_entropy_grows_without_bound_as_a_layer_shrinks_to_nothing(G):
    origin = initial_moments(G)
    values = []
    for _ in range(4):
        with torch.no_grad():
            G[0].weight.sub_(G[0].weight.mean()).mul_(1e-3)
        values.append(relative_entropy(G, origin).item())
    steps = torch.tensor(values).diff()
    assert_close(steps, torch.full((3,), 6.907755), atol=1e-3, rtol=0)  # log 1000 each time


def test_the_gradient_of_relative_entropy_is_that_of_finite_differences(G):
    origin = initial_moments(G)
    names = list(origin)
    weights = tuple(
        (1.4 * dict(G.named_parameters())[name] + 0.2).detach().requires_grad_() for name in names
    )

    class Entropy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.G = G

        def forward(self) -> torch.Tensor:
            return relative_entropy(self.G, origin)

    def entropy(*values: torch.Tensor) -> torch.Tensor:
        at = {f"G.{name}": value for name, value in zip(names, values, strict=True)}
        return functional_call(Entropy(), at, ())

    assert gradcheck(entropy, weights)
