"""A polled answer is read as XMLHttpRequest reads it."""

import pytest

from probe.net.engineio.response_text import charset_of, response_text


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"4a\xff", "text/plain", "4a\ufffd"),
        (b"\xef\xbb\xbf4a", "text/plain; charset=iso-8859-1", "4a"),
        ("4a".encode("utf-16-le"), "text/plain; charset=UTF-16LE", "4a"),
        ("4a".encode("utf-16-be"), 'text/plain; charset="utf-16be"', "4a"),
        (b"\xff\xfe4\0", "text/plain; charset=utf-8", "4"),
        (b"\xfe\xff\0a", "", "a"),
        (b"4a", "text/plain; charset=hz-gb-2312", "\ufffd"),
        (b"4a", "bogus; charset=utf-16le", "4a"),
        (b"", "text/plain; charset=utf-16", ""),
    ],
)
def test_bytes_are_text_as_in_a_browser(body: bytes, content_type: str, text: str) -> None:
    assert response_text(body, content_type) == text


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/plain", ""),
        ("text/plain;charset=a; charset=b", "a"),
        ("text/plain; x=y ; CharSet=Z", "z"),
        ('text/plain; x="a;charset=b"; charset=c', "c"),
        ("text/plain; charset", ""),
        ("text/plain;;;charset=q", "q"),
        (";" * 2000, ""),
    ],
)
def test_the_first_charset_counts(content_type: str, charset: str) -> None:
    assert charset_of(content_type) == charset
