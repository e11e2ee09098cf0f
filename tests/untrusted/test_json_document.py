"""JSON from outside is read within bounds, or refused with the place of what is wrong."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.untrusted.json_document import (
    MAX_DEPTH,
    MAX_STRING,
    InvalidDocument,
    parse_json,
    read_json,
)

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(_VALUES)
def test_what_is_within_the_bounds_is_read_as_json_reads_it(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"uptime": 1%s}' % (b"0" * 400), "uptime: a number of 401 digits"),
        (b'{"a": [0, {"b": 1e999}]}', "a.1.b: a number beyond what a double can hold"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "a: the key b twice"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[" * 60_000 + b"]" * 60_000, "nested deeper than 64 levels"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested deeper than 64 levels"),
        (b'{"a": "%s"}' % (b"x" * (MAX_STRING + 1)), "a: a string of 65537 characters"),
        (b'{"%s": 1}' % (b"x" * (MAX_STRING + 1)), "the document: a key of 65537 characters"),
        (b'{"a": ', "it ends too early"),
        (b'{"a": [1, 2]', "it ends too early"),
        (b" \n", "it is empty"),
        (b"\n<!DOCTYPE html><p>hi", "it is HTML or XML"),
        (b'{"a": 1,\n "b": no}', "syntax error in line 2, column 7"),
        (b"{} {}", "syntax error in line 1, column 4"),
        (b"\xff", "no UTF-8"),
        ("{}".encode("utf-16"), "no UTF-8"),
        (b"[" + b"0," * 250_000 + b"0]", "more than 200000 values"),
        (b'"%s"' % (b"x" * 1000), "longer than 1000 bytes"),
        (b'{"\\u001b[31m": {"b": NaN}}', "NaN is not JSON"),
        (b'{"\\u202e": 1%s}' % (b"0" * 99), r"\\u202e: a number of 100 digits"),
    ],
)
def test_what_is_not_is_refused_with_its_place(body: bytes, words: str) -> None:
    with pytest.raises(InvalidDocument, match=words):
        parse_json(body, max_bytes=1000 if "1000 bytes" in words else 4 << 20)


def test_a_document_as_deep_as_allowed_and_a_byte_order_mark_are_read() -> None:
    assert parse_json(b"\xef\xbb\xbf" + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


_ODD_TEXT = st.text(alphabet='[]{}":,0e+-.\\u19N', max_size=60).map(str.encode)


@given(st.binary(max_size=200) | _ODD_TEXT)
def test_nothing_else_is_raised(body: bytes) -> None:
    with suppress(InvalidDocument):
        parse_json(body)


async def test_a_large_document_is_parsed_outside_the_event_loop() -> None:
    assert await read_json(json.dumps(["x" * 1000] * 100).encode()) == ["x" * 1000] * 100
    with pytest.raises(InvalidDocument):
        await read_json(b"[" * 60_000)
