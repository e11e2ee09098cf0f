"""Does a browser get a session from the signaling server, and how quickly is it answered?

A session stands only with the application's own event: a refused client is first connected
and then disconnected, and without Redis it is connected and hears nothing.
"""

import statistics
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import CheckConfig, DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import (
    Aggregation,
    CheckFailed,
    FailurePolicy,
    Limits,
    Signal,
    Threshold,
    Unit,
    Verdict,
)
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.net.urls import BaseUrl, CaFile, show_host
from probe.paircam import (
    DEFAULT_EXPIRATION,
    Backend,
    BackendEnvironment,
    Duration,
    backend_from,
)

if TYPE_CHECKING:
    from probe.net.http import FreshHttpClient
    from probe.net.socketio import Session

CONNECT = Signal(
    "probe_signaling_connect_seconds",
    Unit.SECONDS,
    "From the start of connecting until the application says that the session stands.",
    column="connect",
    latency=True,
)
RTT = Signal(
    "probe_signaling_rtt_seconds",
    Unit.SECONDS,
    "Round trip of an event through the application, one look into Redis included; the median.",
    column="rtt",
    latency=True,
)
RTT_MAX = Signal(
    "probe_signaling_rtt_max_seconds",
    Unit.SECONDS,
    "The slowest round trip of the run.",
    latency=True,
)
TOKEN = Signal(
    "probe_signaling_token_seconds",
    Unit.SECONDS,
    "How long the backend took to issue a token; absent in runs that had one.",
    latency=True,
)
UPGRADE = Signal(
    "probe_signaling_upgrade_seconds",
    Unit.SECONDS,
    "From the polling connection to the end of its upgrade to WebSocket.",
    latency=True,
)

# How long after a complaint the server may take to end the session because of it.
_COMPLAINT_SECONDS = 0.5
# As counted on a running backend.
_SESSION_COMMANDS = 4
_SILENT_HINT = (
    "A session that connects and hears nothing: usually Redis behind the backend is gone; "
    "see /health and the backend's REDIS_URL."
)
_UNANSWERED_HINT = (
    "The session stands but its events go unanswered: look at Redis behind the backend."
)
_MINTED_HINT = "Is JWT_SECRET the backend's own? Compare the clocks of both sides, too."
_ISSUED_HINT = (
    "The backend refuses a token that it issued: do all its machines have the same JWT_SECRET?"
)

EventName = Annotated[str, Field(min_length=1)]
Path = Annotated[str, Field(pattern=r"^/[^\s?#]*$")]


class SignalingTable(CheckConfig):
    """A Socket.IO session: where, with which token, over which transport."""

    url: BaseUrl
    """Base URL of the signaling server. Example: `https://paircam.live`"""
    jwt_secret: SecretStr | None = None
    """Key that tokens are minted with; without it a token is requested from the backend."""
    jwt_expiration: Duration = DEFAULT_EXPIRATION
    ca_file: CaFile | None = None
    namespace: Path = "/signaling"
    """Socket.IO namespace."""
    path: Path = "/socket.io"
    """Path of the Socket.IO endpoint."""
    transport: Literal["websocket", "polling"] = "websocket"
    """`websocket` connects directly; `polling` starts with HTTP long-polling and upgrades. Example:
    `polling`"""
    ready_event: EventName = "connected"
    """Event with which the application says that the session is ready."""
    send_event: EventName = "leave-queue"
    """Event that is sent to measure a round trip."""
    reply_event: EventName = "queue-left"
    """Event that answers it."""
    round_trips: int = Field(default=3, ge=1, le=20)
    """Round trips per run; the median is reported. Example: `3`"""

    @property
    def target(self) -> str:
        """Origin and namespace."""
        url = self.url.get_secret_value()
        return f"{urlsplit(url).scheme}://{show_host(url)}{self.namespace}"

    @property
    def alert_group(self) -> str:
        """The backend's host: without it there is no session."""
        return show_host(self.url.get_secret_value())

    @property
    def labels(self) -> dict[str, str]:
        """The transport that the session begins with."""
        return {"transport": self.transport}


def derive(environment: BackendEnvironment) -> DerivedChecks:
    """One check of the backend, over WebSocket."""
    if environment.backend_url is None:
        return DerivedChecks(
            skipped=("BACKEND_URL is not set",), defaults={"ca_file": environment.ca_file}
        )
    defaults = {
        "url": environment.backend_url,
        "jwt_secret": environment.jwt_secret,
        "jwt_expiration": environment.jwt_expiration,
        "ca_file": environment.ca_file,
    }
    return DerivedChecks(tables=({"name": "signaling"},), defaults=defaults)


async def run(table: SignalingTable, record: Recorder, context: Context) -> None:
    """Token, connection, session, round trips, goodbye."""
    backend = backend_from(
        context,
        url=table.url,
        jwt_secret=table.jwt_secret,
        jwt_expiration=table.jwt_expiration,
        ca_file=table.ca_file,
    )
    began = context.clock()
    token = await backend.token(record)
    if backend.issue is not None and backend.issue.at >= began:
        record.sample(TOKEN, backend.issue.seconds)
    try:
        async with _session(table, record, context) as (browser, session):
            started = context.clock()
            await _connect(table, record, browser, session, token)
            ready = await _wait_until_ready(table, record, session)
            record.sample(CONNECT, ready - started)
            await _round_trips(table, record, session)
    except CheckFailed as stop:
        if stop.cause is Cause.AUTH_REJECTED:
            backend.forget_token(token)
            stop.hint = _auth_hint(backend)
        raise


