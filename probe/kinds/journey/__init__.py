"""``journey``: what two users do, through the application itself.

Two new devices get tokens and sessions, join the queue, are matched with
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

from pydantic import Field, SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.field_types import Seconds
from probe.core.kind import CheckConfig, DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import FailurePolicy, Impact, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
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
from probe.net.urls import BaseUrl, CaFile, show_host, show_url
from probe.paircam import DEFAULT_EXPIRATION, Backend, BackendEnvironment, Duration
from probe.stun.byte_counter import count_bytes
from probe.turn.statistics import median
from probe.turn_targets.environment import ISSUED
from probe.turn_targets.signals import BYTES, traffic_of, write_traffic
from probe.turn_targets.traffic_budget import CALL_ECHOES, call_bytes

if TYPE_CHECKING:
    from probe.call.signaled_call import SignaledCall
    from probe.ice.relay_transport import RelayServer
    from probe.paircam.user_session import AppUser


# Counted with MONITOR on a running backend, ten times of ten.
REDIS_COMMANDS = 89
# With the codes' length of 10 characters at most.
_LANGUAGE = "x-{}"


class JourneyTable(CheckConfig):
    """The backend that brings the two together, and how far they go."""

    url: BaseUrl
    """Base URL of the backend that matches the two users. Example: `https://paircam.live`"""
    jwt_secret: SecretStr | None = None
    """Key that tokens are minted with; without it both tokens are requested from the backend."""
    jwt_expiration: Duration = DEFAULT_EXPIRATION
    ca_file: CaFile | None = None
    echoes: int = Field(default=CALL_ECHOES, ge=1, le=1000)
    """Echo messages over the call's data channel. Example: `10`"""
    deadline: Seconds = Field(default=30.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `30`"""

    @property
    def target(self) -> str:
        return show_url(self.url.get_secret_value())

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("backend", "Users can't meet", "Users can't always meet")

    @property
    def alert_group(self) -> str:
        """The backend's host: without it there are no matches."""
        return show_host(self.url.get_secret_value())


class JourneyEnvironment(BackendEnvironment):
    """Where the backend is, and whether its queue may be joined."""

    title = "The user journey"
    journey: bool = Field(default=False, alias="PROBE_JOURNEY")
    """`true` runs the user journey twice a day: two users of the probe join the application's queue
    and call each other. Example: `true`"""


def derive(environment: JourneyEnvironment) -> DerivedChecks:
    """Nothing unless it is asked for; a table of ``probe.toml`` asks for it as well."""
    defaults = {
        "url": environment.backend_url,
        "jwt_secret": environment.jwt_secret,
        "jwt_expiration": environment.jwt_expiration,
        "ca_file": environment.ca_file,
    }
    defaults = {name: value for name, value in defaults.items() if value is not None}
    if environment.backend_url is None:
        return DerivedChecks(skipped=("BACKEND_URL is not set",), defaults=defaults)
    if not environment.journey:
        reason = "PROBE_JOURNEY is not true: the application's queue is not joined unasked"
        return DerivedChecks(skipped=(reason,), defaults=defaults)
    return DerivedChecks(tables=({"name": "journey"},), defaults=defaults)


async def run(table: JourneyTable, record: Recorder, context: Context) -> None:
    """The whole journey. Raises CheckFailed or NotMeasured with the phase."""
    traffic = traffic_of(table.name, context)
    try:
        with count_bytes(traffic):
            await _run_journey(table, record, context)
    finally:
        write_traffic(traffic, record)


async def _run_journey(table: JourneyTable, record: Recorder, context: Context) -> None:
    users = [_user(table, context) for _ in range(2)]
    began = context.clock()
    with record.phase("token"):
        tokens = [await user.token() for user in users]
    record.sample(TOKEN, context.clock() - began)
    relay = await _relay(users[0], table, record)
    async with _meeting(users, table, record, context) as meeting:
        await _connect(meeting, table, tokens, record)
        await _queue(meeting, record)
        await _call(meeting, relay, table, record)
        with record.phase("end"):
            began = context.clock()
            await meeting.end()
            record.sample(END, context.clock() - began)


def _user(table: JourneyTable, context: Context) -> Backend:
    """The backend as a new device gets it: one that was matched lately is not
    matched again for an hour."""
    return Backend(
        table.url,
        jwt_secret=table.jwt_secret,
        jwt_expiration=table.jwt_expiration,
        ca_file=table.ca_file,
        clock=context.clock,
        now=context.now,
    )


@asynccontextmanager
async def _meeting(
    users: list[Backend], table: JourneyTable, record: Recorder, context: Context
) -> AsyncIterator["SignaledCall"]:
    """Two users, who leave whatever happens; matches with others are counted."""
    from probe.call.local_call import PhaseTimeouts
    from probe.call.signaled_call import SignaledCall
    from probe.net.http import fresh_client
    from probe.paircam.user_session import AppUser

    host = show_host(table.url.get_secret_value())
    async with AsyncExitStack() as stack:
        sessions = []
        for user in users:
            browser = fresh_client(ca_file=table.ca_file, clock=context.clock, host=host)
            opened = await stack.enter_async_context(browser)
            sessions.append(AppUser(user, opened, host, context.clock))
        first, second = sessions
        first.partner, second.partner = second.device, first.device
        meeting = SignaledCall(first, second, record, context, PhaseTimeouts.within(table.deadline))
        try:
            yield meeting
        finally:
            record.sample(STRANGERS, len(first.strangers | second.strangers))
            await context.closing.close(meeting.close(), timeout=3.0)
            record.sample(STRANGERS, len(first.strangers | second.strangers))


async def _connect(
    meeting: "SignaledCall", table: JourneyTable, tokens: list[SecretStr], record: Recorder
) -> None:
    began = record.clock()
    url = table.url.get_secret_value()
    pair = (meeting.caller, meeting.callee)
    with record.phase("connect"):
        ready = await gather_first_error(
            *(user.connect(url, token) for user, token in zip(pair, tokens, strict=True))
        )
    record.sample(CONNECT, max(ready) - began)


async def _queue(meeting: "SignaledCall", record: Recorder) -> None:
    """Join, one after the other, and wait for the match."""
    code = _LANGUAGE.format(secrets.token_hex(4))
    began = record.clock()
    with record.phase("queue"):
        await _join(meeting.caller, code)
        queued = record.clock() - began
    with record.phase("match"):
        # If others can be matched, it happens now; the second user must not be matched too.
        await meeting.stay_unmatched()
    with record.phase("queue"):
        joined = record.clock()
        await meeting.unless_ended(_join(meeting.callee, code))
    record.sample(QUEUE, queued + record.clock() - joined)
    with record.phase("match", hint="Two who speak one language were not brought together."):
        matched = await meeting.matched()
    record.sample(MATCH, max(0.0, matched - joined))
    record.sample(MATCHES, len(meeting.caller.matches))


async def _join(user: "AppUser", code: str) -> None:
    languages = {"language": code, "nativeLanguage": code, "learningLanguage": code}
    await user.send("join-queue", queueType="language", **languages)
    await user.wait_for("queue-joined")


async def _relay(user: Backend, table: JourneyTable, record: Recorder) -> "RelayServer":
    """The server that a browser prefers, of those that the backend issues to this device."""
    from probe.ice.relay_transport import relay_server
    from probe.stun.credentials import TurnCredentials
    from probe.turn.resolve import resolve_turn_server
    from probe.turn_targets.table import preferred_first

    issued = await user.issued_credentials(record)
    url = preferred_first(issued)[0]
    record.facts["relay"] = str(url)
    with record.phase("dns"):
        addresses = await resolve_turn_server(url, None)
    credentials = TurnCredentials(issued.username, issued.credential)
    return await relay_server(url, credentials, addresses, table.ca_file)


async def _call(
    meeting: "SignaledCall", relay: "RelayServer", table: JourneyTable, record: Recorder
) -> None:
    moments = meeting.moments
    try:
        await meeting.call(relay, table.echoes)
    finally:
        reached = {
            SIGNAL: moments.answered,
            ICE: moments.ice,
            DTLS: moments.dtls,
            OPEN: moments.opened,
        }
        for signal, moment in reached.items():
            if moment:
                record.sample(signal, moment - moments.began)
        record.sample(MATCHES, len(meeting.caller.matches))
    record.sample(RTT, median(moments.rtts))


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
    cost="2 tokens (none with JWT_SECRET), 2 sessions, 89 Redis commands, two allocations, 24 kB",
    uses=uses,
    load=lazy_import("jwt", "probe.net.http", "probe.net.socketio", "probe.call.signaled_call"),
    # Beside the 912 commands a day of signaling and redis there are 88 left in the tenth of
    # Upstash's free plan that monitoring may take: 89 every 25 hours are 85 a day.
    interval=90_000.0,
    # A day of failing takes 11 runs so, which stay within the same tenth.
    retry=180.0,
    plot=OPEN,
    runbooks=Runbooks("journey-failing", "journey-failing"),
    dashboard="probe-signaling",
)
