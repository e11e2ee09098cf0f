"""The dates of cookies, as loosely as browsers read them (RFC 6265, 5.1.1)."""

import re
import time
from calendar import timegm

from msgspec import Struct

_DELIMITERS = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D.*)?")
_DAY, _YEAR = re.compile(r"(\d{1,2})(?:\D.*)?"), re.compile(r"(\d{2,4})(?:\D.*)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST = 100


class CookieDate(Struct, frozen=True):
    """Seconds since 1970."""

    seconds: int

    def is_past(self) -> bool:
        """Whether this machine's clock is there already."""
        return self.seconds <= time.time()


def parse_date(text: str) -> CookieDate | None:
    """The date; None for what is none, which browsers take for no date at all."""
    clock: tuple[int, int, int] | None = None
    day = month = year = -1
    for token in _DELIMITERS.split(text[:_LONGEST]):
        if clock is None and (found := _TIME.fullmatch(token)):
            clock = (int(found[1]), int(found[2]), int(found[3]))
        elif day < 0 and (found := _DAY.fullmatch(token)):
            day = int(found[1])
        elif month < 0 and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year < 0 and (found := _YEAR.fullmatch(token)):
            year = _full(int(found[1]))
    if clock is None or month < 0 or not 1 <= day <= 31 or year < 1601:
        return None
    hour, minute, second = clock
    if hour > 23 or minute > 59 or second > 59:
        return None
    return CookieDate(timegm((year, month, day, hour, minute, second)))


def _full(year: int) -> int:
    """Two digits are of this century, or of the last from 70 on."""
    if 70 <= year <= 99:
        return 1900 + year
    return 2000 + year if year < 70 else year