def _auth_hint(backend: Backend) -> str:
    return _MINTED_HINT if backend.minted else _ISSUED_HINT


@asynccontextmanager
async def _session(
    table: SignalingTable, record: Recorder, context: Context
) -> AsyncIterator[tuple["FreshHttpClient", "Session"]]:
    """A fresh session, closed whatever happens; a failure keeps the phase that it is in."""
    from probe.net.http import fresh_client
    from probe.net.socketio import Session

    host = show_host(table.url.get_secret_value())
    async with fresh_client(ca_file=table.ca_file, clock=context.clock, host=host) as browser:
        session = Session(
            browser,
            host=host,
            namespace=table.namespace,
            listen=(table.ready_event, table.reply_event),
            clock=context.clock,
        )
        try:
            yield browser, session
        except BaseException:
            await context.closing.close(session.close(), timeout=1.0)
            raise
        with record.phase("close"):
            await context.closing.close(session.close(), timeout=1.0)


async def _connect(
    table: SignalingTable,
    record: Recorder,
    browser: "FreshHttpClient",
    session: "Session",
    token: SecretStr,
) -> None:
    from probe.net.socketio import CONNECT as CONNECTED

    with _connecting(record, browser, session):
        await session.open(
            table.url.get_secret_value(),
            path=table.path,
            token=token.get_secret_value(),
            transport=table.transport,
        )
    with record.phase("handshake"):
        await session.expect(CONNECTED)
    record.facts["transport"] = session.transport


@contextmanager
def _connecting(record: Recorder, browser: "FreshHttpClient", session: "Session") -> Iterator[None]:
    """Divide the seconds of connecting among resolve, connect, tls, handshake and upgrade."""
    started = record.clock()
    record.current, record.hint = "connect", ""
    completed = False
    try:
        yield
        completed = True
    finally:
        ended = record.clock()
        opened = ended if session.opened is None else session.opened
        spent = browser.timing.phases if session.opened is None else session.spent
        known = {name: spent[name] for name in ("resolve", "connect", "tls") if name in spent}
        for name, seconds in known.items():
            record.add_phase(name, seconds)
        current = "handshake" if session.opened is not None else _phase_of(browser)
        record.add_phase(current, max(0.0, opened - started - sum(known.values())))
        record.current = current
        if session.opened is not None and session.upgrading:
            record.current = "upgrade"
            record.add_phase("upgrade", ended - opened)
            if completed and session.transport == "websocket":
                record.sample(UPGRADE, ended - opened)


def _phase_of(browser: "FreshHttpClient") -> str:
    return browser.phase if browser.phase in ("resolve", "connect", "tls") else "handshake"


async def _wait_until_ready(table: SignalingTable, record: Recorder, session: "Session") -> float:
    """When the application said that the session stands."""
    with record.phase("session", hint=_SILENT_HINT):
        try:
            return await session.expect(table.ready_event)
        except CheckFailed as stop:
            complaint = stop.cause is Cause.PROTOCOL_ERROR
            if not await session.closed_by_server(_COMPLAINT_SECONDS if complaint else 0.0):
                raise
            message = f'the server ends the session instead of sending "{table.ready_event}"'
            if complaint:
                message = f"{message}; {stop.message}"
            raise CheckFailed(Cause.AUTH_REJECTED, message) from None


async def _round_trips(table: SignalingTable, record: Recorder, session: "Session") -> None:
    took: list[float] = []
    with record.phase("rtt", hint=_UNANSWERED_HINT):
        for _ in range(table.round_trips):
            sent = record.clock()
            await session.send(table.send_event)
            took.append(await session.expect(table.reply_event, since=sent) - sent)
    record.sample(RTT, statistics.median(took))
    if len(took) > 1:
        record.sample(RTT_MAX, max(took))


def uses(table: SignalingTable) -> tuple[QuotaUse, ...]:
    """What a session causes in Redis: register, unregister, queue clean-up; and an LRANGE of
    the queue for each round trip."""
    return (QuotaUse("upstash", _SESSION_COMMANDS + table.round_trips),)


KIND = Kind(
    name="signaling",
    summary="a token, a Socket.IO session until the application confirms it, round trips, a clean "
    "close",
    environment=BackendEnvironment,
    table=SignalingTable,
    derive=derive,
    run=run,
    signals=(CONNECT, RTT, RTT_MAX, TOKEN, UPGRADE),
    thresholds=(
        Threshold(
            RTT,
            Limits(objective=0.2),
            aggregation=Aggregation.P95,
            window=300.0,
            minimum_samples=20,
        ),
    ),
    failing=FailurePolicy(Verdict.CRITICAL, hold=60.0),
    core=True,
    cost="about 4 Redis commands, and one LRANGE of the queue for each round trip; at most one "
    "token in its lifetime, none with JWT_SECRET",
    uses=uses,
    load=lazy_import("jwt", "probe.net.http", "probe.net.socketio"),
    # 7 Redis commands a run: 840 a day, of the 1,000 that a tenth of Upstash's free plan is;
    # the redis check takes 72 more.
    interval=720.0,
    retry=30.0,
    plot=RTT,
    runbooks=Runbooks("signaling-failing", "signaling-slow", {Cause.TLS_INVALID: "certificate"}),
    dashboard="probe-signaling",
)
