"""Dates and times that were written as text: their format found, and every text given back.

A format is made of directives, each of which stands for exactly one spelling of one number. So a
text that a format fits is the very text that the format makes of its value:

    %Y 2020   %y 20   %m 03   %-m 3   %b Mar   %B March   %^b MAR   %d 07   %-d 7   %a Sat   %A Saturday
    %q 1 (quarter)
    %H 09   %-H 9   %I 09   %-I 9   %p AM   %P am   %M 05   %S 01   %3f 250   %*f .25 (nothing for 0)
    %[+02:00]  the zone, the same in all rows
"""  # noqa: E501  the table stays a table

import re
from functools import cache

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from gantlet.modalities.tables.kernels import pc

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PIVOT = 69  # %y: 69 to 99 are of the 20th century, as in POSIX

Numbers = Int64[np.ndarray, "n"]

# What a directive matches, what it tells of, and how its number is spelled.
_PADDED = tuple(f"{number:02d}" for number in range(100))
_PLAIN = tuple(str(number) for number in range(100))
_NAMES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "%Y": ("year", "[0-9]{4}", ()),
    "%y": ("year2", "[0-9]{2}", _PADDED),
    "%m": ("month", "0[1-9]|1[0-2]", _PADDED),
    "%-m": ("month", "[1-9]|1[0-2]", _PLAIN),
    "%b": ("month", "", ("", *(name[:3] for name in MONTHS))),
    "%^b": ("month", "", ("", *(name[:3].upper() for name in MONTHS))),
    "%B": ("month", "", ("", *MONTHS)),
    "%q": ("quarter", "[1-4]", _PLAIN),
    "%d": ("day", "0[1-9]|[12][0-9]|3[01]", _PADDED),
    "%-d": ("day", "[1-9]|[12][0-9]|3[01]", _PLAIN),
    "%a": ("weekday", "", tuple(name[:3] for name in DAYS)),
    "%A": ("weekday", "", DAYS),
    "%H": ("hour", "[01][0-9]|2[0-3]", _PADDED),
    "%-H": ("hour", "[0-9]|1[0-9]|2[0-3]", _PLAIN),
    "%I": ("hour12", "0[1-9]|1[0-2]", _PADDED),
    "%-I": ("hour12", "[1-9]|1[0-2]", _PLAIN),
    "%p": ("half", "", ("AM", "PM")),
    "%P": ("half", "", ("am", "pm")),
    "%M": ("minute", "[0-5][0-9]", _PADDED),
    "%S": ("second", "[0-5][0-9]", _PADDED),
}
_TOKEN = re.compile(r"%\[[^\]]*\]|%[0-9]f|%\*f|%[-^]?[A-Za-z]|[^%]+")


def parsed(texts: pa.Array, form: str) -> pa.Array | None:
    """Dates, times or both of all texts; None if the format does not give back every text."""
    found = pc.extract_regex(texts, pattern=f"^(?:{pattern(form)})$")
    if found.null_count > texts.null_count:
        return None
    present = np.asarray(pc.is_valid(found).to_numpy(zero_copy_only=False))
    some = found.filter(pa.array(present)) if not present.all() else found
    values = _values(form, some)
    if values is None:
        return None
    whole = np.zeros(len(texts), np.int64)
    whole[present] = values
    kind = type_of(form)
    width = np.int32 if pa.types.is_date32(kind) else np.int64
    return pa.array(whole.astype(width), mask=~present).view(kind) if width == np.int32 else (
        pa.array(whole, mask=~present).cast(kind)
    )  # fmt: skip


def formatted(values: pa.Array, form: str) -> pa.Array:
    """Texts of dates or times; what is finer than the format shows is cut off."""
    kind = type_of(form)
    valid = pc.is_valid(values)
    whole = pc.fill_null(values.cast(kind, safe=False), 0) if len(values) else values.cast(kind)
    width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    numbers = whole.cast(width).to_numpy(zero_copy_only=False).astype(np.int64)
    parts = _parts(numbers, form)
    pieces = [_piece(token, parts) for token in _tokens(form)]
    texts = pc.binary_join_element_wise(*(_spread(piece, len(values)) for piece in pieces), "")
    return pc.if_else(valid, texts, pa.scalar(None, pa.string()))


def type_of(form: str) -> pa.DataType:
    """The Arrow type of what a format tells."""
    told = {_NAMES[token][0] for token in _tokens(form) if token in _NAMES}
    has_time = bool(told & {"hour", "hour12"})
    if not has_time:
        return pa.date32()
    digits = _fraction_digits(form)
    if not told & {"year", "year2"}:
        return pa.time64("ns" if digits > 6 else "us")
    unit = "s" if digits == 0 else "ms" if digits <= 3 else "us" if digits <= 6 else "ns"
    return pa.timestamp(unit, _zone_name(form))


def is_day_first(form: str) -> bool | None:
    """Does the day stand before the month? None where the month is a name or the year leads."""
    place = {_NAMES[t][0]: i for i, t in enumerate(_tokens(form)) if t in _NAMES}
    if not re.search(r"%-?m", form) or "day" not in place:
        return None
    if place.get("year", place.get("year2", 0)) < place["month"]:
        return None
    return place["day"] < place["month"]


@cache
def _tokens(form: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(form))


@cache
def pattern(form: str) -> str:
    return "".join(_token_pattern(index, token) for index, token in enumerate(_tokens(form)))


def _token_pattern(index: int, token: str) -> str:
    if token in _NAMES:
        pattern = _NAMES[token][1] or "|".join(name for name in _NAMES[token][2] if name)
        return f"(?P<t{index}>{pattern})"
    if token == "%*f":
        return f"(?P<t{index}>\\.[0-9]{{0,8}}[1-9])?"
    if token.startswith("%["):
        return re.escape(token[2:-1])
    return f"(?P<t{index}>[0-9]{{{token[1]}}})" if token.startswith("%") else re.escape(token)


