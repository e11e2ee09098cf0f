"""One odd TURN server, three clients: Chromium, ``turn`` and ``call``."""

import asyncio
import ssl
from typing import Any

from msgspec import Struct

from probe.kinds import call, turn
from tests.browser.browser import Browser, Experience, Server
from tests.servers.certificate import Certificate
from tests.turn.bends import PASSWORD, USERNAME
from tests.turn.bent_server import BentServer, bent_server
from tests.turn.odd.server import CONNECTED, ENDS, OK, OddServer
from tests.turn.odd.verdict import verdict

ECHO_PAUSE = 0.02
PATIENCE = 20.0
"""Seconds in which a call must be set up."""
MAX_LOST = 0.15
HEADER = ("TURN server", "Chromium", "`turn`", "`call`", "why")


class Made(Struct, frozen=True):
    """What each has made of the server."""

    server: OddServer
    chromium: str
    turn: str
    call: str

    @property
    def differs(self) -> str:
        """Where it is not what is written down; empty where it is."""
        expected = (self.server.chromium, self.server.turn, self.server.call)
        found = (self.chromium, self.turn, self.call)
        return "" if found == expected else f"{self.server.name}: {found}, not {expected}"


def row(server: OddServer) -> str:
    """The line of the table in docs/browser.md."""
    said = (cause if cause == OK else f"`{cause}`" for cause in (server.turn, server.call))
    return f"| {' | '.join((server.name, server.chromium, *said, server.why))} |"


async def compare(server: OddServer, page: Browser, certificate: Certificate) -> Made:
    """Each client has a server of its own, which deviates in the same way."""
    tls = None
    if server.way == "tls":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate.cert_file, certificate.key_file)
    async with (
        bent_server(server.bends(), server.host, tls=tls) as first,
        bent_server(server.bends(), server.host, tls=tls) as second,
        bent_server(server.bends(), server.host, tls=tls) as third,
    ):
        return Made(
            server,
            *await asyncio.gather(
                _experience(page, server, first),
                verdict(
                    turn.KIND, second, server.way, ca_file=certificate.ca_file, **_held(server)
                ),
                verdict(call.KIND, third, server.way, ca_file=certificate.ca_file, **_held(server)),
            ),
        )


def _held(server: OddServer) -> dict[str, Any]:
    """A connection that ends in the middle needs a run that lasts until then."""
    ends = server.bends()
    return {"echoes": 50} if ends.closes_after or ends.away_after else {}


async def _experience(page: Browser, server: OddServer, at: BentServer) -> str:
    count = int(server.seconds / ECHO_PAUSE)
    servers = [Server([at.url(server.way)], USERNAME, PASSWORD)]
    seen = await page.call(servers, echoes=count, limit=PATIENCE)
    return in_words(seen, count)


def in_words(seen: Experience, count: int) -> str:
    """How the call went, of which ``count`` echoes were sent."""
    if not seen.opened:
        return seen.words
    return CONNECTED if len(seen.rtts) > (1 - MAX_LOST) * count else ENDS
