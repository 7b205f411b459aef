"""Each rule provoked by readings made for it, and silent on those of a healthy game."""

import math
import re

import pytest

from gantlet.config import described
from gantlet.engine.health import HEALTHY, RECENT, RULES, WARMING, Reading, diagnose
from gantlet.run import Run


def game(n: int, **changes) -> list[Reading]:
    """n readings of a healthy game; a change is a value, or a function of the progress."""
    readings = []
    for i in range(n):
        t = (i + 1) / 20
        changed = {name: new(t) if callable(new) else new for name, new in changes.items()}
        readings.append(HEALTHY_NOW._replace(step=100 * (i + 1), progress=t, **fair(t) | changed))
    return readings


HEALTHY_NOW = Reading(
    step=0,
    progress=0.0,
    D_loss=0.6,
    G_loss=0.8,
    real_right=0.7,
    fake_right=0.7,
    real=0.5,
    fake=-0.5,
    held_out=0.4,
    G_gradient=0.3,
    D_gradient=0.3,
    diversity=0.9,
    distance=1.0,
    floor=0.01,
    skipped=0,
)


def fair(t: float) -> dict[str, float]:
    """The distance of a game that gets better all the time."""
    return {"distance": math.exp(-3 * t)}


PROVOKED = {
    "diverged": [
        game(6, skipped=lambda t: int(t > 0.29)),
        game(6, D_loss=lambda t: math.nan if t > 0.29 else 0.6),
        game(6, G_loss=lambda t: math.inf if t > 0.29 else 0.6),
        game(20, distance=lambda t: math.exp(-3 * t) if t < 0.5 else 0.2 * math.exp(9 * t - 4.5)),
    ],
    "dead_gradient": [
        game(8, G_gradient=lambda t: 0.3 if t < 0.2 else 1e-7),
        game(8, G_gradient=0.0),
    ],
    "collapsing": [game(8, diversity=lambda t: 0.9 if t < 0.15 else 0.1)],
    "D_too_strong": [game(8, real_right=0.995, fake_right=1.0, distance=1.0)],
    "D_too_weak": [
        game(8, real_right=0.51, fake_right=0.5),
        game(8, real_right=1.0, fake_right=0.0),  # calls everything real: it guesses as well
    ],
    "D_memorises": [game(8, real_right=0.9, real=2.0, fake=-1.0, held_out=-0.9)],
    "worsening": [
        game(12, distance=lambda t: math.exp(-3 * t) if t < 0.4 else 0.6),
    ],
    "converged": [
        game(8, distance=0.012),
        game(20, distance=lambda t: max(0.2, math.exp(-6 * t))),
    ],
}
every = pytest.mark.parametrize("name", RULES)


def kinds(readings: list[Reading]) -> list[str]:
    return [verdict.kind for verdict in diagnose(readings)]


@every
def test_a_rule_speaks_up_under_its_own_name_where_its_fault_is_plain(name):
    for readings in PROVOKED[name]:
        verdict = RULES[name](readings)
        assert verdict is not None
        assert verdict.kind == name
        assert name in kinds(readings)


@every
def test_a_rule_is_silent_on_a_healthy_game_at_any_time(name):
    assert [n for n in range(1, 20) if RULES[name](game(n)) is not None] == []


def test_a_healthy_game_is_called_healthy_once_there_is_enough_to_tell():
    assert diagnose([]) == [WARMING]
    assert diagnose(game(RECENT - 1)) == [WARMING]
    assert diagnose(game(RECENT)) == [HEALTHY]
    assert diagnose(game(19)) == [HEALTHY]


@every
@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_no_verdict_depends_on_the_scale_of_logits_distances_or_gradients(name, factor):
    scaled = ["real", "fake", "held_out", "distance", "floor", "G_gradient", "D_gradient"]
    for readings in [*PROVOKED[name], game(19)]:
        others = [r._replace(**{n: factor * getattr(r, n) for n in scaled}) for r in readings]
        assert kinds(others) == kinds(readings)


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"diverged", "converged"}))
def test_a_fault_in_all_but_one_of_the_recent_readings_raises_nothing(name):
    for readings in PROVOKED[name]:
        good = game(len(readings))
        for spared in range(1, RECENT + 1):
            mixed = [*readings]
            mixed[-spared] = good[-spared]
            assert RULES[name](mixed) is None or good[-spared] == readings[-spared]


def test_a_rise_of_the_distance_that_has_turned_is_no_divergence():
    rising = PROVOKED["diverged"][-1]
    turned = [*rising, rising[-1]._replace(distance=rising[-1].distance * 0.9)]
    assert RULES["diverged"](turned) is None


def test_a_distance_that_trembles_at_its_floor_is_no_divergence():
    trembling = game(12, distance=lambda t: 1e-4 * math.exp(9 * t), floor=0.01)
    assert RULES["diverged"](trembling) is None


def test_a_sure_discriminator_is_well_as_long_as_the_samples_get_better():
    assert kinds(game(10, real_right=1.0, fake_right=1.0)) == ["healthy"]


def test_a_guessing_discriminator_is_well_where_there_is_nothing_left_to_see():
    assert "D_too_weak" not in kinds(game(10, real_right=0.5, fake_right=0.5, distance=0.012))


def test_a_diversity_on_its_way_up_is_no_collapse():
    assert kinds(game(6, diversity=lambda t: t)) == ["healthy"]


def test_without_held_out_data_nothing_is_said_of_memory():
    readings = game(8, real_right=0.9, real=2.0, fake=-1.0, held_out=math.nan)
    assert kinds(readings) == ["healthy"]


def test_a_slow_start_is_not_taken_for_convergence():
    assert kinds(game(5, distance=1.0)) == ["healthy"]


@every
def test_the_advice_of_a_rule_names_only_settings_that_exist(name):
    known = {item.path for item in described(Run)}
    groups = "|".join({path.partition(".")[0] for path in known if "." in path})
    for readings in PROVOKED[name]:
        verdict = RULES[name](readings)
        assert verdict is not None
        assert verdict.words
        assert verdict.advice
        named = re.findall(rf"\b(?:{groups})\.[\w.]+", verdict.advice)
        assert set(named) <= known


@pytest.mark.parametrize(("last", "is_worse"), [(1.4, False), (1.6, True)])
def test_a_run_is_worsening_only_where_what_chooses_its_states_says_so_too(last, is_worse):
    readings = PROVOKED["worsening"][0]
    ranked = [r._replace(rank=1.0) for r in readings[:-RECENT]]
    ranked += [r._replace(rank=last) for r in readings[-RECENT:]]
    assert (RULES["worsening"](ranked) is not None) == is_worse


@pytest.mark.parametrize(("last", "is_worse"), [(-81.0, False), (-59.0, True)])
def test_where_ranks_are_below_nought_half_of_what_was_learned_must_be_lost(last, is_worse):
    readings = [r._replace(rank=-100.0, rank_floor=-180.0) for r in PROVOKED["worsening"][0]]
    ranked = readings[:-RECENT]
    ranked += [r._replace(rank=last, rank_floor=2 * last + 20) for r in readings[-RECENT:]]
    assert (RULES["worsening"](ranked) is not None) == is_worse
