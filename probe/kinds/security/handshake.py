"""The Socket.IO handshake refuses no token and forged ones (RFC 8725), as the endpoints do."""

import asyncio
from collections.abc import Iterable, Mapping

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.kinds.security.findings import Findings
from probe.kinds.security.requests import Pace
from probe.kinds.security.settings import SecurityTable
from probe.net.urls import show_host

PLACE = "Socket.IO"
# Without the application's event by then, a session that is open gives nothing.
READY_SECONDS = 3.0
# Once one was silent, the others need not be waited for so long.
AGAIN_SECONDS = 1.0
CLOSE_SECONDS = 1.0
_REFUSALS = (Cause.AUTH_REJECTED, Cause.CONNECTION_CLOSED)


async def handshakes(
    table: SecurityTable,
    found: Findings,
    context: Context,
    forged: Iterable[tuple[str, Mapping[str, str]]],
) -> bool:
    """A session with each forgery; False if there is no Socket.IO server to try it on. Raises
    NotMeasured."""
    seconds, pace = READY_SECONDS, Pace()
    for item, headers in forged:
        place = f"{PLACE}, {item}"
        await pace.turn()
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        try:
            is_ready = await _is_ready(table, context, token if scheme else None, seconds)
        except CheckFailed as error:
            if error.cause not in _REFUSALS:
                return False
            found.passed(place, f"refused ({error.cause.value})")
        else:
            if is_ready:
                evidence = f'{PLACE} sends "{table.ready_event}" to a session {item}'
                found.failed(place, Cause.AUTH_NOT_ENFORCED, evidence)
            else:
                found.passed(place, f'no "{table.ready_event}" within {seconds:g} s')
                seconds = AGAIN_SECONDS
    return True


async def _is_ready(
    table: SecurityTable, context: Context, token: str | None, seconds: float
) -> bool:
    """Whether the application takes a session with that token. Raises CheckAborted."""
    from probe.net.engineio.session import Site
    from probe.net.http import fresh_client
    from probe.net.socketio import Session

    host = show_host(table.address)
    async with fresh_client(ca_file=table.ca_file, clock=context.clock, host=host) as browser:
        session = Session(
            browser,
            host=host,
            namespace=table.namespace,
            listen=(table.ready_event,),
            clock=context.clock,
        )
        try:
            async with asyncio.timeout(seconds):
                site = Site(table.address, table.path, table.own_origin)
                await session.open(site, token=token, transport="websocket")
                await session.expect(table.ready_event)
        except TimeoutError:
            return False
        finally:
            await context.closing.close(session.close(), timeout=CLOSE_SECONDS)
    return True
