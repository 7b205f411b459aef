"""Differential privacy: what a row may change, what noise there is, and what is said of it."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import torch

import gantlet
from gantlet.config import ConfigError
from gantlet.engine.noise import Rows
from gantlet.engine.private import (
    Private,
    noise_on,
    private_likelihood_step,
    shortening,
    unrepeatable,
)
from gantlet.events import RolledBack
from gantlet.feed import ChanceFeed
from gantlet.networks import NETWORKS, Task
from gantlet.types import Batch

pytest.importorskip("opacus", reason="privacy is an extra: pip install 'gantlet[privacy]'")

from gantlet.engine.privacy import Spending, noises, spent, usual_delta

CHAIN = NETWORKS["chain"]
BLOCKS = (3, 2, 4)


def chain() -> torch.nn.Module:
    torch.manual_seed(0)
    task = Task((sum(BLOCKS),), 0, len(BLOCKS), BLOCKS)
    return CHAIN.generator(task, CHAIN.settings(width=12)).double()


def choices(count: int, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    blocks = [np.eye(size)[rng.integers(size, size=count)] for size in BLOCKS]
    return torch.from_numpy(np.concatenate(blocks, axis=1))


def gradient(G: torch.nn.Module, x: torch.Tensor, clip: float, noise: float) -> torch.Tensor:
    weights = list(G.parameters())
    assert CHAIN.steepness is not None
    rules = Private(clip, noise, 8, CHAIN.steepness, torch.Generator().manual_seed(1))
    private_likelihood_step(G, weights, Batch(x, None), rules)
    return torch.cat([w.grad.flatten() for w in weights if w.grad is not None])


@pytest.mark.parametrize("clip", [0.05, 0.5, 1e3])
def test_the_gradient_is_the_sum_of_the_rows_own_shortened_ones(clip):
    G, x = chain(), choices(20)
    weights, total = list(G.parameters()), 0
    for one in x:
        parts = torch.autograd.grad(
            CHAIN.surprisal(G, one[None], None, None).sum(), weights, allow_unused=True
        )
        own = torch.cat(
            [
                torch.zeros_like(w).flatten() if g is None else g.flatten()
                for w, g in zip(weights, parts, strict=True)
            ]
        )
        total = total + own * min(1.0, clip / own.norm().item())
    torch.testing.assert_close(gradient(G, x, clip, 0.0), total / 8, rtol=2e-4, atol=1e-9)


def test_one_row_more_moves_the_sum_by_no_more_than_the_clip():
    G, x = chain(), choices(30)
    whole = gradient(G, x, 0.1, 0.0)
    for place in range(30):
        less = gradient(G, torch.cat([x[:place], x[place + 1 :]]), 0.1, 0.0)
        assert 8 * (whole - less).norm().item() <= 0.1


def test_a_batch_of_nobody_is_noise_alone_of_the_deviation_that_was_set():
    G = chain()
    drawn = gradient(G, choices(0), 0.5, 3.0)
    assert drawn.std().item() == pytest.approx(0.5 * 3.0 / 8, rel=0.1)
    assert drawn.mean().item() == pytest.approx(0, abs=0.03)


def test_a_row_without_a_finite_gradient_counts_as_nothing():
    assert shortening(torch.tensor([2.0, math.inf, math.nan]), 1.0).tolist() == pytest.approx(
        [0.5, 0, 0], rel=1e-3
    )


def test_noise_cannot_be_drawn_again():
    like = torch.zeros(100)
    first, again = (noise_on(like, 1.0, unrepeatable()) for _ in range(2))
    assert (first != again).all()


def test_every_row_is_in_a_step_with_the_probability_that_is_reckoned_with():
    class Plain:
        shape, blocks = (1,), ()

        def encode(self, rows):
            return torch.from_numpy(np.asarray(rows, np.float32))[:, None]

        def decode(self, samples, first=0):
            return samples.numpy()

        def plain(self):
            return {}

    places, rows = np.arange(0, 400, 2), np.arange(400)
    feed = ChanceFeed(rows, Plain(), places, None, 0, torch.device("cpu"), torch.float32)
    batches = [feed(update, Rows(0, 50, 50)).x.flatten().numpy() for update in range(400)]
    counts = np.bincount(np.concatenate(batches).astype(int), minlength=400)
    assert (counts[1::2] == 0).all()
    assert counts[::2] / 400 == pytest.approx(np.full(200, 0.25), abs=0.1)
    sizes = np.array([len(batch) for batch in batches])
    assert sizes.var() == pytest.approx(200 * 0.25 * 0.75, rel=0.3)


def test_a_single_look_at_all_costs_what_the_normal_mechanism_costs():
    """Balle & Wang 2018, theorem 8: δ = Φ(1/2σ − εσ) − e^ε Φ(−1/2σ − εσ)."""
    normal = torch.distributions.Normal(0.0, 1.0)
    noise, epsilon = 2.0, 1.5
    a, b = (normal.cdf(torch.tensor(s / (2 * noise) - epsilon * noise)).item() for s in (1, -1))
    delta = a - math.exp(epsilon) * b
    assert spent(Spending(noise, 1.0, 0.1, 0), delta) == pytest.approx(epsilon, abs=0.02)


def test_the_noise_that_is_found_costs_what_was_asked_and_more_steps_cost_more():
    of_counts, of_steps = noises(2.0, 1e-5, 0.05, 200)
    costs = [spent(Spending(of_counts, of_steps, 0.05, steps), 1e-5) for steps in (50, 200, 400)]
    assert 1.97 <= costs[1] <= 2.0
    assert costs[0] < costs[1] < costs[2]


def test_the_usual_delta_lies_below_one_row_in_ten():
    assert usual_delta(29_000) == 3e-6
    assert usual_delta(1_000) == 1e-4


def people(count: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c"], count, p=[0.7, 0.2, 0.1])
    return pd.DataFrame({"kind": kind, "high": np.where(kind == "a", "yes", "no")})


SETTINGS = {
    "modality": "table", "threads": 1, "privacy": {"epsilon": 5.0},
    "budget": {"steps": 60}, "optimization": {"batch": 256},
}  # fmt: skip


def test_a_private_run_learns_by_noisy_steps_alone_and_says_what_it_promises(tmp_path):
    events = list(gantlet.fit(people(), out=tmp_path / "run", settings=SETTINGS))
    gan, end = gantlet.load(tmp_path / "run"), events[-1]
    assert re.search(r"\(ε = (4\.9\d|5), δ = 3e-05\)-differentially private", end.why)
    assert "60 steps" in end.why
    assert not (tmp_path / "run" / "best.json").exists()  # held-out rows choose no state
    made = gan.sample(2000, seed=0)
    assert (made["kind"] == "a").mean() == pytest.approx(0.7, abs=0.08)


def test_what_a_private_run_promised_stands_in_its_evaluation(tmp_path):
    people().to_csv(tmp_path / "people.csv", index=False)
    events = list(gantlet.fit(tmp_path / "people.csv", out=tmp_path / "run", settings=SETTINGS))
    assert gantlet.evaluate(tmp_path / "run").facts["training ended"] == events[-1].why


def test_a_private_run_keeps_nothing_that_held_out_rows_had_a_part_in(tmp_path):
    gantlet.train(people(), out=tmp_path / "run", settings=SETTINGS)
    assert tuple(gantlet.load(tmp_path / "run").calibration) == (0.0, 0.0)


def test_a_private_run_is_not_given_more_steps_than_were_reckoned_with(tmp_path):
    gantlet.train(people(), out=tmp_path / "run", settings=SETTINGS)
    with pytest.raises(ConfigError, match="cannot be given more minutes"):
        gantlet.train(people(), out=tmp_path / "run", resume=True, minutes=0.1)


def test_a_private_run_ends_where_another_would_go_back(tmp_path):
    wild = {**SETTINGS, "optimization": {"batch": 256, "lr_warm_up": 1e38}}
    events = list(gantlet.fit(people(), out=tmp_path / "run", settings=wild))
    assert not any(isinstance(event, RolledBack) for event in events)
    assert events[-1].is_failure
    assert "does not go back" in events[-1].why
    assert "differentially private" not in events[-1].why
    with pytest.raises(ConfigError, match="failed"):
        gantlet.train(people(), out=tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"optimization": {"warm_up": 0.5, "batch": 256}}, "D would see rows"),
        ({"optimization": {"batch": 2000}}, "too few"),
        ({"budget": {"steps": 60, "plateau": 0.5}}, "plateau"),
        ({"network": {"family": "mlp"}}, "privacy is for tables"),
        ({"privacy": {"epsilon": 5.0, "noise": 0.3}}, "leave them to be found"),
    ],
)
def test_what_would_tell_of_rows_without_noise_is_refused(more, words, tmp_path):
    with pytest.raises(ConfigError, match=words):
        next(gantlet.fit(people(), out=tmp_path / "run", settings={**SETTINGS, **more}))
