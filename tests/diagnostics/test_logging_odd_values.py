"""Whatever somebody logs, a line of it is written."""

import json
import logging
import unicodedata
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.diagnostics.logging_setup import ConsoleFormatter, JsonFormatter, event
from probe.diagnostics.redact import Redactor
from tests.diagnostics.test_logging_setup import configured, line_of, logging_apart

logger = logging.getLogger("probe.test_logs_odd")


@pytest.fixture(autouse=True)
def _logging_apart() -> Iterator[None]:
    with logging_apart():
        yield


class _Broken:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class _Colour(Enum):
    RED = 1


_LOOP: list[object] = []
_LOOP.append(_LOOP)

ODD: dict[str, object] = {
    "broken": _Broken(),
    "nan": float("nan"),
    "infinity": [float("-inf")],
    "bytes": b"\xff",
    "enum": _Colour.RED,
    "loop": _LOOP,
    "surrogate": "a\ud800b",
    "huge": 10**5000,
    "keys": {(1, 2): "x", None: "y", 3: "z"},
    "set": {1},
    "class": _Broken,
    "lines": "a\nb\r\u2028c\x1b[31m\x00",
}


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_odd_fields_are_written_somehow(odd: object, form: Literal["json", "console"]) -> None:
    stream = configured(form)
    event(logger, logging.INFO, "x", odd=odd)
    assert stream.getvalue().count("\n") == 1
    assert "odd" in stream.getvalue()
    if form == "json":
        assert line_of(stream)["message"] == "x"
        assert "\\ud800" not in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    ("message", "args"),
    [("%d", ("x",)), ("%s %s", (1,)), ("%s", (_Broken(),)), (_Broken(), ()), ({"a": 1}, ())],
)
def test_a_message_that_can_not_be_made_is_written_somehow(
    message: Any, args: tuple[object, ...], form: Literal["json", "console"]
) -> None:
    stream = configured(form)
    logger.info(message, *args)
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("fields", [["a"], "a", None, 3])
def test_fields_that_are_none_are_left_out(fields: object) -> None:
    stream = configured()
    logger.info("x", extra={"fields": fields})
    assert set(line_of(stream)) == {"time", "level", "logger", "message"}


_values = st.recursive(st.none() | st.text() | st.floats(), st.lists, max_leaves=4)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), _values, max_size=4))
def test_whatever_the_fields_a_line_is_strict_json(fields: dict[str, object]) -> None:
    record = logging.LogRecord("probe", logging.INFO, "", 0, "x", None, None)
    record.fields = fields
    text = JsonFormatter(Redactor()).format(record)
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text)["message"] == "x"
    shown = ConsoleFormatter(Redactor(), colour=False).format(record)
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
