"""What this machine can do with a run: seconds a step, threads that help, memory."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gantlet.engine.noise import Rows
from gantlet.engine.train import Game, Tick, train
from gantlet.networks import Task
from gantlet.run import Run, begun, game
from gantlet.types import Batch

SECONDS = 0.4  # of measuring for each number of threads
LONG = 1.0  # seconds of a step that one alone tells enough of


class Speed(NamedTuple):
    """What was measured."""

    threads: int
    images_per_second: float
    parameters_G: int
    parameters_D: int
    megabytes: int  # weights, optimizer and what one step keeps for its backward pass


class _Endless:
    """A clock that never ends; progress enough for the schedule's middle."""

    elapsed = 0.0

    def progress(self, state: object) -> float:
        return 0.5


def speed(run: Run, task: Task, threads: Sequence[int]) -> Speed:
    """The fastest number of threads for this run, by trying, and what it reaches."""
    before = torch.get_num_threads()
    rules = game(run)
    state = begun(run, task)
    plainly = rules._replace(private=None)  # gradients row by row let nobody watch what they keep
    kept = _bytes_kept(lambda: next(_steps(run, task, plainly)))
    try:
        tried = []
        for count in threads:
            torch.set_num_threads(count)
            tried.append((_images_per_second(run, task, rules), count))
        # A thread more must pay: it is taken from whatever else the machine does.
        fastest = max(rate for rate, _ in tried)
        count, rate = min((n, rate) for rate, n in tried if rate >= 0.85 * fastest)
    finally:
        torch.set_num_threads(before)
    parameters_G = sum(p.numel() for p in state.G.parameters())
    parameters_D = sum(p.numel() for p in state.D.parameters())
    weights = 4 * (5 * parameters_G + 4 * parameters_D)
    return Speed(count, rate, parameters_G, parameters_D, (weights + kept) // 2**20)


def _steps(run: Run, task: Task, rules: Game) -> Iterator[Tick]:
    state = begun(run, task)

    def draw(update: int, rows: Rows) -> Batch:
        source = torch.Generator().manual_seed(update)
        x = torch.randn(len(rows), *task.shape, generator=source)
        y = torch.randint(task.classes, (len(rows),), generator=source) if task.classes else None
        return Batch(x.to(state.device, state.dtype), None if y is None else y.to(state.device))

    return train(state, draw, rules, _Endless())


def _images_per_second(run: Run, task: Task, rules: Game) -> float:
    ticks = _steps(run, task, rules)
    _seconds(run, ticks, 1)  # the first steps set things up
    each = _seconds(run, ticks, 1)
    if each < LONG:
        count = max(3, math.ceil(SECONDS / each))
        each = _seconds(run, ticks, count) / count
    return run.optimization.batch * run.policy.d_updates / each


def _seconds(run: Run, ticks: Iterator[Tick], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        next(ticks)
    if run.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _bytes_kept(step: Callable[[], object]) -> int:
    """Bytes that autograd keeps for backward passes during one step, at most."""
    seen: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    return sum(seen.values())
