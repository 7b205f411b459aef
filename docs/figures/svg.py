"""Small charts as SVG, legible on light and dark pages: middling colours, no background."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

TEXT, RULE = "#6e7781", "#8c959f"
REAL, HELD_OUT, FAKE, BASELINE = "#2f81f7", "#1a9e8f", "#e8710a", "#9a6dd7"
HEIGHT, WIDTH = 270, 720


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A rectangle of the page and the ranges of data that it shows."""

    left: float
    top: float = 34
    width: float = 280
    height: float = 180
    x: tuple[float, float]
    y: tuple[float, float]
    log_x: bool = False
    log_y: bool = False

    def at_x(self, value: float) -> float:
        return self.left + self.width * _share(value, self.x, self.log_x)

    def at_y(self, value: float) -> float:
        return self.top + self.height * (1 - _share(value, self.y, self.log_y))


def page(title: str, *parts: str, height: int = HEIGHT) -> str:
    """A whole picture; the title is read aloud, not shown."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui,sans-serif" font-size="13" fill="{TEXT}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>\n"
    )


def axes(
    panel: Panel,
    x_label: str = "",
    y_label: str = "",
    x_ticks: Sequence[float] = (),
    y_ticks: Sequence[float] = (),
    show: Callable[[float], str] = "{:g}".format,
) -> str:
    """A frame's lower left, ticks and labels."""
    left, right = panel.left, panel.left + panel.width
    top, bottom = panel.top, panel.top + panel.height
    parts = [f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="{RULE}"/>']
    for tick in x_ticks:
        at = panel.at_x(tick)
        parts.append(f'<path d="M{at:.1f} {bottom}v4" stroke="{RULE}"/>')
        parts.append(words(at, bottom + 17, show(tick), anchor="middle", size=11))
    for tick in y_ticks:
        at = panel.at_y(tick)
        parts.append(f'<path d="M{left} {at:.1f}h-4" stroke="{RULE}"/>')
        parts.append(words(left - 7, at + 4, show(tick), anchor="end", size=11))
    parts.append(words((left + right) / 2, bottom + 36, x_label, anchor="middle"))
    parts.append(words(left, top - 10, y_label))
    return "".join(parts)


def frame(panel: Panel, title: str = "") -> str:
    """A thin box without numbers, for clouds of points."""
    return (
        f'<rect x="{panel.left}" y="{panel.top}" width="{panel.width}" height="{panel.height}" '
        f'rx="4" fill="none" stroke="{RULE}" stroke-opacity=".5"/>'
        + words(panel.left + panel.width / 2, panel.top - 10, title, anchor="middle")
    )


def words(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = TEXT, size: int = 13
) -> str:
    if not text:
        return ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{colour}">{escape(text)}</text>'
    )


def dots(
    panel: Panel, points: Iterable, colour: str, *, radius: float = 2.4, hollow: bool = False
) -> str:
    """A dot at every point inside the panel."""
    paint = f'fill="none" stroke="{colour}" stroke-width="1.4"' if hollow else f'fill="{colour}"'
    inside = (p for p in points if _inside(panel, p))
    circles = "".join(
        f'<circle cx="{panel.at_x(x):.1f}" cy="{panel.at_y(y):.1f}" r="{radius}"/>'
        for x, y in inside
    )
    return f"<g {paint} opacity='.85'>{circles}</g>"


def balls(panel: Panel, centres: np.ndarray, radii: np.ndarray, colour: str) -> str:
    """Faint discs whose radii are in units of x; both axes must be of one scale."""
    scale = panel.width / (panel.x[1] - panel.x[0])
    discs = "".join(
        f'<circle cx="{panel.at_x(x):.1f}" cy="{panel.at_y(y):.1f}" r="{radius * scale:.1f}"/>'
        for (x, y), radius in zip(centres, radii, strict=True)
    )
    return (
        f'<g fill="{colour}" fill-opacity=".10" stroke="{colour}" stroke-opacity=".3">{discs}</g>'
    )


def line(panel: Panel, x: Iterable, y: Iterable, colour: str, *, dash: str = "") -> str:
    points = " ".join(f"{panel.at_x(a):.1f},{panel.at_y(b):.1f}" for a, b in zip(x, y, strict=True))
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'


def bars(
    panel: Panel, edges: Sequence, heights: Sequence, colour: str, *, opacity: float = 0.55
) -> str:
    """Bars between edges: a histogram, or one of several side by side."""
    base = panel.at_y(panel.y[0])
    rects = "".join(
        f'<rect x="{panel.at_x(a):.1f}" y="{panel.at_y(h):.1f}" '
        f'width="{panel.at_x(b) - panel.at_x(a):.1f}" height="{base - panel.at_y(h):.1f}"/>'
        for a, b, h in zip(edges, edges[1:], heights)  # noqa: B905 - one more edge than heights
        if h > panel.y[0]
    )
    return f'<g fill="{colour}" fill-opacity="{opacity}">{rects}</g>'


def histogram(panel: Panel, values: np.ndarray, edges: np.ndarray, colour: str) -> str:
    """Shares of the values, as a filled outline."""
    shares = np.histogram(values, edges)[0] / len(values)
    x = np.repeat(edges, 2)
    y = np.concatenate([[0], np.repeat(shares, 2), [0]])
    points = " ".join(f"{panel.at_x(a):.1f},{panel.at_y(b):.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<polygon points="{points}" fill="{colour}" fill-opacity=".28" stroke="{colour}" '
        'stroke-width="1.6"/>'
    )


def legend(x: float, y: float, *entries: tuple[str, str], step: float = 18) -> str:
    """Coloured squares with names, one below the other."""
    return "".join(
        f'<rect x="{x}" y="{y + i * step - 9}" width="10" height="10" rx="2" fill="{colour}"/>'
        + words(x + 16, y + i * step, name)
        for i, (name, colour) in enumerate(entries)
    )


def _share(value: float, limits: tuple[float, float], log: bool) -> float:
    low, high = limits
    if log:
        value, low, high = np.log(value), np.log(low), np.log(high)
    return float((value - low) / (high - low))


def _inside(panel: Panel, point: Sequence[float]) -> bool:
    (a, b), (c, d) = panel.x, panel.y
    return a <= point[0] <= b and c <= point[1] <= d
