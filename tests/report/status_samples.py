"""Overviews made by hand, as a day of watching PairCam would give them."""

from collections.abc import Sequence

from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import (
    Aggregation,
    Evaluation,
    Failure,
    Limits,
    Sample,
    Signal,
    Status,
    Threshold,
    Verdict,
)
from probe.history.model import TimeBucket
from probe.report.status import Notice, Overview, StatusRow
from tests.report.html.status_days import BUCKET, DAY, NOW, START, ago, available, day, spell
from tests.report.samples import (
    ALLOCATE,
    CODE,
    EXPIRY,
    FIRST_BYTE,
    LOSS,
    OPEN,
    RELAY,
    SKIPPED,
    TRIP,
    TRY,
    WAIT,
)


def health() -> StatusRow:
    """The backend's health, well."""
    samples = (Sample(CODE, 200.0), Sample(FIRST_BYTE, 0.1804), Sample(EXPIRY, NOW + 63 * DAY))
    facts = {"version": "1.4.2", "instance": "3d8d9014c03d68"}
    row = _row("health", "http", "https://paircam.live/health", samples, FIRST_BYTE, 10)
    return replace(row, facts=facts, limits=WAIT.limits, day=day(), duration=0.2124)


def signaling() -> StatusRow:
    """A signaling session, well."""
    row = _row(
        "signaling",
        "signaling",
        "https://paircam.live/signaling",
        (Sample(TRIP, 0.0481),),
        TRIP,
        30,
    )
    return replace(
        row,
        labels={"transport": "websocket"},
        day=day(0.048, runs=30, seed=2),
        limits=Limits(objective=0.2, warning=1.0),
    )


def turn(provider: str, transport: str, host: str, seed: int = 3) -> StatusRow:
    """A TURN server, well."""
    samples = (Sample(ALLOCATE, 0.2043), Sample(RELAY, 0.0962), Sample(LOSS, 0.0))
    row = _row(f"turn-{provider}-{transport}", "turn", f"turn:{host}", samples, RELAY, 60)
    return replace(
        row,
        labels={"provider": provider, "transport": transport},
        day=day(0.09, runs=15, seed=seed),
        limits=Limits(0.2, 0.4, 0.8),
    )


def call() -> StatusRow:
    """A call, direct and relayed, well."""
    samples = (Sample(OPEN, 0.31, {"path": "direct"}), Sample(OPEN, 1.204, {"path": "relayed"}))
    row = _row("call", "call", "primary, backup", samples, OPEN, 120)
    return replace(
        row,
        labels={"provider": "primary"},
        day=day(0.9, runs=7, seed=9),
        limits=Limits(2.0, 3.0, 5.0),
        duration=1.846,
    )


def rows() -> tuple[StatusRow, ...]:
    """All checks of a usual plan, well."""
    return (
        health(),
        signaling(),
        turn("primary", "udp", "staticauth.openrelay.metered.ca:80"),
        turn("primary", "tcp", "staticauth.openrelay.metered.ca:443?transport=tcp", seed=4),
        turn("backup", "udp", "a.relay.metered.ca:3478", seed=5),
        call(),
    )


def failed(
    row: StatusRow, verdict: Verdict, phase: str, cause: Cause, message: str, *, minutes: float = 24
) -> StatusRow:
    """The row, had it been failing for so long."""
    broken = round(minutes * 60 / BUCKET)
    why = Failure(phase, cause, message, TRY.get(cause, "Look at the server's log."))
    status = Status.UNKNOWN if verdict is Verdict.UNKNOWN else Status.FAILED
    lasting = spell(row.name, minutes, None, verdict, message, phase=phase, cause=cause.value)
    spoilt = [TimeBucket({verdict: 90}) for _ in row.day[-broken:]]
    return replace(
        row,
        verdict=verdict,
        since=ago(minutes),
        status=status,
        failure=why,
        samples=(),
        day=(*row.day[:-broken], *spoilt),
        incidents=(lasting, *row.incidents),
    )


def overview(verdict: Verdict, *found: StatusRow, notices: Sequence[Notice] = ()) -> Overview:
    """An overview of these rows."""
    skipped = tuple((each.kind, each.reason) for each in SKIPPED)
    found = tuple(replace(row, availability=available(row.day)) for row in found)
    return Overview(
        verdict, NOW, NOW - 3.2 * DAY, START, "lax", "0.1.0", found, tuple(notices), skipped
    )


