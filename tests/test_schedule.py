"""Rates at their ends and between them, and what the half-life of the average promises."""

import math
from itertools import pairwise

import pytest

from gantlet.config import ConfigError, build
from gantlet.engine.schedule import OptimizationSettings, cosine, geometric, rates

SETTINGS = OptimizationSettings(
    lr_G=2e-3,
    lr_D=3e-3,
    lr_start=0.1,
    lr_end=0.05,
    burn_in=0.2,
    cooldown=0.4,
    beta2_start=0.9,
    beta2=0.99,
    gamma_start=4.0,
    gamma_end=0.25,
)
ALONG = [i / 200 for i in range(201)]


def over(name: str, first: float, last: float) -> list[float]:
    """The values of a rate from progress `first` to `last`."""
    return [getattr(rates(SETTINGS, t, 0), name) for t in ALONG if first <= t <= last]


def is_rising(values: list[float]) -> bool:
    return all(a < b for a, b in pairwise(values))


@pytest.mark.parametrize(("name", "full"), [("lr_G", 2e-3), ("lr_D", 3e-3)])
def test_learning_rates_rise_in_burn_in_stand_and_fall_in_cooldown(name, full):
    assert over(name, 0, 0) == pytest.approx([0.1 * full])
    assert is_rising(over(name, 0, 0.2))
    assert over(name, 0.2, 0.6) == pytest.approx([full] * 81)
    assert is_rising(over(name, 0.6, 1)[::-1])
    assert over(name, 1, 1) == pytest.approx([0.05 * full])


def test_learning_rates_are_halfway_between_their_ends_in_the_middle_of_burn_in_and_cooldown():
    assert over("lr_G", 0.1, 0.1) == pytest.approx([2e-3 * (0.1 + 1) / 2])
    assert over("lr_G", 0.8, 0.8) == pytest.approx([2e-3 * (1 + 0.05) / 2])


def test_beta2_rises_in_burn_in_and_stands_from_then_on():
    assert over("beta2", 0, 0) == pytest.approx([0.9])
    assert is_rising(over("beta2", 0, 0.2))
    assert over("beta2", 0.2, 1) == pytest.approx([0.99] * 161)


def test_gamma_falls_from_its_start_value_to_its_end_value():
    assert over("gamma", 0, 0) == pytest.approx([4.0])
    assert is_rising(over("gamma", 0, 1)[::-1])
    assert over("gamma", 0.5, 0.5) == pytest.approx([1.0])
    assert over("gamma", 1, 1) == pytest.approx([0.25])


def test_rates_without_burn_in_or_cooldown_stand_from_the_first_step_to_the_last():
    settings = OptimizationSettings(lr_start=0.1, lr_end=0.05, burn_in=0, cooldown=0)
    for progress in (0.0, 0.5, 1.0):
        now = rates(settings, progress, 0)
        assert (now.lr_G, now.lr_D, now.beta2, now.gamma) == (1e-3, 1e-3, 0.99, 1.0)


@pytest.mark.parametrize("batch", [1, 64, 300])
def test_after_a_half_life_of_images_the_average_keeps_half_of_what_it_held(batch):
    settings = OptimizationSettings(batch=batch, ema_images=20_000, ema_share=0.05)
    ema = rates(settings, 0.5, images=10_000_000).ema
    assert ema ** (20_000 / batch) == pytest.approx(0.5)


def test_the_half_life_is_a_share_of_the_images_seen_until_it_is_as_long_as_it_may_be():
    def halflife(images: int) -> float:
        return -SETTINGS.batch / math.log2(rates(SETTINGS, 0, images).ema)

    assert halflife(100_000) == pytest.approx(5_000)
    assert halflife(400_000) == pytest.approx(20_000)
    assert halflife(4_000_000) == pytest.approx(20_000)


def test_the_average_starts_as_a_copy():
    assert rates(SETTINGS, 0, images=0).ema < 1e-15


def test_half_a_cosine_keeps_to_its_ends_and_is_flat_there():
    assert cosine(0.2, 5.0, -1) == cosine(0.2, 5.0, 0) == pytest.approx(0.2)
    assert cosine(0.2, 5.0, 2) == cosine(0.2, 5.0, 1) == pytest.approx(5.0)
    assert cosine(0.2, 5.0, 1e-4) - 0.2 < 1e-6
    assert 5.0 - cosine(0.2, 5.0, 1 - 1e-4) < 1e-6


def test_the_middle_is_the_arithmetic_mean_by_cosine_and_the_geometric_one_by_ratios():
    assert cosine(0.2, 5.0, 0.5) == pytest.approx(2.6)
    assert geometric(0.2, 5.0, 0.5) == pytest.approx(1.0)


def test_equal_steps_of_a_geometric_change_have_equal_ratios():
    values = [geometric(8.0, 0.5, i / 4) for i in range(5)]
    assert values == pytest.approx([8, 4, 2, 1, 0.5])


@pytest.mark.parametrize("t", [0.1, 0.3, 0.9])
@pytest.mark.parametrize("change", [cosine, geometric])
def test_a_change_walked_backwards_is_the_change_between_exchanged_ends(change, t):
    assert change(1, 3, t) == pytest.approx(change(3, 1, 1 - t))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch", 0),
        ("lr_G", 0.0),
        ("lr_D", -1e-3),
        ("gamma_start", 0.0),
        ("gamma_end", 0.0),
        ("ema_images", 0.0),
        ("burn_in", 1.5),
        ("cooldown", -0.1),
        ("beta1", -0.1),
        ("beta2", 1.0),
        ("beta2_start", 1.0),
    ],
)
def test_a_rate_that_no_schedule_can_use_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=rf"optimization\.{name} = {value}"):
        build(OptimizationSettings, {name: value})
