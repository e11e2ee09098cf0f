"""A TURN server refuses strangers, and peers in its own network."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed, NotMeasured
from probe.kinds.security.findings import MAX_NAMES, Findings
from probe.kinds.security.settings import SecurityTable
from probe.stun.credentials import TurnCredentials
from probe.stun.transport import untimed
from probe.untrusted.text import listed

if TYPE_CHECKING:
    from probe.net.resolver import Address
    from probe.turn.client import TurnClient

_REFUSED = (Cause.CREDENTIALS_MISSING, Cause.AUTH_REJECTED, Cause.ALLOCATION_REFUSED)
_NO_IPV6 = (Cause.ALLOCATION_REFUSED, Cause.AUTH_REJECTED)


async def turn(table: SecurityTable, found: Findings, context: Context) -> None:
    """Allocate without credentials; with them, ask for permissions. Nothing is sent to a peer."""
    from probe.turn.resolve import resolve_turn_server
    from probe.turn_targets.server_list import servers_for

    record = found.record
    credentials, urls = await servers_for(table, record, context)
    table = table.model_copy(update={"url": urls[0]})
    addresses = await resolve_turn_server(urls[0], table.family)
    with record.phase("strangers"):
        await _strangers(table, addresses, found, context)
    if credentials is None:
        return
    with record.phase("peers"):
        await _peers(table, addresses, credentials, found, context)


async def _strangers(
    table: SecurityTable, addresses: "Sequence[Address]", found: Findings, context: Context
) -> None:
    try:
        async with _allocation(table, addresses, None, context):
            evidence = f"{table.target} allocates without credentials"
            found.failed("strangers", Cause.OPEN_RELAY, evidence)
    except (CheckFailed, NotMeasured) as error:
        if error.cause not in _REFUSED:
            raise
        found.passed("strangers", "an Allocate without credentials is refused")


async def _peers(
    table: SecurityTable,
    addresses: "Sequence[Address]",
    credentials: TurnCredentials,
    found: Findings,
    context: Context,
) -> None:
    from probe.turn_targets.forbidden_peers import (
        FORBIDDEN_PEERS,
        FORBIDDEN_PEERS_IPV6,
        accepted_peers,
    )

    async with _allocation(table, addresses, credentials, context) as client:
        accepted = await accepted_peers(client, (*FORBIDDEN_PEERS, *FORBIDDEN_PEERS_IPV6))
    _judge("IPv4 relay", accepted, found)
    try:
        async with _allocation(table, addresses, credentials, context, ipv6=True) as client:
            accepted = await accepted_peers(client, FORBIDDEN_PEERS_IPV6)
    except CheckFailed as error:
        if error.cause not in _NO_IPV6:
            raise
        found.passed("IPv6 relay", "the server relays no IPv6 (RFC 6156)")
    else:
        _judge("IPv6 relay", accepted, found)


def _judge(item: str, accepted: list[str], found: Findings) -> None:
    if accepted:
        evidence = f"{item}: permission for {listed(accepted, MAX_NAMES)}"
        found.failed(item, Cause.PRIVATE_PEERS_ALLOWED, evidence)
    else:
        found.passed(item, "private, loopback and metadata peers are refused")


@asynccontextmanager
async def _allocation(
    table: SecurityTable,
    addresses: "Sequence[Address]",
    credentials: TurnCredentials | None,
    context: Context,
    *,
    ipv6: bool = False,
) -> "AsyncIterator[TurnClient]":
    from probe.net.tls.contexts import client_context
    from probe.turn.client import TurnClient

    assert table.url is not None
    client = TurnClient(table.url, credentials, clock=context.clock, now=context.now, ipv6=ipv6)
    tls = client_context(table.ca_file) if table.url.kind == "tls" else None
    try:
        await client.open(addresses, untimed, tls)
        yield client
    finally:
        await context.closing.close(client.close(), timeout=1.5)
