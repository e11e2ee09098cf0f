"""Does a browser get a session from the signaling server, and how quickly is it answered?

A session is open only with the application's own event: a refused client is first connected
and then disconnected, and without Redis it is connected and hears nothing.
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from probe.budget.plans import is_local
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import (
    Aggregation,
    CheckFailed,
    FailurePolicy,
    Limits,
    Result,
    Signal,
    Threshold,
    Verdict,
)
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.kinds.signaling.signals import CONNECT, RTT, RTT_MAX, TOKEN
from probe.paircam import (
    DEFAULT_EXPIRATION,
    BackendEnvironment,
    Duration,
    backend_from,
)
from probe.paircam.confirmation import explain_refusal
from probe.paircam.journey_variable import JourneyVariable
from probe.paircam.open_sessions import open_sessions
from probe.paircam.signaling import (
    UPGRADE,
    UPGRADED,
    UPGRADED_THRESHOLD,
    EventName,
    SocketTable,
    connect,
    is_ended_because_of,
    may_be_about_the_token,
    session,
)
from probe.paircam.triggers import REDIS
from probe.stores.dsn import UPSTASH_DOMAINS
from probe.stores.redis_variables import RedisVariables

if TYPE_CHECKING:
    from probe.net.socketio import Session

# 7 Redis commands a run: 840 a day, of the 1,000 that a tenth of Upstash's free plan is;
# the redis check takes 72 more.
INTERVAL = 720.0
# A run of the journey takes 95 at a time: with 777, 72 and 95 a day that has one stays within.
BESIDE_JOURNEY_SECONDS = 780.0
# Where commands cost nothing: a Redis that hangs is critical within 90 s, 60 s of them failing.
UNMETERED_SECONDS = 15.0
MINIMUM_SAMPLES = 20
# A p95 is judged by then.
_SOON_SECONDS = 600.0
_EXTRA_SHARE = 0.3
# As counted on a running backend.
_SESSION_COMMANDS = 4
_SILENT_PHASES = ("session", "rtt")
_SILENT_HINT = (
    "A session that connects and hears nothing: usually Redis behind the backend is gone; "
    "see /health and the backend's REDIS_URL."
)
_UNANSWERED_HINT = (
    "The session is open but its events go unanswered: check Redis behind the backend."
)


class SignalingTable(SocketTable):
    """A Socket.IO session: where, with which token, and the event that is answered."""

    jwt_secret: SecretStr | None = None
    """Key that tokens are minted with; without it a token is requested from the backend."""
    jwt_expiration: Duration = DEFAULT_EXPIRATION
    send_event: EventName = "leave-queue"
    """Event that is sent to measure a round trip."""
    reply_event: EventName = "queue-left"
    """Event that answers it."""
    round_trips: int = Field(default=3, ge=1, le=20)
    """Round trips per run; the median is reported. Example: `3`"""
    metered: bool = True
    """Whether the backend's Redis has a plan of commands per day that sessions draw from. Example:
    `false`"""

    def samples_in_a_run(self, signal: Signal) -> int:
        """Each round trip of a session is one."""
        return self.round_trips if signal == RTT else 1

    @property
    def triggers(self) -> frozenset[str]:
        """A session also needs Redis."""
        return super().triggers | {REDIS}

    def blames(self, result: Result) -> frozenset[str]:
        """Redis, where a session is open and hears nothing."""
        failure = result.failure
        if failure is None or failure.cause is not Cause.DEADLINE:
            return frozenset()
        return frozenset({REDIS} if failure.phase in _SILENT_PHASES else ())


class SignalingEnvironment(BackendEnvironment, RedisVariables, JourneyVariable):
    """Where the backend is, and its Redis: whether sessions are paid for by the command."""

    @property
    def is_metered(self) -> bool:
        """Unknown is Upstash, whose free plan has so many commands a day; but not for a backend
        of this machine."""
        redis = self.redis_address
        if redis is not None:
            return redis.host_is(*UPSTASH_DOMAINS)
        backend = self.backend_url.get_secret_value() if self.backend_url else ""
        return not is_local(backend)


def derive(environment: SignalingEnvironment) -> DerivedChecks:
    """One check of the backend, over WebSocket, as often as the commands of its Redis allow."""
    if environment.backend_url is None:
        known = {"ca_file": environment.ca_file, "origin": environment.origin}
        return DerivedChecks(skipped=("BACKEND_URL is not set",), defaults=known)
    defaults = {
        "url": environment.backend_url,
        "jwt_secret": environment.jwt_secret,
        "jwt_expiration": environment.jwt_expiration,
        "ca_file": environment.ca_file,
        "origin": environment.origin,
    }
    table: dict[str, Any] = {"name": "signaling"}
    if not environment.is_metered:
        table |= {"metered": False, "interval": UNMETERED_SECONDS}
    elif environment.journey:
        table |= {"interval": BESIDE_JOURNEY_SECONDS}
    return DerivedChecks(tables=(table,), defaults=defaults)


async def run(table: SignalingTable, record: Recorder, context: Context) -> None:
    """Token, connection, session, round trips, clean close."""
    backend = backend_from(
        context,
        url=table.url,
        jwt_secret=table.jwt_secret,
        jwt_expiration=table.jwt_expiration,
        ca_file=table.ca_file,
        origin=table.origin,
    )
    began = context.clock()
    token = await backend.token(record)
    if backend.issue is not None and backend.issue.at >= began:
        record.sample(TOKEN, backend.issue.seconds)
    try:
        listen = (table.ready_event, table.reply_event)
        async with session(table, record, context, listen) as (browser, socket):
            started = context.clock()
            await connect(table, record, browser, socket, token, context)
            ready = await _wait_until_ready(table, record, socket)
            record.sample(CONNECT, ready - started)
            await _round_trips(table, record, socket, _trips(table, context))
            if (sessions := open_sessions(context, table.alert_group)).is_observed:
                with record.phase("observe"):
                    await sessions.observe()
    except CheckFailed as aborted:
        if not may_be_about_the_token(aborted):
            raise
        backend.forget_token(token)
        aborted.phase = aborted.phase or record.current
        raise await explain_refusal(backend, token, aborted) from None
    left = table.deadline - (context.clock() - began)
    if (seconds := await backend.check_issuing(record, left)) is not None:
        record.sample(TOKEN, seconds)


async def _wait_until_ready(table: SignalingTable, record: Recorder, session: "Session") -> float:
    """When the application said that the session is open."""
    with record.phase("session", hint=_SILENT_HINT):
        try:
            return await session.expect(table.ready_event)
        except CheckFailed as aborted:
            if not await is_ended_because_of(aborted, session):
                raise
            message = f'the server ends the session instead of sending "{table.ready_event}"'
            if aborted.cause is Cause.PROTOCOL_ERROR:
                # It has a reason, and a text is no proof that the token is the reason.
                message = f"{message}; {aborted.message}"
                raise CheckFailed(Cause.SESSION_REFUSED, message) from None
            raise CheckFailed(Cause.AUTH_REJECTED, message) from None


def _trips(table: SignalingTable, context: Context) -> int:
    """How many round trips to make. The first session of a daemon makes enough for a p95 where
    those that follow would take long to bring them."""
    first = context.get_or_create(("signaling", table.name), lambda: [context.repeats])
    fill, first[0] = first[0], False
    is_rare = MINIMUM_SAMPLES / table.round_trips * (table.interval or INTERVAL) > _SOON_SECONDS
    return max(table.round_trips, MINIMUM_SAMPLES if fill and is_rare else 0)


async def _round_trips(
    table: SignalingTable, record: Recorder, session: "Session", trips: int
) -> None:
    took: list[float] = []
    started = record.clock()
    with record.phase("rtt", hint=_UNANSWERED_HINT):
        for number in range(trips):
            # What goes beyond the usual costs no run its deadline.
            spent = record.clock() - started
            if number >= table.round_trips and spent > _EXTRA_SHARE * table.deadline:
                break
            sent = record.clock()
            await session.send(table.send_event)
            took.append(await session.expect(table.reply_event, since=sent) - sent)
            record.progress = f"{len(took)} of {trips} round trips"
    record.sample_median(RTT, took)
    if len(took) > 1:
        record.sample(RTT_MAX, max(took))


def uses(table: SignalingTable) -> tuple[QuotaUse, ...]:
    """What a session causes in Redis: register, unregister, queue clean-up; and an LRANGE of
    the queue for each round trip."""
    if not table.metered:
        return ()
    return (QuotaUse("upstash", _SESSION_COMMANDS + table.round_trips),)


KIND = Kind(
    name="signaling",
    summary="a token, a Socket.IO session until the application confirms it, round trips, a close",
    environment=SignalingEnvironment,
    table=SignalingTable,
    derive=derive,
    run=run,
    components=("Signaling",),
    details=frozenset(
        {
            "probe_signaling_rtt_max_seconds",
        }
    ),
    buckets=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
    signals=(CONNECT, RTT, RTT_MAX, TOKEN, UPGRADE, UPGRADED),
    thresholds=(
        Threshold(
            RTT,
            Limits(objective=0.2),
            aggregation=Aggregation.P95,
            window=300.0,
            minimum_samples=MINIMUM_SAMPLES,
        ),
        UPGRADED_THRESHOLD,
    ),
    failing=FailurePolicy(Verdict.CRITICAL, hold=60.0),
    core=True,
    cost="about 4 Redis commands, and one LRANGE of the queue for each round trip; "
    "at most one token in its lifetime",
    uses=uses,
    load=lazy_import("probe.net.http", "probe.net.socketio", "probe.paircam.page_polls"),
    interval=INTERVAL,
    retry=30.0,
    plot=RTT,
    runbooks=Runbooks("signaling-failing", "signaling-slow", {Cause.TLS_INVALID: "certificate"}),
    dashboard="probe-signaling",
    service="signaling",
)
