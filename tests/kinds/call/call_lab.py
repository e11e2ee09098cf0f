"""Shorthands of the call check's tests: a check of a lab's or coturn's relay, and what it found."""

from typing import Any

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result
from probe.core.runner import run_check
from probe.kinds.call import KIND
from probe.kinds.call.settings import CallTable
from probe.lab.turn.server import LabTurnServer
from tests.servers.coturn import Coturn
from tests.turn.turn_lab import PASSWORD, USERNAME, TurnLab

ECHOES = 3
CALLING = ["gathering", "ice", "dtls", "data_channel", "echo"]


def call_check(**table: Any) -> Check:
    """A check of the call kind, with fewer echoes than usual."""
    return Check(KIND, CallTable.model_validate({"name": "call", "echoes": ECHOES, **table}))


def lab_check(lab: TurnLab, way: str = "udp", **table: Any) -> Check:
    """With the right credentials, unless the table says otherwise."""
    login = {"username": USERNAME, "password": PASSWORD}
    if "username" in table or "shared_secret" in table:
        login = {}
    return call_check(**{"url": lab.url(way), "ca_file": lab.ca_file, **login, **table})


def coturn_check(server: Coturn, way: str = "udp", **table: Any) -> Check:
    """With the right credentials, unless the table says otherwise."""
    url = {"udp": server.udp_url, "tcp": server.tcp_url, "tls": server.tls_url}[way]
    login = {"username": server.username, "password": server.password}
    if "shared_secret" in table:
        login = {}
    return call_check(**{"url": url, "ca_file": server.ca_file, **login, **table})


async def run(check: Check, context: Context | None = None) -> Result:
    """One run, whose closings come to their end before it is judged."""
    context = context or Context()
    result = await run_check(check, context)
    assert await context.closing.drain(timeout=20) == 0
    return result


async def run_on(server: LabTurnServer, check: Check) -> Result:
    """One run, after which the server holds no allocation."""
    result = await run(check)
    assert server.allocations == 0
    return result
