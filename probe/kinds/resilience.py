"""``resilience``: how long until it is well again, when something happens in the middle.

On request: ``--only resilience``, or in the daemon where a table gives it an ``interval``.
A run loses the network for 3, 10 and 40 s, on the probe's own side: forwarders of its own,
between its clients and the target, drop what comes (``probe.net.outage``). Nothing is done to
the host's network or to the target. ``signaling`` is a Socket.IO session, ``call`` a relayed
WebRTC call, which also loses its relay (437), meets a stale nonce (438), is refreshed as a
longer call is, and loses consent.

Clients behave as a browser does (``probe.paircam.reconnecting``, ``probe.rtc.enduring``).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from probe.causes import Cause
from probe.context import Context
from probe.kind import Derived, Kind, Use, loads
from probe.model import Failing, NotMeasured, Signal, Unit, Verdict
from probe.net.urls import show_host
from probe.paircam import Backend
from probe.record import Record
from probe.rtc.planning import issued_table, server_table
from probe.rtc.providers import TurnEnvironment, named, servers_of
from probe.rtc.servers import ServerTable, servers_for, spending
from probe.rtc.signals import BYTES
from probe.rtc.together import together
from probe.rtc.urls import WAYS_IN, TurnUrl

if TYPE_CHECKING:
    from probe.net.outage import Outage
    from probe.paircam.reconnecting import Line
    from probe.rtc.enduring import CallRecovery, EnduringCall
    from probe.rtc.relayed import Relay

LOSSES = (3.0, 10.0, 40.0)
CONSENT_SECONDS = 15.0
"""From the last answer until ICE has failed: Chromium's. RFC 7675 section 5.1 allows 30."""


def _after(name: str, what: str, short: str = "") -> Signal:
    words = f"From the end of a loss of the network until {what}."
    return Signal(
        f"probe_resilience_{name}_recovery_seconds", Unit.SECONDS, words, ("loss",), short
    )


def _out(name: str, what: str) -> Signal:
    words = f"From the start of a loss of the network until {what}."
    return Signal(f"probe_resilience_{name}_out_seconds", Unit.SECONDS, words, ("loss",))


def _seconds(name: str, words: str) -> Signal:
    return Signal(f"probe_resilience_{name}_seconds", Unit.SECONDS, words)


def _count(name: str, words: str) -> Signal:
    return Signal(f"probe_resilience_{name}", Unit.COUNT, words, ("loss",))


_SESSION = "the application answers on a Socket.IO session again"
_PATH = "packets pass on the call's path again, as media would"
_DATA = "messages pass on the call's data channel again, which SCTP's timer may delay"
SESSION_RECOVERY = _after("session", _SESSION, "session back after")
SESSION_OUT = _out("session", _SESSION)
SESSION_ATTEMPTS = _count(
    "session_attempts", "Attempts to connect anew; 0 where the session survived the loss."
)
PATH_RECOVERY = _after("path", _PATH, "call back after")
PATH_OUT = _out("path", _PATH)
DATA_RECOVERY = _after("data", _DATA)
DATA_OUT = _out("data", _DATA)
RESTARTS = _count("ice_restarts", "Restarts of ICE; 0 where the path survived the loss.")
CONSENT_LOST = _seconds(
    "consent_lost", "From the relay's end in mid-call until ICE had failed for want of consent."
)
CONSENT_RECOVERY = _seconds(
    "consent_recovery", "From there until packets pass after a restart of ICE."
)
RELAY_RECOVERY = _seconds(
    "relay_recovery",
    "From the relay's forgetting the allocation until packets pass after the 437 and a "
    "restart of ICE.",
)
STALE_NONCE = _seconds(
    "stale_nonce", "A Refresh with a stale nonce: 438, and again with a new one."
)
REFRESH = _seconds("refresh", "A Refresh, as a longer call sends it.")
LIFETIME = _seconds("lifetime", "For how long the server lets an allocation stand by default.")

# A call that stands, with its checks and messages; a test measures the whole.
_CALL_BYTES_A_SECOND = 1_500
_SETTING_UP_BYTES = 10_000
# A session, and a round trip or two.
_SESSION_COMMANDS = 6


