"""Set-Cookie headers as they occur, and whether Chromium and the probe send them back."""

from collections.abc import Sequence

from msgspec import Struct


class OddCookie(Struct, frozen=True):
    """``lines`` are set by a redirect from ``start`` to ``/check`` below it; ``sent`` is the Cookie
    header with which a browser asks there."""

    lines: Sequence[str]
    sent: str
    secure: bool = True
    start: str = "/"
    check: str = "/check"
    name: str = ""

    @property
    def shown(self) -> str:
        """For the table."""
        place = "" if self.secure else ", by http:// from loopback"
        return (self.name or "` and `".join(self.lines).join("``")) + place


def _kept(line: str, sent: str = "k=v", *, secure: bool = True) -> OddCookie:
    return OddCookie((line,), sent, secure)


def _refused(line: str, *, secure: bool = True) -> OddCookie:
    return OddCookie((line,), "", secure)


_PREFIXES = ("__Host-", "__HOST-", "__Secure-", "__secure-", "__Http-", "__Host-Http-")
_OF_HOST = ("__Host-", "__HOST-", "__Host-Http-")
_PAST = "Expires=Thu, 01 Jan 1970 00:00:00 GMT"
ODD_COOKIES: Sequence[OddCookie] = (
    _kept("k=v"),
    _kept("k=v", secure=False),
    _kept("k=v; Secure", secure=False),
    *(_kept(f"{each}k=v; Secure; Path=/; HttpOnly", f"{each}k=v") for each in _PREFIXES),
    *(_refused(f"{each}k=v; Path=/; HttpOnly") for each in _PREFIXES),
    *(_refused(f"{each}k=v; Secure; HttpOnly") for each in _OF_HOST),
    _kept("__Secure-k=v; Secure", "__Secure-k=v"),
    _refused("__Http-k=v; Secure; Path=/"),
    _refused("__Host-Http-k=v; Secure; Path=/"),
    _kept("__Host-k=v; Secure; Path=/", "__Host-k=v", secure=False),
    _refused("=__Host-k; Secure; Path=/"),
    _kept("k=v; SameSite=Strict"),
    _kept("k=v; SameSite=bogus"),
    _refused("k=v; SameSite=None"),
    _refused("k=v; SameSite=None", secure=False),
    _kept("k=v; SameSite=None; Secure"),
    _kept("k=v; Secure; Path=/; Partitioned; SameSite=None"),
    _refused("k=v; Path=/; Partitioned"),
    OddCookie(("k=" + "v" * 4095,), "k=" + "v" * 4095, name="4,096 bytes of name and value"),
    OddCookie(("k=" + "v" * 4096,), "", name="4,097 bytes of name and value"),
    OddCookie(("k=v; Path=/" + "a" * 1100,), "k=v", name="a Path of 1,100 bytes"),
    _kept("=v", "v"),
    _kept("v", "v"),
    _refused("="),
    _kept("k=", "k="),
    _kept('k="v w"', 'k="v w"'),
    _kept("k=v,w", "k=v,w"),
    _kept("k=v w", "k=v w"),
    _kept("  k  =  v  ;Path=/"),
    _kept('k={"a":"b"}', 'k={"a":"b"}'),
    OddCookie(("k=v\x01w",), "", name="a control character in the value"),
    OddCookie(("k=v\tw",), "", name="a tab in the value"),
    _kept("a k=v", "a k=v"),
    _kept("k[0]=v", "k[0]=v"),
    _kept("a,k=v", "a,k=v"),
    _kept('"k"=v', '"k"=v'),
    _kept("k==v", "k==v"),
    _kept("path=v", "path=v"),
    _kept("k=v; Foo=bar; Priority=High"),
    _kept("k=v;;;; ;"),
    _refused("k=v; Max-Age=0"),
    _refused("k=v; Max-Age=-1"),
    _kept("k=v; Max-Age=abc"),
    _kept("k=v; Max-Age=99999999999999999999"),
    _refused(f"k=v; {_PAST}"),
    _kept(f"k=v; {_PAST}; Max-Age=100"),
    _refused("k=v; Expires=Thu, 01-Jan-70 00:00:00 GMT"),
    _kept("k=v; Expires=Sunday, 06-Nov-37 08:49:37 GMT"),
    _kept("k=v; Expires=Sun Nov  6 08:49:37 2037"),
    _kept("k=v; Expires=2037-01-01T00:00:00Z"),
    _kept("k=v; Expires=0"),
    _refused("k=v; Path=/x"),
    _refused("k=v; Path=/che"),
    _refused("k=v; Path=/check/"),
    _kept("k=v; Path=check"),
    _kept('k=v; Path="/"'),
    _kept("k=v; Path=/x; Path=/"),
    OddCookie(("k=v",), "k=v", start="/a/b", check="/a/check", name="`k=v` of /a/b for /a/check"),
    OddCookie(("k=v",), "", start="/a/b", check="/check", name="`k=v` of /a/b for /check"),
    _kept("k=v; Domain=127.0.0.1"),
    _kept("k=v; Domain=.127.0.0.1"),
    _refused("k=v; Domain=example.org"),
    _kept("k=v; Domain="),
    OddCookie(("k=x", "k=v"), "k=v"),
    OddCookie(("k=v", "k=; Max-Age=0"), ""),
    OddCookie(("k=a; Path=/", "k=v; Path=/check"), "k=v; k=a"),
    OddCookie(
        tuple(f"c{at}=v" for at in range(120)),
        "; ".join(f"c{at}=v" for at in range(120)),
        name="120 cookies",
    ),
)  # fmt: skip
