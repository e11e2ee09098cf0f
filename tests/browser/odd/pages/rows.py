"""The rows, with what pages in Chromium 156 had of each (``outcomes.json``)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import field

from tests.browser.http.asking import AskedRow
from tests.browser.odd.pages.server import ALLOWED, ORIGIN, PAGE, Gate

OUTCOMES = Path(__file__).with_name("outcomes.json")
READY = "ready"
OVER = ("polling", "websocket")
_NO_POLLS = "a server that takes no polls is not judged by them: its pages begin with WebSocket"
_ORIGINS: Mapping[str, Sequence[str]] = {
    "nothing": (),
    "the page": ALLOWED,
    "*": (f"{ORIGIN}: *",),
    "null": (f"{ORIGIN}: null",),
    "another": (f"{ORIGIN}: https://old.example.org",),
    "the page, with a slash": (f"{ORIGIN}: {PAGE}/",),
    "the page without its port": (f"{ORIGIN}: http://127.0.0.1",),
    "two in one": (f"{ORIGIN}: {PAGE}, *",),
    "two headers": (*ALLOWED, *ALLOWED),
}
_STAGING = {"X-Environment": "staging"}
_NEEDED = "X-Environment staging"
_NAMES = "Access-Control-Allow-Headers"
_PERMITTED = (*ALLOWED, f"{_NAMES}: x-environment")
_FORBIDDEN = (
    "Accept-Charset",
    "Accept-Encoding",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Access-Control-Request-Private-Network",
    "Connection",
    "Content-Length",
    "Cookie",
    "Cookie2",
    "Date",
    "DNT",
    "Expect",
    "Host",
    "Keep-Alive",
    "Origin",
    "Proxy-Authorization",
    "Referer",
    "Sec-Fetch-Site",
    "Sec-CH-UA",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
)


class PageRow(AskedRow, frozen=True):
    """``at_home``: the page is the backend's own. ``headers`` are those that the page sends.

    ``chromium`` is how two pages fare, one that begins with polling and one that knows WebSocket
    alone; the kinds say that sessions fail where either has none.
    """

    group: str
    name: str
    gate: Gate = Gate()
    at_home: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def has(self) -> Mapping[str, bool]:
        """Whether each of the two pages has a session, by how it begins."""
        said = self.chromium.split("; ")
        return {over: each == READY for over, each in zip(OVER, said, strict=True)}

    @property
    def is_taken(self) -> bool:
        """Whether both have a session."""
        return all(self.has.values())


def unasked_rows() -> Iterator[PageRow]:
    """The rows alone."""
    yield from _polls()
    yield from _sockets()
    yield from _at_home()
    yield from _headers()
    yield from _names()


def _polls() -> Iterator[PageRow]:
    group = "pages that may read polls"
    for name, lines in _ORIGINS.items():
        yield PageRow(group, f"polls allow {name}", Gate(polling=lines))
        yield PageRow(group, f"GET allows the page, POST {name}", Gate(posting=lines))
        if name != "the page":
            gate = Gate(polling=lines, posting=ALLOWED)
            yield PageRow(group, f"POST allows the page, GET {name}", gate)
    for status in (400, 403, 404, 500):
        for name in ("nothing", "the page"):
            gate = Gate(polling=_ORIGINS[name], polls=status)
            yield PageRow(group, f"polls answer {status} and allow {name}", gate, why=_NO_POLLS)


def _sockets() -> Iterator[PageRow]:
    group = "origins that WebSockets may have"
    for name, origins in {
        "the page": (PAGE,),
        "the page and another": ("https://old.example.org", PAGE),
        "another": ("https://old.example.org",),
        "the page, with a slash": (f"{PAGE}/",),
        "nobody": (),
    }.items():
        for status in (400, 401, 403, 404):
            gate = Gate(sockets=origins, refusal=status)
            yield PageRow(group, f"{name}, others are answered {status}", gate)
        gate = Gate(sockets=origins, polling=())
        yield PageRow(group, f"{name}, and polls allow nothing", gate)


def _at_home() -> Iterator[PageRow]:
    group = "the backend's own page"

    def row(name: str, **gate: Any) -> PageRow:
        return PageRow(group, f"at home: {name}", Gate(**{"polling": (), **gate}), at_home=True)

    yield row("no CORS")
    yield row("polls allow another", polling=_ORIGINS["another"])
    yield row("WebSockets of its own origin", sockets=(PAGE,))
    yield row("WebSockets of another origin", sockets=("https://old.example.org",))
    yield row("WebSockets of nobody, by 400", sockets=(), refusal=400)


def _headers() -> Iterator[PageRow]:
    group = "headers that the page sends"

    def row(name: str, *, at_home: bool = False, **gate: Any) -> PageRow:
        return PageRow(group, name, Gate(**gate), at_home=at_home, headers=dict(_STAGING))

    for name, lines in _ORIGINS.items():
        yield row(f"preflights allow {name}", preflight=(*lines, f"{_NAMES}: x-environment"))
    for words, names in (
        ("nothing", None),
        ("x-environment", "x-environment"),
        ("X-Environment", "X-Environment"),
        ("it among others", "authorization,x-environment"),
        ("another", "authorization"),
        ("*", "*"),
        ("what is no name", "x-environment, a b"),
        ("an empty list", ""),
    ):
        permitted = [] if names is None else [f"{_NAMES}: {names}"]
        yield row(f"preflights permit {words}", preflight=(*ALLOWED, *permitted))
    for status in (200, 201, 204, 301, 307, 400, 401, 403, 404, 405, 500, 502):
        yield row(f"preflights answer {status}", preflight=_PERMITTED, permits=status)
    for methods in ("GET", "PUT", "*", "a b"):
        given = (*_PERMITTED, f"Access-Control-Allow-Methods: {methods}")
        yield row(f"preflights permit the methods {methods!r}", preflight=given)
    yield row("preflights permit it, polls allow nothing", preflight=_PERMITTED, polling=())
    all_ways: Sequence[Sequence[str]] = (OVER, OVER[:1], OVER[1:])
    for ways in all_ways:
        needs = dict.fromkeys(ways, _NEEDED)
        words = " and ".join(ways)
        yield row(f"{words} need it, preflights permit it", preflight=_PERMITTED, needs=needs)
        yield row(f"{words} need it, preflights do not", needs=needs)
        yield row(f"at home: {words} need it", at_home=True, polling=(), needs=needs)


def _names() -> Iterator[PageRow]:
    """Without any permission."""
    group = "headers by their names and values"
    for name, value in (
        ("X-Environment", ""),
        ("Authorization", "Bearer x"),
        ("Accept", "application/json"),
        ("Accept", "a:b"),
        ("Accept-Language", "de, en;q=0.5"),
        ("Accept-Language", "de_DE"),
        ("Content-Language", "de"),
        ("Content-Language", "x" * 128),
        ("Content-Language", "x" * 129),
        ("Content-Type", "text/plain"),
        ("Content-Type", "application/json"),
        ("Range", "bytes=0-"),
        ("Range", "bytes=-5"),
        ("User-Agent", "probe"),
        ("Cache-Control", "no-cache"),
        ("If-None-Match", "x"),
        ("Save-Data", "on"),
        ("DPR", "2"),
        ("Priority", "u=1"),
        *((name, "1") for name in _FORBIDDEN),
        ("X-HTTP-Method-Override", "TRACE"),
        ("X-HTTP-Method-Override", "PUT"),
        ("X-Environment", "\u00e4"),
    ):
        shown = value if len(value) < 20 else f"of {len(value)} bytes"
        yield PageRow(group, f"without permission: {name}: {shown}", headers={name: value})
    for name, value, sent in (
        ("User-Agent", "probe", "probe"),
        ("Save-Data", "on", "on"),
        ("Accept", "application/json", "application/json, */*"),
        ("accept", "application/json", "application/json, */*"),
        ("Cookie", "a=b", "a=b"),
    ):
        gate = Gate(needs={"polling": f"{name} {sent}"})
        unsent = _NO_POLLS if name in ("User-Agent", "Cookie") else ""
        words = f"{name}: {sent}, which polls need"
        yield PageRow(group, words, gate, headers={name: value}, why=unsent)
    both = {"Accept-Language": "de", "X-Environment": "staging"}
    yield PageRow(group, "without permission: one of two needs none", headers=both)
    many = {"Accept-Language": "d" * 100, "Content-Language": "d" * 100}
    yield PageRow(group, "without permission: two of 100 bytes", headers=many)
