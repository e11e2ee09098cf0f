"""JSON as a page's ``JSON.parse`` reads it (ECMA-262, 25.5.1), within bounds.

Where ``json_document`` refuses what no careful program sends, this one reads on as a browser does:
of equal keys the last counts, and a number may be as long, a string as large and a document as deep
as it likes. What is returned is bounded all the same: a number beyond a double is the largest
double, and what lies deeper than ``MAX_DEPTH`` is None.
"""

import json
import math
import re
import sys
from typing import Any

from probe.untrusted.json_document import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_VALUES,
    InvalidDocument,
    parse_json,
    syntax_error,
)

MAX_DEEP = 1 << 17
"""Characters of a document that is nested too deep for the standard library's reader."""
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_SCALAR = rf"{_STRING}|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null"
_TOKEN = re.compile(rf"[ \t\n\r]*(?:([\[\]{{}}:,])|({_SCALAR}))")
_ENDS = {"[": "]", "{": "}"}


class TooManyValues(InvalidDocument):
    """Valid or not: it has more values than are read."""


def parse_as_javascript(text: str) -> Any:
    """The document. Raises InvalidDocument where ``JSON.parse`` throws, TooManyValues, and nothing
    else."""
    if sum(text.count(each) for each in ",[{") > MAX_VALUES:
        raise TooManyValues(f"more than {MAX_VALUES} values")
    try:
        return parse_json(text, max_bytes=len(text))
    except InvalidDocument:
        pass
    try:
        document = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
    except RecursionError:
        return DeepReader(text).document()
    except json.JSONDecodeError as error:
        raise InvalidDocument(syntax_error(text, error)) from None
    except ValueError:
        raise InvalidDocument("no JSON") from None
    _prune(document)
    return document


def parse_response(body: bytes) -> Any:
    """What ``Response.json()`` makes of a body: UTF-8 whatever its charset, U+FFFD for each wrong
    byte, without a byte order mark (Fetch standard, "json"). Raises like parse_as_javascript."""
    return parse_as_javascript(body.decode("utf-8", "replace").removeprefix("\ufeff"))


def _number(text: str) -> int | float:
    if len(text) <= MAX_DIGITS and text.lstrip("-").isdigit():
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else math.copysign(sys.float_info.max, value)


def _refuse(text: str) -> None:
    raise InvalidDocument(f"{text} is not JSON")


def _prune(document: object) -> None:
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if not isinstance(value, dict | list):
            continue
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
        for key, each in pairs:
            if not isinstance(each, dict | list):
                continue
            if depth + 1 < MAX_DEPTH:
                waiting.append((each, depth + 1))
            else:
                value[key] = None


class DeepReader:
    """Reads without recursion, by RFC 8259's grammar."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_DEEP:
            raise TooManyValues("a long document, nested deep")
        self._text = text
        self._root: list[Any] = []
        self._stack: list[Any] = [self._root]
        self._keys: list[str] = []

    def document(self) -> Any:
        """What it says. Raises InvalidDocument."""
        at, state = 0, "value"
        while state != "end":
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise InvalidDocument("no JSON")
            at, state = match.end(), self._next(state, match[1] or "", match[2] or "")
        if self._text[at:].strip(" \t\n\r"):
            raise InvalidDocument("no JSON")
        return self._root[0]

    def _next(self, state: str, mark: str, scalar: str) -> str:
        """The state behind one token."""
        if state in ("value", "first value") and mark in _ENDS and mark:
            self._open([] if mark == "[" else {})
            return "first value" if mark == "[" else "first key"
        if state in ("value", "first value") and scalar:
            self._put(json.loads(scalar, parse_int=_number, parse_float=_number))
            return self._behind()
        if state in ("key", "first key") and scalar.startswith('"'):
            self._keys.append(json.loads(scalar))
            return "colon"
        if state == "colon" and mark == ":":
            return "value"
        if state == "comma" and mark == ",":
            return "value" if isinstance(self._stack[-1], list) else "key"
        if state in ("comma", "first value", "first key") and len(self._stack) > 1:
            end = "]" if isinstance(self._stack[-1], list) else "}"
            if mark == end:
                self._stack.pop()
                return self._behind()
        raise InvalidDocument("no JSON")

    def _behind(self) -> str:
        return "comma" if len(self._stack) > 1 else "end"

    def _open(self, container: object) -> None:
        self._put(container if len(self._stack) <= MAX_DEPTH else None)
        self._stack.append(container)

    def _put(self, value: object) -> None:
        container = self._stack[-1]
        if isinstance(container, list):
            container.append(value)
        else:
            container[self._keys.pop()] = value
