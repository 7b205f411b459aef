"""Of rows that run over time: values, memory, channels together, spectra and extremes."""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import numpy as np

from gantlet.evaluation.courses import Runs
from gantlet.evaluation.courses_charts import (
    correlation_table,
    lag_chart,
    value_chart,
    wave_chart,
)
from gantlet.evaluation.figures import Figure, Finding, Panel
from gantlet.evaluation.judged import More
from gantlet.metrics.course_statistics import (
    autocorrelation,
    cross_correlation,
    extremes_gap,
    profile_gap,
    spectrum,
)
from gantlet.metrics.courses import Set
from gantlet.modalities.base import Progress

CHARTS = 6  # channels that differ most
TIMES = 3.0  # real series' own distance, from which on a difference is worth a word
LEAST = 0.1  # difference of a correlation that is worth one
ROUGH = 1.25  # ratio of the size of steps that is worth one
CLEAR = 0.3  # a correlation of real series that is called a repetition


class Told(NamedTuple):
    """What one statistic is called, and how two sets are compared by it."""

    name: str
    title: str
    gap: Callable[[Set, Set], float]
    words: str
    definition: str


def _by(profile: Callable[[Set], np.ndarray]) -> Callable[[Set, Set], float]:
    return lambda real, fake: profile_gap(profile(real), profile(fake))


STATISTICS = (
    Told(
        "autocorrelation", "Memory (autocorrelation)", _by(autocorrelation),
        "How far correlations of a channel with its own past lie apart, on average over lags.",
        "Mean |r_real(k) − r_fake(k)| over channels and lags up to half a series.",
    ),
    Told(
        "cross_correlation", "Channels together (cross-correlation)", _by(cross_correlation),
        "How far correlations of two channels lie apart, also when one comes later.",
        "Mean |r_real(k) − r_fake(k)| over pairs and lags up to a quarter of a series.",
    ),
    Told(
        "spectrum", "Power spectrum", _by(spectrum),
        "How far the shares of power lie apart, on average over frequencies.",
        "Mean |p_real(k) − p_fake(k)| over channels and frequencies, p the share of power under "
        "Hann's window. Welch 1967.",
    ),
    Told(
        "extremes", "Extremes", extremes_gap,
        "How far the smallest and largest values and the largest steps of series lie apart, in "
        "standard deviations.",
        "Mean 1-Wasserstein distance over channels of each series' minimum, maximum and largest "
        "step.",
    ),
)  # fmt: skip


def courses_alike(runs: Runs) -> Generator[Progress, None, More]:
    """A distance for each statistic, and the channels that differ most, drawn."""
    yield Progress(0, 0, "comparing memory, spectra and extremes")
    figures = [figure for told in STATISTICS if (figure := _figure(runs, told)) is not None]
    profiles = [autocorrelation(side) for side in (runs.reference, runs.fake, runs.stand_in)]
    order = _worst(profiles)
    panels: list[Panel] = [value_chart(runs, place) for place in order[:CHARTS]]
    if runs.reference.shape[1] > 2:
        panels += [lag_chart(runs, profiles, place) for place in order[:CHARTS]]
        panels += [wave_chart(runs, place) for place in order[:CHARTS]]
    if len(runs.names) > 1:
        panels.append(correlation_table(runs))
    findings = [*_repeating(runs, profiles), *_roughness(runs), *_far(figures)]
    return More(tuple(figures), tuple(panels), tuple(findings), "")


def _worst(profiles: list[np.ndarray]) -> list[int]:
    gap = np.nan_to_num(np.abs(profiles[0] - profiles[1])).mean(0)
    return np.argsort(-gap, kind="stable").tolist()


