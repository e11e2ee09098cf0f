"""What a server sends is read as a page's script reads it."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.untrusted import javascript_json
from probe.untrusted.javascript_json import TooManyValues, parse_as_javascript
from probe.untrusted.javascript_number import (
    javascript_number,
    javascript_sum,
    timer_milliseconds,
)
from probe.untrusted.json_document import MAX_DEPTH, InvalidDocument

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a":1,"a":2}', {"a": 2}),
        ('[{"a":1,"b":3,"a":{}}]', [{"a": {}, "b": 3}]),
        ("1" * 40, float("1" * 40)),
        ('"' + "a" * 70_000 + '"', "a" * 70_000),
        ("[-1e999,0.5]", [-1.7976931348623157e308, 0.5]),
        (" \t\r\n[1] ", [1]),
    ],
)
def test_what_json_parse_takes_is_taken(text: str, found: Any) -> None:
    assert parse_as_javascript(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "[1,]",
        "{'a':1}",
        "[01]",
        "[+1]",
        "[.5]",
        "[1.]",
        '["\t"]',
        '["\\x41"]',
        "\ufeff1",
    ],
)
def test_where_json_parse_throws_it_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument):
        parse_as_javascript(text)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 10, 800, 5000, 20_000])
def test_any_depth_is_read_and_pruned(depth: int) -> None:
    found = parse_as_javascript('{"x":' + "[" * depth + "]" * depth + ',"y":1}')
    assert found["y"] == 1
    levels, inner = 0, found["x"]
    while inner:
        levels, inner = levels + 1, inner[0]
    assert levels < MAX_DEPTH + 2


@pytest.mark.parametrize("end", ["", "}", "]]", ",]", "]x"])
def test_a_deep_document_that_is_wrong_is_refused(end: str) -> None:
    with pytest.raises(InvalidDocument):
        parse_as_javascript("[" * 5000 + "]" * 4999 + end if end != "]x" else "[" * 5000 + "]x")


def test_more_values_than_are_read_are_told_apart() -> None:
    with pytest.raises(TooManyValues):
        parse_as_javascript("[" + "1," * 250_000 + "1]")


@given(VALUES, st.booleans())
def test_the_deep_reader_reads_what_the_other_reads(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert javascript_json.DeepReader(text).document() == value


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 0), (" ", 0), ("1e1", 10), ("0x10", 16), (" 01 ", 1), ("\u00a05", 5), (".5", 0.5)],
)
def test_a_text_is_a_number_as_in_javascript(text: str, number: float) -> None:
    assert javascript_number(text) == number


@pytest.mark.parametrize("text", ["x", "1x", "--1", "1_0", "\u0665", "[1]", "inf", "nan"])
def test_other_texts_are_no_number(text: str) -> None:
    assert math.isnan(javascript_number(text))


@pytest.mark.parametrize(
    ("first", "second", "milliseconds"),
    [
        (25_000, 20_000, 45_000),
        (None, 20_000, 20_000),
        (True, 20_000, 20_001),
        ("", 20_000, 20_000),
        ([], 20_000, 20_000),
        ({}, 20_000, 0),
        ("25000", 20_000, 2_500_020_000 - 2**32),
        (2**31, 0, -(2**31)),
        (1e10, 20_000, 1_410_085_408),
        (1e300, 0, 0),
        (1e308 * 10, 0, 0),
        (-25_000, 20_000, -5000),
    ],
)
def test_a_timer_waits_as_long_as_a_browsers(
    first: object, second: object, milliseconds: int
) -> None:
    assert timer_milliseconds(javascript_sum(first, second)) == milliseconds
