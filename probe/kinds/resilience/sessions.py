"""Socket.IO sessions of the application that lose the network, each of a device of its own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import SecretStr

from probe.core.context import Context
from probe.core.recorder import Recorder
from probe.kinds.resilience.signals import write_session
from probe.net.tasks import gather_first_error
from probe.net.urls import show_host
from probe.paircam import Backend
from probe.paircam.page_polls import check_page_polls, site_for_page
from probe.turn_targets.table import TurnServerConfig

if TYPE_CHECKING:
    from probe.net.engineio.session import Site
    from probe.paircam.reconnect import ReconnectProbe


async def run_sessions(
    table: TurnServerConfig, losses: Sequence[float], record: Recorder, context: Context
) -> None:
    """A session for each loss, in seconds. Raises CheckAborted, also where no page gets one."""
    assert table.backend_url is not None
    site = site_for_page(table.backend_url, table.origin)
    with record.phase("token"):
        lines = [await _line(table, site, context) for _ in losses]

    async def has_page() -> None:
        await check_page_polls(site, table.ca_file, record, context)

    with record.phase("losses"):
        # One page for all of them.
        opened = (has_page, *(None for _ in lines[1:]))
        losing = zip(lines, losses, opened, strict=True)
        await gather_first_error(*(_lose_session(*each, record) for each in losing))


async def _line(table: TurnServerConfig, site: "Site", context: Context) -> "ReconnectProbe":
    """A device of its own: the backend may keep one session for each."""
    from probe.net.resolver import resolve
    from probe.paircam.reconnect import ReconnectProbe, SignalingServer

    backend = Backend(
        SecretStr(site.url),
        jwt_secret=table.jwt_secret,
        jwt_expiration=table.jwt_expiration,
        ca_file=table.ca_file,
        clock=context.clock,
        now=context.now,
        origin=table.origin,
    )
    token = await backend.token()
    host, port = _place(site.url)
    server = SignalingServer(site, (await resolve(host, port))[0], token, table.ca_file)
    return ReconnectProbe(server, context.closing, context.clock)


def _place(url: str) -> tuple[str, int]:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts.hostname or show_host(url), parts.port or (443 if parts.scheme == "https" else 80)


async def _lose_session(
    line: "ReconnectProbe",
    seconds: float,
    opened: Callable[[], Awaitable[None]] | None,
    record: Recorder,
) -> None:
    write_session(await line.simulate_loss(seconds, opened), seconds, record)