class ResilienceTable(ServerTable):
    """What is lost, and for how long: a Socket.IO session of the backend, or a call through a
    relay (of its own table, or the one that the backend issues)."""

    part: Literal["signaling", "call"]
    losses: tuple[float, ...] = Field(default=LOSSES, min_length=1, max_length=5)
    deadline: float = Field(default=150.0, gt=0, le=300)

    @property
    def target(self) -> str:
        if self.part == "signaling" and self.backend_url is not None:
            return f"{super().target.removesuffix('/turn/credentials')}/signaling"
        return super().target

    @property
    def labels(self) -> dict[str, str]:
        """``part``; of a call its ``provider`` and ``transport`` too."""
        server = {} if self.part == "signaling" else super().labels
        return {"part": self.part, **server}

    @property
    def heeds(self) -> frozenset[str]:
        """Nothing: it runs when it is asked for."""
        return frozenset()


def derive(environment: TurnEnvironment) -> Derived:
    """A session of the backend, and a call through the first configured relay by UDP, or the
    first at all; without any, through what the backend issues."""
    tables: list[dict[str, Any]] = []
    skipped = []
    if environment.backend_url is None:
        skipped.append("BACKEND_URL is not set (Socket.IO)")
    else:
        tables.append({**issued_table("resilience-signaling", environment), "part": "signaling"})
    servers = [server for _, server in named(servers_of(environment).servers)]
    servers.sort(key=lambda server: WAYS_IN.index(server.url.kind))
    if servers:
        tables.append({**server_table("resilience-call", servers[0]), "part": "call"})
    elif environment.backend_url is not None:
        tables.append({**issued_table("resilience-call", environment), "part": "call"})
    else:
        skipped.append("TURN_URLS is not set (calls)")
    return Derived(tables, skipped, {"ca_file": environment.ca_file})


async def run(table: ResilienceTable, record: Record, context: Context) -> None:
    """Everything at the same time, as far as one loss does not disturb another."""
    if table.part == "signaling":
        await _run_signaling(table, record, context)
        return
    with spending(table, record, context):
        await _run_call(table, record, context)


async def _run_signaling(table: ResilienceTable, record: Record, context: Context) -> None:
    with record.phase("token"):
        lines = [await _line(table, context) for _ in table.losses]
    with record.phase("losses"):
        losing = zip(lines, table.losses, strict=True)
        await together(*(_lose_session(line, loss, record) for line, loss in losing))


async def _line(table: ResilienceTable, context: Context) -> "Line":
    """A device of its own: the backend may keep one session for each."""
    from probe.net.addresses import resolve
    from probe.paircam.reconnecting import Line, Server

    url = table.backend_url
    assert url is not None
    backend = Backend(
        url,
        jwt_secret=table.jwt_secret,
        jwt_expiration=table.jwt_expiration,
        ca_file=table.ca_file,
        clock=context.clock,
        now=context.now,
    )
    token = await backend.token()
    host, port = _place(url.get_secret_value())
    server = Server(url, (await resolve(host, port))[0], token, table.ca_file)
    return Line(server, context.closing, context.clock)


def _place(url: str) -> tuple[str, int]:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts.hostname or show_host(url), parts.port or (443 if parts.scheme == "https" else 80)


async def _lose_session(line: "Line", seconds: float, record: Record) -> None:
    found = await line.lose(seconds)
    loss = _label(seconds)
    record.sample(SESSION_RECOVERY, found.recovered, loss=loss)
    record.sample(SESSION_OUT, found.out, loss=loss)
    record.sample(SESSION_ATTEMPTS, found.attempts, loss=loss)


def _label(seconds: float) -> str:
    return f"{seconds:g}s"


async def _run_call(table: ResilienceTable, record: Record, context: Context) -> None:
    """The longest loss, the loss of consent, and all else one after the other."""
    relay = await _relay(table, record, context)
    *shorter, longest = sorted(table.losses)
    with record.phase("losses"):
        await together(
            _lose_network(relay, longest, record, context, table),
            _lose_consent(relay, record, context, table),
            _in_turn(relay, shorter, record, context, table),
        )


async def _in_turn(
    relay: "Relay", losses: list[float], record: Record, context: Context, table: ResilienceTable
) -> None:
    for loss in losses:
        await _lose_network(relay, loss, record, context, table)
    async with _call(relay, context, table) as (call, _):
        refreshed = await call.refresh()
        record.sample(REFRESH, refreshed.seconds)
        record.sample(LIFETIME, refreshed.lifetime)
        renewed = await call.renew_nonce()
        if renewed is not None:
            record.sample(STALE_NONCE, renewed)
        else:
            record.facts["nonce"] = "the server takes any"
        recovery = await call.lose_relay()
        record.sample(RELAY_RECOVERY, recovery.path_out)


