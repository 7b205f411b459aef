"""What a network family is: its settings and how its two players are made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from gantlet.types import (
    GoneOn,
    Hold,
    Labels,
    Numbered,
    Samples,
    Steepness,
    Surprisal,
    Timed,
    Within,
)


class Task(NamedTuple):
    """What the players work on, known from the data."""

    shape: tuple[int, ...]  # of one sample, e.g. (3, 64, 64) or (2,)
    classes: int  # 0 where there are none
    latent_dim: int
    blocks: tuple[int, ...] = ()  # sizes of the choices that a sample begins with, one-hot
    timed: Timed | None = None  # where a sample is rows over time, each beginning with choices

    def plain(self) -> dict[str, Any]:
        """What `task_of` makes this task of again, as JSON keeps it."""
        timed = self.timed and {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.timed._asdict().items()
        }
        return {
            **self._asdict(), "shape": list(self.shape), "blocks": list(self.blocks),
            "timed": timed,
        }  # fmt: skip


def task_of(values: Mapping[str, Any]) -> Task:
    """The inverse of `Task.plain`; runs of old know no blocks, or a kind as the level it told."""
    blocks, timed = tuple(values.get("blocks", ())), values.get("timed")
    if timed is not None:
        lists = {name: tuple(timed.get(name, ())) for name in ("governed", "late")}
        known = {{"level": "kind"}.get(name, name): value for name, value in timed.items()}
        timed = Timed(**{**known, **lists})
    return Task(tuple(values["shape"]), values["classes"], values["latent_dim"], blocks, timed)


class Tally(NamedTuple):
    """Sums over samples that G sets out from: noise on them is all that privacy asks for."""

    of: Callable[[nn.Module, Samples], Tensor]  # what each sample adds, b × numbers
    length: Callable[[Task], float]  # √Σ² of what one sample adds, at most
    set_out: Callable[[nn.Module, Tensor, float], None]  # (G, noisy sums, noise's deviation)


@dataclass(frozen=True, kw_only=True)
class Family:
    """A generator G(z, y) and a discriminator D(x, y) that belong together."""

    settings: type
    generator: Callable[[Task, Any], nn.Module]
    discriminator: Callable[[Task, Any], nn.Module]
    ranks: tuple[int, ...]  # lengths of `Task.shape` that it takes: 1 vectors, 3 pictures
    prime: Callable[[nn.Module, nn.Module, Samples, Labels | None], None] | None = None  # from data
    hold: Hold | None = None  # how far samples are from where G set out with their z
    surprisal: Surprisal | None = None  # of real samples, where G's density can be computed
    steepness: Steepness | None = None  # of it in G's weights, sample by sample
    tally: Tally | None = None  # what G may set out from in place of `prime`, where sums do
    within: Within | None = None  # samples held to some choices, where G can be
    gone_on: GoneOn | None = None  # samples with given first steps, where G draws in turn
    numbered: Numbered | None = None  # samples with choices by number, where G has blocks
    latent_dim: Callable[[Task], int] | None = None  # numbers in z, where G needs just so many
    wants_blocks: bool = False  # made for samples that begin with choices
    wants_time: bool = False  # made for samples that are rows over time
    at_once: int = 1  # chunks of samples that G makes in one pass; see `sampling.sampled`
    pack: Callable[[Any], int] = lambda _: 1  # samples that D judges together in training
    settle: Callable[[nn.Module, Samples], None] | None = None  # lets D judge samples alone
    is_sample_wise: bool = True  # False: batch statistics couple samples, no penalty is defined
