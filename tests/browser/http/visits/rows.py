"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from tests.browser.http.asking import AskedRow
from tests.browser.http.visits.kept_rows import courses
from tests.browser.http.visits.servers import Server

OUTCOMES = Path(__file__).with_name("outcomes.json")
_MORE_KEPT = "more kept connections"
_KEPT, _HSTS, _ALTERNATIVE = "kept connections", "HSTS within a visit", "Alt-Svc"
_BLANK = "Chromium shows an empty page as if it were 200: its user has nothing"
WHY = {
    f"by {by}: {words}, then the {third}": _BLANK
    for by in ("TLS", "TCP")
    for words in ("103, and closes", "100, and closes", "103, and a reset")
    for third in ("page", "same")
}
PAGE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
MOVED = "HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"


class VisitRow(AskedRow, frozen=True):
    """One visit that begins at ``start``; ``number`` gives its host a name of its own."""

    group: str
    name: str
    servers: Sequence[Server]
    start: str = "http://127.0.0.1:<0>/"
    number: int = 0

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return WHY.get(self.name, "")


def unasked_rows() -> Iterator[VisitRow]:
    """The rows alone."""
    rows = (*_kept(), *_behind_the_redirect(), *_hsts(), *_alternatives(), *_more_kept())
    for number, row in enumerate(rows):
        yield replace(row, number=number)


