"""Charts and a table of walks through a latent space."""

import numpy as np

from gantlet.evaluation.explorable import Explorable
from gantlet.evaluation.figures import Chart, Series, Table
from gantlet.evaluation.judged import histogram
from gantlet.evaluation.strips import PERCENTILES, at_percentiles
from gantlet.evaluation.walks import NODES, Walk, Walked
from gantlet.metrics.continuity import trimmed_mean
from gantlet.metrics.intervals import Estimate

BINS = 24


def lengths_chart(it: Explorable, taken: Walked) -> Chart:
    """Lengths of paths of every kind."""
    values = {name: walk.length / taken.apart for name, walk in _walks(it, taken).items()}
    top = max(1e-9, *(float(np.quantile(each, 0.98)) for each in values.values()))
    edges = np.linspace(0, top, BINS + 1)
    return Chart(
        title="How long paths are", shape="histogram", x_label="length, in mean distances of two "
        "real samples", y_label="share of paths",
        series=tuple(
            Series(name=name, x=tuple(edges.tolist()), y=histogram(each, edges),
                   kind="other" if i else "fake")
            for i, (name, each) in enumerate(values.items())
        ),
        words="Paths to a sample that is near should be short: where they are as long as others, "
        "like samples lie far apart in the latent space.",
    )  # fmt: skip


def speeds_chart(taken: Walked) -> Chart:
    """Speeds along a short, a middling and a long path."""
    moving = taken.speeds.samples
    mean = np.maximum(moving.mean(1, keepdims=True), 1e-300)
    places = tuple(((np.arange(NODES) + 0.5) / NODES).tolist())
    chosen = zip(PERCENTILES, at_percentiles(taken.within.length), strict=True)
    return Chart(
        title="Speed along three paths", shape="line", x_label="share of the way",
        y_label="speed over its mean",
        series=tuple(
            Series(name=f"length at the {percent}th percentile", x=places,
                   y=tuple((moving[i] / mean[i]).tolist()), kind="other" if k != 1 else "fake")
            for k, (percent, i) in enumerate(chosen)
        ),
        words="A flat line is a path on which equal steps of z are equal steps of the sample. "
        "Jumps are not in it: they have no speed.",
    )  # fmt: skip


def kinds_table(it: Explorable, taken: Walked) -> Table:
    """What was measured, by kind of path."""
    rows = [
        (
            name, f"{len(walk.length)}", f"{trimmed_mean(walk.ratio).value:.2f}",
            f"{typical(walk, taken.apart).value:.2f}", f"{np.median(walk.peak):.1f}",
            f"{walk.is_torn.mean():.0%}",
        )
        for name, walk in _walks(it, taken).items()
    ]  # fmt: skip
    columns = (
        "paths", "number", "times the straight line", "times what parts two real samples",
        "largest step over mean", "with a jump",
    )  # fmt: skip
    return Table(
        title="Kinds of paths", columns=columns, rows=tuple(rows),
        words="Lengths are means without the 5 % at either end, steps are medians.",
    )  # fmt: skip


def _walks(it: Explorable, taken: Walked) -> dict[str, Walk]:
    within = inside(it)
    walks = {f"random{within}": taken.within}
    if taken.between is not None:
        walks["between classes" if not it.conditions.hidden else "between groups"] = taken.between
    return walks | {f"to a near sample{within}": taken.near}


def kind_of_label(it: Explorable) -> str:
    """What a label is to a reader: Gantlet's own clusters are never shown as classes."""
    return "group" if it.conditions.hidden else "class"


def inside(it: Explorable) -> str:
    """Where a path stays, for the middle of a sentence."""
    return f" within a {kind_of_label(it)}" if it.has_labels else ""


def typical(walk: Walk, apart: float) -> Estimate:
    """Length in mean distances of two real samples."""
    return trimmed_mean(walk.length / max(apart, 1e-300))
