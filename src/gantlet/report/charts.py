"""Charts as inline SVG: histograms, lines and bars over axes of plain HTML.

The drawing stretches with the page while ticks and labels keep their size. Each kind of series has
a colour, and a pattern or dash of its own, so that colour is never the only signal.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from gantlet.evaluation.figures import Chart, Series
from gantlet.report.axes import Axis, linear
from gantlet.report.marks import HATCHES
from gantlet.report.markup import Markup, element, joined, slug
from gantlet.report.numerals import number
from gantlet.report.tables import chart_table

WIDTH, HEIGHT = 400, 200  # of the drawing, in its own units
MOST_ROWS = 40  # categories beyond this stand side by side, without their names
DRAWN = ("real", "held_out", "baseline", "other", "fake")  # what is drawn first lies below
FILLED = {"real", *HATCHES} - {"held_out"}


class Styled(NamedTuple):
    """A series and the classes that give it its look."""

    series: Series
    look: str


def chart(panel: Chart, anchor: str) -> Markup:
    """The chart with its legend, its caption and the numbers behind it."""
    styled = _styled(panel.series)
    in_rows = panel.shape == "bar" and 0 < len(panel.names) <= MOST_ROWS
    picture = _rows(panel, styled) if in_rows else _plot(panel, styled)
    return element(
        "figure",
        element("h3", panel.title, id=f"{anchor}-title"),
        element(
            "div",
            *picture,
            class_="rows" if in_rows else "plot",
            style=f"--name:{min(max(map(len, panel.names)), 18) + 1}ch" if in_rows else None,
            role="img",
            aria_labelledby=f"{anchor}-title",
            aria_describedby=f"{anchor}-words",
        ),
        _legend(styled, panel.shape) if len(styled) > 1 else None,
        element("figcaption", panel.words, id=f"{anchor}-words"),
        chart_table(panel),
        id=anchor,
        class_="panel chart",
    )


def _styled(series: Sequence[Series]) -> list[Styled]:
    """Series of one kind are told apart by their dashes."""
    seen: dict[str, int] = {}
    styled = []
    for one in series:
        kind = one.kind if one.kind in DRAWN else "other"
        variant = seen[kind] = seen.get(kind, -1) + 1
        styled.append(Styled(one, f"k-{slug(kind)} v{variant % 4}"))
    return styled


def _plot(panel: Chart, styled: list[Styled]) -> list[Markup]:
    x_axis, y_axis = _axes(panel)
    order = sorted(
        styled, key=lambda s: DRAWN.index(s.series.kind) if s.series.kind in DRAWN else 3
    )
    draw = {"histogram": _histogram, "line": _line, "bar": _bars}[panel.shape]
    shapes = [draw(one, styled, x_axis, y_axis) for one in order]
    lines = [
        element("path", d=f"M0 {_down(y_axis, t)}H{WIDTH}", class_="grid") for t in y_axis.ticks
    ]
    y_labels = y_axis.labels()
    gutter = max(len(words) for _, words in y_labels)
    return [
        element("p", panel.y_label, class_="y-label"),
        element(
            "div",
            *(element("span", w, style=f"bottom:{at:.2%}") for at, w in y_labels),
            class_="y-ticks",
            style=f"width:{gutter}ch",
        ),
        element(
            "svg",
            *lines,
            *shapes,
            class_="field",
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            preserveAspectRatio="none",
            aria_hidden="true",
        ),
        element(
            "div",
            *(element("span", w, style=f"left:{at:.2%}") for at, w in x_axis.labels()),
            class_="x-ticks",
        ),
        element("p", panel.x_label, class_="x-label"),
    ]


def _axes(panel: Chart) -> tuple[Axis, Axis]:
    """Common axes of all series; heights stand on 0, lines only where it is near."""
    xs = _finite(value for one in panel.series for value in one.x)
    ys = _finite(value for one in panel.series for value in one.y)
    low, high = min(ys), max(ys)
    if panel.shape != "line" or 0 <= low < high / 2:
        low, high = min(low, 0.0), max(high, 0.0)
    left, right = min(xs), max(xs)
    if panel.shape == "bar":
        half = _gap(panel.series) / 2
        left, right = left - half, right + half
    return linear(left, right, ends=False), linear(low, high, count=4)


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)] or [0.0, 1.0]


def _gap(series: Sequence[Series]) -> float:
    """The least distance between two bars of a series."""
    xs = sorted({value for one in series for value in one.x if math.isfinite(value)})
    return min((b - a for a, b in pairwise(xs)), default=1.0)


def _across(axis: Axis, value: float) -> str:
    return f"{axis.at(value) * WIDTH:.4g}"


def _down(axis: Axis, value: float) -> str:
    return f"{(1 - axis.at(value)) * HEIGHT:.4g}"


def _histogram(one: Styled, _: list[Styled], x_axis: Axis, y_axis: Axis) -> Markup:
    """The outline of all bars together; filled for what is compared."""
    edges, heights = one.series.x, one.series.y
    steps = [f"M{_across(x_axis, edges[0])} {_down(y_axis, 0)}"]
    for right, height in zip(edges[1:], heights, strict=True):
        steps.append(f"V{_down(y_axis, height if math.isfinite(height) else 0)}")
        steps.append(f"H{_across(x_axis, right)}")
    outline = "".join(steps) + f"V{_down(y_axis, 0)}"
    fill = element("path", d=f"{outline}Z", class_="fill") if one.series.kind in FILLED else None
    return element("g", fill, element("path", d=outline, class_="stroke"), class_=one.look)


def _line(one: Styled, _: list[Styled], x_axis: Axis, y_axis: Axis) -> Markup:
    """A line through the points, broken where a number is missing; a lone point is a dot."""
    path, pen_is_down = [], False
    for x, y in zip(one.series.x, one.series.y, strict=True):
        if not (math.isfinite(x) and math.isfinite(y)):
            pen_is_down = False
            continue
        path.append(f"{'L' if pen_is_down else 'M'}{_across(x_axis, x)} {_down(y_axis, y)}h0")
        pen_is_down = True
    return element(
        "g", element("path", d="".join(path), class_="stroke"), class_=f"{one.look} line"
    )


def _bars(one: Styled, all_series: list[Styled], x_axis: Axis, y_axis: Axis) -> Markup:
    """Each series takes its share of the place around x."""
    width = 0.8 * _gap([s.series for s in all_series]) / len(all_series)
    place = next(i for i, s in enumerate(all_series) if s.look == one.look)
    shapes = []
    for x, y in zip(one.series.x, one.series.y, strict=True):
        if math.isfinite(x) and math.isfinite(y):
            left = x + (place - len(all_series) / 2) * width
            sides = _across(x_axis, left), _across(x_axis, left + width)
            shapes.append(
                f"M{sides[0]} {_down(y_axis, 0)}V{_down(y_axis, y)}H{sides[1]}V{_down(y_axis, 0)}Z"
            )
    return element("g", element("path", d="".join(shapes), class_="bar"), class_=one.look)


def _rows(panel: Chart, styled: list[Styled]) -> list[Markup]:
    """A row for each name, a bar in it for each series, its number at the end."""
    heights = _finite(value for one in panel.series for value in one.y)
    axis = linear(min(*heights, 0.0, 0.0), max(*heights, 0.0, 0.0), ends=False)
    rows = [
        element(
            "div",
            element("span", name, class_="name"),
            element("div", *(_lane(one, k, axis) for one in styled if k < len(one.series.y))),
            class_="row",
        )
        for k, name in enumerate(panel.names)
    ]
    label = panel.y_label if panel.x_label == "" else f"{panel.y_label}, by {panel.x_label}"
    return [element("p", label, class_="y-label"), *rows]


def _lane(one: Styled, k: int, axis: Axis) -> Markup:
    value = one.series.y[k]
    shown = value if math.isfinite(value) else 0.0
    left, right = sorted((axis.at(0.0), axis.at(shown)))
    bar = element("rect", x=f"{left:.2%}", width=f"{right - left:.2%}", height="100%", class_="bar")
    return element(
        "div",
        element("svg", bar, class_=one.look, aria_hidden="true"),
        element("span", number(value), class_="count"),
        class_="lane",
    )


def _legend(styled: list[Styled], shape: str) -> Markup:
    entries = [
        element(
            "li",
            element(
                "svg",
                _swatch(one, shape),
                class_=f"swatch {one.look} {shape}",
                viewBox="0 0 28 12",
                aria_hidden="true",
            ),
            one.series.name,
        )
        for one in styled
    ]
    return element("ul", *entries, class_="legend")


def _swatch(one: Styled, shape: str) -> Markup:
    box = "M1 1h26v10H1z"
    if shape == "bar":
        return element("path", d=box, class_="bar")
    if shape == "line" or one.series.kind not in FILLED:
        return element("path", d="M1 6h26", class_="stroke")
    return joined(element("path", d=box, class_="fill"), element("path", d=box, class_="stroke"))
