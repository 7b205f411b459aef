"""When steps are: the interval between stamps, and where in the calendar a series begins."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from gantlet.modalities.timelines.days import LAST, MONTHS, WEEKDAYS, day_of, months

EVEN = 0.9  # share of the steps that must be one interval, or a few of them, apart
MOST_TURNS = 288  # steps of a day that are told apart
WORKDAYS = 5
YEAR, FORTNIGHT = 330, 14  # days that a record must span for months, weekdays to mean something
YEARS = 5  # of a record, in which a month comes often enough that it does not stand for one year's
WINDOWS = 20  # side by side in a stretch of a shorter record, that it is not known by heart
SEASON = 3  # months of a stretch at most, that it tells the season, too

Stamps = Int[np.ndarray, "n"]


@dataclass(frozen=True)
class Clock:
    """Stamps are counted in the column's own unit, as `Level` counts whole numbers."""

    day: int  # units of a day; 0 where the time is a mere number
    interval: int  # units of a step; of "months", months
    kind: str  # even | workdays | months | uneven
    low: int  # of all stamps that a series begins with
    high: int
    stretch: int = 0  # months of the parts of a short record that are told apart; 0: none are

    def begun(self, starts: Stamps) -> "Clock":
        """The same for series that begin at these stamps."""
        return replace(self, low=int(starts.min()), high=int(starts.max()))

    def parted(self, windows: float) -> "Clock":
        """The same with stretches of the record told apart, if it is a short one of years.

        A month of such a record stands for that year's. Told which stretch of the record it is in,
        a series goes with what lay together then. One of few windows would be learnt by heart.

        Args:
            windows: that lie side by side in all series together
        """
        if not self._is_short or "month" not in self._names():
            return self
        stretch = math.ceil(WINDOWS * (self._months + 1) / max(windows, 1))
        return replace(self, stretch=stretch if stretch <= SEASON else 0)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the choices that say where in the calendar a series begins."""
        return tuple(size for size, _ in self._blocks())

    @property
    def stretches(self) -> int:
        """Parts of the record that are told apart."""
        return self._months // self.stretch + 1 if self.stretch else 0

    @property
    def turning(self) -> int:
        """1 where the first of them goes one on at each step."""
        return int(any(turns for _, turns in self._blocks()))

    @property
    def late(self) -> tuple[int, ...]:
        """Which of them come too seldom for the series to follow from them: they follow from it."""
        names = self._names() if self._is_short else []
        return tuple(place for place, name in enumerate(names) if name == "month")

    def calendar(self, starts: Stamps) -> list[Int[np.ndarray, "n"]]:
        """The choice of each block for series that begin so."""
        found = []
        for name in self._names():
            if name == "time":
                found.append((starts - self.low) % self.day // self.interval)
            elif name == "weekday":
                found.append((self._days(starts) + 3) % WEEKDAYS)  # 1970 began on a Thursday
            elif name == "workday":
                found.append(np.minimum((self._days(starts) + 3) % WEEKDAYS, WORKDAYS - 1))
            elif name == "stretch":
                found.append(self._stretch_of(starts))
            else:
                found.append(months(self._days(starts)) % MONTHS // self._every())
        return found

    def stamps(
        self, calendar: list[Int[np.ndarray, "n"]], chance: Float[np.ndarray, "n"], steps: int
    ) -> Int[np.ndarray, "n steps"]:
        """Stamps of series that begin at such a place of the calendar, anywhere in the record."""
        named = dict(zip(self._names(), calendar, strict=True))
        ahead = np.arange(steps)
        if self.kind == "months":
            month = self._month_begun(named.get("month"), chance)
            days = day_of(month[:, None] + ahead * self.interval, self._monthday())
            return days * self.day + self.low % self.day
        if not self.day or (not named and self.interval < self.day):
            count = (self.high - self.low) // max(self.interval, 1) + 1
            starts = self.low + np.floor(chance * count).astype(np.int64) * self.interval
            return starts[:, None] + ahead * self.interval
        days = self._begun(named, chance)
        starts = days * self.day + self.low % self.day
        if "time" in named:
            starts = starts + named["time"] * self.interval
        elif self.interval < self.day:
            within = self.day // max(self.interval, 1)
            starts = starts + np.floor(chance * 7919 % 1 * within).astype(np.int64) * self.interval
        starts = self._within(starts, self.day * (WEEKDAYS if "weekday" in named else 1))
        if self.kind == "workdays":
            begun = np.busday_offset(days.astype("datetime64[D]"), 0, roll="forward")
            gone = np.busday_offset(begun[:, None], ahead, roll="forward").astype(np.int64)
            return gone * self.day + self.low % self.day
        return starts[:, None] + ahead * self.interval

    def after(self, stamps: Stamps, steps: Int[np.ndarray, "n"]) -> Stamps:
        """Stamps so many steps after these."""
        if self.kind == "months":
            days = self._days(stamps)
            later = day_of(months(days) + steps * self.interval, self._monthday())
            return later * self.day + stamps % self.day
        if self.kind == "workdays":
            days = self._days(stamps).astype("datetime64[D]")
            later = np.busday_offset(days, steps, roll="forward").astype(np.int64)
            return later * self.day + stamps % self.day
        return stamps + steps * self.interval

    def plain(self) -> dict[str, Any]:
        """As JSON; the inverse is `Clock(**plain)`."""
        return {
            "day": self.day, "interval": self.interval, "kind": self.kind, "low": self.low,
            "high": self.high, "stretch": self.stretch,
        }  # fmt: skip

    def told(self) -> str:
        """The interval in words."""
        if self.kind == "uneven":
            return "steps at uneven intervals"
        if self.kind == "workdays":
            return "a step each working day"
        if self.kind == "months":
            return _in_words(self.interval)
        if not self.day:
            return f"steps {self.interval} apart"
        seconds = self.interval * 86_400 / self.day
        units = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
        for size, name in units:
            if seconds % size == 0:
                count = int(seconds // size)
                return f"a step each {name}" if count == 1 else f"a step each {count} {name}s"
        return f"a step each {seconds:g} seconds"

    def _names(self) -> list[str]:
        if not self.day:
            return []
        span = (self.high - self.low) // self.day
        if self.kind == "months":
            return ["month"] if self.interval < MONTHS and MONTHS % self.interval == 0 else []
        names = []
        if (
            self.kind == "even"
            and self.interval < self.day
            and self.day % self.interval == 0
            and (self.day // self.interval <= MOST_TURNS)
        ):
            names.append("time")
        if self.kind == "workdays":
            names.append("workday")
        elif self.interval <= self.day and span >= FORTNIGHT:
            names.append("weekday")
        if span < YEAR or self.interval > 31 * self.day:
            return names
        return [*names, "stretch" if self.stretch else "month"]

    def _blocks(self) -> list[tuple[int, bool]]:
        sizes = {
            "time": self.day // self.interval if self.interval else 1, "weekday": WEEKDAYS,
            "workday": WORKDAYS, "month": MONTHS // self._every(),
            "stretch": self.stretches,
        }  # fmt: skip
        is_daily = self.kind == "even" and self.interval == self.day
        turns = {
            "time": True, "weekday": is_daily, "workday": True, "month": self.kind == "months",
            "stretch": False,
        }  # fmt: skip
        return [(sizes[name], turns[name]) for name in self._names()]

    def _every(self) -> int:
        """Months of a choice."""
        return self.interval if self.kind == "months" and MONTHS % self.interval == 0 else 1

    @property
    def _is_short(self) -> bool:
        """Whether a month stands for one year's."""
        is_dated = bool(self.day) and self.kind != "months"
        return is_dated and (self.high - self.low) // self.day < YEARS * 365

    @property
    def _months(self) -> int:
        """How many of them lie between the record's first and its last."""
        first, last = months(self._days(np.array([self.low, self.high])))
        return int(last - first)

    def _stretch_of(self, stamps: Stamps) -> Stamps:
        """Which stretch of the record it is; of what comes later the last."""
        first = months(self._days(np.array([self.low])))
        return np.clip(months(self._days(stamps)) - first, 0, self._months) // self.stretch

    def _days(self, stamps: Stamps) -> Stamps:
        return stamps // self.day

    def _monthday(self) -> int:
        """Days after a month's first; of a record of months' ends as many as the longest has."""
        days = self._days(np.array([self.low, self.high]))
        month = months(days)
        if (days == day_of(month, LAST)).all():
            return LAST
        return int((days - day_of(month, 0))[0])

    def _within(self, starts: Stamps, turn: int) -> Stamps:
        """Those that lie outside of the record so many turns earlier or later."""
        starts = starts - turn * np.maximum(-((self.high - starts) // turn), 0)
        return starts + turn * np.maximum(-((starts - self.low) // turn), 0)

    def _month_begun(
        self, named: Int[np.ndarray, "n"] | None, chance: Float[np.ndarray, "n"]
    ) -> Int[np.ndarray, "n"]:
        """A month of the record for each series, of that name where there is one."""
        first, last = months(self._days(np.array([self.low, self.high]))).tolist()
        period = 1 if named is None else MONTHS // self._every()
        ahead = 0 if named is None else (named - first % MONTHS // self._every()) % period
        count = np.maximum((last - first) // self.interval - ahead, 0) // period + 1
        turns = np.floor(chance * count).astype(np.int64)
        return first + self.interval * (ahead + period * turns)

    def _begun(
        self, named: Mapping[str, Int[np.ndarray, "n"]], chance: Float[np.ndarray, "n"]
    ) -> Int[np.ndarray, "n"]:
        """A day of the record for each series, of its weekday and month where there is one."""
        apart = self.interval // self.day if self.kind == "even" else 1
        every = np.arange(self.low // self.day, self.high // self.day + 1, max(apart, 1))
        keys, wanted = np.zeros(len(every), np.int64), np.zeros(len(chance), np.int64)
        weekday = named.get("weekday", named.get("workday"))
        if weekday is not None:
            keys, wanted = (every + 3) % WEEKDAYS, weekday.astype(np.int64)
        if "month" in named:
            keys = keys * MONTHS + months(every) % MONTHS
            wanted = wanted * MONTHS + named["month"]
        if "stretch" in named:
            own = self._stretch_of(every * self.day)
            keys, wanted = keys * len(every) + own, wanted * len(every) + named["stretch"]
        order = np.argsort(keys, kind="stable")
        first = np.searchsorted(keys[order], wanted, side="left")
        count = np.searchsorted(keys[order], wanted, side="right") - first
        picked = np.where(count > 0, first + np.floor(chance * count), chance * len(every))
        return every[order][np.minimum(picked.astype(np.int64), len(every) - 1)]


def _in_words(interval: int) -> str:
    count, unit = (interval // 12, "year") if interval % 12 == 0 else (interval, "month")
    return f"a step a {unit}" if count == 1 else f"a step each {count} {unit}s"


def clock_of(stamps: Stamps, is_next: Int[np.ndarray, "m"], day: int) -> Clock:
    """The clock of stamps, sorted within each series.

    Args:
        is_next: places whose stamp is of the same series as the one before
    """
    low, high = int(stamps.min()), int(stamps.max())
    gaps = stamps[is_next] - stamps[is_next - 1]
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return Clock(day, max(day, 1), "uneven", low, high)
    values, counts = np.unique(gaps, return_counts=True)
    interval = int(values[counts.argmax()])
    if day:
        days = stamps // day
        whole = not (stamps % day != stamps[0] % day).any()
        if (
            whole
            and interval == day
            and ((days + 3) % WEEKDAYS < WORKDAYS).all()
            and ((gaps == 3 * day).mean() > 0.05)
        ):
            return Clock(day, day, "workdays", low, high)
        if whole and interval >= 28 * day:
            month = months(days)
            steps = month[is_next] - month[is_next - 1]
            every = int(np.bincount(np.maximum(steps, 0)).argmax())
            if every and (steps % every == 0).mean() >= EVEN:
                return Clock(day, every, "months", low, high)
    if (gaps == interval).mean() >= EVEN or (gaps % interval == 0).all():
        return Clock(day, interval, "even", low, high)
    return Clock(day, interval, "uneven", low, high)
