"""Of rows with columns: how each column, and each two of them, are distributed."""

from collections.abc import Generator
from typing import Any

import numpy as np
from jaxtyping import Float64

from gantlet.evaluation.columns import Tables, narrowed
from gantlet.evaluation.figures import Chart, Figure, Finding, Panel, Series, Table
from gantlet.evaluation.judged import More, histogram
from gantlet.metrics.columns import Columns
from gantlet.metrics.table_quality import Pair, TableQuality, table_quality
from gantlet.modalities.base import Progress

CHARTS = 6  # the columns that differ most
BINS = 40
BARS = 20  # the most frequent categories
ROWS = 12  # of a table of the worst
MISSING = 0.02  # difference of a share of missing values that is worth a word
FAR = 0.1  # shape beyond real data's own distance that is worth a word
SIDES = "real", "generated", "other real"
KINDS = "real", "fake", "held_out"


def columns_alike(tables: Tables) -> Generator[Progress, None, More]:
    """The columns that differ most, associations, missing values and the quality score."""
    yield Progress(0, 0, "comparing columns two by two")
    few = narrowed(tables)
    of_fake, of_real, of_baseline = (
        table_quality(few.reference.values, values, few.reference.is_categorical)
        for values in (few.fake.values, few.stand_in.values, few.baseline)
    )
    yield Progress(0, 0, "comparing columns one by one")
    shapes = _shapes(tables, tables.fake), _shapes(tables, tables.stand_in)
    worst = np.argsort(np.nan_to_num(shapes[0], nan=1.0), kind="stable")
    panels: list[Panel] = [_chart(tables, int(place), shapes[0]) for place in worst[:CHARTS]]
    if of_fake.of_pairs:
        panels.append(_pairs(few, of_fake, of_real))
    missing = _missing(tables)
    if missing is not None:
        panels.append(missing)
    figures = (
        _quality(few, of_fake, of_real, of_baseline),
        *_parts(few, of_fake, of_real, of_baseline),
    )
    return More(figures, tuple(panels), tuple(_findings(tables, *shapes)), "")


def _shapes(tables: Tables, side: Columns) -> Float64[np.ndarray, "d"]:
    """Of each column how alike it is: 1 − Kolmogorov–Smirnov, or 1 − total variation."""
    found = []
    for place in range(len(tables.reference.names)):
        kind = tables.reference.is_categorical[place : place + 1]
        real, fake = (one.values[:, place : place + 1] for one in (tables.reference, side))
        found.append(table_quality(real, fake, kind).shapes)
    return np.array(found)


def _common(tables: Tables) -> dict[str, Any]:
    size = len(tables.reference.values)
    return {"m": size, "n": size, "page": "table-quality", "better": "higher", "unit": "%"}


def _quality(
    tables: Tables, fake: TableQuality, real: TableQuality, baseline: TableQuality
) -> Figure:
    return Figure(
        name="table_quality", title="Quality score (as SDMetrics defines it)", value=fake.quality,
        real=real.quality, baseline=baseline.quality,
        words="The mean of the two below; shuffled columns, which know no dependence, reach "
        f"{baseline.quality:.0%}.",
        definition="(column shapes + column pair trends) / 2, with the thresholds of "
        "SDMetrics 0.32.", **_common(tables),
    )  # fmt: skip


def _parts(
    tables: Tables, fake: TableQuality, real: TableQuality, baseline: TableQuality
) -> tuple[Figure, Figure]:
    counted = sum(pair.counts for pair in fake.of_pairs)
    return (
        Figure(
            name="column_shapes", title="Column shapes", value=fake.shapes, real=real.shapes,
            baseline=baseline.shapes, words="How alike single columns are, on average.",
            definition="Mean over columns of 1 − Kolmogorov–Smirnov distance of numbers, and of "
            "1 − total variation distance of categories.", **_common(tables),
        ),
        Figure(
            name="column_pairs", title="Column pair trends", value=fake.pairs, real=real.pairs,
            baseline=baseline.pairs,
            words=f"How alike columns hang together, over the {counted:,} pairs that do in the "
            "real data." if counted else "No two columns hang together in the real data.",
            definition="Mean over pairs of 1 − |r_real − r_fake| / 2 of numbers, and of 1 − total "
            "variation distance of joint values of all others; of pairs with |r| > 0.5 or "
            "Cramér's V > 0.3 in the real data.", **_common(tables),
        ),
    )  # fmt: skip


