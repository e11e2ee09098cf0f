"""Numbers as JavaScript makes them of text and of other values (ECMA-262, 7.1)."""

import math
import re

from probe.untrusted.javascript_text import javascript_text

BLANKS = (
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""White space (11.2) and line terminators (11.3), which are 0 as a number."""
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_OTHER = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_LONGEST = 4000


def javascript_number(text: str) -> float:
    """``Number(text)``: NaN for what is none."""
    digits = text.strip(BLANKS)[:_LONGEST]
    if not digits:
        return 0.0
    if _OTHER.fullmatch(digits):
        return float(int(digits, 0)) if len(digits) < _DIGITS_OF_A_DOUBLE else math.inf
    return float(digits) if _DECIMAL.fullmatch(digits) else math.nan


_DIGITS_OF_A_DOUBLE = 256


def javascript_sum(first: object, second: object) -> float:
    """``first + second`` as a number: where one of the two is no number they are put one behind
    the other, as text."""
    if any(isinstance(each, str | list | dict) for each in (first, second)):
        return javascript_number(javascript_text(first) + javascript_text(second))
    return _primitive(first) + _primitive(second)


def timer_milliseconds(delay: float) -> int:
    """How long ``setTimeout`` waits (Web IDL, 3.2.4.5): modulo 2^32, with a sign."""
    if not math.isfinite(delay):
        return 0
    wrapped = int(delay) % 2**32
    return wrapped - 2**32 if wrapped >= 2**31 else wrapped


def _primitive(value: object) -> float:
    return float(value) if isinstance(value, bool | int | float) else 0.0  # null
