"""Plays a run into its folder: trains, measures, draws, keeps, and survives what can go wrong."""

import math
import time
from collections.abc import Generator, Iterator
from contextlib import nullcontext, suppress
from typing import TypeVar

import torch

from gantlet import store
from gantlet.augment import adapted, overfit
from gantlet.config import build, plain
from gantlet.discretion import discretion
from gantlet.engine.best import SHORTEST_PAUSE, is_best
from gantlet.engine.clock import Anchor, BudgetSettings, Clock
from gantlet.engine.devices import World
from gantlet.engine.health import Reading, diagnose
from gantlet.engine.means import Means
from gantlet.engine.train import Game, NonFinite, train
from gantlet.events import (
    Drawn,
    Ended,
    Event,
    Measured,
    Noted,
    RolledBack,
    Saved,
    Stepped,
    described,
    recalled,
)
from gantlet.files import lock
from gantlet.folder import Folder
from gantlet.keeping import Keeper, Taken
from gantlet.measure import NO_HOLD_OUT, Calibration, Meter
from gantlet.run import begun, game
from gantlet.sampling import decoded, sampled
from gantlet.session import Session

E = TypeVar("E", bound=Event)
ROLLBACKS = 3  # times that a run goes back before it gives up
ADAPT_EVERY = 64  # steps between two moves of an adaptive augmentation's strength


def execute(
    session: Session, folder: Folder, *, minutes: float | None = None, world: World | None = None
) -> Generator[Event, None, None]:
    """Trains from the newest whole checkpoint in the folder, or from the beginning.

    Closing the iterator between two events saves the state: nothing done is lost.

    Args:
        minutes: a new budget for what is left of the run, or for more of a finished one.

    Raises:
        StoreError: the folder cannot be written, or another process trains in it.
    """
    world = world or World()
    with lock(folder.path) if world.rank == 0 else nullcontext():
        yield from Execution(session, folder, world, minutes).events()


