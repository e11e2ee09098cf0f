"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from tests.browser.http.asking import AskedRow
from tests.browser.http.cookie_visits.server import Hop

OUTCOMES = Path(__file__).with_name("outcomes.json")
_DOMAINS, _SCHEMES, _SITES = "hosts and domains", "schemes and prefixes", "sites and ends"
_KV = "k=v"


class CookieVisit(AskedRow, frozen=True):
    """One visit, whose last hop wants the cookie ``k=v``."""

    group: str
    name: str
    hops: Sequence[Hop]


def unasked_rows() -> Iterator[CookieVisit]:
    """The rows alone."""
    yield from _domains()
    yield from _schemes()
    yield from _sites()


_FROM_TO: Sequence[tuple[str, str, str]] = (
    ("a.shop.test", "", "a.shop.test"),
    ("a.shop.test", "", "b.shop.test"),
    ("a.shop.test", "", "x.a.shop.test"),
    ("shop.test", "", "a.shop.test"),
    ("a.shop.test", "", "shop.test"),
    ("a.shop.test", "shop.test", "b.shop.test"),
    ("a.shop.test", "shop.test", "shop.test"),
    ("a.shop.test", ".shop.test", "b.shop.test"),
    ("a.shop.test", "SHOP.TEST", "b.shop.test"),
    ("a.shop.test", "shop.test.", "b.shop.test"),
    ("a.shop.test", "..shop.test", "b.shop.test"),
    ("a.shop.test", " shop.test ", "b.shop.test"),
    ("a.shop.test", '"shop.test"', "b.shop.test"),
    ("a.shop.test", "*.shop.test", "b.shop.test"),
    ("a.shop.test", "https://shop.test", "b.shop.test"),
    ("a.shop.test", "shop.test:443", "b.shop.test"),
    ("a.shop.test", "shop.test/", "b.shop.test"),
    ("a.shop.test", "a.shop.test", "a.shop.test"),
    ("a.shop.test", "a.shop.test", "x.a.shop.test"),
    ("a.shop.test", "x.a.shop.test", "x.a.shop.test"),
    ("a.shop.test", "b.shop.test", "b.shop.test"),
    ("a.shop.test", "other.test", "other.test"),
    ("a.shop.test", "test", "b.shop.test"),
    ("a.shop.test", ".", "a.shop.test"),
    ("a.shop.test", "hop.test", "a.shop.test"),
    ("shop.test", "shop.test", "a.shop.test"),
    ("shop.test", "a.shop.test", "a.shop.test"),
    ("shop.co.uk", "co.uk", "else.co.uk"),
    ("shop.co.uk", "co.uk", "shop.co.uk"),
    ("shop.co.uk", "shop.co.uk", "a.shop.co.uk"),
    ("one.vercel.app", "vercel.app", "two.vercel.app"),
    ("one.vercel.app", "vercel.app", "one.vercel.app"),
    ("one.vercel.app", "one.vercel.app", "one.vercel.app"),
    ("one.fly.dev", "fly.dev", "two.fly.dev"),
    ("one.fly.dev", ".fly.dev", "one.fly.dev"),
    ("one.fly.dev", "dev", "one.fly.dev"),
    ("localhost", "localhost", "localhost"),
    ("localhost", "localhost", "a.localhost"),
    ("a.localhost", "localhost", "b.localhost"),
    ("a.localhost", "localhost", "localhost"),
    ("a.localhost", "a.localhost", "x.a.localhost"),
)


def _domains() -> Iterator[CookieVisit]:
    for start, domain, end in _FROM_TO:
        line = f"{_KV}; Domain={domain}" if domain else _KV
        shown = f"{start} sets {line!r}, for {end}"
        yield CookieVisit(_DOMAINS, shown, [Hop(start, [line]), Hop(end)])
    ends = [f"{_KV}; Domain=shop.test", f"{_KV}; Domain=other.test"]
    for lines in (ends, ends[::-1]):
        name = f"a.shop.test sets {' and '.join(lines)}, for b.shop.test"
        yield CookieVisit(_DOMAINS, name, [Hop("a.shop.test", lines), Hop("b.shop.test")])
    twice = f"{_KV}; Domain=other.test; Domain=shop.test"
    yield CookieVisit(_DOMAINS, "two domains, the last one right", _to_b(twice))
    twice = f"{_KV}; Domain=shop.test; Domain=other.test"
    yield CookieVisit(_DOMAINS, "two domains, the first one right", _to_b(twice))
    twice = f"{_KV}; Domain=other.test; Domain="
    yield CookieVisit(_DOMAINS, "two domains, the last one empty", _to_b(twice, "a.shop.test"))


def _to_b(line: str, end: str = "b.shop.test") -> list[Hop]:
    return [Hop("a.shop.test", [line]), Hop(end)]


