"""The loop moves the players as the policy says, and leaves them alone where it must."""

import pytest
import torch
from torch import Tensor, nn

import games
from gantlet.engine.clock import BudgetSettings, Clock, Recorded
from gantlet.engine.noise import StepNoise
from gantlet.engine.state import TrainState, started
from gantlet.engine.step import Moment, discriminator_step, generator_step, joint_step
from gantlet.engine.train import NonFinite, train

LR = 0.01


def played(state: TrainState, game, count: int, draw=games.points) -> list:
    return list(train(state, draw, game, games.steps(count)))


def everything(state: TrainState) -> list[Tensor]:
    return [
        tensor.detach().clone() for file in state.tensors().values() for tensor in file.values()
    ]


def by_hand(count: int, d_updates: int, simultaneous: bool) -> tuple[nn.Module, nn.Module]:
    """The same players after the same game, moved by optimizers of their own."""
    (G, D), game = games.players(games.POINTS, 0), games.game()
    opt_G, opt_D = (torch.optim.Adam(p.parameters(), LR, (0.0, 0.99)) for p in (G, D))

    def asked(step, update):
        state = games.state()
        moment = Moment(
            gamma=1.0, anchor=1.0, augment_p=0.0, anchors=state.anchors, origin=state.origin,
            weights_G=list(G.parameters()), weights_D=list(D.parameters()),
        )  # fmt: skip
        noise = StepNoise(0, update, games.WHOLE, torch.device("cpu"))
        G.zero_grad()
        D.zero_grad()
        step(G, D, games.points(update, games.WHOLE), noise, game.objective, moment)

    update = 0
    for _ in range(count):
        for _ in range(d_updates - simultaneous):
            asked(discriminator_step, update)
            opt_D.step()
            update += 1
        update += simultaneous
        asked(joint_step if simultaneous else generator_step, update)
        update += 1
        opt_G.step()
        if simultaneous:
            opt_D.step()
    return G, D


@pytest.mark.parametrize("d_updates", [1, 3])
@pytest.mark.parametrize("simultaneous", [False, True])
def test_the_players_move_as_when_moved_by_hand(d_updates, simultaneous):
    state = games.state()
    policy = {"d_updates": d_updates, "simultaneous": simultaneous}
    played(state, games.game(policy=policy, lr_G=LR, lr_D=LR, beta2_start=0.99), 4)
    G, D = by_hand(4, d_updates, simultaneous)
    assert games.far(games.weights(state.G), games.weights(G)) < 1e-9
    assert games.far(games.weights(state.D), games.weights(D)) < 1e-9


def test_the_order_of_moves_matters_which_is_why_there_are_two():
    alternating, simultaneous = games.state(), games.state()
    played(alternating, games.game(), 3)
    played(simultaneous, games.game(policy={"simultaneous": True}), 3)
    assert games.far(games.weights(alternating.G), games.weights(simultaneous.G)) > 1e-6


@pytest.mark.parametrize("d_updates", [1, 3])
def test_every_update_of_either_player_has_a_number_and_reals_of_its_own(d_updates):
    seen: list[int] = []

    def draw(update, rows):
        seen.append(update)
        return games.points(update, rows)

    state = games.state()
    ticks = played(state, games.game(policy={"d_updates": d_updates}), 3, draw)
    assert seen == list(range(3 * (d_updates + 1)))
    assert [tick.step for tick in ticks] == [1, 2, 3]
    assert [tick.images for tick in ticks] == [12 * d_updates * n for n in (1, 2, 3)]
    moves = [entry["step"].item() for entry in state.opt_D.state.values()]
    assert set(moves) == {3.0 * d_updates}
    assert {entry["step"].item() for entry in state.opt_G.state.values()} == {3.0}


def test_the_average_of_g_is_the_exponential_one_from_its_first_weights_on():
    state = games.state()
    expected = games.weights(state.G)
    for tick in train(state, games.points, games.game(ema_images=200.0), games.steps(6)):
        keep = 0.5 ** (12 / max(1.0, min(200.0, 0.05 * (tick.images - 12))))
        now = games.weights(state.G)
        expected = [keep * a + (1 - keep) * b for a, b in zip(expected, now, strict=True)]
        assert games.far(games.weights(state.G_ema), expected) < 1e-12


def test_the_means_of_ds_logits_start_at_the_first_and_forget_by_a_hundredth():
    state = games.state()
    real = fake = None
    for tick in train(state, games.points, games.game(), games.steps(5)):
        now = tick.scalars["D/real"], tick.scalars["D/fake"]
        real = now[0] if real is None else 0.99 * real + 0.01 * now[0]
        fake = now[1] if fake is None else 0.99 * fake + 0.01 * now[1]
        torch.testing.assert_close(state.anchors, (real, fake), rtol=1e-13, atol=0)