async def _lose_network(
    relay: "Relay", seconds: float, record: Record, context: Context, table: ResilienceTable
) -> None:
    async with _call(relay, context, table) as (call, outage):
        found = await call.lose(outage, seconds)
    _write(found, _label(seconds), record)


async def _lose_consent(
    relay: "Relay", record: Record, context: Context, table: ResilienceTable
) -> None:
    async with _call(relay, context, table) as (call, _):
        found = await call.lose_consent()
    if found.noticed is not None:
        record.sample(CONSENT_LOST, found.noticed)
    record.sample(CONSENT_RECOVERY, found.path)


def _write(found: "CallRecovery", loss: str, record: Record) -> None:
    values = {
        PATH_RECOVERY: found.path,
        PATH_OUT: found.path_out,
        DATA_RECOVERY: found.data,
        DATA_OUT: found.data_out,
        RESTARTS: found.restarts,
    }
    for signal, value in values.items():
        record.sample(signal, value, loss=loss)


@asynccontextmanager
async def _call(
    relay: "Relay", context: Context, table: ResilienceTable
) -> AsyncIterator[tuple["EnduringCall", "Outage"]]:
    """A call whose offering side goes through a forwarder."""
    from probe.net.outage import Outage, TcpForwarder, UdpForwarder
    from probe.rtc.calling import Bounds
    from probe.rtc.enduring import EnduringCall

    outage, target = Outage(context.clock), relay.addresses[0]
    forwarder = UdpForwarder if relay.url.kind == "udp" else TcpForwarder
    async with forwarder(target, outage) as led:
        relays = (replace(relay, addresses=[led.address]), relay)
        async with EnduringCall(relays, context, Bounds(), CONSENT_SECONDS) as call:
            yield call, outage


async def _relay(table: ResilienceTable, record: Record, context: Context) -> "Relay":
    from probe.net.tls import client_context
    from probe.rtc.reaching import addresses_of
    from probe.rtc.relayed import Relay

    credentials, urls = await servers_for(table, record, context)
    url: TurnUrl = urls[0]
    if credentials is None:
        message = "no credentials are configured"
        raise NotMeasured(Cause.CREDENTIALS_MISSING, message, phase="losses")
    record.facts["relay"] = str(url)
    with record.phase("dns"):
        addresses = await addresses_of(url, table.family)
    tls = await asyncio.to_thread(client_context, table.ca_file) if url.kind == "tls" else None
    return Relay(url, credentials, addresses[:1], tls)


def uses(table: ResilienceTable) -> tuple[Use, ...]:
    """Redis commands of the sessions, or the bytes of five calls."""
    if table.part == "signaling":
        return (Use("upstash", _SESSION_COMMANDS * 2 * len(table.losses)),)
    seconds = sum(table.losses) + CONSENT_SECONDS + 2 * 20
    calls = len(table.losses) + 2
    taken = seconds * _CALL_BYTES_A_SECOND + 2 * calls * _SETTING_UP_BYTES
    return (Use(f"turn-{table.provider}", taken),)


KIND = Kind(
    name="resilience",
    summary="time to recover: network lost for 3, 10 and 40 s, relay restarted, consent lost",
    environment=TurnEnvironment,
    table=ResilienceTable,
    derive=derive,
    run=run,
    signals=(
        SESSION_RECOVERY,
        PATH_RECOVERY,
        DATA_RECOVERY,
        SESSION_OUT,
        SESSION_ATTEMPTS,
        PATH_OUT,
        DATA_OUT,
        RESTARTS,
        CONSENT_LOST,
        CONSENT_RECOVERY,
        RELAY_RECOVERY,
        STALE_NONCE,
        REFRESH,
        LIFETIME,
        BYTES,
    ),
    failing=Failing(Verdict.WARNING, hold=300.0),
    on_request=True,
    cost="three sessions; five relayed calls of up to a minute, about 0.3 MB",
    uses=uses,
    load=loads("jwt", "probe.net.http", "probe.paircam.reconnecting", "probe.rtc.enduring"),
    interval=86_400.0,
    retry=60.0,
    plot=PATH_RECOVERY,
)