def _status(code: int, *lines: str, body: str = "") -> str:
    head = [f"HTTP/1.1 {code} S", *lines, f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", body])


_SECOND = (
    *((f"{code}", _status(code)) for code in (400, 408, 421, 425, 429, 500, 502, 503, 504)),
    *((f"{code}, close", _status(code, "Connection: close")) for code in (408, 421, 425, 503)),
    ("nothing, and closes", ""),
    ("a reset", "RESET"),
    ("garbage", "\x00\x01\x02garbage"),
    ("half a head", "HTTP/1.1 200 OK\r\nContent-Le"),
    ("half a body", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"),
    ("103 and 408", "HTTP/1.1 103 E\r\n\r\n" + _status(408)),
    ("an answer of HTTP/0.9", "hello"),
)


# Chromium asks once more where it had opened the connection in advance, which is chance.
_BY_CHANCE = ("408", "408, close", "103 and 408", "nothing, and closes", "a reset")


def _kept() -> Iterator[VisitRow]:
    for words, second in _SECOND:
        answers = [MOVED, second] if second else [MOVED]
        for third, rest in (
            ("then the page", [PAGE]),
            ("then the same", [second] if second else []),
        ):
            server = Server([answers, rest or [""]])
            yield VisitRow(_KEPT, f"kept: {words}, {third}", [server])
        if words not in _BY_CHANCE:
            fresh = Server([[second or ""], [PAGE]])
            yield VisitRow(_KEPT, f"fresh: {words}, then the page", [fresh])


def _behind_the_redirect() -> Iterator[VisitRow]:
    behind = (
        ("408 unasked", _status(408, "Connection: close")),
        ("500 unasked", _status(500)),
        ("another redirect unasked", "HTTP/1.1 302 F\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"),
        ("a byte too many", "x"),
        ("an empty line", "\r\n"),
        ("HTML longer than said", "<html>moved</html>"),
    )
    for words, extra in behind:
        server = Server([[MOVED + extra, _status(500)], [PAGE]])
        yield VisitRow(_KEPT, f"behind the redirect {words}", [server])
    heads = (
        ("of HTTP/1.0", MOVED.replace("1.1", "1.0")),
        (
            "of HTTP/1.0, kept",
            MOVED.replace("1.1", "1.0").replace("\r\nC", "\r\nConnection: keep-alive\r\nC", 1),
        ),
        ("with Connection: close", MOVED.replace("\r\nC", "\r\nConnection: close\r\nC", 1)),
        (
            "with chunks",
            MOVED.replace("Content-Length: 0", "Transfer-Encoding: chunked") + "0\r\n\r\n",
        ),
        ("without a length", MOVED.replace("Content-Length: 0\r\n", "")),
        ("shorter than said", MOVED.replace("Length: 0", "Length: 50") + "moved"),
    )
    for words, head in heads:
        server = Server([[head, PAGE], [PAGE]])
        yield VisitRow(_KEPT, f"a redirect {words}", [server])


def _more_kept() -> Iterator[VisitRow]:
    for name, servers, start in courses():
        yield VisitRow(_MORE_KEPT, name, servers, start)


_POLICIES = (
    "max-age=1000",
    "max-age=1000; includeSubDomains",
    "max-age=0",
    "max-age=1",
    'max-age="1000"',
    "max-age = 1000",
    "MAX-AGE=1000",
    "max-age=1000;",
    ";max-age=1000",
    ";; max-age=1000 ;;",
    "max-age=-1",
    "max-age=+1000",
    "max-age=1000.5",
    "max-age=1e3",
    "max-age=",
    "max-age",
    "max-age=abc",
    "max-age=99999999999999999999",
    "includeSubDomains",
    "includeSubDomains; max-age=1000",
    "max-age=1000; max-age=0",
    "max-age=1000; includeSubDomains=1",
    "max-age=1000; includeSubDomains; includeSubDomains",
    "max-age=1000; preload",
    "max-age=1000; x=y; z",
    'max-age=1000; x="y;z"',
    "max-age=1000, max-age=0",
    "max-age=1000 x",
    "",
)


def _leading(to: str, *policies: str) -> Server:
    lines = [f"Strict-Transport-Security: {each}" for each in policies]
    return Server([[_status(302, f"Location: {to}", "Connection: close", *lines)]], tls=True)


def _hsts() -> Iterator[VisitRow]:
    secure, plain = Server([[PAGE]], tls=True), Server([[PAGE]])
    start = "https://<HOST>:<0>/"
    for policy in _POLICIES:
        for name, to in (
            ("itself", "http://<HOST>:<1>/"),
            ("a name below", "http://a.<HOST>:<1>/"),
        ):
            words = f"\u201c{policy}\u201d for {name}"
            yield VisitRow(_HSTS, words, [_leading(to, policy), secure], start)
    to = "http://<HOST>:<1>/"
    for policies in (("max-age=1000", "max-age=0"), ("max-age=0", "max-age=1000")):
        words = " and ".join(policies)
        yield VisitRow(_HSTS, f"two headers: {words}", [_leading(to, *policies), secure], start)
    policy = "max-age=1000; includeSubDomains"
    yield VisitRow(_HSTS, "without a header, to plain HTTP", [_leading(to), plain], start)
    yield VisitRow(_HSTS, "without a header, to TLS", [_leading(to), secure], start)
    above = [_leading("http://<HOST>:<1>/", policy), secure]
    yield VisitRow(_HSTS, "for the name above", above, "https://a.<HOST>:<0>/")
    by_address = [_leading("http://127.0.0.1:<1>/", policy), secure]
    yield VisitRow(_HSTS, "for an address", by_address, "https://127.0.0.1:<0>/")
    unsafe = Server(
        [
            [
                _status(
                    302,
                    "Location: http://<HOST>:<1>/",
                    "Connection: close",
                    f"Strict-Transport-Security: {policy}",
                )
            ]
        ]
    )
    yield VisitRow(_HSTS, "sent by plain HTTP", [unsafe, secure], "http://<HOST>:<0>/")
    there = _status(
        302,
        "Location: http://<HOST>:<0>/",
        "Connection: close",
        f"Strict-Transport-Security: {policy}",
    )
    circle = Server([[there], [there], [PAGE]], tls=True)
    yield VisitRow(_HSTS, "to itself by http: and port", [circle], start)
    bad = Server([[_status(404, "Connection: close")]], tls=True)
    yield VisitRow(_HSTS, "to a page that is missing", [_leading(to, policy), bad], start)


def _alternatives() -> Iterator[VisitRow]:
    for value in ('h3=":443"; ma=86400', 'h2=":<1>"', 'h2="127.0.0.1:1"', "clear", 'h3-29=":1"'):
        lines = ("Location: /x", f"Alt-Svc: {value.replace('<', '<')}", "Connection: close")
        first = Server([[_status(302, *lines)], [PAGE]], tls=True)
        other = Server([[_status(500)]], tls=True)
        yield VisitRow(_ALTERNATIVE, value, [first, other], "https://<HOST>:<0>/")