def _chart(tables: Tables, place: int, shapes: Float64[np.ndarray, "d"]) -> Chart:
    words = f"{shapes[place]:.0%} alike; rows without a value are left out."
    if np.isnan(shapes[place]):
        words = "One of the two has no values: there is nothing to compare."
    name = tables.reference.names[place]
    sides = tables.reference, tables.fake, tables.stand_in
    columns = [side.values[:, place] for side in sides]
    known = [column[~np.isnan(column)] for column in columns]
    if tables.reference.is_categorical[place]:
        return _bars(name, tables.reference.categories[place], known, words)
    both = np.concatenate(known)
    both = both[np.isfinite(both)]
    low, high = np.quantile(both, [0.002, 0.998]) if len(both) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    return Chart(
        title=name, shape="histogram",
        series=tuple(
            Series(name=side, x=tuple(edges.tolist()), y=histogram(column, edges), kind=kind)
            for side, column, kind in zip(SIDES, known, KINDS, strict=True)
        ),
        x_label=name, y_label="share of rows", words=words,
    )  # fmt: skip


def _bars(
    name: str, categories: tuple[str, ...], known: list[Float64[np.ndarray, "_"]], words: str
) -> Chart:
    size = len(categories)
    shares = [
        np.bincount(column.astype(np.int64), minlength=size) / max(1, len(column))
        for column in known
    ]
    order = np.argsort(-np.maximum(shares[0], shares[1]), kind="stable")[:BARS]
    x = tuple(float(k) for k in range(len(order)))
    return Chart(
        title=name, shape="bar",
        series=tuple(
            Series(name=side, x=x, y=tuple(share[order].tolist()), kind=kind)
            for side, share, kind in zip(SIDES, shares, KINDS, strict=True)
        ),
        names=tuple(categories[k] for k in order), x_label=name, y_label="share of rows",
        words=words if size <= BARS else f"{words} Shown are {BARS} of {size:,} values.",
    )  # fmt: skip


def _pairs(tables: Tables, fake: TableQuality, real: TableQuality) -> Table:
    by_loss = sorted(
        zip(fake.of_pairs, real.of_pairs, strict=True), key=lambda both: _lost(*both), reverse=True
    )
    names = tables.reference.names

    def row(ours: Pair, theirs: Pair) -> tuple[str, ...]:
        first, second = names[ours.first], names[ours.second]
        numbers = (f"{v:.2f}" for v in (ours.real, ours.fake, theirs.fake))
        return first, second, *numbers, f"{ours.score:.0%}", f"{theirs.score:.0%}"

    return Table(
        title="Dependences that differ most",
        columns=("column", "column", *SIDES, "alike", "real alike"),
        rows=tuple(row(*both) for both in by_loss[:ROWS]),
        words="Pearson's r of two numbers, else Cramér's V with numbers in ten bins; how alike "
        "the joint distributions are, and two real sets'.",
    )  # fmt: skip


def _lost(ours: Pair, theirs: Pair) -> float:
    return float(np.nan_to_num(theirs.score - ours.score, nan=0.0))


def _missing_shares(tables: Tables) -> tuple[Float64[np.ndarray, "d"], ...]:
    sides = tables.reference, tables.fake, tables.stand_in
    return tuple(np.isnan(side.values).mean(0) for side in sides)


def _missing(tables: Tables) -> Table | None:
    real, fake, other = _missing_shares(tables)
    order = np.argsort(-np.abs(fake - real), kind="stable")
    order = order[(real[order] > 0) | (fake[order] > 0)][:ROWS]
    if not len(order):
        return None
    return Table(
        title="Missing values", columns=("column", *SIDES),
        rows=tuple(
            (tables.reference.names[k], *(f"{side[k]:.1%}" for side in (real, fake, other)))
            for k in order
        ),
        words="The share of rows without a value, columns that differ most first.",
    )  # fmt: skip


def _findings(
    tables: Tables, shapes: Float64[np.ndarray, "d"], real: Float64[np.ndarray, "d"]
) -> list[Finding]:
    names, found = tables.reference.names, []
    lost = np.nan_to_num(real - shapes)
    far = [names[k] for k in np.argsort(-lost, kind="stable") if lost[k] > FAR]
    if far:
        found.append(
            Finding(
                kind="columns_differ", severity="warning", figure="column_shapes",
                words=f"{len(far)} of {len(names)} columns are distributed otherwise: "
                f"{', '.join(far[:3])}{' and more' if len(far) > 3 else ''}.",
                advice="look at their charts below; train longer",
            )
        )  # fmt: skip
    of_real, of_fake, _ = _missing_shares(tables)
    gaps = of_fake - of_real
    error = np.sqrt((of_real * (1 - of_real) + of_fake * (1 - of_fake)) / len(tables.fake.values))
    off = [names[k] for k in np.argsort(-np.abs(gaps), kind="stable")
           if abs(gaps[k]) > max(MISSING, 4 * error[k])]  # fmt: skip
    if off:
        found.append(
            Finding(
                kind="missing_values_differ", severity="warning", figure="column_shapes",
                words=f"Values are missing too often or too seldom in {', '.join(off[:3])}"
                f"{' and more' if len(off) > 3 else ''}.",
                advice="train longer",
            )
        )  # fmt: skip
    return found
