"""A day has another course in each part of a record: what turns is told apart in each of them."""

import json

import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from gantlet.modalities.base import finished
from gantlet.modalities.series import SERIES_MODALITY, SeriesCodec, SeriesSettings
from gantlet.networks import NETWORKS, Task
from gantlet.networks.base import task_of
from gantlet.networks.course_generator import CourseGenerator
from gantlet.networks.course_parts import PHASES, Layout
from gantlet.networks.course_settings import CourseSettings
from gantlet.networks.innovations import FITTED
from gantlet.types import Timed
from tiny import drawn

COURSE = NETWORKS["course"]
HOURS, PARTS, KINDS, STEPS = 6, 3, 2, 9
NOISE = 0.1


def task(hours: int = HOURS, *, paired: bool = True) -> Task:
    """An hour that turns, a part of the record, a kind; one value."""
    timed = Timed(held=3, turning=1, governed=(-1,), kind=2, paired=(1,) if paired else ())
    blocks = (hours, PARTS, KINDS)
    return Task((STEPS, sum(blocks) + 1), 0, 0, blocks, timed)


def days(count: int) -> Tensor:
    """At each hour the value lies about what is typical of it in that part, and nothing is kept."""
    typical = drawn(HOURS, PARTS)
    places = torch.arange(count)
    hour = (places[:, None] + torch.arange(STEPS)) % HOURS
    part = (places // HOURS % PARTS)[:, None].expand(-1, STEPS)
    kind = (places // (HOURS * PARTS) % KINDS)[:, None].expand(-1, STEPS)
    value = typical[hour, part] + NOISE * drawn(count, STEPS, seed=1)
    eyes = [
        torch.eye(size, dtype=value.dtype)[choice]
        for size, choice in zip((HOURS, PARTS, KINDS), (hour, part, kind), strict=True)
    ]
    return torch.cat([*eyes, value[:, :, None]], 2)


def primed(x: Tensor, *, paired: bool) -> CourseGenerator:
    settings = CourseSettings(memory=5, width=13, normals=3, width_D=8)
    torch.manual_seed(2)
    G = COURSE.generator(task(paired=paired), settings).double()
    D = COURSE.discriminator(task(paired=paired), settings).double()
    assert isinstance(G, CourseGenerator)
    assert COURSE.prime is not None
    COURSE.prime(G, D, x, None)
    return G


@pytest.mark.parametrize("count", [FITTED // STEPS, 2 * FITTED // STEPS])
def test_the_guess_knows_what_is_typical_of_an_hour_in_a_part(count):
    x = days(count)
    apart, alike = primed(x, paired=True), primed(x, paired=False)
    assert_close(
        apart.news.scale, torch.full_like(apart.news.scale, NOISE), rtol=0.05, atol=0
    )  # no more than that is left
    assert (alike.news.scale > 3 * NOISE).all()  # an hour's part and a part's own do not add up


def test_what_is_drawn_keeps_to_what_is_typical_of_its_hour_and_part():
    x = days(5_000)
    G = primed(x, paired=True)
    with torch.no_grad():
        G.later.out.zero_()
        G.first.out.zero_()
        made = G(drawn(20_000, G.layout.latents, seed=3))
        new = G.news.of(made[:, :, -1:], G.layout.anchor(made))
    # Normals at −1, 0 and 1 whose scale's logarithm is −0.5, softened by the narrowest.
    assert_close(new.std().item(), 1.02, rtol=0, atol=0.05)
    for rows, typical in ((made, 0.15), (x, 0.11)):
        hour, part = rows[:, :, :HOURS].argmax(2), rows[:, 0, HOURS : HOURS + PARTS].argmax(1)
        value = rows[:, :, -1] - drawn(HOURS, PARTS)[hour, part[:, None]]
        assert value.std() < typical


@pytest.mark.parametrize(("turns", "phases"), [(6, 6), (24, 24), (48, 24), (36, 18), (29, 1)])
def test_of_many_turns_neighbours_go_together(turns, phases):
    layout = Layout(task(turns))
    assert phases <= PHASES
    for at in range(turns):
        row = torch.zeros(sum(layout.blocks) + 1)
        row[at] = row[turns + 1] = row[turns + PARTS] = 1
        told = layout.anchor(row)
        assert len(told) == layout.anchored == turns + PARTS + KINDS + phases * PARTS
        pairs = told[turns + PARTS + KINDS :].reshape(phases, PARTS)
        assert pairs.sum() == pairs[at * phases // turns, 1] == 1


def test_a_record_in_parts_has_a_day_of_its_own_in_each():
    stamps = pd.date_range("2021-01-01", periods=24 * 800, freq="h")
    values = torch.arange(len(stamps)).sin().numpy() + stamps.month
    frame = pd.DataFrame({"time": stamps, "value": values})
    raw = finished(SERIES_MODALITY.load(frame, SeriesSettings(length=24, time="time", stride=24)))
    codec = SERIES_MODALITY.fit(raw)
    assert isinstance(codec, SeriesCodec)
    assert codec.clock is not None
    hour, _, part = codec.clock.sizes
    assert (hour, part) == (24, codec.clock.stretches)
    assert codec.timed.paired == (2,)
    layout = Layout(Task(codec.shape, 0, 0, codec.blocks, codec.timed))
    assert layout.anchored == len(layout.anchors) + hour * part


def test_a_task_of_a_run_that_knew_no_pairs_has_none():
    plain = json.loads(json.dumps(task().plain()))
    assert task_of(plain) == task()
    del plain["timed"]["paired"]
    assert task_of(plain) == task(paired=False)
    assert Layout(task_of(plain)).anchored == HOURS + PARTS + KINDS
