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
    def said(self) -> Mapping[str, str]:
        """What each of the two pages said, by how it begins."""
        return dict(zip(OVER, self.chromium.split("; "), strict=True))

    @property
    def is_taken(self) -> bool:
        """Whether both have a session."""
        return {*self.said.values()} == {READY}


def unasked_rows() -> Iterator[PageRow]:
    """The rows alone."""
    yield from _polls()
    yield from _sockets()
    yield from _at_home()


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
