"""Several evaluations on one page: what each is like, and every figure on one axis."""

import math
from collections.abc import Mapping, Sequence

from gantlet.evaluation.figures import Evaluation, Figure, Table
from gantlet.report.axes import Axis
from gantlet.report.cards import BETTER, axis_of, interval_bar, placed
from gantlet.report.document import Section, page
from gantlet.report.markup import Markup, element, joined, slug
from gantlet.report.numerals import estimate, quantity, scaled
from gantlet.report.page import facts
from gantlet.report.pictures import groups
from gantlet.report.summary import tally
from gantlet.report.tables import table


def render_comparison(
    title: str,
    verdict: str,
    evaluations: Mapping[str, Evaluation],
    tables: Sequence[Table] = (),
) -> str:
    """The generators side by side as one HTML file.

    Args:
        evaluations: by the name that tells each from the others.
        tables: which is better, figure by figure, and whether beyond chance.
    """
    shown = [table(one, f"table-{k}") for k, one in enumerate(tables, start=1)]
    sections = [
        *(
            [Section("better", "Which is better", "Which is better", joined(*shown))]
            if shown
            else []
        ),
        Section("each", "Each by itself", "Each by itself", _each(evaluations)),
        Section("figures", "Figure by figure", "Figures", _figures(evaluations)),
        Section("facts", "What was compared", "Facts", _facts(evaluations)),
    ]
    return page("Comparison", title, verdict, None, sections)


def _each(evaluations: Mapping[str, Evaluation]) -> Markup:
    parts = [
        element(
            "article",
            element("h3", name, id=f"each-{k}-title"),
            element("p", evaluation.verdict, class_="meaning"),
            tally(evaluation.findings),
            groups(evaluation.samples[:1]),
            class_="one-of",
            aria_labelledby=f"each-{k}-title",
        )
        for k, (name, evaluation) in enumerate(evaluations.items(), start=1)
    ]
    return element("div", *parts, class_="panels")


def _figures(evaluations: Mapping[str, Evaluation]) -> Markup:
    """Those figures that all evaluations have, in the order of the first."""
    named = [
        {figure.name: figure for view in one.views for figure in view.figures}
        for one in evaluations.values()
    ]
    shared = [name for name in (named[0] if named else {}) if all(name in n for n in named)]
    cards = [_ladder(tuple(evaluations), [n[name] for n in named]) for name in shared]
    return element("div", *cards, class_="cards")


def _ladder(names: tuple[str, ...], figures: list[Figure]) -> Markup:
    """One figure of all, one below the other over one axis."""
    first = figures[0]
    anchor = f"figure-{slug(first.name)}"
    ends = [(f.value, f.low, f.high, f.real, f.baseline) for f in figures]
    axis = axis_of(first.unit, [scaled(v, first.unit) for values in ends for v in values])
    rungs = [_rung(name, one, axis) for name, one in zip(names, figures, strict=True)]
    held = [
        ("real", "real against real", first.real),
        ("baseline", "trivial generator", first.baseline),
    ]
    rungs += [_held(kind, words, value, first.unit, axis) for kind, words, value in held
              if math.isfinite(value)]  # fmt: skip
    ticks = [element("span", words, style=f"left:{at:.2%}") for at, words in axis.labels()]
    scale = element(
        "div", element("div", *ticks, class_="x-ticks"), class_="rung scale", aria_hidden="true"
    )
    return element(
        "article",
        element("h3", first.title, id=f"{anchor}-title"),
        element("p", BETTER[first.better], class_="better"),
        element("div", *rungs, scale, class_="ladder"),
        id=anchor,
        class_="card",
        aria_labelledby=f"{anchor}-title",
    )


def _rung(name: str, one: Figure, axis: Axis) -> Markup:
    value, interval = estimate(one.value, one.low, one.high, one.unit)
    low, high = scaled(one.low, one.unit), scaled(one.high, one.unit)
    mark = placed("fake", axis, scaled(one.value, one.unit)) if math.isfinite(one.value) else None
    return element(
        "div",
        element("span", name, class_="name"),
        element("span", interval_bar(axis, low, high), mark, class_="lane", aria_hidden="true"),
        element("span", element("b", value), " ", interval, class_="said"),
        class_="rung",
    )


def _held(kind: str, words: str, value: float, unit: str, axis: Axis) -> Markup:
    return element(
        "div",
        element("span", words, class_="name quiet"),
        element("span", placed(kind, axis, scaled(value, unit)), class_="lane", aria_hidden="true"),
        element("span", quantity(value, unit), class_="said"),
        class_="rung",
    )


def _facts(evaluations: Mapping[str, Evaluation]) -> Markup:
    parts = [
        joined(element("h3", name), facts(evaluation.facts))
        for name, evaluation in evaluations.items()
    ]
    return element("div", *(element("div", part) for part in parts), class_="panels")
