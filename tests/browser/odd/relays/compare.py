"""One odd relay: a call between two pages of Chromium, and the checks."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

from probe.core.context import Context
from probe.core.kind import Check, Kind
from probe.core.runner import run_check
from probe.kinds import call, turn
from tests.browser.browser import Browser, Server
from tests.browser.odd.compare_turn import ECHO_PAUSE, PATIENCE, in_words
from tests.browser.odd.paths.load_kind import called_by_load
from tests.browser.odd.relays.rows import OddRelay
from tests.servers.certificate import Certificate
from tests.turn.bends import PASSWORD, USERNAME
from tests.turn.bent_server import bent_server
from tests.turn.path.answer_front import answer_front
from tests.turn.path.rules import OddPath

GROUPS = "group of odd relays and paths"
OK = "ok"
_DEADLINE = 30.0


@asynccontextmanager
async def serving(row: OddRelay, certificate: Certificate) -> AsyncIterator[str]:
    """The URL of the relay."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if row.way == "tls" else None
    if tls is not None:
        tls.load_cert_chain(certificate.cert_file, certificate.key_file)
    bends = row.bends()
    path = bends.path if isinstance(bends.path, OddPath) else OddPath(())
    async with bent_server(bends, tls=tls) as server:
        with closing(path):
            if row.front is None:
                yield server.url(row.way)
                return
            async with answer_front((server.host, server.port), row.front) as port:
                yield f"turn:127.0.0.1:{port}?transport=udp"


async def call_in_chromium(row: OddRelay, page: Browser, certificate: Certificate) -> str:
    """How far a call between two pages comes."""
    count = int(row.seconds / ECHO_PAUSE)
    async with serving(row, certificate) as url:
        seen = await page.call([Server([url], USERNAME, PASSWORD)], echoes=count, limit=PATIENCE)
    return "opened" if row.opens and seen.opened else in_words(seen, count)


def _by_kind(kind: Kind[Any, Any]) -> Callable[[OddRelay, Certificate], Awaitable[str]]:
    async def one(row: OddRelay, certificate: Certificate) -> str:
        async with serving(row, certificate) as url:
            table = {
                "name": kind.name,
                "url": url,
                "username": USERNAME,
                "password": PASSWORD,
                "deadline": _DEADLINE,
                "ca_file": certificate.ca_file,
            }
            context = Context()
            result = await run_check(Check(kind, kind.table.model_validate(table)), context)
            await context.closing.drain(timeout=5)
        if result.failure is None or (row.opens and result.failure.phase == "echo"):
            return OK
        return f"{result.failure.phase}: {result.failure.cause.value}"

    return one


async def of_load(row: OddRelay, certificate: Certificate) -> str:
    """One user of ``probe load``."""
    async with serving(row, certificate) as url:
        found = await called_by_load(url, certificate, 10)
    return OK if row.opens and found.startswith("echo: ") else found


KINDS: dict[str, Callable[[OddRelay, Certificate], Awaitable[str]]] = {
    "turn": _by_kind(turn.KIND),
    "call": _by_kind(call.KIND),
    "load": of_load,
}


def agrees(kind: str, row: OddRelay, found: str) -> bool:
    """Whether the verdict is that of Chromium's users, or has its reason not to be."""
    return ((found == OK) == row.is_taken) != bool(row.why_of(kind))
