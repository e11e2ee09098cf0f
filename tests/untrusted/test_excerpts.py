"""What a target sends instead of HTTP is redacted before it is cut."""

from collections.abc import Callable

import pytest

from probe.net.protocol.errors import PeerError
from probe.net.protocol.framing import Chunked
from probe.net.protocol.head import HeadReader, excerpt
from probe.net.protocol.http2.frames import FrameReader
from probe.untrusted.text import redacting

SECRET = "a-secret-of-forty-characters-0123456789"


def _redact(text: str) -> str:
    return text.replace(SECRET, "***")


@pytest.mark.parametrize(
    "read",
    [
        lambda data: HeadReader().feed(data),
        lambda data: Chunked().feed(data),
        lambda data: Chunked().feed(data + b"\r\n"),
        lambda data: list(FrameReader().feed(data)),
        lambda data: HeadReader().feed(b"HTTP/1 1000 " + data + b"\r\n\r\n"),
    ],
    ids=["head", "chunk", "chunk's line", "HTTP/2", "status line"],
)
@pytest.mark.parametrize("before", ["x", "xxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxx"])
def test_no_part_of_a_secret_is_quoted(read: Callable[[bytes], object], before: str) -> None:
    with redacting(_redact), pytest.raises(PeerError) as raised:
        read((before + SECRET).encode())
    assert SECRET[:4] not in str(raised.value)


def test_a_secret_that_begins_within_the_excerpt_is_redacted() -> None:
    with redacting(_redact):
        assert excerpt(f"token: {SECRET}, and more".encode()) == "'token: ***, and more'"