def test_the_progress_of_every_step_is_written_down_and_can_be_played_again():
    state, again = games.state(), games.state()
    clock = Clock(BudgetSettings(minutes=0.5 / 60))
    ticks = list(train(state, games.points, games.game(lr_end=0.0), clock))
    assert state.clock == [tick.progress for tick in ticks]
    assert state.clock == sorted(state.clock)
    assert 0 <= state.clock[0] < state.clock[-1] < 1
    assert state.elapsed > 0
    again.clock = []
    list(train(again, games.points, games.game(lr_end=0.0), Recorded(state.clock)))
    assert again.step == state.step
    assert all(map(torch.equal, everything(again), everything(state)))


def poisoned(*updates: int):
    """Reals that hold a NaN in these updates."""

    def draw(update, rows):
        batch = games.points(update, rows)
        if update in updates:
            batch.x[0, 0] = torch.nan
        return batch

    return draw


def test_an_update_whose_gradient_is_not_finite_moves_nobody_and_the_game_goes_on():
    state, game = games.state(), games.game(policy={"simultaneous": True})
    kept = None
    for tick in train(state, poisoned(2 * 2 + 1), game, games.steps(5)):
        moved = [*games.weights(state.G), *games.weights(state.D), *games.weights(state.G_ema)]
        if tick.step == 2:
            kept = moved, state.anchors
        assert tick.moved == (tick.step != 3)
        if tick.step == 3:
            assert kept is not None
            assert all(map(torch.equal, moved, kept[0]))
            assert state.anchors == kept[1]
    assert state.step == 5
    assert all(tensor.isfinite().all() for tensor in everything(state))


def test_a_discriminator_whose_update_is_skipped_keeps_its_adam_as_well():
    state = games.state()
    played(state, games.game(), 3, poisoned(2))
    assert {entry["step"].item() for entry in state.opt_D.state.values()} == {2.0}
    assert {entry["step"].item() for entry in state.opt_G.state.values()} == {3.0}


def test_patience_with_gradients_that_stay_not_finite_ends():
    state = games.state()
    game = games.game(policy={"simultaneous": True, "patience": 4})
    played(state, game, 2)
    before = [*games.weights(state.G), *games.weights(state.D), *games.weights(state.G_ema)]
    with pytest.raises(NonFinite, match="5 steps in a row"):
        list(train(state, poisoned(*range(100)), game, games.steps(50)))
    after = [*games.weights(state.G), *games.weights(state.D), *games.weights(state.G_ema)]
    assert state.step == 2 + 4
    assert all(map(torch.equal, after, before))


def test_skipped_updates_that_are_not_in_a_row_do_not_try_its_patience():
    game = games.game(policy={"simultaneous": True, "patience": 1})
    ticks = played(games.state(), game, 8, poisoned(1, 5, 9, 13))
    assert [tick.moved for tick in ticks] == [False, True] * 4


class Cramped(nn.Module):
    """A D on a device with room for so many samples."""

    def __init__(self, D: nn.Module, room: int) -> None:
        super().__init__()
        self.D, self.room = D, room

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        if len(x) > self.room:
            raise torch.OutOfMemoryError(f"no room for {len(x)} samples")
        return self.D(x, y)


def cramped(room: int) -> TrainState:
    (G, D), (G_ema, _) = (games.players(games.POINTS, 0, seed) for seed in (0, 1))
    return started(G, Cramped(D, room), G_ema, 0)


@pytest.mark.parametrize(("room", "micro_batch"), [(23, 6), (11, 3), (5, 1)])
@pytest.mark.parametrize("simultaneous", [False, True])
def test_for_lack_of_memory_the_batch_is_cut_and_the_mathematics_stays(
    room, micro_batch, simultaneous
):
    free, short = games.state(), cramped(room)
    given = games.rules(
        penalties={"r1": 0.1, "r2": 0.1, "lecam": 0.1}, entropy=0.1, fakes_per_real=1,
        strength=0.5, name="points",
    )  # fmt: skip
    game = games.game(given, policy={"simultaneous": simultaneous}, lr_G=LR, lr_D=LR)
    played(free, game, 4)
    played(short, game, 4)
    assert short.micro_batch == micro_batch
    assert games.far(games.weights(short.G), games.weights(free.G)) < 1e-9
    assert games.far(games.weights(short.D), games.weights(free.D)) < 1e-9
    assert games.far(games.weights(short.G_ema), games.weights(free.G_ema)) < 1e-9


def test_a_lack_of_memory_that_cutting_cannot_mend_is_told():
    with pytest.raises(torch.OutOfMemoryError, match="no room for"):
        played(cramped(1), games.game(), 1)


def test_an_error_that_is_no_lack_of_memory_is_not_taken_for_one():
    def draw(update, rows):
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        played(games.state(), games.game(), 1, draw)
