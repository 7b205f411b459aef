"""What a run is told of itself: probabilities from logits, spread, and how well two sets mix."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import norm

import runs
from gantlet.engine.devices import World
from gantlet.execute import Execution
from gantlet.feed import picked
from gantlet.folder import Folder
from gantlet.measure import calibration, spread
from gantlet.metrics.characteristic import characteristic_distance
from gantlet.metrics.mixing import segregation
from gantlet.modalities.base import finished
from gantlet.networks.course import COURSE
from gantlet.prepare import prepared
from gantlet.sampling import decoded, sampled
from tiny import drawn


def normal_logits(mean: float, std: float, n: int) -> torch.Tensor:
    """The n middles of a Gaussian's n equal parts: a sample without luck."""
    return torch.from_numpy(norm(mean, std).ppf((np.arange(n) + 0.5) / n))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("real", "fake", "std"), [(1.0, -1.0, 1.5), (0.3, 0.0, 0.2), (105.0, 100.0, 3.0), (-2, 2, 3)]
)
@pytest.mark.parametrize("share", [1, 3])
def test_calibration_of_two_gaussians_of_one_width_is_the_closed_form(real, fake, std, share):
    n = 20_000
    found = calibration(normal_logits(real, std, n), normal_logits(fake, std, n // share))
    slope = (real - fake) / std**2
    assert found.slope == pytest.approx(slope, rel=0.01)
    # Even odds lie midway, however many there are of either.
    assert -found.offset / found.slope == pytest.approx((real + fake) / 2, abs=0.01 * std)


def test_calibration_undoes_a_scale_and_a_shift_of_the_logits():
    real, fake = normal_logits(1, 1, 300), normal_logits(-1, 1, 300)
    plain, moved = calibration(real, fake), calibration(1e4 * real + 7e4, 1e4 * fake + 7e4)
    assert moved.slope * 1e4 == pytest.approx(plain.slope)
    assert moved.slope * 7e4 + moved.offset == pytest.approx(plain.offset, abs=1e-6)


def test_calibration_of_logits_that_tell_nothing_gives_even_odds():
    same = normal_logits(4, 2, 300)
    found = calibration(same, same)
    assert found.slope == pytest.approx(0, abs=1e-6)
    assert found.offset == pytest.approx(0, abs=1e-6)


def test_calibration_of_logits_that_tell_all_stops_at_the_softened_targets():
    n = 50
    found = calibration(torch.full((n,), 3.0), torch.full((n,), 1.0))
    odds = math.log(n + 1)  # of (n + 1) / (n + 2)
    assert 3 * found.slope + found.offset == pytest.approx(odds, rel=1e-3)
    assert found.slope + found.offset == pytest.approx(-odds, rel=1e-3)


def test_calibration_of_a_discriminator_that_broke_is_not_a_number():
    assert all(map(math.isnan, calibration(torch.tensor([1.0, math.inf]), torch.zeros(3))))


def test_spread_of_equal_distributions_is_one(rng):
    assert spread(rng.normal(size=(300, 4)), rng.normal(size=(300, 4))) == pytest.approx(1, abs=0.1)
    x = rng.normal(size=(300, 4))
    assert spread(x, x + 5) == pytest.approx(1)


@pytest.mark.parametrize("factor", [0.1, 0.3, 2.0])
def test_spread_of_a_scaled_set_is_the_factor(factor, rng):
    x = rng.normal(size=(200, 4))
    assert spread(x, factor * x) == pytest.approx(factor)


def test_spread_sees_a_cloud_that_repeats_a_few_points_as_far_apart_as_the_data(rng):
    real = rng.normal(size=(300, 4))
    modes = rng.normal(size=(10, 4))[rng.integers(10, size=300)]
    repeated = modes + 0.01 * rng.normal(size=(300, 4))
    assert math.sqrt(repeated.var(0).sum() / real.var(0).sum()) > 0.6  # by its width alone, well
    assert spread(real, repeated) < 0.4


def test_spread_sees_a_cloud_that_fills_a_corner_and_one_that_is_a_point(rng):
    real = rng.normal(size=(300, 4))
    assert spread(real, 0.2 * rng.normal(size=(300, 4)) + 1) < 0.4
    assert spread(real, np.ones((300, 4))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_segregation_of_equal_distributions_is_nought_but_for_noise(scale, rng):
    values = [
        segregation(scale * rng.normal(size=(400, 3)), scale * rng.normal(size=(300, 3)))
        for _ in range(5)
    ]
    assert max(values) < 0.05


@pytest.mark.parametrize(("m", "n"), [(40, 40), (40, 90)])
def test_segregation_of_sets_that_nowhere_touch_is_what_chance_leaves_over(m, n, rng):
    real, fake = rng.normal(size=(m, 2)), rng.normal(size=(n, 2)) + 100
    expected = 1 - (m * (m - 1) + n * (n - 1)) / ((m + n) * (m + n - 1))
    assert segregation(real, fake) == pytest.approx(expected)


def test_segregation_of_exact_copies_is_that_of_points_never_their_own_neighbours():
    x = np.arange(50.0)[:, None]  # each point's one nearest neighbour is its copy
    assert segregation(x, x.copy(), k=1) == pytest.approx(49 / 99)


@pytest.mark.parametrize("k", [1, 4])
def test_segregation_agrees_with_counting_by_hand(k, rng):
    real, fake = rng.normal(size=(30, 3)), 0.7 * rng.normal(size=(20, 3)) + 0.4
    both, kind = np.concatenate([real, fake]), np.repeat([0, 1], [30, 20])
    distances = cdist(both, both) + np.diag(np.full(50, np.inf))
    nearest = distances.argsort(1)[:, :k]
    share = np.mean([[kind[j] == kind[i] for j in nearest[i]] for i in range(50)])
    expected = abs(share - (30 * 29 + 20 * 19) / (50 * 49))
    assert segregation(real, fake, k) == pytest.approx(expected)
    assert segregation(fake, real, k) == pytest.approx(expected)


def test_segregation_sees_a_mode_that_is_missing(rng):
    real = rng.normal(size=(400, 2)) * 0.1 + np.repeat([[0, 0], [5, 0]], 200, axis=0)
    assert segregation(real, rng.normal(size=(400, 2)) * 0.1) > 0.1


def test_states_are_ranked_against_four_held_out_rows_for_each_sample(tmp_path):
    session = runs.begun(tmp_path, runs.cloud(4_000), keeping={"measured": 60})
    execution = Execution(session, Folder(tmp_path), World(), None)
    reading, _ = execution.meter.reading(execution.state, {}, 0)
    objective = session.run.objective
    parts = sampled(
        execution.state.G_ema, objective.prior, objective.latent_dim,
        session.conditions._replace(hidden=False), 60, seed=1,
    )  # fmt: skip
    rows, _ = decoded(parts, session.codec, session.modality)
    held_out = picked(session.raw.rows, session.split.held_out, 240)
    both = [session.modality.features(session.codec, part) for part in (held_out, rows)]
    assert [len(part) for part in both] == [240, 60]
    assert reading.rank == pytest.approx(characteristic_distance(*both))


def test_held_out_rows_like_none_in_training_weigh_as_the_rarest_of_those(tmp_path):
    """In a sixth of the held-out series a sensor stands still where it never stood before."""
    settings = {
        "modality": "series", "network": {"options": {"memory": 8, "width": 16, "width_D": 8}},
        "keeping": {"measured": 1_000}, "budget": {"steps": 12},
    }  # fmt: skip
    rows = drawn(1_200, 6, 1).numpy()
    held_out = finished(prepared(rows, settings, Folder(tmp_path / "a"))).split.held_out
    rows[held_out[::6]] = 40.0
    session = finished(prepared(rows, settings, Folder(tmp_path / "b")))
    execution = Execution(session, Folder(tmp_path / "b"), World(), None)
    reading, _ = execution.meter.reading(execution.state, {}, 0)

    def surprise(indices, most):
        x = session.codec.encode(picked(session.raw.rows, indices, most))
        with torch.no_grad():
            return COURSE.surprisal(execution.state.G_ema, x, None, None)

    odd, usual = surprise(session.split.held_out, 1_000), surprise(session.split.train, 256)
    assert odd[::6].min() > 100 * usual.max()
    limit = usual.quantile(0.99).item()
    assert reading.rank == pytest.approx(odd.clamp_max(limit).mean().item(), rel=1e-5)
