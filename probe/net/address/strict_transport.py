"""HTTP Strict Transport Security (RFC 6797) as Chromium reads and keeps it."""

import re

from msgspec import Struct
from yarl import URL

from probe.net.address.ranges import is_literal
from probe.net.protocol.head import Head

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_DIRECTIVE = re.compile(
    rf'[ \t]*(?:({_TOKEN})[ \t]*(?:=[ \t]*({_TOKEN}|"(?:[^"\\]|\\.)*"))?)?[ \t]*(?:;|$)'
)
HEADER = "Strict-Transport-Security"
_LONGEST = 15  # digits
_LOCAL = "localhost"


class Policy(Struct, frozen=True):
    """For how many seconds a host, and with ``subdomains`` the names below it, want TLS."""

    max_age: float
    subdomains: bool


def read_policy(header: str) -> Policy | None:
    """What a header says; None for one that browsers ignore as a whole."""
    directives: dict[str, str | None] = {}
    at = 0
    while at < len(header):
        found = _DIRECTIVE.match(header, at)
        if found is None:
            return None
        at = found.end()
        if found[1] is None:
            continue
        name = found[1].lower()
        if name in directives and name in ("max-age", "includesubdomains"):
            return None
        directives[name] = found[2]
    seconds = (directives.get("max-age") or "").strip('"')
    subdomains = "includesubdomains" in directives
    if not re.fullmatch(r"[0-9]+", seconds) or directives.get("includesubdomains") is not None:
        return None
    return Policy(float(seconds[:_LONGEST]), subdomains)


class StrictTransport:
    """The policies of one visit."""

    def __init__(self) -> None:
        self._hosts: dict[str, Policy] = {}

    def keep(self, address: URL, head: Head) -> None:
        """Keep what an answer says, if it came by TLS; of several headers the first counts."""
        headers = head.headers.getall(HEADER, [])
        host = _host_of(address)
        if address.scheme != "https" or not headers or not _may_have_policy(host):
            return
        policy = read_policy(headers[0])
        if policy is not None:
            self._hosts[host] = policy

    def upgraded(self, address: URL) -> URL:
        """The address by TLS where its host wants that; a port that is named stays."""
        if address.scheme != "http" or not self._binds(_host_of(address)):
            return address
        port = address.explicit_port
        return address.with_scheme("https").with_port(None if port == 80 else port)

    def _binds(self, host: str) -> bool:
        labels = host.split(".")
        for at in range(len(labels)):
            policy = self._hosts.get(".".join(labels[at:]))
            if policy is not None and policy.max_age and (at == 0 or policy.subdomains):
                return True
        return False


def _host_of(address: URL) -> str:
    return (address.raw_host or "").lower().removesuffix(".")


def _may_have_policy(host: str) -> bool:
    """Not an address, and not this machine."""
    return bool(host) and not is_literal(host) and host.rpartition(".")[2] != _LOCAL