def _figure(runs: Runs, told: Told) -> Figure | None:
    """None where nothing is known of it: one channel has no other."""
    sides = runs.fake, runs.stand_in, runs.baseline
    value, real, baseline = (told.gap(runs.reference, side) for side in sides)
    if not np.isfinite(value):
        return None
    common: dict[str, Any] = {"m": len(runs.reference), "n": len(runs.fake)}
    return Figure(
        name=f"{told.name}_gap", title=told.title, value=value, real=real, baseline=baseline,
        better="lower", words=told.words, definition=told.definition, page="series-statistics",
        space=f"{len(runs.names):,} channels", **common,
    )  # fmt: skip


def _repeating(runs: Runs, profiles: list[np.ndarray]) -> list[Finding]:
    """The lag and channel at which memory differs most beyond what two real sets do."""
    real, fake, other = (np.nan_to_num(profile) for profile in profiles)
    if len(real) < 2:
        return []
    gap, own = fake - real, np.abs(other - real)
    excess = np.abs(gap) - TIMES * own
    lag, place = np.unravel_index(int(excess.argmax()), excess.shape)
    if abs(gap[lag, place]) < LEAST or excess[lag, place] <= 0:
        return []
    how = "less" if gap[lag, place] < 0 else "more"
    name = runs.names[place]
    what = "repeat" if real[lag, place] > CLEAR else "hang together"
    return [
        Finding(
            kind="memory_differs", severity="warning", figure="autocorrelation_gap",
            words=f"Generated series of {name} {what} {how} at a lag of {lag}: correlation "
            f"{fake[lag, place]:.2f}, in real ones {real[lag, place]:.2f}.",
            advice="look at the memory's chart; train longer",
        )
    ]  # fmt: skip


def _roughness(runs: Runs) -> list[Finding]:
    """Whether steps are larger or smaller than in real series, for their spread."""
    if runs.reference.shape[1] < 2:
        return []
    real, fake, other = (_step(side) for side in (runs.reference, runs.fake, runs.stand_in))
    known = (real > 0) & (fake > 0) & (other > 0)
    if not known.any():
        return []
    ratio, own = (np.log(side[known] / real[known]) for side in (fake, other))
    sure = np.abs(ratio) > np.maximum(np.log(ROUGH), TIMES * np.abs(own))
    names = np.array(runs.names)[known]
    found = []
    for kind, chosen in (("rougher", sure & (ratio > 0)), ("smoother", sure & (ratio < 0))):
        places = np.flatnonzero(chosen)[np.argsort(-np.abs(ratio[chosen]), kind="stable")]
        if len(places):
            worst, count = places[0], len(places)
            found.append(
                Finding(
                    kind=f"{kind}_series", severity="warning", figure="spectrum_gap",
                    words=f"Generated series are {kind} than real ones in {names[worst]}"
                    f"{f' and {count - 1} more channels' if count > 1 else ''}: their steps are "
                    f"{np.exp(ratio[worst]):.2g} times as large.",
                    advice="look at the spectrum; train longer",
                )
            )  # fmt: skip
    return found


def _step(values: Set) -> np.ndarray:
    """The mean |x_{t+1} − x_t| of each channel."""
    moved = np.abs(np.diff(values, axis=1))
    known = np.isfinite(moved)
    return np.where(known, moved, 0.0).sum((0, 1)) / np.maximum(known.sum((0, 1)), 1)


def _far(figures: list[Figure]) -> list[Finding]:
    """Of channels together and extremes: far beyond what two real sets differ by."""
    found = []
    for name, kind, words in (
        ("cross_correlation_gap", "channels_apart", "Channels hang together otherwise"),
        ("extremes_gap", "extremes_differ", "Smallest, largest values or steps are otherwise"),
    ):
        figure = next((one for one in figures if one.name == name), None)
        if figure is not None and figure.value > max(LEAST, TIMES * figure.real):
            found.append(
                Finding(
                    kind=kind, severity="warning", figure=name, advice="train longer",
                    words=f"{words} than in real series: {figure.value:.2g} apart on average, two "
                    f"real sets {figure.real:.2g}.",
                )
            )  # fmt: skip
    return found
