"""The one reader of JSON that a target, an API or a peer has sent.

Bounded before and after: bytes, number of values, depth, digits, length of strings; NaN and
infinity (RFC 8259 knows neither) and duplicate keys are refused. What it returns holds only
dict, list, str, bool, None, and numbers that fit a float, so that arithmetic on them can't
overflow. Its time grows with the length of the document alone.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from probe.untrusted.daemon_thread import in_daemon_thread
from probe.untrusted.text import excerpt

MAX_BYTES = 4 << 20
MAX_DEPTH = 64
MAX_DIGITS = 32
MAX_STRING = 1 << 16
# With a fraction and an exponent.
_FLOAT_DIGITS = 2 * MAX_DIGITS
# 200,000 values take a tenth of a second.
MAX_VALUES = 200_000
# What takes a millisecond at most is read at once; more is read outside the event loop.
_SMALL = 1 << 14
_MAX_PLACE = 5


class InvalidDocument(ValueError):
    """What was sent is no JSON, or not within the bounds; the message says what and where."""


class _BadNumber:
    """Placeholder for a number that is too long or too large, until its place is known."""

    __slots__ = ("problem",)

    def __init__(self, text: str, limit: int) -> None:
        long = f"a number of {len(text)} digits"
        self.problem = long if len(text) > limit else "a number beyond what a double can hold"


class _Duplicate:
    """Placeholder for an object with the same key twice."""

    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key


def parse_json(body: bytes | str, *, max_bytes: int = MAX_BYTES) -> Any:
    """The document. Raises InvalidDocument, and nothing else, whatever was sent."""
    if len(body) > max_bytes:
        raise InvalidDocument(f"longer than {max_bytes} bytes")
    text = _decoded(body)
    if sum(text.count(each) for each in ",[{") > MAX_VALUES:
        raise InvalidDocument(f"more than {MAX_VALUES} values")
    try:
        document = json.loads(
            text,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise InvalidDocument(f"nested deeper than {MAX_DEPTH} levels") from None
    except InvalidDocument:
        raise
    except json.JSONDecodeError as error:
        raise InvalidDocument(syntax_error(text, error)) from None
    except ValueError:
        raise InvalidDocument("no JSON") from None
    _check(document)
    return document


async def read_json(body: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """The same outside the event loop, where the document is large."""
    if len(body) <= _SMALL:
        return parse_json(body, max_bytes=max_bytes)
    return await in_daemon_thread(lambda: parse_json(body, max_bytes=max_bytes), name="json")


def syntax_error(text: str, error: json.JSONDecodeError) -> str:
    """What stands there instead of JSON, or where it breaks off; nothing of the text itself."""
    if not text.strip():
        return "it is empty"
    if text.lstrip().startswith("<"):
        return "it is HTML or XML"
    if error.pos >= len(text.rstrip()):
        return "it ends too early"
    return f"syntax error in line {error.lineno}, column {error.colno}"


def _decoded(body: bytes | str) -> str:
    if isinstance(body, str):
        return body
    try:
        # RFC 8259, 8.1: UTF-8 and nothing else; a byte order mark may be ignored.
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidDocument("no UTF-8") from None


def _integer(text: str) -> object:
    return int(text) if len(text) <= MAX_DIGITS else _BadNumber(text, MAX_DIGITS)


def _float(text: str) -> object:
    value = float(text) if len(text) <= _FLOAT_DIGITS else math.inf
    return value if math.isfinite(value) else _BadNumber(text, _FLOAT_DIGITS)


def _constant(text: str) -> NoReturn:
    raise InvalidDocument(f"{text} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> object:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Duplicate(key)
        seen.add(key)
    return found


def _check(document: object) -> None:
    """Walk without recursion; the place of what is wrong is named."""
    waiting: list[tuple[object, _Place]] = [(document, _Place("", None, 0))]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, str):
            if len(value) > MAX_STRING:
                raise InvalidDocument(f"{place}: a string of {len(value)} characters")
        elif isinstance(value, _BadNumber):
            raise InvalidDocument(f"{place}: {value.problem}")
        elif isinstance(value, _Duplicate):
            raise InvalidDocument(f"{place}: the key {excerpt(value.key)} twice")
        elif isinstance(value, dict | list):
            if place.depth >= MAX_DEPTH:
                raise InvalidDocument(f"nested deeper than {MAX_DEPTH} levels")
            waiting.extend(_children(value, place))


class _Place:
    """Where a value is: its key and what that is in."""

    __slots__ = ("above", "depth", "key")

    def __init__(self, key: str | int, above: "_Place | None", depth: int) -> None:
        self.key, self.above, self.depth = key, above, depth

    def __str__(self) -> str:
        keys: list[str] = []
        place: _Place | None = self
        while place is not None and place.above is not None:
            keys.append(excerpt(str(place.key)))
            place = place.above
        return ".".join(keys[::-1][:_MAX_PLACE]) or "the document"


def _children(
    value: dict[str, object] | list[object], place: _Place
) -> Iterator[tuple[object, _Place]]:
    depth = place.depth + 1
    if isinstance(value, list):
        for index, each in enumerate(value):
            if isinstance(each, str | dict | list | _BadNumber | _Duplicate):
                yield each, _Place(index, place, depth)
        return
    for key, each in value.items():
        if len(key) > MAX_STRING:
            raise InvalidDocument(f"{place}: a key of {len(key)} characters")
        if isinstance(each, str | dict | list | _BadNumber | _Duplicate):
            yield each, _Place(key, place, depth)