class Execution:
    """One session of training in a run's folder."""

    def __init__(
        self, session: Session, folder: Folder, world: World, minutes: float | None
    ) -> None:
        self.session, self.folder, self.minutes = session, folder, minutes
        run = session.run
        self.budget, self.anchor = run.budget, Anchor()
        self.discretion = discretion(run)
        self.state = begun(run, session.task, self.discretion.example(session))
        self.game: Game = game(run, world)
        self.feed = self.discretion.feed(
            session.modality.quick(session.codec, session.raw.rows), session.codec,
            session.split.train, session.labels, run.seed,
            self.state.device, self.state.dtype, run.workers,
        )  # fmt: skip
        self.meter = Meter(
            run, session.modality, session.raw, session.codec, session.split,
            session.conditions, session.labels, self.state.G,
        )  # fmt: skip
        self.readings: list[Reading] = []
        self.means = Means()
        self.next_preview = 1
        self.measured_at = self.judged_in = 0.0
        self.is_writer = world.rank == 0
        self.is_over = False

    def events(self) -> Iterator[Event]:
        """The whole session, with roll-backs."""
        run, state = self.session.run, self.state
        torch.set_num_threads(run.threads)
        torch.set_flush_denormal(True)  # slopes far below float32's range cost a CPU dearly
        yield from self._restored()
        self.clock = Clock(self.budget, state.elapsed, self.anchor)
        self.keeper = Keeper(self.folder, run.keeping, lambda: self.clock.elapsed)
        if self.is_over or self.clock.progress(state) >= 1:
            yield Ended(state.step, "the run was finished before; give it more --minutes", False)
            return
        if not self.meter.has_hold_out:
            yield Noted(NO_HOLD_OUT)
        try:
            if state.step == 0 and self.is_writer:
                yield from self._drawn()
                yield from self._saved()
            while True:
                try:
                    yield from self._played()
                    break
                except NonFinite as failure:
                    why = self.discretion.why_no_return(failure)
                    if why is None:
                        yield from self._rolled_back(str(failure))
                        if state.rollbacks > ROLLBACKS:
                            why = f"{failure}; gave up after {ROLLBACKS} roll-backs"
                    if why is not None:
                        yield self._logged(Ended(state.step, why, True))
                        return
        finally:
            self.feed.close()

    def _played(self) -> Iterator[Event]:
        """Steps until the clock ends, and what happens between them."""
        state = self.state
        if self.is_writer and not self.judged_in:
            self.judged_in = self.meter.cost(state.G_ema)
        try:
            for tick in train(state, self.feed, self.game, self.clock):
                self.means.add(tick)
                self._adapt_augmentation()
                yield Stepped(tick)
                if not (self.is_writer and tick.moved):
                    continue  # in the midst of skipping there is nothing worth keeping
                if state.step >= self.next_preview:
                    yield from self._drawn()
                if self._is_due():
                    yield from self._measured()
                elif self.keeper.is_due:
                    yield from self._saved()
        except GeneratorExit:
            if self.is_writer:
                with suppress(NonFinite):
                    self._saved()
            raise
        if self.is_writer:
            yield from self._drawn()
            yield from self._measured(at_end=True)
            promise = self.discretion.promise(self.session, state.step)
            why = f"{self.clock.why(state)}; {promise}" if promise else self.clock.why(state)
            yield self._logged(Ended(state.step, why, False))

    def _adapt_augmentation(self) -> None:
        # From the state alone, at set steps, so that a resumed run moves alike.
        settings, state = self.session.run.augmentation, self.state
        if settings.adaptive and self.meter.has_hold_out and state.step % ADAPT_EVERY == 0:
            on_train, on_held_out, on_fake = self.meter.verdicts(state)
            shown = ADAPT_EVERY * self.session.run.optimization.batch
            state.augment_p = adapted(
                state.augment_p, overfit(on_train, on_held_out, on_fake), settings.target,
                step_size=shown / settings.images,
            )  # fmt: skip

    def _is_due(self) -> bool:
        keeping = self.session.run.keeping
        pause = max(SHORTEST_PAUSE, self.judged_in / keeping.measure_share)
        return self.clock.elapsed - self.measured_at > pause

    def _measured(self, at_end: bool = False) -> Iterator[Event]:
        began = time.process_time()
        self._require_finite()
        if at_end and self.means.is_empty and self.readings:
            yield from self._saved(self._is_better())
            return
        means = self.means.values()
        reading, calibration = self.meter.reading(self.state, means, self.means.skipped)
        self.readings.append(reading)
        self.means = Means()
        self.judged_in = time.process_time() - began
        self.measured_at = self.clock.elapsed
        yield self._logged(Measured(reading, diagnose(self.readings), means))
        budget = self.budget
        if budget.target is not None and reading.distance <= budget.target:
            self.clock.end(f"the held-out distance reached {reading.distance:.4g}")
        if budget.plateau is not None and self._stands_still(budget.plateau):
            self.clock.end(f"no better held-out distance for {budget.plateau:.0%} of the run")
        better = self._is_better()
        if at_end:
            yield from self._saved(better, calibration)
        else:
            saved = self.keeper.look(lambda: self.taken(calibration), better)
            yield from map(self._logged, saved)

    def _is_better(self) -> bool:
        return self.discretion.keeps_best and is_best(self.readings)

    def _stands_still(self, share: float) -> bool:
        best = min(self.readings, key=lambda reading: reading.distance)
        now = self.readings[-1]
        return now.progress >= 2 * share and now.progress - best.progress > share

    def _drawn(self) -> Iterator[Event]:
        run, session = self.session.run, self.session
        self._require_finite()
        grown = int(self.state.step * run.keeping.preview_growth)
        self.next_preview = max(self.state.step + 1, grown)
        parts = sampled(
            self.state.G_ema, run.objective.prior, run.objective.latent_dim,
            session.conditions, run.keeping.preview, seed=run.seed,
        )  # fmt: skip
        preview = session.modality.preview(*decoded(parts, session.codec, session.modality))
        path = self.folder.keep_preview(self.state.step, preview)
        yield self._logged(Drawn(path, self.state.step))

    def _require_finite(self) -> None:
        if not self.state.is_finite:
            raise NonFinite("weights are not finite")

    def _saved(self, better: bool = False, calibration: Calibration | None = None) -> list[Saved]:
        saved = self.keeper.save(self.taken(calibration), better)
        return [self._logged(event) for event in saved]

    def taken(self, calibration: Calibration | None = None) -> Taken:
        """The state as it is, with what a generator needs to be used by itself."""
        state = self.state
        self._require_finite()
        calibration = self.discretion.calibration(self.meter, state, calibration)
        if not all(map(math.isfinite, calibration)):
            raise NonFinite("D's logits are not finite")
        meta = state.meta() | {
            "anchor": list(self.anchor),
            "budget": plain(self.budget),
            "calibration": list(calibration),
            "conditions": plain(self.session.conditions._asdict()),
        }
        distance = self.readings[-1].distance if self.readings else math.nan
        return Taken(state.step, state.tensors(), meta, distance)

    def _restored(self) -> Iterator[Event]:
        choice = self.folder.newest()
        for damage in choice.damaged:
            yield Noted(f"a damaged checkpoint was passed over: {damage}")
        if choice.path is None:
            if self.is_writer:
                self.folder.truncate_log(-1)
            self.discretion.set_out(self.state, self.session)
            return
        checkpoint = store.read(choice.path, self.state.device)
        self.state.restore(checkpoint.tensors, checkpoint.meta)
        # The clock cannot tell: a target ends a run early, and the last step begins before its end.
        self.is_over = self.folder.has_ended_at(self.state.step)
        self.budget = build(BudgetSettings, checkpoint.meta["budget"])
        self.anchor = Anchor(*checkpoint.meta["anchor"])
        self.discretion.require_resumable(self.folder, self.minutes)
        if self.minutes is not None:
            self._extend(self.minutes)
        if self.is_writer:
            self.folder.truncate_log(self.state.step or -1)  # the start is drawn anew
        past = (e for e in self.folder.logged() if e["event"] == "measured")
        self.readings = [recalled(event) for event in past]
        self.next_preview = max(
            self.state.step + 1, int(self.state.step * self.session.run.keeping.preview_growth)
        )
        self.measured_at = self.state.elapsed
        yield Noted(f"resumed at step {self.state.step:,} from {choice.path.name}")

    def _extend(self, minutes: float) -> None:
        """A budget of `minutes` from here; a finished run's schedules open again."""
        state = self.state
        done = Clock(self.budget, state.elapsed, self.anchor).progress(state)
        if done >= 1 or self.is_over:
            self.is_over = False
            done = state.elapsed / (state.elapsed + 60 * minutes)
        self.budget = BudgetSettings(minutes=minutes, clock=self.budget.clock)
        self.anchor = Anchor(state.elapsed, done)

    def _rolled_back(self, why: str) -> Iterator[Event]:
        state = self.state
        rollbacks, scale = state.rollbacks + 1, state.lr_scale / 2
        choice = self.folder.newest()
        assert choice.path is not None, "the first step is always kept"
        checkpoint = store.read(choice.path, state.device)
        state.restore(checkpoint.tensors, checkpoint.meta)
        state.rollbacks, state.lr_scale = rollbacks, scale
        # What came after is undone, and no later state need be better than one that is lost.
        self.readings = [reading for reading in self.readings if reading.step <= state.step]
        self.keeper.waiting = None
        self.means.forget()
        yield self._logged(RolledBack(state.step, scale, why))

    def _logged(self, event: E) -> E:
        if self.is_writer:
            self.folder.log(described(event))
        return event
