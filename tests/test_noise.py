"""Noise as a function of (seed, step, name) and of a row's place in the global batch."""

import pytest
import torch
from scipy.stats import kstest
from torch.testing import assert_close

from gantlet.engine.noise import Rows, StepNoise, generator

CPU = torch.device("cpu")
draws = pytest.mark.parametrize("draw", ["normal", "uniform"])
strides = pytest.mark.parametrize("stride", [1, 2, 3, 5])


def numbers(draw: str, rows: Rows, *, seed: int = 0, step: int = 0, name: str = "z"):
    return getattr(StepNoise(seed, step, rows, CPU), draw)(name, 3, 2)


@draws
@pytest.mark.parametrize("size", [1, 3, 4, 12])
def test_the_parts_of_a_cut_batch_draw_the_slices_of_the_whole(draw, size):
    whole = Rows(0, 12, 12)
    parts = [numbers(draw, rows) for rows in whole.cut(size)]
    assert torch.equal(torch.cat(parts), numbers(draw, whole))


@draws
def test_processes_that_cut_their_share_draw_together_what_one_process_draws(draw):
    whole = Rows(0, 12, 12)
    own = [whole.of_process(rank, 3).cut(3) for rank in range(3)]
    parts = [numbers(draw, rows) for process in own for rows in process]
    assert torch.equal(torch.cat(parts), numbers(draw, whole))


@strides
@pytest.mark.parametrize("pack", [1, 2, 3, 8])
@pytest.mark.parametrize("start", [0, 5])
def test_every_nth_pack_is_chosen_by_its_place_in_the_global_batch(stride, pack, start):
    rows = Rows(start, 20, 24)
    expected = [i for i in range(start, 20) if i // pack % stride == 0]
    assert rows.chosen(stride, pack).tolist() == expected


@draws
@strides
@pytest.mark.parametrize(
    ("pack", "size"), [(1, 1), (1, 5), (1, 12), (2, 2), (2, 8), (4, 4), (4, 8)]
)
def test_parts_draw_for_the_chosen_packs_together_what_the_whole_draws_there(
    draw, stride, pack, size
):
    whole = Rows(0, 12, 12)
    noises = [StepNoise(0, 0, rows, CPU, rows.chosen(stride, pack)) for rows in whole.cut(size)]
    parts = [getattr(noise, draw)("z", 3, 2) for noise in noises]
    packs = numbers(draw, whole).unflatten(0, (-1, pack))
    assert torch.equal(torch.cat(parts), packs[::stride].flatten(0, 1))


@draws
def test_the_fakes_of_a_chosen_row_draw_what_they_draw_in_the_whole(draw):
    whole = Rows(0, 12, 12)
    places = whole.chosen(3, 2)
    chosen = getattr(StepNoise(0, 0, whole, CPU, places, each=2), draw)("z", 3)
    every = getattr(StepNoise(0, 0, whole, CPU, each=2), draw)("z", 3).unflatten(0, (12, 2))
    assert torch.equal(chosen, every[places].flatten(0, 1))


@draws
@pytest.mark.parametrize("change", [{"seed": 1}, {"step": 1}, {"name": "y"}])
def test_numbers_depend_on_seed_step_and_name_and_on_nothing_else(draw, change):
    rows = Rows(0, 5, 5)
    torch.manual_seed(3)
    first = numbers(draw, rows)
    torch.manual_seed(4)
    assert torch.equal(numbers(draw, rows), first)
    assert not (numbers(draw, rows, **change) == first).any()


def test_drawing_leaves_the_global_randomness_as_it_was():
    before = torch.random.get_rng_state()
    numbers("normal", Rows(0, 5, 5))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_numbers_follow_their_distributions():
    rows = Rows(0, 2000, 2000)
    assert kstest(numbers("normal", rows).flatten(), "norm").pvalue > 0.01
    assert kstest(numbers("uniform", rows).flatten(), "uniform").pvalue > 0.01


def test_numbers_of_neighbouring_steps_and_seeds_are_not_correlated():
    rows = Rows(0, 2000, 2000)
    drawn = [numbers("normal", rows, seed=s, step=t).flatten() for s in (0, 1) for t in (0, 1)]
    correlations = torch.corrcoef(torch.stack(drawn)) - torch.eye(4)
    assert correlations.abs().max() < 4 / 12_000**0.5


def test_names_do_not_run_into_each_other():
    keys = [(1, 2, "z"), (12, "z"), (1, "2", "z"), (1, 2, "z", ""), (1, "2z"), (2, 1, "z")]
    assert len({generator(*key).initial_seed() for key in keys}) == len(keys)


def test_the_numbers_of_a_seed_are_known_and_do_not_change_with_python_or_gantlet():
    noise = StepNoise(3, 5, Rows(0, 4, 4), CPU)
    expected = torch.tensor([0.7829, 0.6249, 0.5990, 0.6028])
    assert_close(noise.uniform("D/z"), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 100])
def test_cutting_covers_every_row_once_in_order_in_parts_no_larger_than_asked(size):
    rows = Rows(4, 18, 20)
    parts = rows.cut(size)
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(4, 18))
    assert max(map(len, parts)) == min(size, 14)
    assert sum(part.share for part in parts) == pytest.approx(rows.share) == pytest.approx(0.7)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_processes_share_the_rows_evenly_and_leave_none(size):
    parts = [Rows(0, 12, 12).of_process(rank, size) for rank in range(size)]
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(12))
    assert {len(part) for part in parts} == {12 // size}
    assert {part.total for part in parts} == {12}


def test_a_batch_that_does_not_divide_among_processes_is_refused_with_one_that_does():
    with pytest.raises(ValueError, match=r"batch = 10 .* 4 processes.*optimization\.batch=12"):
        Rows(0, 10, 10).of_process(0, 4)