def all_well() -> Overview:
    """Everything is ok; one objective is missed."""
    first, *others = rows()
    missed = Evaluation("health", WAIT, {}, 0.612, Verdict.OBJECTIVE_MISSED)
    return overview(Verdict.OK, replace(first, evaluations=(missed,)), *others)


def outage() -> Overview:
    """Redis is down, signaling hangs on it, a relay is slow, another can't be looked at; the
    backend had two troubles before, and a new check waits for its first run."""
    first, second, slow, blind, *others = rows()
    return overview(
        Verdict.CRITICAL,
        others[0],
        _redis_down(first),
        _silent(second),
        _slow(slow),
        _blind(blind),
        *others[1:],
        _new(),
        notices=_notices(),
    )


def starting() -> Overview:
    """Nothing has run yet."""
    waiting = [
        replace(
            row,
            verdict=None,
            since=None,
            last_run=None,
            status=None,
            duration=None,
            samples=(),
            facts=None,
            day=(),
            phases=None,
        )
        for row in rows()
    ]
    return overview(Verdict.UNKNOWN, *waiting)


def _row(
    name: str, kind: str, target: str, samples: tuple[Sample, ...], plotted: Signal, interval: float
) -> StatusRow:
    return StatusRow(
        name, kind, target, {}, interval, Verdict.OK, ago(3100), ago(0.1), ago(0.1) + interval,
        Status.OK, 0.65, {"dns": 0.0123, "connect": 0.0311, "tls": 0.0402}, samples,
        headline=tuple({each.signal: None for each in samples}), plot=plotted,
    )  # fmt: skip


def _redis_down(row: StatusRow) -> StatusRow:
    before = (
        spell(
            "health",
            400,
            385,
            Verdict.CRITICAL,
            "503 Service Unavailable",
            phase="status",
            cause="http_status",
        ),
        spell("health", 900, 897, Verdict.WARNING, "", phase="", cause=""),
        spell(
            "health",
            1000,
            940,
            Verdict.UNKNOWN,
            "no route to any resolver",
            phase="dns",
            cause="own_network",
        ),
    )

    def verdicts(at: int) -> Verdict | None:
        return {
            69: Verdict.CRITICAL,
            36: Verdict.WARNING,
            30: Verdict.UNKNOWN,
            31: Verdict.UNKNOWN,
            50: Verdict.OBJECTIVE_MISSED,
            10: None,
            11: None,
            12: None,
        }.get(at, Verdict.OK)

    spoilt = replace(row, day=day(0.18, verdicts), incidents=before)
    return failed(spoilt, Verdict.CRITICAL, "body", Cause.SERVICE_DOWN, "redis is down")


def _silent(row: StatusRow) -> StatusRow:
    return failed(
        row,
        Verdict.CRITICAL,
        "session",
        Cause.DEADLINE,
        "no `connected` event within 10 s",
        minutes=23,
    )


def _slow(row: StatusRow) -> StatusRow:
    limits = Limits(0.2, 0.4, 0.8)
    evaluation = Evaluation(
        row.name, Threshold(RELAY, limits, Aggregation.P95), {}, 0.532, Verdict.WARNING
    )
    late = tuple(
        replace(bucket, median=0.41 + at * 0.004, greatest=0.6, verdicts={Verdict.WARNING: 15})
        for at, bucket in enumerate(row.day[-12:])
    )
    lasting = spell(row.name, 178, None, Verdict.WARNING, "")
    return replace(
        row,
        verdict=Verdict.WARNING,
        since=ago(178),
        evaluations=(evaluation,),
        day=(*row.day[:-12], *late),
        incidents=(lasting,),
        limits=limits,
    )


def _blind(row: StatusRow) -> StatusRow:
    return failed(
        row,
        Verdict.UNKNOWN,
        "credentials",
        Cause.CREDENTIALS_MISSING,
        "TURN_USERNAME is not set",
        minutes=600,
    )


def _new() -> StatusRow:
    return StatusRow(
        "frontend",
        "http",
        "https://paircam.live/",
        {},
        60.0,
        due=ago(-0.6),
        plot=FIRST_BYTE,
        limits=WAIT.limits,
    )


def _notices() -> tuple[Notice, ...]:
    return (
        Notice(
            Verdict.CRITICAL,
            "Backend unhealthy",
            "notified #oncall at 03:14 UTC, not acknowledged",
            ago(22),
            "https://example.com/runbooks/backend",
        ),
        Notice(Verdict.WARNING, "Slack has refused 3 messages", "invalid_token", ago(12)),
    )