def _values(form: str, found: pa.Array) -> Numbers | None:
    """Days, or units since 1970 or midnight; None where a day does not exist."""
    told: dict[str, Numbers] = {}
    for index, token in enumerate(_tokens(form)):
        if token in _NAMES:
            told[_NAMES[token][0]] = _numbers(found.field(f"t{index}"), token)
        elif token.endswith("f") and token.startswith("%"):
            told["fraction"] = _fraction(found.field(f"t{index}"))
    days = _days(told, len(found))
    if days is None:
        return None
    kind = type_of(form)
    if pa.types.is_date32(kind):
        return days
    seconds = days * 86_400 + _seconds(told, len(found)) - _offset(form)
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    if scale == 10**9 and len(seconds) and np.abs(seconds).max() > 2**63 // scale - 1:
        return None  # nanoseconds reach from 1677 to 2262
    fraction = told.get("fraction", np.zeros(len(found), np.int64))
    return seconds * scale + fraction // (10**9 // scale)


def _numbers(texts: pa.Array, token: str) -> Numbers:
    names = _NAMES[token][2]
    if names and not names[-1].isdigit():
        numbers = pc.index_in(texts, value_set=pa.array(names))
    else:
        numbers = texts.cast(pa.int32())
    return numbers.to_numpy(zero_copy_only=False).astype(np.int64)


def _fraction(texts: pa.Array) -> Numbers:
    """Nanoseconds."""
    digits = pc.utf8_rpad(pc.replace_substring(texts, ".", ""), 9, "0")
    return digits.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.int64)


def _days(told: dict[str, Numbers], count: int) -> Numbers | None:
    if not told.keys() & {"year", "year2"}:
        return None if "month" in told else np.zeros(count, np.int64)
    if "year" in told:
        year = told["year"]
    else:
        year = told["year2"] + np.where(told["year2"] < PIVOT, 2000, 1900)
    month = told["month"] if "month" in told else 3 * told["quarter"] - 2
    months = (year - 1970) * 12 + month - 1
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    length = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64) - first
    day = told.get("day", np.ones(count, np.int64))
    days = first + day - 1
    if (day > length).any() or (year < 1).any():
        return None
    if "weekday" in told and ((days + 3) % 7 != told["weekday"]).any():
        return None
    return days


def _seconds(told: dict[str, Numbers], count: int) -> Numbers:
    zero = np.zeros(count, np.int64)
    hour = told.get("hour", zero)
    if "hour12" in told:
        hour = told["hour12"] % 12 + 12 * told["half"]
    return hour * 3600 + told.get("minute", zero) * 60 + told.get("second", zero)


def _parts(numbers: Numbers, form: str) -> dict[str, Numbers]:
    """The inverse of `_values`."""
    kind = type_of(form)
    if pa.types.is_date32(kind):
        days, rest = numbers, np.zeros_like(numbers)
        scale = 1
    else:
        scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        days, rest = np.divmod(numbers + _offset(form) * scale, 86_400 * scale)
    seconds, fraction = np.divmod(rest, scale)
    months = days.astype("M8[D]").astype("M8[M]")
    month = months.astype(np.int64)
    year = month // 12 + 1970
    hour = seconds // 3600
    return {
        "year": year,
        "year2": year % 100,
        "month": month % 12 + 1,
        "quarter": month % 12 // 3 + 1,
        "day": days - months.astype("M8[D]").astype(np.int64) + 1,
        "weekday": (days + 3) % 7,
        "hour": hour,
        "hour12": (hour - 1) % 12 + 1,
        "half": hour // 12,
        "minute": seconds // 60 % 60,
        "second": seconds % 60,
        "fraction": fraction * (10**9 // scale),
    }


def _piece(token: str, parts: dict[str, Numbers]) -> pa.Array | str:
    if token == "%Y":
        return _years().take(pa.array(np.clip(parts["year"], 0, 9999)))
    if token in _NAMES:
        told, _, names = _NAMES[token]
        return pa.array(names).take(pa.array(parts[told]))
    if token.startswith("%["):
        return token[2:-1]
    if not token.startswith("%"):
        return token
    texts = pc.utf8_lpad(pa.array(parts["fraction"]).cast(pa.string()), 9, "0")
    if token == "%*f":
        digits = pc.utf8_rtrim(texts, "0")
        return pc.if_else(pc.equal(digits, ""), "", pc.binary_join_element_wise(".", digits, ""))
    return pc.utf8_slice_codeunits(texts, 0, int(token[1]))


@cache
def _years() -> pa.Array:
    return pa.array([f"{year:04d}" for year in range(10_000)])


def _spread(piece: pa.Array | str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(piece), count) if isinstance(piece, str) else piece


def _fraction_digits(form: str) -> int:
    found = re.search(r"%([0-9*])f", form)
    return 0 if found is None else 9 if found[1] == "*" else int(found[1])


def _zone(form: str) -> str | None:
    found = re.search(r"%\[([^\]]*)\]", form)
    return found[1] if found else None


def _offset(form: str) -> int:
    """Seconds east of Greenwich."""
    zone = _zone(form)
    if zone is None or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _zone_name(form: str) -> str | None:
    if _zone(form) is None:
        return None
    offset = _offset(form)
    sign = "-" if offset < 0 else "+"
    return f"{sign}{abs(offset) // 3600:02d}:{abs(offset) // 60 % 60:02d}" if offset else "UTC"
