"""Which of several evaluations is better, and whether the difference is real."""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

from gantlet.config import ConfigError
from gantlet.evaluation.figures import Evaluation, Figure, Table
from gantlet.metrics.intervals import Estimate, difference

SURE = 0.05  # of wrongly seeing any difference in one row, all pairs together (Holm 1979)
DECIDES = ("frechet_distance", "kernel_distance", "two_sample_auc")  # the verdict, in this order


class Row(NamedTuple):
    """One figure of all that are compared."""

    name: str
    title: str
    values: tuple[str, ...]
    best: int | None  # which is better than every other beyond chance; none: no telling
    words: str


class Comparison(NamedTuple):
    """Several generators side by side."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    verdict: str

    @property
    def table(self) -> Table:
        """As a panel of a page."""
        return Table(
            title="Which is better", columns=("figure", *self.names, "better beyond chance"),
            rows=tuple((row.title, *row.values, row.words) for row in self.rows),
            words="Half widths of 95 % intervals; a generator is called better where it differs "
            "from every other by more than chance (Holm 1979).",
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "names": list(self.names),
            "rows": [row._asdict() | {"values": list(row.values)} for row in self.rows],
            "verdict": self.verdict,
        }


def compared(evaluations: Mapping[str, Evaluation]) -> Comparison:
    """Every figure that has an interval in all evaluations, with the best of it.

    Raises:
        ConfigError: they were not judged on the same data in the same features.
    """
    _require_alike(evaluations)
    names = tuple(evaluations)
    every = [
        {figure.name: figure for view in evaluation.views for figure in view.figures}
        for evaluation in evaluations.values()
    ]
    shared = [name for name in every[0] if all(name in figures for figures in every)]
    rows = [_row(names, [figures[name] for figures in every]) for name in shared
            if all(math.isfinite(figures[name].error) for figures in every)]  # fmt: skip
    return Comparison(names, tuple(rows), _verdict(names, rows))


def _require_alike(evaluations: Mapping[str, Evaluation]) -> None:
    for fact in ("data", "features' hash"):
        values = {name: evaluation.facts[fact] for name, evaluation in evaluations.items()}
        if len(set(values.values())) > 1:
            each = ", ".join(f"{name}: {value}" for name, value in values.items())
            raise ConfigError(
                f"compare: {fact} differ ({each}), so the figures cannot be held side by side; "
                "give all of them the same --against and the same --features"
            )


def _row(names: tuple[str, ...], figures: list[Figure]) -> Row:
    first = figures[0]
    scale = 100 if first.unit == "%" else 1
    values = tuple(
        f"{f.value * scale:.3g}{f.unit} ±{(f.high - f.low) / 2 * scale:.2g}" for f in figures
    )
    pairs = sorted(
        (_p_value(figures[a], figures[b]), a, b) for a, b in combinations(range(len(figures)), 2)
    )
    apart: set[tuple[int, int]] = set()
    for place, (p, a, b) in enumerate(pairs):
        if p * (len(pairs) - place) > SURE:
            break
        apart |= {(a, b), (b, a)}
    best = min(range(len(figures)), key=lambda number: _badness(figures[number]))
    others = [number for number in range(len(figures)) if number != best]
    is_real = all((best, other) in apart for other in others)
    words = names[best] if is_real else "no real difference"
    return Row(first.name, first.title, values, best if is_real else None, words)


def _p_value(a: Figure, b: Figure) -> float:
    estimates = [Estimate(f.value, f.low, f.high, f.error) for f in (a, b)]
    return difference(*estimates).p_value


def _badness(figure: Figure) -> float:
    match figure.better:
        case "lower":
            return figure.value
        case "higher":
            return -figure.value
        case "near":
            return abs(figure.value - figure.real)


def _verdict(names: tuple[str, ...], rows: list[Row]) -> str:
    by_name = {row.name: row for row in rows}
    for name in DECIDES:
        row = by_name.get(name)
        if row is not None and row.best is not None:
            return f"{names[row.best]} is better: by {row.title}, beyond chance."
    return "No difference beyond chance in what decides."
