"""The text that an application exposes at ``/metrics``: Prometheus' text format 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

prometheus_client's parser takes a time that grows with the square of a line's length (107 s
for one line of 4 MB) and raises IndexError for some comments; this one reads every line once,
outside the event loop, and stops when its check has been cut off. What both accept they read
alike: ``tests/telemetry/test_exposition.py`` compares them.
"""

import math
import re
import threading
from collections.abc import Iterable, Mapping

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.telemetry.counters import Labels, Series, Values
from probe.untrusted.daemon_thread import in_daemon_thread
from probe.untrusted.text import MAX_LABEL

MAX_SERIES = 20_000
MAX_LINES = 100_000
MAX_LINE = 16 << 10
MAX_LABELS = 64
_MAX_NUMBER = 64

# Quantifiers are possessive: no character is looked at twice.
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*+")
_LABEL = re.compile(
    r'[ \t]*+([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]|\\.)*+)"[ \t]*+(,?)'
)
_NAMED_COMMENT = re.compile(r"#[ \t]*+(?:HELP|TYPE)[ \t]++([^ \t]++)")
_BLANKS = re.compile(r"[ \t]*+")
_ESCAPED = re.compile(r"\\([\\n\"])")
_PLAIN = {"\\": "\\", "n": "\n", '"': '"'}
_NUMBER = re.compile(
    r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?|[+-]?[Ii]nf(?:inity)?|[+-]?[Nn]a[Nn]",
    re.ASCII,
)


class Exposition:
    """One scrape: the samples of the families that were wanted."""

    def __init__(self, values: Values) -> None:
        self.values = values

    def sum(self, name: str) -> float | None:
        """The sum of all series of a name; None where there are none: no data is not 0."""
        found = [value for (series, _), value in self.values.items() if series == name]
        return sum(found) if found else None

    def only(self, *names: str) -> dict[Series, float]:
        """The samples of these names."""
        return {series: value for series, value in self.values.items() if series[0] in names}


class InvalidExposition(ValueError):
    """Not Prometheus' text, or not within the bounds; the message says what and where."""


async def parse(body: bytes, name: str, prefixes: Iterable[str]) -> Exposition:
    """Read a scrape. Samples whose names begin with a prefix are kept, finite numbers only.

    Raises NotMeasured(body_invalid) that names the instrument.
    """
    wanted, stop = tuple(prefixes), threading.Event()
    try:
        return Exposition(
            await in_daemon_thread(lambda: read_exposition(body, wanted, stop), name="exposition")
        )
    except InvalidExposition as error:
        message = f"{name} answers in another form than Prometheus' text: {error}"
        raise NotMeasured(Cause.BODY_INVALID, message) from None
    finally:
        stop.set()


def read_exposition(
    body: bytes, prefixes: tuple[str, ...], stop: threading.Event | None = None
) -> Mapping[Series, float]:
    """The samples of a scrape; nothing more is read once ``stop`` is set.

    Raises InvalidExposition, and nothing else, whatever the body is.
    """
    lines = body.split(b"\n", MAX_LINES)
    if len(lines) > MAX_LINES:
        raise InvalidExposition(f"more than {MAX_LINES} lines")
    found: dict[Series, float] = {}
    for number, line in enumerate(lines, 1):
        if stop is not None and stop.is_set():
            return found
        if len(line) > MAX_LINE:
            raise InvalidExposition(f"line {number} has {len(line)} bytes")
        try:
            sample = _sample(line.decode("utf-8").strip(" \t\r"), prefixes)
        except ValueError:  # UnicodeDecodeError is one
            raise InvalidExposition(f"line {number}") from None
        if sample is not None and math.isfinite(sample[1]):
            found[sample[0]] = sample[1]
            if len(found) > MAX_SERIES:
                raise InvalidExposition(f"more than {MAX_SERIES} series")
    return found


def _sample(line: str, prefixes: tuple[str, ...]) -> tuple[Series, float] | None:
    """One line's sample; None for a comment, a blank line, a name that is not wanted."""
    if not line:
        return None
    if line.startswith("#"):
        _check_comment(line)
        return None
    name = _NAME.match(line)
    if name is None:
        raise ValueError("no name")
    at = _end_of_blanks(line, name.end())
    labels: Labels = ()
    if line.startswith("{", at):
        labels, at = _labels(line, at + 1)
    # A value, and when it was measured, in milliseconds.
    numbers = line[at:].split()
    if not 1 <= len(numbers) <= 2 or not all(map(_is_number, numbers)):
        raise ValueError("no value")
    if not name.group().startswith(prefixes):
        return None
    return (name.group(), labels), float(numbers[0])


def _check_comment(line: str) -> None:
    """HELP and TYPE begin with the name of a metric; any other comment is free."""
    named = _NAMED_COMMENT.match(line)
    if named is not None and not _NAME.fullmatch(named[1]):
        raise ValueError("no name")


def _labels(line: str, at: int) -> tuple[Labels, int]:
    found: dict[str, str] = {}
    while not line.startswith("}", at := _end_of_blanks(line, at)):
        label = _LABEL.match(line, at)
        if label is None or label[1] in found or len(found) >= MAX_LABELS:
            raise ValueError("no label, one twice, or too many")
        found[label[1]] = _ESCAPED.sub(lambda escape: _PLAIN[escape[1]], label[2])[:MAX_LABEL]
        at = label.end()
        if not label[3] and not line.startswith("}", at):
            raise ValueError("no comma")
    return tuple(sorted(found.items())), at + 1


def _end_of_blanks(line: str, at: int) -> int:
    blanks = _BLANKS.match(line, at)
    return blanks.end() if blanks else at


def _is_number(text: str) -> bool:
    return len(text) <= _MAX_NUMBER and _NUMBER.fullmatch(text) is not None
