"""The Distinguished Encoding Rules of ASN.1 (X.690): tag, length, value.

Everything that does not keep to the rules is a ValueError. Time is linear in the size.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
_MAX_IDENTIFIER = 64


class Element(NamedTuple):
    """One element: its tag as one byte, and its value's bytes."""

    tag: int
    value: bytes

    def children(self) -> "ElementReader":
        """What a constructed element consists of."""
        return ElementReader(self.value)


class ElementReader:
    """Reads one element after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def next(self, *tags: int) -> Element:
        """The next element, which has one of these tags (any without). Raises ValueError."""
        tag, start, end = self._header()
        if tags and tag not in tags:
            raise ValueError(f"there is a {tag:#04x} where {tags[0]:#04x} was expected")
        self._at = end
        return Element(tag, self._data[start:end])

    def optional(self, *tags: int) -> Element | None:
        """The next element if it has one of these tags. Raises ValueError."""
        if self.at_end or self._data[self._at] not in tags:
            return None
        return self.next()

    def __iter__(self) -> Iterator[Element]:
        while not self.at_end:
            yield self.next()

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self._at == len(self._data)

    def finish(self) -> None:
        """Raises ValueError if there is more."""
        if not self.at_end:
            raise ValueError("bytes follow the last element")

    def _header(self) -> tuple[int, int, int]:
        """Tag, and where the value of the next element begins and ends."""
        data, at = self._data, self._at
        if len(data) - at < 2:
            raise ValueError("an element is cut off")
        tag, length, start = data[at], data[at + 1], at + 2
        if tag & 0x1F == 0x1F:
            raise ValueError("tags of several bytes are not used in certificates")
        if length & 0x80:
            size = length & 0x7F
            start += size
            length = int.from_bytes(data[start - size : start])
            if not 1 <= size <= 4 or length < 0x80 or length >> 8 * (size - 1) == 0:
                raise ValueError("a length is not in its shortest form")
        if start + length > len(data):
            raise ValueError("an element is cut off")
        return tag, start, start + length


def only_element(data: bytes, *tags: int) -> Element:
    """The one element that some bytes consist of. Raises ValueError."""
    reader = ElementReader(data)
    found = reader.next(*tags)
    reader.finish()
    return found


def integer(element: Element) -> int:
    """The number of an INTEGER. Raises ValueError."""
    value = element.value
    if not value or (len(value) > 1 and (value[0], value[1] >> 7) in ((0, 0), (0xFF, 1))):
        raise ValueError("an integer is not in its shortest form")
    return int.from_bytes(value, signed=True)


def bits(element: Element) -> bytes:
    """The bytes of a BIT STRING, the first bit the highest of the first byte. Raises ValueError."""
    unused, data = element.value[:1], element.value[1:]
    if not unused or unused[0] > (7 if data else 0):
        raise ValueError("a bit string has no valid number of unused bits")
    if data and data[-1] & (1 << unused[0]) - 1:
        raise ValueError("unused bits of a bit string are set")
    return data


def object_identifier(element: Element) -> str:
    """An OBJECT IDENTIFIER with dots. Raises ValueError."""
    if not 1 <= len(element.value) <= _MAX_IDENTIFIER or element.value[-1] & 0x80:
        raise ValueError("an object identifier is cut off, or longer than any that is registered")
    return _dotted(element.value)


@lru_cache(maxsize=256)
def _dotted(value: bytes) -> str:
    arcs, arc, start = [], 0, True
    for byte in value:
        if start and byte == 0x80:
            raise ValueError("an arc of an object identifier is not in its shortest form")
        arc, start = arc << 7 | byte & 0x7F, byte & 0x80 == 0
        if start:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def instant(element: Element) -> float:
    """A UTCTime or GeneralizedTime in seconds since 1970 (RFC 5280, 4.1.2.5). Raises ValueError."""
    text = element.value.decode("ascii")
    digits = text[:-1]
    if text[-1:] != "Z" or not digits.isdecimal():
        raise ValueError("a time is not in UTC")
    if element.tag == UTC_TIME:
        digits = ("19" if digits >= "5" else "20") + digits
    if len(digits) != 14:
        raise ValueError("a time has not all its digits")
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    year = int(digits[:4])
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
