"""Tables: a view's own, and the numbers behind a chart."""

from itertools import pairwise

from gantlet.evaluation.figures import Chart, Series, Table
from gantlet.report.markup import Markup, element
from gantlet.report.numerals import cell, is_numeric, number

SHORT = 12  # rows; longer tables behind charts are left out of print


def table(panel: Table, anchor: str) -> Markup:
    """A table with its caption; it scrolls by itself where the page is narrow."""
    return element(
        "section",
        element("h3", panel.title, id=f"{anchor}-title"),
        element("p", panel.words, class_="caption") if panel.words else None,
        grid(panel.columns, panel.rows, panel.title),
        id=anchor,
        class_="panel wide",
        aria_labelledby=f"{anchor}-title",
    )


def grid(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], title: str) -> Markup:
    """The table itself. Its first column names the row; columns of numbers are set flush right."""
    shown = [tuple(cell(text) for text in row) for row in rows]
    classes = [None] + [
        "number" if shown and all(is_numeric(row[k]) for row in shown) else None
        for k in range(1, len(columns))
    ]
    head = [
        element("th", name, scope="col", class_=c) for name, c in zip(columns, classes, strict=True)
    ]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", class_=classes[0]),
            *(element("td", text, class_=c) for text, c in zip(row[1:], classes[1:], strict=True)),
        )
        for row in shown
    ]
    whole = element(
        "table",
        element("caption", title, class_="unseen"),
        element("thead", element("tr", *head)),
        element("tbody", *body),
    )
    return element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=title)


def chart_table(panel: Chart) -> Markup:
    """The numbers behind a chart, one click away."""
    columns, rows = _behind(panel)
    return element(
        "details",
        element("summary", "Numbers behind this chart"),
        grid(columns, rows, f"Numbers behind “{panel.title}”"),
        class_="data" if len(rows) <= SHORT else "data long",
    )


def _behind(panel: Chart) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """One row for each place on the axis where all series share it, else one for each point."""
    series = panel.series
    if not series or any(one.x != series[0].x for one in series):
        rows = [row for one in series for row in _points(panel, one)]
        return ("series", panel.x_label or "x", panel.y_label or "y"), tuple(rows)
    names = tuple(one.name for one in series)
    places, columns = _places(panel, series[0])
    rows = tuple((*place, *(number(one.y[k]) for one in series)) for k, place in enumerate(places))
    return (*columns, *names), rows


def _points(panel: Chart, one: Series) -> list[tuple[str, ...]]:
    places, _ = _places(panel, one)
    return [
        (one.name, " to ".join(place), number(y)) for place, y in zip(places, one.y, strict=True)
    ]


def _places(panel: Chart, one: Series) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    if panel.shape == "histogram":
        edges = [number(edge) for edge in one.x]
        return list(pairwise(edges)), ("from", "to")
    if panel.shape == "bar" and panel.names:
        return [(name,) for name in panel.names], (panel.x_label or "name",)
    return [(number(x),) for x in one.x], (panel.x_label or "x",)
