"""Which STUN and TURN servers the answering side of a call uses: those of its own checks."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Stop
from probe.ice.aioice_agent import Servers
from probe.ice.relay_transport import Relay, relay_at
from probe.net.resolver import has_route
from probe.stun.credentials import Credentials
from probe.stun.uri import WAYS_IN, TurnUrl
from probe.turn.resolve import Family, addresses_of
from probe.turn_targets.table import ServerTable

_LOOK_UP_SECONDS = 2.0


async def servers_among(checks: Sequence[Check], provider: str, context: Context) -> Servers:
    """A STUN server, and a relay for a relayed call: ``provider``'s, or else the first there is.

    An empty ``provider`` asks for none. What can't be resolved is left out.
    """
    stun = await stun_address(next(_stun_urls(checks), None))
    tables = _relays(checks) if provider else []
    tables.sort(key=lambda table: (table.provider != provider, _preference(table)))
    for table in tables:
        source = table.source
        if table.url is not None and source is not None:
            found = await _relay_within_reach(table.url, source.at(context.now()), table.ca_file)
            if found is not None:
                return Servers(stun, found)
    return Servers(stun)


async def stun_address(url: TurnUrl | None) -> tuple[str, int] | None:
    """A STUN server's IPv4 address (aioice asks over no other) and port; None for none."""
    if url is None:
        return None
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            found = await addresses_of(url, "ipv4")
    except (Stop, TimeoutError):
        return None
    return found[0].ip, url.port


async def relay_to(
    url: TurnUrl, credentials: Credentials, family: Family | None, ca_file: Path | None
) -> Relay:
    """A relay by its resolved addresses. Raises what ``addresses_of`` raises."""
    return await relay_at(url, credentials, await addresses_of(url, family), ca_file)


async def _relay_within_reach(
    url: TurnUrl, credentials: Credentials, ca_file: Path | None
) -> Relay | None:
    """A relay by its resolved addresses; None where there is no way to it."""
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            relay = await relay_to(url, credentials, None, ca_file)
    except (Stop, TimeoutError):
        return None
    routed = [address for address in relay.addresses if has_route(address)]
    return replace(relay, addresses=routed) if routed else None


def _stun_urls(checks: Iterable[Check]) -> Iterator[TurnUrl]:
    """STUN servers, and TURN servers by UDP, which answer the same (RFC 8656 section 2)."""
    urls = [getattr(check.table, "url", None) for check in checks]
    for check, url in zip(checks, urls, strict=True):
        if isinstance(url, TurnUrl) and not isinstance(check.table, ServerTable):
            yield url
    for url in urls:
        if isinstance(url, TurnUrl) and url.kind == "udp":
            yield url


def _relays(checks: Iterable[Check]) -> list[ServerTable]:
    return [check.table for check in checks if isinstance(check.table, ServerTable)]


def _preference(table: ServerTable) -> int:
    return WAYS_IN.index(table.way_in) if table.way_in else len(WAYS_IN)
