"""Rows of connections that a redirect leaves open, or does not: what says so, bodies, TLS."""

from collections.abc import Iterator

from tests.browser.http.visits.servers import Server

Course = tuple[str, list[Server], str]
PAGE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
FAILS = "HTTP/1.1 500 F\r\nContent-Length: 0\r\n\r\n"
_PLAIN, _SECURE = "http://127.0.0.1:<0>/", "https://127.0.0.1:<0>/"
_HEADS = (
    "Connection: Keep-Alive",
    "Connection: CLOSE",
    "Connection: close, keep-alive",
    "Connection: keep-alive, close",
    "Connection: upgrade",
    "Connection: x, close",
    "Connection: closed",
    "Connection: close;q=1",
    'Connection: "close"',
    "Connection:",
    "Connection: keep-alive\r\nConnection: close",
    "Proxy-Connection: close",
    "Connection: keep-alive\r\nProxy-Connection: close",
    "Keep-Alive: timeout=0",
    "Keep-Alive: timeout=5, max=0",
    "Upgrade: h2c",
    "Content-Encoding: gzip",
    "Set-Cookie: a=b",
    "Cache-Control: no-store",
    'Clear-Site-Data: "*"',
)
_SECOND = (
    ("500", FAILS),
    ("408", "HTTP/1.1 408 T\r\nContent-Length: 0\r\n\r\n"),
    ("408 and closes", "HTTP/1.1 408 T\r\nConnection: close\r\n\r\n"),
    ("nothing, and closes", ""),
    ("a reset", "RESET"),
    ("half a head", "HTTP/1.1 200 OK\r\nContent-Le"),
    ("half a head, and a reset", "HTTP/1.1 200 OK\r\nContent-Le|RESET"),
    ("half a status", "HTT"),
    ("half a body", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"),
    ("half a body, and a reset", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello|RESET"),
    ("103, and closes", "HTTP/1.1 103 E\r\n\r\n"),
    ("100, and closes", "HTTP/1.1 100 C\r\n\r\n"),
    ("103, and a reset", "HTTP/1.1 103 E\r\n\r\n|RESET"),
    ("a blank line, and closes", "\r\n"),
    ("an alert of TLS", "\x15\x03\x03\x00\x02\x02\x28"),
    ("408 without a length", "HTTP/1.1 408 T\r\n\r\nlate"),
    ("a redirect to itself", "HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"),
)
_BODIES = (1, 1000, 8192, 16383, 16384, 16385, 20_000, 100_000)


def courses() -> Iterator[Course]:
    """Name, servers and the address at which each visit begins."""
    yield from _heads()
    yield from _bodies()
    yield from _seconds()
    yield from _longer()


def moved(*lines: str, status: str = "HTTP/1.1 302 F", to: str = "/x", body: str = "") -> str:
    """A redirect."""
    head = [status, f"Location: {to}", *lines, f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", body])


def _heads() -> Iterator[Course]:
    for line in _HEADS:
        shown = line.replace("\r\n", " and ")
        yield f"kept? {shown}", [Server([[moved(line), FAILS], [PAGE]])], _PLAIN
    for code in (301, 303, 307, 308):
        head = moved(status=f"HTTP/1.1 {code} S")
        yield f"kept? a {code}", [Server([[head, FAILS], [PAGE]])], _PLAIN
    for version in ("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9"):
        head = moved(status=f"{version} 302 F")
        yield f"kept? {version}", [Server([[head, FAILS], [PAGE]])], _PLAIN
    old = moved("Connection: keep-alive", status="HTTP/1.0 302 F")
    yield "kept? HTTP/1.0 with keep-alive", [Server([[old, FAILS], [PAGE]])], _PLAIN


def _bodies() -> Iterator[Course]:
    for size in _BODIES:
        head = moved(body="a" * size)
        yield f"kept? a body of {size} bytes", [Server([[head, FAILS], [PAGE]])], _PLAIN
    chunked = "HTTP/1.1 302 F\r\nLocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for words, body in (
        ("chunks", "3\r\nabc\r\n0\r\n\r\n"),
        ("chunks with an extension and a trailer", "3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n"),
        ("chunks and a byte too many", "0\r\n\r\nx"),
        ("chunks that are garbage", "zz\r\n"),
        ("chunks without their end", "3\r\nabc\r\n"),
    ):
        yield f"kept? {words}", [Server([[chunked + body, FAILS], [PAGE]])], _PLAIN
    both = "HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n"
    yield "kept? both framings", [Server([[f"{both}\r\n0\r\n\r\n", FAILS], [PAGE]])], _PLAIN
    late = moved(body="abc").replace("\r\n\r\nabc", "\r\n\r\n|LATE|abc")
    yield "kept? a body that comes 0.5 s late", [Server([[late, FAILS], [PAGE]])], _PLAIN
    ending = moved() + "|RESET"
    yield "kept? a reset behind the redirect", [Server([[ending], [PAGE]])], _PLAIN


def _seconds() -> Iterator[Course]:
    for tls, start in ((True, _SECURE), (False, _PLAIN)):
        by = "TLS" if tls else "TCP"
        for words, second in _SECOND:
            for third, rest in (("then the page", PAGE), ("then the same", second)):
                answers = [[moved(), second], [rest or ""]]
                yield f"by {by}: {words}, {third}", [Server(answers, tls=tls)], start


def _longer() -> Iterator[Course]:
    there, back = moved(to="http://127.0.0.1:<1>/"), moved(to="http://127.0.0.1:<0>/y")
    for words, last in (("fails", FAILS), ("closes", ""), ("is reset", "RESET")):
        first = Server([[there, last], [PAGE]])
        yield f"there and back: the first {words}", [first, Server([[back]])], _PLAIN
        first = Server([[moved(), moved(to="/y"), last], [PAGE]])
        yield f"the third on one connection {words}", [first], _PLAIN
        first = Server([[moved(), last], [moved(to="/y"), last], [PAGE]])
        yield f"the second on each connection {words}", [first], _PLAIN
    secure = Server([[moved(to="http://127.0.0.1:<1>/")]], tls=True)
    yield "from TLS to TCP", [secure, Server([[moved(), FAILS], [PAGE]])], _SECURE
    login = moved(to="http://user:word@127.0.0.1:<0>/y")
    yield "to itself with a login", [Server([[login, FAILS], [PAGE]])], _PLAIN
    named = moved(to="http://localhost:<0>/y")
    yield "to itself by another name", [Server([[named, FAILS], [PAGE]])], _PLAIN
