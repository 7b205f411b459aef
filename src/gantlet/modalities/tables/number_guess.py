"""Whether texts are numbers, and how narrow: nothing may be lost, or they stay texts."""

import math
import re
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from gantlet.modalities.tables.kernels import pc
from gantlet.modalities.tables.settings import TableSettings
from gantlet.modalities.tables.spelling import NULLS, counted, trimmed, without

EXACT = 2**53  # whole numbers up to here are exact as floats
_COMMA = r"^[+-]?[0-9]+(,[0-9]+)?([eE][+-]?[0-9]+)?$"


class NumberGuess:
    """The narrowest kind of number that all texts seen so far fit."""

    def __init__(self, settings: TableSettings, delimiter: str) -> None:
        has_comma = settings.decimal == "," or (settings.decimal is None and delimiter != ",")
        point = () if settings.decimal == "," else ("float",)
        self._kinds = ("int", "uint", *point, *(("comma",) if has_comma else ()))
        self._tests = {
            "int": self._fits_int,
            "uint": self._fits_uint,
            "float": self._fits_float,
            "comma": self._fits_comma,
        }
        self._at = 0  # of these kinds
        self._possible_nulls = {*NULLS, *settings.nulls}
        self._nulls: Counter[str] = Counter()
        self._has_blanks = False
        self._seen = False  # any number
        self._low, self._high = math.inf, -math.inf  # of whole numbers
        self._is_compact = True  # all are like 20200307

    def see(self, texts: pa.Array) -> bool:
        """Are these numbers too? If not, this guess is over."""
        found = next((i for i in range(self._at, len(self._kinds)) if self._fit(i, texts)), None)
        if found is None:
            return False
        body, nulls = self._cleaned(texts)
        self._nulls.update(nulls)
        if body.null_count < len(body):
            self._at, self._seen = found, True
        return True

    def decided(self) -> dict[str, Any]:
        """What `Decision` takes."""
        nulls = tuple(text for text, _ in self._nulls.most_common())
        if not self._seen:
            return {"kind": "empty", "nulls": nulls}
        kind = self._kinds[self._at]
        if kind == "int" and self._is_compact and self._low < self._high and not self._has_blanks:
            return {"kind": "date", "form": "%Y%m%d", "nulls": nulls}
        return {"kind": kind, "nulls": nulls, "has_blanks": self._has_blanks}

    def _fit(self, at: int, texts: pa.Array) -> bool:
        """Do they, perhaps after what may be a missing value is taken out?"""
        fits = self._tests[self._kinds[at]]
        return fits(self._cleaned(texts)[0]) or (
            self._learnt(texts) and fits(self._cleaned(texts)[0])
        )

    def _cleaned(self, texts: pa.Array) -> tuple[pa.Array, Counter[str]]:
        if self._has_blanks:
            texts = trimmed(texts)
        return without(texts, self._nulls), counted(texts, self._nulls)

    def _learnt(self, texts: pa.Array) -> bool:
        """Were there blanks or texts of missing values that were not known?"""
        different = pc.unique(texts).drop_null()
        bare = trimmed(different)
        has_blanks = not bare.equals(different)
        new = {text for text in bare.to_pylist() if text in self._possible_nulls} - set(self._nulls)
        for text in new:
            self._nulls[text] = 0
        learnt = bool(new) or has_blanks > self._has_blanks
        self._has_blanks |= has_blanks
        return learnt

    def _fits_int(self, texts: pa.Array) -> bool:
        numbers = _cast(texts, pa.int64())
        if numbers is None or _is_respelled(texts, whole=True):
            return False
        if numbers.null_count < len(numbers):
            ends = pc.min_max(numbers).as_py()
            self._low, self._high = min(self._low, ends["min"]), max(self._high, ends["max"])
            self._is_compact = self._is_compact and _is_compact(numbers)
        return True

    def _fits_uint(self, texts: pa.Array) -> bool:
        numbers = _cast(texts, pa.uint64())
        if numbers is None or self._low < 0 or _is_respelled(texts, whole=True):
            return False
        if numbers.null_count < len(numbers):
            self._high = max(self._high, pc.max(numbers).as_py())
        return True

    def _fits_float(self, texts: pa.Array) -> bool:
        numbers = _cast(texts, pa.float64())
        if numbers is None or not self._are_exact() or _is_respelled(texts, whole=False):
            return False
        if pc.any(pc.is_nan(numbers)).as_py():
            # Not an error but a missing value, to be taken out under its name.
            return self._learnt(texts) and self._fits_float(self._cleaned(texts)[0])
        return _is_faithful(numbers, texts)

    def _fits_comma(self, texts: pa.Array) -> bool:
        if self._seen and self._kinds[self._at] == "float":
            return False
        if not pc.all(pc.match_substring_regex(texts, _COMMA)).as_py():
            return False
        points = pc.replace_substring(texts, ",", ".")
        numbers = _cast(points, pa.float64())
        if numbers is None or not self._are_exact() or _is_respelled(texts, whole=False):
            return False
        return _is_faithful(numbers, points)

    def _are_exact(self) -> bool:
        """May whole numbers seen before be held as floats?"""
        return self._low >= -EXACT and self._high <= EXACT


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    try:
        return pc.cast(texts, kind)
    except pa.ArrowInvalid:
        return None


def _is_respelled(texts: pa.Array, *, whole: bool) -> bool:
    """Is there 0123 or +1, or among whole numbers -0, which a number would not give back?"""
    texts = texts.drop_null()
    if not len(texts):
        return False
    _, ends, data = texts.buffers()
    places = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    signs = np.append(np.frombuffer(data, np.uint8), np.uint8(0))  # also behind the last text
    lengths, places = np.diff(places), places[:-1]
    if (signs[places] == ord("+")).any():
        return True
    is_negative = signs[places] == ord("-")
    places, lengths = places + is_negative, lengths - is_negative
    is_zero = signs[places] == ord("0")
    if whole and (is_zero & is_negative).any():
        return True
    places = places[is_zero & (lengths > 1)]
    return bool(((signs[places + 1] >= ord("0")) & (signs[places + 1] <= ord("9"))).any())


def _is_faithful(numbers: pa.Array, texts: pa.Array) -> bool:
    """Is no huge whole number rounded, and nothing infinite that does not say so?"""
    large = pc.greater_equal(pc.abs(numbers), EXACT)
    if not pc.any(large).as_py():
        return True
    pairs = zip(texts.filter(large).to_pylist(), numbers.filter(large).to_pylist(), strict=True)
    for text, number in pairs:
        if math.isinf(number):
            if "inf" not in text.lower():
                return False
        elif re.fullmatch(r"[+-]?[0-9]+", text) and int(text) != int(number):
            return False
    return True


def _is_compact(numbers: pa.Array) -> bool:
    """Are all of these days of the years 1900 to 2099, as in 20200307?"""
    values = numbers.drop_null().to_numpy(zero_copy_only=False)
    if values.min() < 19000101 or values.max() > 20991231:
        return False
    year, month, day = values // 10_000, values // 100 % 100, values % 100
    if ((month < 1) | (month > 12)).any():
        return False
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    length = (months + 1).astype("M8[D]") - months.astype("M8[D]")
    return bool(((day >= 1) & (day <= length.astype(np.int64))).all())
