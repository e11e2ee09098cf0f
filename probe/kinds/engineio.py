"""``engineio``: does the signaling server accept connections? A check that costs Redis nothing.

The engine.io handshake, the WebSocket and a CONNECT without a token, which the server has
to refuse. It never gets as far as a session, so the backend asks neither Redis nor
Postgres, and it can run every half minute. What a user gets is measured by ``signaling``,
which runs as often as the commands of the Redis plan allow, and at once when this check
changes.
"""

from typing import TYPE_CHECKING, Any

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import DerivedChecks, Kind, lazy_import
from probe.core.model import CheckFailed, FailurePolicy, Signal, Unit, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.paircam import BackendEnvironment
from probe.paircam.signaling import (
    UPGRADE,
    UPGRADED,
    UPGRADED_THRESHOLD,
    SocketTable,
    connect,
    is_ended_because_of,
    may_be_about_the_token,
    session,
)

if TYPE_CHECKING:
    from probe.net.socketio import Session

HANDSHAKE = Signal(
    "probe_signaling_handshake_seconds",
    Unit.SECONDS,
    "From the start of connecting to the end of the engine.io handshake, WebSocket included.",
    column="handshake",
    latency=True,
)
REFUSAL = Signal(
    "probe_signaling_refusal_seconds",
    Unit.SECONDS,
    "From the end of the handshake until a CONNECT without a token is refused.",
    column="refusal",
    latency=True,
)

_UNDECIDED_HINT = (
    "The connection is accepted, and a CONNECT without a token is neither refused nor answered: "
    "check whether the backend's event loop is blocked, and its log."
)


class EngineIoTable(SocketTable):
    """A Socket.IO server that refuses clients without a token."""


def derive(environment: BackendEnvironment) -> DerivedChecks:
    """One check of the backend, over WebSocket."""
    defaults: dict[str, Any] = {"ca_file": environment.ca_file, "origin": environment.origin}
    if environment.backend_url is None:
        return DerivedChecks(skipped=("BACKEND_URL is not set",), defaults=defaults)
    url = {"url": environment.backend_url}
    return DerivedChecks(tables=({"name": "engineio"},), defaults=defaults | url)


async def run(table: EngineIoTable, record: Recorder, context: Context) -> None:
    """Handshake, WebSocket, a CONNECT without a token, and its refusal."""
    started = context.clock()
    async with session(table, record, context, (table.ready_event,)) as (browser, socket):
        refused = False
        try:
            await connect(table, record, browser, socket, None, context)
        except CheckFailed as aborted:
            # Socket.IO's CONNECT_ERROR; the other way is to connect, and to disconnect.
            if socket.opened is None or not may_be_about_the_token(aborted):
                raise
            refused = True
        opened = socket.opened if socket.opened is not None else context.clock()
        record.sample(HANDSHAKE, opened - started)
        with record.phase("refusal", hint=_UNDECIDED_HINT):
            if not refused:
                refused = await _is_refused(table, socket)
            record.sample(REFUSAL, context.clock() - opened)
        record.facts["anonymous clients"] = "refused" if refused else "accepted"


async def _is_refused(table: EngineIoTable, socket: "Session") -> bool:
    """False where the server accepts every client: it works, and checks no token."""
    try:
        await socket.expect(table.ready_event)
    except CheckFailed as aborted:
        if not await is_ended_because_of(aborted, socket):
            raise
        return True
    return False


KIND = Kind(
    name="engineio",
    summary="engine.io handshake, WebSocket, and the refusal of a CONNECT without a token",
    environment=BackendEnvironment,
    table=EngineIoTable,
    derive=derive,
    run=run,
    signals=(HANDSHAKE, REFUSAL, UPGRADE, UPGRADED),
    thresholds=(UPGRADED_THRESHOLD,),
    failing=FailurePolicy(Verdict.CRITICAL, hold=60.0),
    core=True,
    cost="one WebSocket; no token, no Redis command, no query",
    load=lazy_import("probe.net.http", "probe.net.socketio", "probe.paircam.page_polls"),
    interval=30.0,
    retry=10.0,
    plot=HANDSHAKE,
    runbooks=Runbooks("signaling-failing", "signaling-slow", {Cause.TLS_INVALID: "certificate"}),
    dashboard="probe-signaling",
    components=("Signaling",),
    details=frozenset(
        {
            "probe_signaling_refusal_seconds",
            "probe_signaling_upgrade_seconds",
        }
    ),
    buckets=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
    service="signaling",
)
