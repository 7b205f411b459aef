"""The endless stream of shuffled passes from which every update takes its rows."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from gantlet.engine.noise import Rows
from gantlet.engine.order import order, shuffled

SIZES = [(12, 4), (10, 4), (7, 3), (5, 5), (5, 12), (1, 3), (100, 64)]  # rows of data, of a batch
sizes = pytest.mark.parametrize(("count", "batch"), SIZES)


def stream(seed: int, count: int, batch: int, updates: int) -> np.ndarray:
    rows_of = order(seed, count)
    return np.concatenate([rows_of(u, Rows(0, batch, batch)) for u in range(updates)])


@sizes
def test_every_row_comes_exactly_once_in_each_pass(count, batch):
    indices = stream(0, count, batch, updates=3 * count)
    passes = indices[: len(indices) // count * count].reshape(-1, count)
    assert (np.sort(passes) == np.arange(count)).all()
    assert len(passes) == 3 * batch


@sizes
def test_updates_share_a_batch_larger_than_the_data_or_not_dividing_it_as_evenly_as_can_be(
    count, batch
):
    for updates in range(1, 8):
        seen = Counter(stream(0, count, batch, updates).tolist())
        seen_by_row = [seen[row] for row in range(count)]
        assert max(seen_by_row) - min(seen_by_row) <= 1


@pytest.mark.parametrize("count", [10, 100, 5])
@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("micro", [1, 3, 16])
def test_rows_do_not_depend_on_processes_or_micro_batches(count, processes, micro):
    rows_of, whole = order(3, count), Rows(0, 16, 16)
    for update in (0, 1, 7):
        parts = [
            rows_of(update, rows)
            for rank in range(processes)
            for rows in whole.of_process(rank, processes).cut(micro)
        ]
        assert np.array_equal(np.concatenate(parts), rows_of(update, whole))


def test_a_run_resumed_at_any_update_sees_what_the_whole_run_saw():
    rows, whole = Rows(0, 4, 4), stream(5, 10, 4, updates=30).reshape(30, 4)
    for update in (29, 3, 17, 0, 28):  # in any order, from a fresh start
        assert np.array_equal(order(5, 10)(update, rows), whole[update])


def test_passes_and_seeds_are_shuffled_apart():
    orders = {tuple(shuffled(seed, epoch, 20)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25
    assert tuple(range(20)) not in orders


def test_every_row_is_as_likely_in_any_place():
    first = np.array([shuffled(0, epoch, 5)[0] for epoch in range(2000)])
    assert chisquare(np.bincount(first, minlength=5)).pvalue > 0.01


def test_the_order_of_a_seed_is_known_and_does_not_change_with_python_or_gantlet():
    assert shuffled(0, 0, 10).tolist() == [5, 1, 7, 4, 9, 8, 3, 6, 0, 2]
    assert order(0, 10)(1, Rows(0, 4, 4)).tolist() == [9, 8, 3, 6]
