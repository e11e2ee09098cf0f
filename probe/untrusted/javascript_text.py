"""Text as JavaScript makes it of what JSON holds (ECMA-262, 7.1.17): as Web IDL does, where a page
hands a value to what takes a string."""

import math
from decimal import Decimal

_MOST_ITEMS = 64
"""Of an array: more make no text that anything here is compared with."""
_MOST_DIGITS, _MOST_ZEROS = 21, 6


def javascript_text(value: object) -> str:
    """``String(value)`` of a value that JSON can hold."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, list):
        return ",".join("" if each is None else javascript_text(each) for each in _first(value))
    return "null" if value is None else "[object Object]"


def _first(values: list[object]) -> list[object]:
    return values[:_MOST_ITEMS]


def _number_text(value: float) -> str:
    """Number::toString (ECMA-262, 6.1.6.1.20): the shortest digits that are this double."""
    try:
        number = float(value)
    except OverflowError:
        number = math.copysign(math.inf, value)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    _, parts, exponent = Decimal(repr(abs(number))).normalize().as_tuple()
    digits = "".join(map(str, parts))
    return sign + _placed(digits, len(digits) + int(exponent))


def _placed(digits: str, point: int) -> str:
    """The decimal point behind the ``point``-th of the digits, or an exponent."""
    if len(digits) <= point <= _MOST_DIGITS:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _MOST_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if -_MOST_ZEROS < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"
