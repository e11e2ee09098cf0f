"""A callback of the event loop that fails at every turn costs one log line a minute."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from probe.diagnostics import logging_setup
from probe.diagnostics.redact import Redactor
from probe.diagnostics.repeated_errors import MAX_SORTS, RepeatedErrors
from tests.clocks import Clock


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged."""
    stream = io.StringIO()
    logging_setup.configure(logging.INFO, "json", stream, Redactor(()))
    yield stream
    logging_setup.configure(logging.INFO, "json", io.StringIO(), Redactor(()))


def _fail(error: type[Exception]) -> None:
    raise error("again and again")


async def test_each_sort_of_error_of_the_loop_is_logged_once(written: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(500):
        loop.call_soon(_fail, OSError)
        loop.call_soon(_fail, KeyError)
    done = loop.create_future()
    loop.call_soon(done.set_result, None)
    await done
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["logger"] for line in lines] == ["asyncio", "asyncio"]
    assert "OSError: again and again" in lines[0]["exception"]
    assert "KeyError: 'again and again'" in lines[1]["exception"]


def _record(message: str, level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord("asyncio", level, "", 0, message, (), None)


def test_after_a_minute_it_says_how_many_were_left_out() -> None:
    clock = Clock()
    errors = RepeatedErrors(clock)
    assert [errors.filter(_record("callback failed")) for _ in range(4)] == [True] + 3 * [False]
    clock.pass_(60.0)
    again = _record("callback failed")
    assert errors.filter(again)
    assert again.getMessage() == "callback failed\n3 more of these were not logged"
    clock.pass_(60.0)
    last = _record("callback failed")
    assert errors.filter(last)
    assert last.getMessage() == "callback failed"


def test_warnings_and_errors_beyond_the_sorts_that_are_kept_apart_are_all_logged() -> None:
    errors = RepeatedErrors(Clock())
    assert all(errors.filter(_record("slow", logging.WARNING)) for _ in range(3))
    assert all(errors.filter(_record(f"{number} failed")) for number in range(MAX_SORTS + 5))
    assert all(errors.filter(_record(f"{MAX_SORTS} failed")) for _ in range(3))
