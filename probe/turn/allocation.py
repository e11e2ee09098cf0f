"""One allocation, made only to be deleted: does the server allocate?"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.net.resolver import Address
from probe.net.tasks import finish_all, gather_first_error, phase_timeout
from probe.net.tls.contexts import ClientContext, client_context
from probe.stun.browser_timing import GATHERING_SECONDS
from probe.stun.credentials import TurnCredentials
from probe.stun.message import PeerAddress
from probe.stun.transport import Phases, untimed
from probe.stun.transport.refusals import naming_refusal
from probe.stun.uri import TurnUri
from probe.turn.client import TurnClient
from probe.turn.resolve import Family, resolve_turn_server

DELETE_SECONDS = 0.5
"""How long a successful run waits for its deletions, a round trip each: the next run finds
the quota free."""


async def allocate_and_delete(
    url: TurnUri,
    credentials: TurnCredentials | None,
    context: Context,
    *,
    ca_file: Path | None = None,
    family: Family | None = None,
    phases: Phases = untimed,
    found: Callable[[TurnClient], None] = lambda _: None,
    limit: float = GATHERING_SECONDS,
) -> TurnClient:
    """Allocate within ``limit`` seconds, and delete; times ``dns``, ``connect``, ``tls`` and
    ``allocate``.

    Raises CheckFailed with the phase. The client that is returned, and given to ``found`` also
    after a failure, is closed or being closed; what it has measured is still in it.
    """
    client, timeout = new_client(url, credentials, context), 0.0
    try:
        tls = tls_context(url, ca_file)
        with phases("dns"):
            addresses = await resolve_turn_server(url, family)
        with naming_refusal(lambda: client.refusal):
            await _open_within(limit, client, addresses, phases, tls)
        timeout = DELETE_SECONDS
    finally:
        found(client)
        await close_all(context, (client,), timeout=timeout)
    return client


async def _open_within(
    seconds: float,
    client: TurnClient,
    addresses: Sequence[Address],
    phases: Phases,
    tls: ClientContext | None,
) -> None:
    try:
        async with asyncio.timeout(seconds):
            await client.open(addresses, phases, tls)
    except TimeoutError:
        raise CheckFailed(Cause.DEADLINE, f"no answer within {seconds:.3g} s") from None


def new_client(url: TurnUri, credentials: TurnCredentials | None, context: Context) -> TurnClient:
    """A client on the clocks of a run."""
    return TurnClient(url, credentials, clock=context.clock, now=context.now)


def tls_context(url: TurnUri, ca_file: Path | None) -> ClientContext | None:
    """The context for ``turns:``; None for the other transports."""
    return client_context(ca_file) if url.kind == "tls" else None


async def close_all(context: Context, clients: Sequence[TurnClient], *, timeout: float) -> None:
    """Delete and close all at once; waits for it at most ``timeout`` seconds."""
    closing = finish_all(*(client.close() for client in clients))
    await context.closing.close(closing, timeout=timeout)


async def permit_each_other(
    a: TurnClient, b: TurnClient, permission: float, channel: float
) -> None:
    """CreatePermission and ChannelBind both ways at once, for so many seconds each: a browser's
    checks need the permission, and its data goes without a channel as well. Raises CheckFailed."""

    async def permit(client: TurnClient, other: TurnClient) -> None:
        message = "the server doesn't answer CreatePermission"
        async with phase_timeout(permission, "permission", Cause.DEADLINE, message):
            await client.create_permission(relayed(other))

    async def bind(client: TurnClient, other: TurnClient) -> None:
        message = "the server doesn't answer ChannelBind"
        async with phase_timeout(channel, "permission", Cause.DEADLINE, message):
            await client.channel_bind(relayed(other))

    await gather_first_error(permit(a, b), bind(a, b), permit(b, a), bind(b, a))


def relayed(client: TurnClient) -> PeerAddress:
    """The relayed address of an allocation that is there."""
    if client.relayed is None:
        raise RuntimeError("there is no allocation yet")
    return client.relayed
