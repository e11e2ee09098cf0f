"""The cookies of one client, kept and sent as Chromium does (RFC 6265bis, net::CookieMonster).

What a browser refuses (a prefix without its attributes, SameSite=None or Partitioned without
Secure, more than 4,096 bytes) is not sent back, and what it takes (blanks, commas, quotes, no name
at all) is.
"""

import re
from typing import Literal

from msgspec import Struct
from yarl import URL

from probe.net.address.ranges import is_literal
from probe.net.cookies.cookie_dates import parse_date
from probe.net.cookies.sites import is_public_suffix, is_trustworthy
from probe.net.protocol.exchange import HttpResponse

MAX_COOKIES = 180
"""Of one host, as Chromium has it."""
CookieUse = bool | Literal["cross_site"]
"""Whether cookies are sent and kept; a script of another site gets SameSite=None alone."""
_LONGEST, _MAX_ATTRIBUTE = 4096, 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SECONDS = re.compile(r"-?[0-9]+")
_PREFIXES = ("__host-http-", "__host-", "__secure-", "__http-")


class Cookie(Struct, frozen=True, gc=False):
    """One that was taken; ``domain`` is empty for the host alone."""

    name: str
    value: str
    host: str
    domain: str
    path: str
    is_secure: bool
    is_for_any_site: bool = False

    def goes_to(self, address: URL, *, cross_site: bool = False) -> bool:
        """Whether a request to this address carries it; see ``CookieUse``."""
        if cross_site and not self.is_for_any_site:
            return False
        if self.is_secure and not is_trustworthy(address):
            return False
        host = _host(address)
        if not (host == self.host if not self.domain else _is_within(host, self.domain)):
            return False
        return _covers(self.path, address.raw_path or "/")

    @property
    def place(self) -> str:
        """The domain, or the host alone."""
        return self.domain or self.host

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later one replaces it by: one for the host alone is another one."""
        return self.name, f".{self.domain}" if self.domain else self.host, self.path

    @property
    def sent(self) -> str:
        """As in the Cookie header."""
        return f"{self.name}={self.value}" if self.name else self.value


class Cookies:
    """Kept from response to request, gone with the client."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], Cookie] = {}

    def header_for(self, address: URL, use: CookieUse = True) -> str:
        """The value of the Cookie header; empty without any. Longer paths come first."""
        if not (self._kept and use):
            return ""
        cross_site = use == "cross_site"
        kept = self._kept.values()
        found = [each for each in kept if each.goes_to(address, cross_site=cross_site)]
        found.sort(key=lambda each: -len(each.path))
        return "; ".join(each.sent for each in found)

    def keep(self, response: HttpResponse, address: URL, use: CookieUse = True) -> None:
        """Take what a response sets."""
        lines = response.headers.getall("Set-Cookie", ()) if use else ()
        for line in lines[:MAX_COOKIES]:
            self._take(line, address, cross_site=use == "cross_site")

    def _take(self, line: str, address: URL, *, cross_site: bool) -> None:
        read = read_cookie(line, address)
        if read is None:
            return
        cookie, expired = read
        if cross_site and not cookie.is_for_any_site:
            return
        if not cookie.is_secure and not is_trustworthy(address) and self._shadows(cookie):
            return
        if expired:
            self._kept.pop(cookie.key, None)
        elif cookie.key in self._kept or len(self._kept) < MAX_COOKIES:
            self._kept[cookie.key] = cookie

    def _shadows(self, cookie: Cookie) -> bool:
        """Whether it would stand in for a secure one, from a place that is not secure (RFC 6265bis,
        5.7, step 17)."""
        return any(
            each.is_secure
            and each.name == cookie.name
            and (_is_within(each.place, cookie.place) or _is_within(cookie.place, each.place))
            and _covers(each.path, cookie.path)
            for each in self._kept.values()
        )


def read_cookie(line: str, address: URL) -> tuple[Cookie, bool] | None:
    """A Set-Cookie header's cookie and whether it has expired; None where a browser refuses it."""
    pair, *rest = line.split(";")
    name, equals, value = pair.partition("=")
    name, value = (name.strip(" \t"), value.strip(" \t")) if equals else ("", pair.strip(" \t"))
    if not (name or value) or len(name) + len(value) > _LONGEST or _CONTROL.search(name + value):
        return None
    given = _attributes(rest)
    secure, host = "secure" in given, _host(address)
    named = given.get("domain", "").lower()
    domain = named.removeprefix(".")
    if named == "." or (domain and not _may_set_for(host, domain)):
        return None
    if domain and (is_literal(domain) or is_public_suffix(domain)):
        domain = ""  # the host alone
    for_any_site = given.get("samesite", "").lower() == "none"
    wants_secure = for_any_site or "partitioned" in given
    if (not secure and wants_secure) or (secure and not is_trustworthy(address)):
        return None
    if not _keeps_its_prefix(name or value, given, domain=domain, is_named=bool(name)):
        return None
    path = given.get("path", "")
    path = path if path.startswith("/") else _default_path(address)
    cookie = Cookie(_text(name), _text(value), host, domain, path, secure, for_any_site)
    return cookie, _has_expired(given)


def _attributes(parts: list[str]) -> dict[str, str]:
    """By their names in small letters; the last of a name counts, one that is too long does not."""
    found = {}
    for part in parts:
        name, _, value = part.partition("=")
        if len(value.strip(" \t")) <= _MAX_ATTRIBUTE:
            found[name.strip(" \t").lower()] = value.strip(" \t")
    return found


def _keeps_its_prefix(name: str, given: dict[str, str], *, domain: str, is_named: bool) -> bool:
    prefix = next((each for each in _PREFIXES if name.lower().startswith(each)), "")
    if not prefix:
        return True
    of_host = not domain and given.get("path") == "/"
    return (
        is_named
        and "secure" in given
        and (of_host or not prefix.startswith("__host-"))
        and ("httponly" in given or not prefix.endswith("http-"))
    )


def _has_expired(given: dict[str, str]) -> bool:
    age = given.get("max-age", "")
    if _SECONDS.fullmatch(age):
        return age.startswith("-") or not age.strip("0")
    until = parse_date(given.get("expires", ""))
    return until is not None and until.is_past()


def _host(address: URL) -> str:
    return (address.raw_host or "").lower().removesuffix(".")


def _may_set_for(host: str, domain: str) -> bool:
    """Whether a host may set cookies for a domain: not where strangers have theirs beside it."""
    return domain == host or (_is_within(host, domain) and not is_public_suffix(domain))


def _is_within(host: str, domain: str) -> bool:
    """Of the cookie's domain or below it (RFC 6265, 5.1.3)."""
    return host == domain or (host.endswith(f".{domain}") and not is_literal(host))


def _covers(path: str, requested: str) -> bool:
    """RFC 6265, 5.1.4."""
    return requested == path or (
        requested.startswith(path) and (path.endswith("/") or requested[len(path)] == "/")
    )


def _default_path(address: URL) -> str:
    folder = (address.raw_path or "/").rpartition("/")[0]
    return folder or "/"


def _text(raw: str) -> str:
    """A header's bytes as they are sent again: headers are read as Latin-1, written as UTF-8."""
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw
