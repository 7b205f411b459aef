"""Numbers as a person reads them: three significant digits, a dash for what is not a number."""

import math

DASH = "–"
SMALLEST, LARGEST = 1e-5, 1e7  # beyond these, powers of ten
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SPACE = "\u00a0"  # keeps a number and its unit on one line


def number(value: float, scale: float | None = None) -> str:
    """The value with the decimals that give `scale` three significant digits.

    Args:
        scale: the size of the numbers that stand beside it; without one, its own, and a whole
            number keeps all its digits.
    """
    if not math.isfinite(value):
        return DASH if math.isnan(value) else _signed("∞", value)
    if scale is None and value.is_integer() and abs(value) < LARGEST:
        return _signed(f"{abs(value):,.0f}", value)
    size = scale or abs(value)
    if size == 0:
        return "0"
    if not SMALLEST <= size < LARGEST:
        return _power(value)
    # The exponent after rounding, so that 9.996 is 10.0 and not 10.00.
    places = 2 - int(f"{size:.2e}".split("e")[1])
    rounded = round(value, places)
    return _signed(f"{abs(rounded):,.{max(places, 0)}f}", rounded)


def quantity(value: float, unit: str = "") -> str:
    """A number with its unit; "%" multiplies by 100."""
    return _with_unit(number(scaled(value, unit)), unit)


def estimate(value: float, low: float, high: float, unit: str = "") -> tuple[str, str]:
    """The value with its unit, and its interval "[11.0, 11.9]" in the same decimals, or ""."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return quantity(value, unit), ""
    value, low, high = (scaled(part, unit) for part in (value, low, high))
    # A value near 0 takes its decimals from the interval: 0.00001 ± 0.0004 is 0.000010.
    scale = max(abs(value) if math.isfinite(value) else 0.0, high - low)
    interval = f"[{number(low, scale)}, {number(high, scale)}]"
    return _with_unit(number(value, scale), unit), interval


def scaled(value: float, unit: str) -> float:
    """As it is shown: percentages times 100."""
    return round(value * 100, 9) if unit == "%" and math.isfinite(value) else float(value)


def cell(text: str) -> str:
    """A table's cell: what was formatted from NaN is a dash."""
    return DASH if text.strip() in ("nan", "nan%") else text


def is_numeric(text: str) -> bool:
    """Whether a cell holds a number, a percentage, an estimate or a dash: set flush right."""
    return bool(text) and all(
        character in "0123456789.,+-−–±[]%∞×e⁻⁰¹²³⁴⁵⁶⁷⁸⁹ \u00a0" for character in text
    )


def _with_unit(text: str, unit: str) -> str:
    return f"{text}{SPACE}{unit}" if unit and text != DASH else text


def _power(value: float) -> str:
    mantissa, exponent = f"{abs(value):.2e}".split("e")
    return _signed(f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}", value)


def _signed(text: str, value: float) -> str:
    return f"−{text}" if value < 0 else text
