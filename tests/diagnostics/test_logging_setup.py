"""Log lines: whole, on one line, without secrets, and never a reason to fail."""

import io
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from probe.diagnostics import logging_setup
from probe.diagnostics.logging_setup import ConsoleFormatter, JsonFormatter, event
from probe.diagnostics.redact import MASK, Redactor
from tests.diagnostics.test_redact import CARRIERS, SECRETS, forms

logger = logging.getLogger("probe.test_logs")


@contextmanager
def logging_apart() -> Iterator[None]:
    """Afterwards loggers are as they were."""
    names = ("aioice", "aiortc", "asyncio", "urllib3", "aiohttp.access")
    before = {name: logging.getLogger(name).level for name in (*names, None)}
    yield
    alone()
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(autouse=True)
def _logging_apart() -> Iterator[None]:
    with logging_apart():
        yield


def configured(
    form: Literal["json", "console"] = "json", level: int = logging.INFO, **options: bool
) -> io.StringIO:
    """A stream that the log is written to."""
    stream = io.StringIO()
    alone()
    logging_setup.configure(level, form, stream, Redactor(SECRETS.values()), **options)
    return stream


def alone() -> None:
    """Without pytest's handlers, which refuse a message that can't be made."""
    for handler in list(logging.getLogger().handlers):
        logging.getLogger().removeHandler(handler)


def line_of(stream: io.StringIO) -> dict[str, Any]:
    """The only line, read strictly."""
    text = stream.getvalue()
    assert text.isascii()
    assert text.count("\n") == 1
    assert text.endswith("\n")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_a_line_has_time_level_logger_message_and_fields() -> None:
    stream = configured()
    event(logger, logging.WARNING, "100 % of\nthem", check="health", seconds=0.5, was=None)
    line = line_of(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "warning",
        "logger": "probe.test_logs",
        "message": "100 % of\nthem",
        "check": "health",
        "seconds": 0.5,
        "was": None,
    }


def test_the_time_is_utc_to_the_millisecond() -> None:
    record = logging.LogRecord("probe", logging.INFO, "", 0, "x", None, None)
    record.created = 1767225600.1239
    assert json.loads(JsonFormatter(Redactor()).format(record))["time"] == (
        "2026-01-01T00:00:00.123Z"
    )
    shown = ConsoleFormatter(Redactor(), colour=False).format(record)
    assert shown == "00:00:00 INFO    x"


def test_a_field_does_not_hide_what_every_line_has() -> None:
    stream = configured()
    event(logger, logging.INFO, "real", message="other", time=1, level="high", logger="mine")
    line = line_of(stream)
    assert (line["message"], line["level"], line["logger"]) == ("real", "info", logger.name)
    assert (line["message_"], line["time_"], line["level_"]) == ("other", 1, "high")


def test_below_the_level_nothing_is_written() -> None:
    stream = configured(level=logging.WARNING)
    event(logger, logging.INFO, "x")
    logging.getLogger("elsewhere").info("x")
    assert stream.getvalue() == ""


def test_configuring_again_replaces_what_was_there() -> None:
    first, second = configured(), io.StringIO()
    logging_setup.configure(logging.DEBUG, "console", second, Redactor())
    logger.debug("x")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1


def test_libraries_log_from_warnings_up() -> None:
    stream = configured(level=logging.DEBUG)
    for name in ("aioice.ice", "aiortc.rtcsctptransport", "asyncio"):
        logging.getLogger(name).info("details")
    logging.getLogger("aiohttp.access").error("GET /")
    assert stream.getvalue() == ""
    logging.getLogger("aioice.ice").warning("look")
    assert line_of(stream)["message"] == "look"


