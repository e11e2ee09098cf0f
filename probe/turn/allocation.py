"""One allocation, made only to be deleted: does the server allocate?"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from probe.core.context import Context
from probe.net.tls import client_context
from probe.stun.credentials import TurnCredentials
from probe.stun.transport import Phases, untimed
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
) -> TurnClient:
    """Allocate and delete; times ``dns``, ``connect``, ``tls`` and ``allocate``.

    Raises CheckFailed with the phase. The client that is returned, and given to ``found`` also
    after a failure, is closed or being closed; what it has measured is still in it.
    """
    client, timeout = new_client(url, credentials, context), 0.0
    try:
        tls = tls_context(url, ca_file)
        with phases("dns"):
            addresses = await resolve_turn_server(url, family)
        await client.open(addresses, phases, tls)
        timeout = DELETE_SECONDS
    finally:
        found(client)
        await close_all(context, (client,), timeout=timeout)
    return client


def new_client(url: TurnUri, credentials: TurnCredentials | None, context: Context) -> TurnClient:
    """A client on the clocks of a run."""
    return TurnClient(url, credentials, clock=context.clock, now=context.now)


def tls_context(url: TurnUri, ca_file: Path | None) -> ssl.SSLContext | None:
    """The context for ``turns:``; None for the other transports."""
    return client_context(ca_file) if url.kind == "tls" else None


async def close_all(context: Context, clients: Sequence[TurnClient], *, timeout: float) -> None:
    """Delete and close all at once; waits for it at most ``timeout`` seconds."""

    async def close() -> None:
        await asyncio.gather(*(client.close() for client in clients))

    await context.closing.close(close(), timeout=timeout)
