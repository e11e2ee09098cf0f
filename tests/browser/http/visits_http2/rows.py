"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator
from pathlib import Path

from tests.browser.http.asking import AskedRow
from tests.browser.http.visits_http2.server import Http2Server, Step

OUTCOMES = Path(__file__).with_name("outcomes.json")
_GROUP = "visits by HTTP/2"
_MOVED, _PAGE = ("302 /x",), ("200 hello",)
_CODES = {
    0: "NO_ERROR",
    1: "PROTOCOL_ERROR",
    2: "INTERNAL_ERROR",
    5: "STREAM_CLOSED",
    7: "REFUSED_STREAM",
    8: "CANCEL",
    11: "ENHANCE_YOUR_CALM",
    12: "INADEQUATE_SECURITY",
    13: "HTTP_1_1_REQUIRED",
    99: "99",
}


class Http2Row(AskedRow, frozen=True):
    """One visit."""

    name: str
    server: Http2Server
    group: str = _GROUP


def unasked_rows() -> Iterator[Http2Row]:
    """The rows alone."""
    yield from _with("as it should be", [_MOVED, _PAGE])
    yield from _ended()
    yield from _second()
    yield from _between()
    both = ("h2", "http/1.1")
    for code in (7, 13):
        answers = [[_MOVED, (f"rst {code}",)]]
        name = f"{_CODES[code]} on the second stream, of a server that has both"
        yield Http2Row(name, Http2Server(answers, protocols=both))


def _with(name: str, first: list[Step], *then: list[Step]) -> Iterator[Http2Row]:
    yield Http2Row(name, Http2Server([first, *then]))


def _ended() -> Iterator[Http2Row]:
    """How a stream ends, the first of a connection or its second."""
    for code, word in _CODES.items():
        for step, words in (
            (f"rst {code}", f"RST_STREAM {word}"),
            (f"goaway {code} before", f"GOAWAY {word}, not processed"),
            (f"goaway {code} this", f"GOAWAY {word}, processed"),
        ):
            last: Step = (step,)
            yield from _with(f"{words}, then the page", [_MOVED, last], [_PAGE])
            yield from _with(f"{words}, then the same", [_MOVED, last], [last])
    for code in (0, 1, 11, 13):
        step = f"rst {code}"
        word = f"RST_STREAM {_CODES[code]}"
        yield from _with(f"{word} within the page", [_MOVED, ("headers 200", step)], [_PAGE])
        yield from _with(f"{word} behind the page", [_MOVED, ("200 hello", step)], [_PAGE])
        yield from _with(f"{word} behind the redirect", [("302 /x", step), _PAGE], [("500",)])


def _second() -> Iterator[Http2Row]:
    seconds: dict[str, Step] = {
        "500": ("500",),
        "408": ("408",),
        "421": ("421",),
        "425": ("425",),
        "the end": (),
        "a reset": ("reset the connection",),
        "garbage": ("garbage",),
        "103 and the end": ("headers 103",),
        "a head and the end": ("headers 200",),
        "data without a head": ("data hello",),
        "a promise": ("push", "200 hello"),
        "data of the stream before": ("old hello", "200 hello"),
        "a page and a GOAWAY": ("200 hello", "goaway 0 this"),
        "a GOAWAY and a page": ("goaway 0 this", "200 hello"),
        "a GOAWAY of all and a page": ("goaway 0 all", "200 hello"),
        "a GOAWAY of all and the end": ("goaway 0 all",),
    }
    for words, second in seconds.items():
        yield from _with(f"second: {words}, then the page", [_MOVED, second], [_PAGE])
        yield from _with(f"second: {words}, then the same", [_MOVED, second], [second])


def _between() -> Iterator[Http2Row]:
    """What comes behind the redirect, before the second request."""
    for words, steps in (
        ("GOAWAY", ("goaway 0 this",)),
        ("GOAWAY of all", ("goaway 0 all",)),
        ("GOAWAY ENHANCE_YOUR_CALM", ("goaway 11 this",)),
        ("GOAWAY PROTOCOL_ERROR", ("goaway 1 this",)),
        ("a ping", ("ping",)),
        ("a window of 2^31-1", ("window 2147483647",)),
        ("a window of 0", ("window 0",)),
        ("a table of 0 bytes", ("settings 1 0",)),
        ("a table of 65536 bytes", ("settings 1 65536",)),
        ("no window for bodies", ("settings 4 0",)),
        ("frames of 16 MB", ("settings 5 16777215",)),
        ("a window beyond its range", ("settings 4 2147483648",)),
        ("an unknown setting", ("settings 200 7",)),
        ("garbage", ("garbage",)),
    ):
        moved: Step = (*_MOVED, *steps)
        yield from _with(f"behind the redirect {words}, then 500", [moved, ("500",)], [_PAGE])
        yield from _with(f"behind the redirect {words}", [moved, _PAGE], [("500",)])
    unfinished: Step = ("moved /x",)
    yield from _with("a redirect that does not end, then 500", [unfinished, ("500",)], [_PAGE])
    yield from _with("a redirect that does not end", [unfinished, _PAGE], [("500",)])
    late: Step = ("old late", "200 hello")
    yield from _with("a redirect whose data come late", [unfinished, late], [("500",)])
    with_body: Step = ("moved /x", f"data {'a' * 9000}")
    yield from _with("a redirect with a body, then 500", [with_body, ("500",)], [_PAGE])
    yield from _with("10 redirects on one connection", [*[_MOVED] * 10, _PAGE])
    yield from _with("10 redirects on one connection, then 500", [*[_MOVED] * 10, ("500",)])
