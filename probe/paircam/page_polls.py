"""Signaling as the application's page asks for it, and whether that page could poll.

Pages begin so, and a WebSocket knows no CORS.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted
from probe.core.recorder import Recorder
from probe.net.fetch import cors
from probe.net.protocol.errors import PeerError
from probe.net.urls import show_host

if TYPE_CHECKING:
    from probe.net.engineio.session import Site


_PATH = "/socket.io"


def site_for_page(url: SecretStr, origin: str | None) -> "Site":
    """The application's Socket.IO endpoint below ``url``; ``origin`` is the page's."""
    from probe.net.engineio.session import Site

    return Site(url.get_secret_value(), _PATH, origin)


async def check_page_polls(
    site: "Site", ca_file: Path | None, record: Recorder, context: Context
) -> None:
    """A handshake by polling as the page makes it, and its end, for phase ``cors``.

    Nothing is asked where the page's requests need no CORS, and a server that takes no polling is
    not judged. Raises CheckFailed(cors_rejected).
    """
    if site.is_cross_origin:
        with record.phase(cors.PHASE):
            await _poll(site, ca_file, context)


async def _poll(site: "Site", ca_file: Path | None, context: Context) -> None:
    from probe.net.engineio.session import EngineIo
    from probe.net.http import fresh_client

    host = show_host(site.url)
    async with fresh_client(ca_file=ca_file, clock=context.clock, host=host) as browser:
        polling = EngineIo(browser, host, site)
        try:
            await polling.open("polling")
            await polling.close()
        except CheckAborted as aborted:
            if aborted.cause is Cause.CORS_REJECTED:
                raise
        except PeerError:
            return
