"""Formats in which dates and times are commonly written."""

import itertools
import re
from collections.abc import Iterator
from functools import cache

import pyarrow as pa

from gantlet.modalities.tables.dates import parsed, pattern

LONGEST = 48  # signs of a text that may be a date
_ZONE = re.compile(r"( ?)(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$")


def candidates(text: str) -> list[str]:
    """All formats that fit one text; the likelier stand first where later texts may not decide."""
    if not 4 <= len(text) <= LONGEST or sum(sign.isdigit() for sign in text) < 3:
        return []
    formats = []
    zone = _ZONE.search(text) if ":" in text or "T" in text else None
    ends = [(text, "")]
    if zone:
        ends.append((text[: zone.start()], f"{zone[1]}%[{zone[2]}]"))
    for body, end in ends:
        formats += [form + end for form in _whole_formats(body, has_zone=bool(end))]
    return [form for form in formats if parsed(pa.array([text]), form) is not None]


def _whole_formats(body: str, has_zone: bool) -> Iterator[str]:
    for time in _TIMES if not has_zone else ():
        if _compiled(time).fullmatch(body):
            yield time
    named = body[0].isalpha()
    for date in (
        form for form in _dates() if form.startswith(("%a", "%A", "%b", "%B", "%^b", "Q")) == named
    ):
        start = _compiled(date).match(body)
        if start is None:
            continue
        rest = body[start.end() :]
        if not rest and not has_zone:
            yield date
        gap = re.match(r"T|:|,? +", rest)
        if gap:
            yield from (date + gap[0] + time for time in (*_TIMES, *_TIMES_AFTER)
                        if _compiled(time).fullmatch(rest, gap.end()))  # fmt: skip


@cache
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(pattern(form))


def _times() -> Iterator[str]:
    fractions = ["", *(f"{sign}%{digits}f" for sign in ".," for digits in range(1, 10)), "%*f"]
    for hour in ("%H", "%-H"):
        yield f"{hour}:%M"
        yield from (f"{hour}:%M:%S{fraction}" for fraction in fractions)
    for hour, gap, half in itertools.product(("%I", "%-I"), (" ", ""), ("%p", "%P")):
        for rest in (":%M", *(f":%M:%S{fraction}" for fraction in fractions), ""):
            yield f"{hour}{rest}{gap}{half}"


_TIMES = tuple(_times())
_TIMES_AFTER = ("%H%M%S", "%H%M", "%H", "%H:%M:%S %Y")  # of a date: alone they are numbers


@cache
def _dates() -> tuple[str, ...]:
    """Where both orders would do, '/' means the month first, as in the United States."""
    forms = ["%Y%m%d"]
    for sep, (day, month) in itertools.product("-/. ", (("%d", "%m"), ("%-d", "%-m"))):
        if sep != " ":
            forms.append(f"%Y{sep}{month}{sep}{day}")
            orders = (f"{day}{sep}{month}", f"{month}{sep}{day}")
            for start in orders[::-1] if sep == "/" else orders:
                # Not 1.2.20, which may as well be a version.
                years = ("%Y", "%y") if day == "%d" or sep == "/" else ("%Y",)
                forms += [f"{start}{sep}{year}" for year in years]
        if day == "%d" and sep in "-/":
            forms += [f"%Y{sep}%m", f"%m{sep}%Y", f"%y{sep}%m{sep}%d"]
        for name in ("%b", "%B", "%^b"):
            forms += [
                f"{day}{sep}{name}{sep}%Y",
                f"{day}{sep}{name}{sep}%y",
                f"%Y{sep}{name}{sep}{day}",
            ]
            if day == "%d":
                forms += [f"{name}{sep}%Y", f"{name}{sep}%y", f"{name}-%d-%Y", f"%Y{sep}{name}"]
    for name, day, comma in itertools.product(("%b", "%B", "%^b"), ("%d", "%-d"), (",", "")):
        forms.append(f"{name} {day}{comma} %Y")
    forms += [form for sep in ("", "-", " ", "/") for form in (f"%Y{sep}Q%q", f"Q%q{sep}%Y")]
    forms.append("%YM%m")
    week = [f"{name}{gap}{form}" for name in ("%a", "%A") for gap in (", ", " ") for form in forms]
    return (*dict.fromkeys(forms), *dict.fromkeys(week), "%a %b %d", "%b %d")