def _fail_with(secret: str) -> None:
    try:
        try:
            raise ValueError(f"inner {secret}")
        except ValueError as error:
            error.add_note(f"noted {secret}")
            raise ExceptionGroup(
                f"group {secret}", [KeyError(secret), OSError(1, secret)]
            ) from error
    except ExceptionGroup:
        raise RuntimeError(f"outer {secret}") from None


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_no_secret_is_in_any_line(secret: str, form: Literal["json", "console"]) -> None:
    stream = configured(form)
    for carried in (carry(secret) for carry in CARRIERS.values()):
        logger.warning(carried)
        logger.warning("failed: %s and %r", carried, carried)
        logger.warning("failed: %(a)s", {"a": carried})
        event(
            logger, logging.WARNING, carried, a=carried, b={"c": [carried]}, d=ValueError(carried)
        )
        event(logger, logging.WARNING, "x", **{secret: 1})
        try:
            _fail_with(carried)
        except RuntimeError:
            logger.exception("broken: %s", carried, stack_info=True)
    written = stream.getvalue()
    assert MASK in written
    assert "RuntimeError: outer" in written
    for form_of_it in forms(secret):
        assert form_of_it not in written
    if form == "json":
        flat = str([json.loads(line) for line in written.splitlines()])
        assert secret not in flat


def test_what_another_handler_has_cached_is_not_used() -> None:
    stream = configured()
    record = logging.LogRecord("probe", logging.ERROR, "", 0, "x", None, None)
    record.exc_text = SECRETS["jwt_secret"]
    logging.getLogger().handle(record)
    assert "exception" not in line_of(stream)


def test_an_exception_is_shown_with_its_causes() -> None:
    stream = configured()
    try:
        try:
            raise ValueError("first")
        except ValueError as error:
            raise RuntimeError("second") from error
    except RuntimeError:
        logger.exception("broken")
    text = line_of(stream)["exception"]
    assert text.startswith("Traceback")
    assert "ValueError: first" in text
    assert text.endswith("RuntimeError: second")


def test_on_a_console_fields_follow_the_message() -> None:
    stream = configured("console")
    event(logger, logging.WARNING, "health is failing", cause="x", hint="a b", n=[1], none=None)
    assert re.fullmatch(
        r'\d\d:\d\d:\d\d WARNING health is failing  cause=x hint="a b" n=\[1\]\n', stream.getvalue()
    )


def test_an_exception_stands_below_its_line() -> None:
    stream = configured("console")
    try:
        raise ValueError("wrong\x1b[2J")
    except ValueError:
        logger.exception("broken")
    first, *below = stream.getvalue().splitlines()
    assert first.endswith("ERROR   broken")
    assert below[0] == "  Traceback (most recent call last):"
    assert below[1].startswith("    File ")
    assert below[-1] == r"  ValueError: wrong\x1b[2J"


def test_nothing_moves_the_cursor_of_a_console() -> None:
    stream = configured("console")
    event(logger, logging.INFO, "a\x1b[2J\nb\u202e", **{"key\x1b": "v\x07", "other": ["\x1b"]})
    assert stream.getvalue().removesuffix("\n").isprintable()


def test_colours_are_for_terminals_that_show_them() -> None:
    plain, coloured = configured("console"), None
    logger.error("x")
    assert "\x1b" not in plain.getvalue()
    coloured = configured("console", colour=True)
    event(logger, logging.ERROR, "x", a=1)
    assert "\x1b[31mERROR  \x1b[0m x  \x1b[2ma=1\x1b[0m" in coloured.getvalue()


def test_a_stream_that_has_gone_is_no_reason_to_fail(
    capfd: pytest.CaptureFixture[str],
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = open(writer, "w", buffering=1)  # noqa: SIM115
    alone()
    logging_setup.configure(logging.INFO, "json", stream, Redactor())
    logger.error("x")
    logger.error("%d", "x")
    with pytest.raises(BrokenPipeError):
        stream.close()
    logger.error("x")
    assert capfd.readouterr() == ("", "")


def test_a_stream_that_knows_ascii_only_gets_every_line() -> None:
    buffer = io.BytesIO()
    alone()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    logging_setup.configure(logging.INFO, "console", stream, Redactor())
    logger.info("größer")
    assert buffer.getvalue().endswith(b"gr\\xf6\\xdfer\n")
