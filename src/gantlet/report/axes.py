"""Where numbers fall along an axis, and which of them are written beside it."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from gantlet.report.numerals import number

MARGIN = 0.06  # of the stretch, kept free at each end
DECADES = 30.0  # positive numbers further apart than this are shown on a logarithmic axis


class Axis(NamedTuple):
    """A stretch of numbers, its ticks, and whether equal steps are equal factors."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def at(self, value: float) -> float:
        """0 at the low end, 1 at the high end."""
        low, high = self.low, self.high
        if self.is_log:
            value, low, high = math.log(max(value, 1e-300)), math.log(low), math.log(high)
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def labels(self) -> list[tuple[float, str]]:
        """Each tick's place and its words, all with the same decimals on a linear axis."""
        if self.is_log:
            return [(self.at(tick), _power(tick)) for tick in self.ticks]
        return [
            (self.at(tick), word) for tick, word in zip(self.ticks, _words(self.ticks), strict=True)
        ]


def linear(low: float, high: float, *, count: int = 5, ends: bool = True) -> Axis:
    """An axis with about `count` ticks at 1, 2 or 5 times a power of ten.

    Args:
        ends: stretch it to whole ticks; else it ends exactly at low and high.
    """
    if high <= low:
        half = abs(low) / 2 or 0.5
        low, high = low - half, high + half
    step = _step((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(step * k for k in range(first, last + 1))
    if ends:
        return Axis(ticks[0], ticks[-1], ticks)
    slack = step * 1e-6
    return Axis(low, high, tuple(t for t in ticks if low - slack <= t <= high + slack))


def logarithmic(low: float, high: float) -> Axis:
    """An axis over whole powers of ten, at most about five of them written out."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    stride = max(1, math.ceil((last - first) / 4))
    ticks = tuple(10.0**k for k in range(first, last + 1, stride))
    return Axis(10.0**first, 10.0**last, ticks, is_log=True)


def around(values: Iterable[float]) -> Axis:
    """The axis that shows these numbers best: logarithmic where they lie decades apart."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if low > 0 and high / low > DECADES:
        return logarithmic(low, high)
    margin = MARGIN * (high - low)
    if 0 <= low < high / 2:
        return linear(0.0, high + margin, count=4, ends=False)
    return linear(low - margin, high + margin, count=4, ends=False)


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))


def _power(tick: float) -> str:
    return f"{tick:g}" if tick < 1 and tick >= 1e-4 else number(tick)


def _words(ticks: tuple[float, ...]) -> list[str]:
    size = max(abs(tick) for tick in ticks)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else size or 1.0
    if size >= 1e6 or step < 1e-4:
        return [number(tick) for tick in ticks]
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{tick:,.{places}f}".replace("-", "−") if abs(tick) > 1e-12 else "0" for tick in ticks]
