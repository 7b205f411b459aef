"""A figure as a card: its number, what it means, and what it is held against."""

import math
from collections.abc import Sequence

from gantlet.evaluation.figures import Figure, Finding
from gantlet.report.axes import Axis, around, linear
from gantlet.report.marks import mark, marked
from gantlet.report.markup import Markup, element, hidden, joined
from gantlet.report.numerals import DASH, estimate, quantity, scaled

BETTER = {
    "lower": "lower is better",
    "higher": "higher is better",
    "near": "the nearer to real data’s, the better",
}
SEVERITIES = {"fault": "Fault", "warning": "Warning", "good": "Good"}


def card(figure: Figure, anchor: str, findings: tuple[Finding, ...] = ()) -> Markup:
    """The figure with everything that it takes to trust it.

    Args:
        findings: those of the summary that rest on this figure.
    """
    value, interval = estimate(figure.value, figure.low, figure.high, figure.unit)
    return element(
        "article",
        element(
            "h4", figure.title, *(badge(finding) for finding in findings), id=f"{anchor}-title"
        ),
        element(
            "p",
            element("span", value, class_="value"),
            element("span", " ", hidden("95 % interval "), interval, class_="interval")
            if interval
            else None,
            element("span", " ", BETTER[figure.better], class_="better"),
            class_="headline",
        ),
        element("p", figure.words, class_="meaning"),
        _lanes(figure),
        _comparison(figure, value, interval),
        _warnings(figure),
        _source(figure),
        id=anchor,
        class_="card",
        aria_labelledby=f"{anchor}-title",
    )


def badge(finding: Finding) -> Markup:
    """How severe, as a word and a colour."""
    word = SEVERITIES[finding.severity]
    return element("span", " ", word, class_=f"badge {finding.severity}")


def counts(figure: Figure) -> str:
    """How many rows were compared."""
    sizes = (("m", figure.m), ("n", figure.n))
    return ", ".join(f"{name} = {size:,}" for name, size in sizes if size)


def _lanes(figure: Figure) -> Markup | None:
    """One small axis: the generated above with its interval, what it is held against below."""
    held_against = {"real": figure.real, "baseline": figure.baseline}
    low, high = scaled(figure.low, figure.unit), scaled(figure.high, figure.unit)
    value = scaled(figure.value, figure.unit)
    others = {kind: scaled(other, figure.unit) for kind, other in held_against.items()}
    if not math.isfinite(value) or not any(math.isfinite(other) for other in others.values()):
        return None
    axis = axis_of(figure.unit, (value, low, high, *others.values()))
    marks = [placed("fake", axis, value)]
    marks += [placed(kind, axis, o) for kind, o in others.items() if math.isfinite(o)]
    ticks = [element("span", w, style=f"left:{at:.2%}") for at, w in axis.labels()]
    return element(
        "div",
        interval_bar(axis, low, high),
        *marks,
        element("div", *ticks, class_="x-ticks"),
        class_="lanes",
        role="img",
        aria_label=_spoken(figure) + (" Logarithmic axis." if axis.is_log else ""),
    )


def axis_of(unit: str, values: Sequence[float]) -> Axis:
    """Percentages from 0 to 100, other numbers as they spread."""
    finite = [value for value in values if math.isfinite(value)]
    if unit == "%" and finite and min(finite) >= 0 and max(finite) <= 100:
        return linear(0, 100, count=4, ends=False)
    return around(finite)


def interval_bar(axis: Axis, low: float, high: float) -> Markup | None:
    """The reach of an interval along its axis."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    left, width = axis.at(low), axis.at(high) - axis.at(low)
    return element("span", class_="reach k-fake", style=f"left:{left:.2%};width:{width:.2%}")


def placed(kind: str, axis: Axis, value: float) -> Markup:
    """The kind's mark where the value lies."""
    return element("span", mark(kind), class_=f"at {kind}", style=f"left:{axis.at(value):.2%}")


def _spoken(figure: Figure) -> str:
    value, interval = estimate(figure.value, figure.low, figure.high, figure.unit)
    reach = f", 95 % interval {interval}" if interval else ""
    return (
        f"{figure.title}: generated {value}{reach}; real against real "
        f"{quantity(figure.real, figure.unit)}; trivial generator "
        f"{quantity(figure.baseline, figure.unit)}."
    )


def _comparison(figure: Figure, value: str, interval: str) -> Markup | None:
    """The legend of the small axis and its numbers in one; nothing where nothing compares."""
    if math.isnan(figure.real) and math.isnan(figure.baseline):
        return None
    rows = (
        ("fake", "generated", joined(_known(value), " ", element("span", interval))),
        ("real", "real against real", _known(quantity(figure.real, figure.unit))),
        ("baseline", "trivial generator", _known(quantity(figure.baseline, figure.unit))),
    )
    entries = [
        element("div", element("dt", marked(kind, words)), element("dd", shown))
        for kind, words, shown in rows
    ]
    return element("dl", *entries, class_="comparison")


def _known(text: str) -> Markup:
    """A dash says aloud what it stands for."""
    if text != DASH:
        return element("span", text)
    return element("span", DASH, hidden(" not known"))


def _warnings(figure: Figure) -> Markup | None:
    if not figure.warnings:
        return None
    items = [element("li", hidden("Warning: "), words) for words in figure.warnings]
    return element("ul", *items, class_="warnings")


def _source(figure: Figure) -> Markup:
    """The definition, one click away."""
    facts = [("compared", counts(figure)), ("measured in", figure.space)]
    rows = [
        element("div", element("dt", name), element("dd", words)) for name, words in facts if words
    ]
    page = element("p", "More: ", element("code", f"docs/metrics/{figure.page}.md"))
    return element(
        "details",
        element(
            "summary",
            "Definition and source",
            hidden(f" of {figure.title}"),
            element("span", counts(figure), class_="counts"),
        ),
        element("p", figure.definition, class_="definition"),
        element("dl", *rows, class_="facts"),
        page if figure.page else None,
        class_="source",
    )
