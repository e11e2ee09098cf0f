"""``journey``: what two users do, through the application itself.

Two devices get tokens and sessions, join the queue, are matched with
each other, call each other through the backend and the relay that it issues, and hang up.

Off unless it is asked for: a user in the queue may be matched with a real person. The
two join the ``language`` queue with a language of their own, fresh in each run, which
keeps them to themselves; a match with anybody else is known by the peer's device, ended in
the same moment and counted, and nothing is ever sent to that person.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Kind, QuotaUse, lazy_import
from probe.core.model import FailurePolicy, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.kinds.journey.settings import JourneyEnvironment, JourneyTable, derive
from probe.kinds.journey.signals import (
    CONNECT,
    DTLS,
    END,
    ICE,
    MATCH,
    MATCHES,
    OPEN,
    QUEUE,
    RTT,
    SIGNAL,
    SIGNALS,
    STRANGERS,
    TOKEN,
)
from probe.net.tasks import gather_first_error
from probe.net.urls import show_host
from probe.paircam import Backend
from probe.paircam.signaling import PATIENCE_SHARE
from probe.stun.byte_counter import count_bytes
from probe.turn.statistics import median
from probe.turn_targets.environment import ISSUED
from probe.turn_targets.signals import BYTES, traffic_of, write_traffic
from probe.turn_targets.traffic_budget import call_bytes

__all__ = ["KIND", "JourneyEnvironment", "JourneyTable", "derive"]

if TYPE_CHECKING:
    from probe.call.signaled_call import SignaledCall
    from probe.ice.relay_transport import RelayServer
    from probe.paircam.user_session import AppUser


# Counted with MONITOR on a running backend, four times of four.
REDIS_COMMANDS = 95
# Of the deadline: the rest is for sessions, the queue and the match.
_CALL_SHARE = 0.8
# With the codes' length of 10 characters at most.
_LANGUAGE = "x-{}"


async def run(table: JourneyTable, record: Recorder, context: Context) -> None:
    """The whole journey. Raises CheckFailed or NotMeasured with the phase."""
    traffic = traffic_of(table.name, context)
    try:
        with count_bytes(traffic):
            await _run_journey(table, record, context)
    finally:
        write_traffic(traffic, record)


async def _run_journey(table: JourneyTable, record: Recorder, context: Context) -> None:
    from probe.kinds.journey.identities import device_ids
    from probe.paircam.page_polls import check_page_polls

    devices = device_ids(context, table.url.get_secret_value(), table.region)
    users = [_user(table, context, device) for device in devices.pair()]
    began = context.clock()
    with record.phase("token"):
        tokens = [await user.token() for user in users]
    record.sample(TOKEN, context.clock() - began)
    relay = await _relay(users[0], table, record)
    async with _signaled_call(users, table, record, context) as call:
        await _connect(call, table, tokens, record)
        await check_page_polls(table.site, table.ca_file, record, context)
        await _queue(call, record)
        await _call(call, relay, table, record)
        with record.phase("end"):
            began = context.clock()
            await call.end()
            record.sample(END, context.clock() - began)


def _user(table: JourneyTable, context: Context, device: str) -> Backend:
    """The backend as this device gets it."""
    return Backend(
        table.url,
        jwt_secret=table.jwt_secret,
        jwt_expiration=table.jwt_expiration,
        ca_file=table.ca_file,
        clock=context.clock,
        now=context.now,
        device_id=device,
        origin=table.origin,
    )


@asynccontextmanager
async def _signaled_call(
    users: list[Backend], table: JourneyTable, record: Recorder, context: Context
) -> AsyncIterator["SignaledCall"]:
    """Two users, who leave whatever happens; matches with others are counted."""
    from probe.call.signaled_call import SignaledCall
    from probe.net.http import fresh_client
    from probe.paircam.user_session import AppUser
    from probe.stun.browser_timing import PhaseTimeouts

    host = show_host(table.url.get_secret_value())
    async with AsyncExitStack() as stack:
        sessions = []
        for user in users:
            browser = fresh_client(ca_file=table.ca_file, clock=context.clock, host=host)
            opened = await stack.enter_async_context(browser)
            sessions.append(AppUser(user, opened, host, context.clock))
        first, second = sessions
        first.partner, second.partner = second.device, first.device
        bounds = PhaseTimeouts.as_browsers(_CALL_SHARE * table.deadline)
        call = SignaledCall(first, second, record, context, bounds)
        try:
            yield call
        finally:
            record.sample(STRANGERS, len(first.strangers | second.strangers))
            await context.closing.close(call.close(), timeout=3.0)
            record.sample(STRANGERS, len(first.strangers | second.strangers))


async def _connect(
    call: "SignaledCall", table: JourneyTable, tokens: list[SecretStr], record: Recorder
) -> None:
    began = record.clock()
    pair = (call.caller, call.callee)
    with record.phase("connect"):
        ready = await gather_first_error(
            *(
                user.connect(table.site, token, PATIENCE_SHARE * (1 - _CALL_SHARE) * table.deadline)
                for user, token in zip(pair, tokens, strict=True)
            )
        )
    record.sample(CONNECT, max(ready) - began)


async def _queue(call: "SignaledCall", record: Recorder) -> None:
    """Join, one after the other, and wait for the match."""
    code = _LANGUAGE.format(secrets.token_hex(4))
    began = record.clock()
    with record.phase("queue"):
        await _join(call.caller, code)
        queued = record.clock() - began
    with record.phase("match"):
        # If others can be matched, it happens now; the second user must not be matched too.
        await call.stay_unmatched()
    with record.phase("queue"):
        joined = record.clock()
        await call.unless_ended(_join(call.callee, code))
    record.sample(QUEUE, queued + record.clock() - joined)
    with record.phase("match", hint="Two users with the same language were not matched."):
        matched = await call.matched()
    record.sample(MATCH, max(0.0, matched - joined))
    record.sample(MATCHES, len(call.caller.matches))


async def _join(user: "AppUser", code: str) -> None:
    languages = {"language": code, "nativeLanguage": code, "learningLanguage": code}
    await user.send("join-queue", queueType="language", **languages)
    await user.wait_for("queue-joined")


async def _relay(user: Backend, table: JourneyTable, record: Recorder) -> "RelayServer":
    """The server that a browser prefers, of those that the backend issues to this device."""
    from probe.ice.relay_transport import relay_server
    from probe.stun.credentials import TurnCredentials
    from probe.turn.resolve import resolve_turn_server
    from probe.turn_targets.server_list import preferred_first

    issued = await user.issued_credentials(record)
    url = preferred_first(issued)[0]
    record.facts["relay"] = str(url)
    with record.phase("dns"):
        addresses = await resolve_turn_server(url, None)
    credentials = TurnCredentials(issued.username, issued.credential)
    return await relay_server(url, credentials, addresses, table.ca_file)


async def _call(
    call: "SignaledCall", relay: "RelayServer", table: JourneyTable, record: Recorder
) -> None:
    timestamps = call.timestamps
    try:
        await call.call(relay, table.echoes)
    finally:
        reached = {
            SIGNAL: timestamps.answered,
            ICE: timestamps.ice,
            DTLS: timestamps.dtls,
            OPEN: timestamps.opened,
        }
        for signal, moment in reached.items():
            if moment:
                record.sample(signal, moment - timestamps.began)
        record.sample(MATCHES, len(call.caller.matches))
    record.sample(RTT, median(timestamps.rtts))


def uses(table: JourneyTable) -> tuple[QuotaUse, ...]:
    """Redis commands of two sessions, a queue and a match; a call's bytes."""
    turn = QuotaUse(f"turn-{ISSUED}", call_bytes("udp", table.echoes))
    return (QuotaUse("upstash", REDIS_COMMANDS), turn)


