"""Structured logs: JSON lines for machines, one line for people, no secrets in either.

``event(logger, level, message, **fields)`` writes a line with fields of its own.
"""

import json
import logging
import time
import traceback
from collections.abc import Mapping
from typing import Literal, TextIO

from probe.diagnostics.log_writer import LogWriter
from probe.diagnostics.redact import Redactor, text_of
from probe.diagnostics.repeated_errors import RepeatedErrors
from probe.report.text.sanitize import clean

# Level of libraries' loggers, whose details are too many.
_QUIET: Mapping[str, int] = {
    "aioice": logging.WARNING,
    "aiortc": logging.WARNING,
    "asyncio": logging.WARNING,
    "urllib3": logging.ERROR,  # Sentry's transport: "retrying after …"
    "aiohttp.access": logging.CRITICAL + 1,
}
_COLOURS: Mapping[str, str] = {
    "DEBUG": "2",
    "INFO": "32",
    "WARNING": "33",
    "ERROR": "31",
    "CRITICAL": "1;31",
}
_RESERVED = ("time", "level", "logger", "message", "exception", "stack")


def event(logger: logging.Logger, level: int, message: str, /, **fields: object) -> None:
    """Log a message and fields; ``message`` is taken literally, without ``%`` formats."""
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={"fields": fields}, stacklevel=2)


def configure(
    level: int,
    form: Literal["json", "console"],
    stream: TextIO,
    redactor: Redactor,
    *,
    colour: bool = False,
    background: bool = False,
) -> None:
    """Have everything from ``level`` on written to ``stream``, in place of what an earlier call set
    up. ``colour`` is for a console that shows it; ``background``: a thread writes, so that a stream
    that is not read delays nothing."""
    handler = _Background(stream) if background else _Handler(stream)
    handler.setFormatter(
        JsonFormatter(redactor) if form == "json" else ConsoleFormatter(redactor, colour=colour)
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, quiet in _QUIET.items():
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, quiet))
    loop = logging.getLogger("asyncio")
    for each in [each for each in loop.filters if isinstance(each, RepeatedErrors)]:
        loop.removeFilter(each)
    # A callback that fails at every turn of the loop would write gigabytes in an hour.
    loop.addFilter(RepeatedErrors())


class _Handler(logging.StreamHandler[TextIO]):
    """Lines for a closed stream are lost without an error."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return text.encode(encoding, "backslashreplace").decode(encoding)

    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore it: there is no other place to report it."""


class _Background(_Handler):
    """Leaves the writing to a thread."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.writer = LogWriter(stream, self._dropped)

    def emit(self, record: logging.LogRecord) -> None:
        """Put the line into the queue."""
        try:
            self.writer.write(self.format(record))
        except Exception:
            self.handleError(record)

    def _dropped(self, count: int) -> str:
        text = "%d log lines were dropped: they were not read in time"
        line = logging.LogRecord(__name__, logging.WARNING, "", 0, text, (count,), None)
        return self.format(line)


def dropped() -> int:
    """How many lines were dropped since the start."""
    return sum(each.writer.dropped for each in _backgrounds())


def flush(seconds: float) -> None:
    """Wait until what was logged is written, for so many seconds at most."""
    for each in _backgrounds():
        each.writer.flush(seconds)


def _backgrounds() -> list[_Background]:
    return [each for each in logging.getLogger().handlers if isinstance(each, _Background)]


class _Formatter(logging.Formatter):
    """Takes a record apart into texts and fields without secrets; never raises."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def _message(self, record: logging.LogRecord) -> str:
        try:
            message = record.getMessage()
        except Exception:  # arguments that don't fit, or can't be shown
            message = f"{text_of(record.msg)} {text_of(record.args)}"
        return self._redactor.clean(message)

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        fields = getattr(record, "fields", None)
        try:
            cleaned = self._redactor.clean_deep(fields)
        except Exception:  # a foreign container, or one that changes meanwhile
            cleaned = {"fields": f"<{type(fields).__name__}>"}
        return cleaned if isinstance(cleaned, dict) else {}

    def _trace(self, record: logging.LogRecord) -> str:
        # Not record.exc_text: another handler may have kept its own there.
        if not record.exc_info or record.exc_info[0] is None:
            return ""
        try:
            text = "".join(traceback.format_exception(*record.exc_info))
        except Exception:  # a foreign exception may break whoever shows it
            text = record.exc_info[0].__name__
        return self._redactor.clean(text).rstrip("\n")

    def _stack(self, record: logging.LogRecord) -> str:
        return self._redactor.clean(record.stack_info or "")


class JsonFormatter(_Formatter):
    """One line of ASCII for each record, strict JSON: ``time`` (UTC), ``level``, ``logger``,
    ``message``, the fields, and ``exception`` where there is one.

    A field that is called like one of these gets an underscore behind its name.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": _iso(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
        }
        for name, value in self._fields(record).items():
            line[f"{name}_" if name in _RESERVED else name] = value
        extra = {"exception": self._trace(record), "stack": self._stack(record)}
        return _strict(line | {name: text for name, text in extra.items() if text})


class ConsoleFormatter(_Formatter):
    """``03:12:45 WARNING the message  key=value`` in UTC, exceptions in lines below it."""

    def __init__(self, redactor: Redactor, *, colour: bool) -> None:
        super().__init__(redactor)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """The line and those that belong to it, without the last one's end."""
        clock = time.strftime("%H:%M:%S", time.gmtime(record.created))
        level = self._painted(f"{record.levelname:<7}", _COLOURS.get(record.levelname, ""))
        line = f"{self._painted(clock, '2')} {level} {clean(self._message(record))}"
        shown = " ".join(
            f"{clean(name)}={_shown(value)}"
            for name, value in self._fields(record).items()
            if value is not None
        )
        if shown:
            line += "  " + self._painted(shown, "2")
        below = f"{self._trace(record)}\n{self._stack(record)}".strip("\n")
        return "\n".join([line, *(_indented(each) for each in below.split("\n") if each)])

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text


def _iso(seconds: float) -> str:
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{milliseconds:03}Z"


def _strict(line: Mapping[str, object]) -> str:
    try:
        text = json.dumps(line, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # what the above has not thought of
        text = json.dumps({name: text_of(value) for name, value in line.items()})
    # Strict readers refuse half a surrogate pair, which a name from a target may hold.
    return text if "\\ud" not in text else _without_surrogates(text)


def _without_surrogates(text: str) -> str:
    def well_formed(value: object) -> object:
        if isinstance(value, str):
            halves = value.encode("utf-16", "surrogatepass")
            return halves.decode("utf-16", "replace")
        if isinstance(value, dict):
            return {well_formed(name): well_formed(each) for name, each in value.items()}
        return [well_formed(each) for each in value] if isinstance(value, list) else value

    return json.dumps(well_formed(json.loads(text)))


def _shown(value: object) -> str:
    if isinstance(value, str) and value and not any(each in value for each in " \t\n\"'="):
        return clean(value)
    return clean(json.dumps(value, ensure_ascii=False, default=text_of))


def _indented(line: str) -> str:
    # The indentation of a traceback's line is kept, what else moves the cursor is not.
    return "  " + " " * (len(line) - len(line.lstrip(" "))) + clean(line.lstrip(" "))
