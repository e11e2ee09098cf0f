"""One odd path: a call between two pages of Chromium, and the check."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds import call
from tests.browser.browser import Browser, Server
from tests.browser.odd.compare_turn import ECHO_PAUSE, PATIENCE, in_words
from tests.browser.odd.paths.row import OPENED, PathRow
from tests.servers.certificate import Certificate
from tests.turn.bends import PASSWORD, USERNAME, Bends
from tests.turn.bent_server import bent_server
from tests.turn.odd.server import NO_DTLS, NO_ICE
from tests.turn.path.port_front import PortFront, port_front
from tests.turn.path.rules import OddPath
from tests.turn.path.stream_front import stream_front

GROUPS = "group of odd paths"
OK = "ok"
_DEADLINE = 30.0


@asynccontextmanager
async def serving(row: PathRow, certificate: Certificate) -> AsyncIterator[str]:
    """The URL of a TURN server by this path."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if row.way == "tls" else None
    if tls is not None:
        tls.load_cert_chain(certificate.cert_file, certificate.key_file)
    inner, path = None if row.ends else tls, OddPath(row.rules)
    async with bent_server(Bends(path=path), tls=inner) as server:
        with closing(path):
            target = (server.host, server.port)
            if row.ends:
                async with stream_front(target, *row.ends, tls) as port:
                    yield _url(row, port)
            elif row.port:
                async with port_front(PortFront(target, **row.port)) as port:
                    yield _url(row, port)
            else:
                yield server.url(row.way)


def _url(row: PathRow, port: int) -> str:
    scheme, transport = ("turns", "tcp") if row.way == "tls" else ("turn", row.way)
    return f"{scheme}:127.0.0.1:{port}?transport={transport}"


async def call_in_chromium(row: PathRow, page: Browser, certificate: Certificate) -> str:
    """How far a call between two pages comes."""
    count = int(row.seconds / ECHO_PAUSE)
    async with serving(row, certificate) as url:
        seen = await page.call([Server([url], USERNAME, PASSWORD)], echoes=count, limit=PATIENCE)
    if row.opens and seen.opened:
        return OPENED
    if seen.words == NO_DTLS and "ice" not in seen.reached("answering"):
        return NO_ICE
    return in_words(seen, count)


async def outcome_of_probe(row: PathRow, certificate: Certificate) -> str:
    """``ok``, or the phase and the cause of the failure."""
    async with serving(row, certificate) as url:
        table = {
            "name": "call",
            "url": url,
            "username": USERNAME,
            "password": PASSWORD,
            "deadline": _DEADLINE,
            "ca_file": certificate.ca_file,
            "echoes": int(row.seconds / ECHO_PAUSE),
        }
        context = Context()
        result = await run_check(Check(call.KIND, call.KIND.table.model_validate(table)), context)
        await context.closing.drain(timeout=5)
    if result.failure is None or (row.opens and result.failure.phase == "echo"):
        return OK
    return f"{result.failure.phase}: {result.failure.cause.value}"


def agrees(row: PathRow, outcome: str) -> bool:
    """Whether the check says what Chromium's users had: a call, or none in the same phase."""
    if row.is_taken or outcome == OK:
        return row.is_taken and outcome == OK
    return not row.has_same_phase or outcome.partition(":")[0] == row.phase
