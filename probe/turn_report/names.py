"""From what was typed to the transports of a server: URLs, and SRV records (RFC 5928)."""

from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.resolver
from msgspec import Struct

from probe.stun.uri import DEFAULT_PORTS, TurnUri, parse_host, parse_turn_url
from probe.turn_report.findings import Finding, ok, skipped

_SERVICES = (
    ("_turn._udp", "turn", "udp"),
    ("_turn._tcp", "turn", "tcp"),
    ("_turns._tcp", "turns", "tcp"),
)
_MAX_RECORDS = 4


class Target(Struct, frozen=True):
    """What was asked for: the transports, and the name whose SRV records may name more."""

    urls: tuple[TurnUri, ...]
    srv_name: str = ""


def read_target(text: str) -> Target:
    """A URL names one transport; a host alone all three at their default ports.

    Raises ValueError, whose text says what would be right.
    """
    if text.lower().startswith(("turn:", "turns:")):
        try:
            url = parse_turn_url(text)
        except ValueError as error:
            # Where somebody has written a password into it, it is not repeated.
            raise ValueError(f"{'the URL' if '@' in text else repr(text)}: {error}") from None
        has_port = url.port != DEFAULT_PORTS[url.scheme] or f":{url.port}" in text
        return Target((url,), "" if has_port else url.host)
    try:
        host = parse_host(text)
    except ValueError:
        raise ValueError(
            f"'{text}' is no TURN server: write turn:HOST, turn:HOST:PORT, turns:HOST or HOST alone"
        ) from None
    return Target(
        (
            TurnUri("turn", host, DEFAULT_PORTS["turn"], "udp"),
            TurnUri("turn", host, DEFAULT_PORTS["turn"], "tcp"),
            TurnUri("turns", host, DEFAULT_PORTS["turns"], "tcp"),
        ),
        host,
    )


async def service_records(host: str, seconds: float) -> tuple[Finding, Sequence[TurnUri]]:
    """The SRV records of a name, which browsers don't ask for, and the transports they name."""
    urls: list[TurnUri] = []
    resolver = dns.asyncresolver.Resolver()
    for service, scheme, transport in _SERVICES:
        try:
            answer = await resolver.resolve(f"{service}.{host}", "SRV", lifetime=seconds)
        except (dns.exception.DNSException, OSError):
            continue
        for record in list(answer)[:_MAX_RECORDS]:
            target = str(record.target).rstrip(".")
            found = TurnUri("turns" if scheme == "turns" else "turn", target, record.port, "udp")
            urls.append(found if transport == "udp" else _by_tcp(found))
    if not urls:
        return skipped("srv", f"no SRV records for {host} (browsers do not ask for any)"), ()
    shown = ", ".join(str(url) for url in urls)
    return ok("srv", shown, records=[str(url) for url in urls]), urls


def _by_tcp(url: TurnUri) -> TurnUri:
    return TurnUri(url.scheme, url.host, url.port, "tcp")
