"""The rule by which one state of a run is preferred to another."""

import math

import runs
from gantlet.engine.best import SAVE_SHARE, SHORTEST_PAUSE, SLACK, is_best, is_worth_keeping
from gantlet.engine.health import Reading
from gantlet.events import Saved
from gantlet.folder import Folder


def reading(rank: float, floor: float = math.nan) -> Reading:
    other = {name: 0.0 for name in Reading._fields if not name.startswith("rank")}
    return Reading(**other, rank=rank, rank_floor=floor)  # pyright: ignore[reportArgumentType] - numbers all


def chosen(ranks: list[float]) -> int:
    """The index of the state that a run ends up with."""
    readings = [reading(rank) for rank in ranks]
    return max(n for n in range(len(ranks)) if is_best(readings[: n + 1]))


def test_the_first_state_is_the_best_so_far():
    assert is_best([reading(3.0)])


def test_a_state_that_measures_less_is_always_preferred():
    assert is_best([reading(3.0), reading(2.999)])


def test_alike_is_within_the_slack_and_then_the_later_wins():
    edge = 1.0 + SLACK
    assert is_best([reading(1.0), reading(edge - 1e-9)])
    assert not is_best([reading(1.0), reading(edge + 1e-9)])


def test_what_real_rows_score_too_gives_no_slack():
    # A grid's: a kernel distance with a floor of 5e-4, and a state a fifth worse than the best.
    ranks = [6.23e-4, 6.32e-4]
    assert is_best([reading(rank) for rank in ranks])
    assert not is_best([reading(rank, floor=5.8e-4) for rank in ranks])
    assert is_best([reading(4e-4, floor=5e-4), reading(3.9e-4, floor=5e-4)])
    assert not is_best([reading(4e-4, floor=5e-4), reading(4.01e-4, floor=5e-4)])


def test_many_small_steps_up_do_not_add_up():
    ranks = [1.0 + 0.01 * n for n in range(100)]
    assert ranks[chosen(ranks)] <= 1.0 + SLACK


def test_a_run_that_spoils_late_is_known_by_a_state_before_it_did():
    falling = [10 * 0.7**n for n in range(12)]
    assert chosen([*falling, 5.0, 20.0, 9.0]) == 11


def test_ranks_that_are_no_numbers_are_never_the_best():
    assert not is_best([reading(1.0), reading(math.nan)])


def test_a_best_state_waits_for_the_last_best_one_only_as_long_as_writing_costs():
    assert is_worth_keeping(SHORTEST_PAUSE + 0.1, saved_in=0.0)
    assert not is_worth_keeping(SHORTEST_PAUSE - 0.1, saved_in=0.0)
    assert not is_worth_keeping(100 * SHORTEST_PAUSE, saved_in=101 * SHORTEST_PAUSE * SAVE_SHARE)


def test_checkpoints_by_the_clock_do_not_cost_a_run_its_best_state(tmp_path):
    session = runs.begun(
        tmp_path, budget={"steps": None, "minutes": 7 / 60},
        keeping={"checkpoint_seconds": 0.5, "measure_share": 0.9},
    )  # fmt: skip
    events = runs.played(session, tmp_path)
    # A checkpoint is never older than half a second, yet the first look is the best so far.
    assert Folder(tmp_path).best() is not None
    kept = [event for event in events if isinstance(event, Saved) and event.is_best]
    assert kept[0].step < runs.steps(events)[-1]