def _schemes() -> Iterator[CookieVisit]:
    lines = (
        _KV, f"{_KV}; Secure", f"{_KV}; SameSite=Strict", f"{_KV}; SameSite=Lax",
        f"{_KV}; SameSite=None", f"{_KV}; SameSite=None; Secure", f"{_KV}; HttpOnly",
        f"{_KV}; Secure; Partitioned", f"{_KV}; Secure; SameSite=None; Partitioned",
    )  # fmt: skip
    for first in (True, False):
        for last in (True, False):
            words = f"by http{'' if first else 's'}, for http{'' if last else 's'}"
            for line in lines:
                hops = [Hop("shop.test", [line], http=first), Hop("shop.test", http=last)]
                yield CookieVisit(_SCHEMES, f"{line!r} {words}", hops)
    secure, plain = Hop("shop.test", [f"{_KV}; Secure"]), Hop("shop.test", ["k=x"], http=True)
    end = Hop("shop.test")
    yield CookieVisit(_SCHEMES, "a secure one, that http: replaces", [secure, plain, end])
    deletes = Hop("shop.test", ["k=x; Max-Age=0"], http=True)
    yield CookieVisit(_SCHEMES, "a secure one, that http: ends", [secure, deletes, end])
    below = Hop("shop.test", ["k=x; Path=/a"], http=True)
    yield CookieVisit(_SCHEMES, "a secure one, and http: below", [secure, below, end])
    wide = Hop("shop.test", ["k=x; Domain=shop.test"], http=True)
    yield CookieVisit(_SCHEMES, "a secure one, and http: for the domain", [secure, wide, end])
    before = Hop("shop.test", ["k=x"], http=True)
    yield CookieVisit(_SCHEMES, "http: first, then a secure one", [before, secure, end])
    above = Hop("shop.test", [f"{_KV}; Secure; Domain=shop.test"])
    sub = Hop("a.shop.test", ["k=x; Domain=shop.test"], http=True)
    yield CookieVisit(
        _SCHEMES, "a secure one of the domain, that http: replaces", [above, sub, end]
    )
    yield CookieVisit(_SCHEMES, "the same, over TLS", [above, replace(sub, http=False), end])


def _sites() -> Iterator[CookieVisit]:
    for line in (
        _KV, f"{_KV}; SameSite=Strict", f"{_KV}; SameSite=Lax", f"{_KV}; SameSite=None; Secure",
        f"{_KV}; SameSite=None", f"{_KV}; SameSite=x",
        f"{_KV}; Secure; SameSite=None; Partitioned", f"{_KV}; Secure; Partitioned",
    ):  # fmt: skip
        there = [Hop("shop.test", [line]), Hop("other.test"), Hop("shop.test")]
        yield CookieVisit(_SITES, f"{line!r}, there and back", there)
        begins = [Hop("other.test"), Hop("shop.test", [line]), Hop("shop.test")]
        yield CookieVisit(_SITES, f"{line!r}, from another site", begins)
        below = [Hop("a.shop.test", [line]), Hop("b.shop.test"), Hop("a.shop.test")]
        yield CookieVisit(_SITES, f"{line!r}, by another host of the site", below)
    first, end = Hop("shop.test", [_KV]), Hop("shop.test")
    for name, by in (
        ("ended", Hop("shop.test", ["k=; Max-Age=0"])),
        ("ended by another port's path", Hop("shop.test", ["k=; Max-Age=0; Path=/x"])),
        ("ended for the domain", Hop("shop.test", ["k=; Max-Age=0; Domain=shop.test"])),
        ("ended by a host below", Hop("a.shop.test", ["k=; Max-Age=0; Domain=shop.test"])),
        ("ended by another site", Hop("other.test", ["k=; Max-Age=0; Domain=shop.test"])),
        ("replaced", Hop("shop.test", ["k=x"])),
        ("replaced for a path", Hop("shop.test", ["k=x; Path=/x"])),
        ("replaced with SameSite", Hop("shop.test", ["k=x; SameSite=Strict"])),
        ("refused once more", Hop("shop.test", ["k=x; Domain=other.test"])),
        ("in capitals", Hop("shop.test", ["K=x"])),
    ):
        yield CookieVisit(_SITES, f"a cookie that is {name}", [first, by, end])
    for path, asked in (
        ("/a", "/a"),
        ("/a", "/a/b"),
        ("/a", "/ab"),
        ("/a/", "/a"),
        ("/A", "/a"),
        ("/a%20b", "/a%20b"),
    ):
        hops = [Hop("shop.test", [f"{_KV}; Path={path}"]), Hop("shop.test", path=asked)]
        yield CookieVisit(_SITES, f"Path={path} for {asked}", hops)
