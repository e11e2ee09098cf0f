"""Which STUN and TURN servers the answering side of a call uses: those of its own checks."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import CheckAborted
from probe.ice.aioice_agent import IceServers
from probe.ice.relay_transport import RelayServer, relay_server
from probe.net.resolver import has_route
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TRANSPORTS, TurnUri
from probe.turn.resolve import Family, resolve_turn_server
from probe.turn_targets.table import TurnServerConfig

_LOOK_UP_SECONDS = 2.0


async def servers_among(checks: Sequence[Check], provider: str, context: Context) -> IceServers:
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
                return IceServers(stun, found)
    return IceServers(stun)


async def stun_address(url: TurnUri | None) -> tuple[str, int] | None:
    """A STUN server's IPv4 address (aioice asks over no other) and port; None for none."""
    if url is None:
        return None
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            found = await resolve_turn_server(url, "ipv4")
    except (CheckAborted, TimeoutError):
        return None
    return found[0].ip, url.port


async def relay_to(
    url: TurnUri, credentials: TurnCredentials, family: Family | None, ca_file: Path | None
) -> RelayServer:
    """A relay by its resolved addresses. Raises what ``resolve_turn_server`` raises."""
    return await relay_server(url, credentials, await resolve_turn_server(url, family), ca_file)


async def _relay_within_reach(
    url: TurnUri, credentials: TurnCredentials, ca_file: Path | None
) -> RelayServer | None:
    """A relay by its resolved addresses; None where there is no way to it."""
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            relay = await relay_to(url, credentials, None, ca_file)
    except (CheckAborted, TimeoutError):
        return None
    routed = [address for address in relay.addresses if has_route(address)]
    return replace(relay, addresses=routed) if routed else None


def _stun_urls(checks: Iterable[Check]) -> Iterator[TurnUri]:
    """STUN servers, and TURN servers by UDP, which answer the same (RFC 8656 section 2)."""
    urls = [getattr(check.table, "url", None) for check in checks]
    for check, url in zip(checks, urls, strict=True):
        if isinstance(url, TurnUri) and not isinstance(check.table, TurnServerConfig):
            yield url
    for url in urls:
        if isinstance(url, TurnUri) and url.kind == "udp":
            yield url


def _relays(checks: Iterable[Check]) -> list[TurnServerConfig]:
    return [check.table for check in checks if isinstance(check.table, TurnServerConfig)]


def _preference(table: TurnServerConfig) -> int:
    return TRANSPORTS.index(table.client_transport) if table.client_transport else len(TRANSPORTS)
