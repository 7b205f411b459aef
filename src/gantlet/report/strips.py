"""Series as small drawings side by side: real ones, then generated ones, on one axis a row."""

import math

from gantlet.evaluation.figures import Strip, Strips
from gantlet.report.markup import Markup, element, hidden, slug
from gantlet.report.numerals import number

WIDTH, HEIGHT = 120, 48  # of a drawing, in its own units


def strips(panel: Strips, anchor: str) -> Markup:
    """A row for each name; the page's width decides how many drawings stand beside one another."""
    rows = [_row(name, row) for name, row in zip(panel.names, panel.rows, strict=True)]
    return element(
        "section",
        element("h3", panel.title, id=f"{anchor}-title"),
        element("p", panel.words, class_="caption"),
        element("div", *rows, class_="strips"),
        id=anchor,
        class_="panel wide",
        aria_labelledby=f"{anchor}-title",
    )


def _row(name: str, row: tuple[Strip, ...]) -> Markup:
    known = [v for strip in row for line in strip.lines for v in line if math.isfinite(v)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    words = f"{name}, from {number(low)} to {number(high)}" if known else f"{name}, nothing known"
    figures = [_drawn(strip, low, high) for strip in row]
    return element(
        "div", element("p", words), element("div", *figures, class_="line-up"), role="group"
    )


def _drawn(strip: Strip, low: float, high: float) -> Markup:
    paths = [element("path", d=_path(line, low, high), class_="stroke") for line in strip.lines]
    return element(
        "figure",
        element(
            "svg",
            element("g", *paths, class_="line"),
            class_=f"k-{slug(strip.kind)}",
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            preserveAspectRatio="none",
            aria_hidden="true",
        ),
        element("figcaption", strip.words, hidden(_told(strip))),
    )


def _told(strip: Strip) -> str:
    """The ends of each line, for those who listen."""
    ends = [[v for v in line if math.isfinite(v)] for line in strip.lines]
    return "".join(f": from {number(e[0])} to {number(e[-1])}" for e in ends if e)


def _path(line: tuple[float, ...], low: float, high: float) -> str:
    """Broken where a number is missing; a lone one is a dot."""
    path, pen_is_down = [], False
    across, down = WIDTH / max(len(line) - 1, 1), HEIGHT / (high - low if high > low else 1.0)
    for step, value in enumerate(line):
        if math.isfinite(value):
            at = f"{step * across:.4g} {(high - value) * down:.4g}"
            path.append(f"{'L' if pen_is_down else 'M'}{at}h0")
        pen_is_down = math.isfinite(value)
    return "".join(path)