KIND = Kind(
    name="journey",
    summary="two users through the application: queue, match, signaling, relayed call, hang-up",
    environment=JourneyEnvironment,
    table=JourneyTable,
    derive=derive,
    run=run,
    components=("UserJourney",),
    details=frozenset(
        {
            "probe_journey_token_seconds",
            "probe_journey_connect_seconds",
            "probe_journey_queue_seconds",
            "probe_journey_signal_seconds",
            "probe_journey_ice_seconds",
            "probe_journey_dtls_seconds",
            "probe_journey_end_seconds",
        }
    ),
    buckets=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
    signals=(*SIGNALS, BYTES),
    failing=FailurePolicy(
        severity=Verdict.CRITICAL,
        # Retried before a notification is sent.
        hold=240.0,
        warning_only_causes=frozenset({Cause.STRANGER_MATCHED}),
        # A retry would be matched with the next one.
        no_retry_causes=frozenset({Cause.STRANGER_MATCHED}),
    ),
    cost="2 tokens (none with JWT_SECRET), 2 sessions, 95 Redis commands, two allocations, 24 kB",
    uses=uses,
    load=lazy_import(
        "probe.net.http",
        "probe.net.socketio",
        "probe.call.signaled_call",
        "probe.kinds.journey.identities",
        "probe.paircam.page_polls",
    ),
    # Signaling and redis leave 151 commands a day beside a journey, of the tenth of Upstash's free
    # plan that monitoring may take: one run of 95.
    interval=97_200.0,
    # A day of failing takes 10 runs so, which stay within the same tenth.
    retry=200.0,
    plot=OPEN,
    runbooks=Runbooks("journey-failing", "journey-failing"),
    dashboard="probe-signaling",
    service="calls",
)
