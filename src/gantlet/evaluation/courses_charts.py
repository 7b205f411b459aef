"""Charts of series: values, memory and spectrum of a channel, correlations of two."""

import numpy as np

from gantlet.evaluation.courses import Runs
from gantlet.evaluation.figures import Chart, Series, Table
from gantlet.evaluation.judged import histogram
from gantlet.metrics.course_statistics import channel_pairs, cross_correlation, spectrum

BINS = 40
ROWS = 12  # of the table of pairs
SIDES = (("real", "real"), ("generated", "fake"), ("other real", "held_out"))


def value_chart(runs: Runs, place: int) -> Chart:
    """The channel's values at all steps."""
    known = [side[:, :, place] for side in _sides(runs)]
    known = [side[np.isfinite(side)] for side in known]
    both = np.concatenate(known)
    low, high = np.quantile(both, [0.002, 0.998]) if len(both) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    return Chart(
        title=f"{runs.names[place]}: values", shape="histogram",
        series=tuple(
            Series(name=name, kind=kind, x=tuple(edges.tolist()), y=histogram(side, edges))
            for (name, kind), side in zip(SIDES, known, strict=True)
        ),
        x_label=runs.names[place], y_label="share of steps",
        words="Values at all steps of all series; missing ones are left out.",
    )  # fmt: skip


def lag_chart(runs: Runs, profiles: list[np.ndarray], place: int) -> Chart:
    """The channel's correlation with its own past."""
    return _lines(
        f"{runs.names[place]}: memory", [profile[:, place] for profile in profiles], 0,
        "lag, in steps", "autocorrelation",
        "How values hang together with those some steps later, over all series.",
    )  # fmt: skip


def wave_chart(runs: Runs, place: int) -> Chart:
    """The channel's shares of power."""
    found = [spectrum(side[:, :, [place]])[:, 0] for side in _sides(runs)]
    return _lines(
        f"{runs.names[place]}: spectrum", [np.log10(np.maximum(side, 1e-9)) for side in found], 1,
        "cycles a series", "share of power, power of ten",
        "Slow waves to the left, quick ones to the right. Where the generated lie lower at the "
        "right they are too smooth, where they lie higher too rough.",
    )  # fmt: skip


def correlation_table(runs: Runs) -> Table:
    """The pairs of channels whose correlation differs most."""
    real, fake, other = (cross_correlation(side, 0)[0] for side in _sides(runs))
    pairs = channel_pairs(len(runs.names))
    order = np.argsort(-np.nan_to_num(np.abs(fake - real)), kind="stable")[:ROWS]
    return Table(
        title="Channels together", columns=("channel", "channel", *(name for name, _ in SIDES)),
        rows=tuple(
            (
                *(runs.names[one] for one in pairs[k]),
                *(f"{side[k]:.2f}" for side in (real, fake, other)),
            )
            for k in order
        ),
        words="Correlation of two channels at the same step, pairs that differ most first.",
    )  # fmt: skip


def _sides(runs: Runs) -> tuple[np.ndarray, ...]:
    return runs.reference, runs.fake, runs.stand_in


def _lines(
    title: str, sides: list[np.ndarray], first: int, x_label: str, y_label: str, words: str
) -> Chart:
    return Chart(
        title=title, shape="line",
        series=tuple(
            Series(
                name=name, kind=kind, x=tuple(float(k + first) for k in range(len(side))),
                y=tuple(side.tolist()),
            )
            for (name, kind), side in zip(SIDES, sides, strict=True)
        ),
        x_label=x_label, y_label=y_label, words=words,
    )  # fmt: skip
