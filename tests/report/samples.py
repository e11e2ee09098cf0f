"""Reports made by hand, as runs against PairCam would give them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import (
    Aggregation,
    Evaluation,
    Failure,
    Limits,
    LimitSide,
    Result,
    Sample,
    Signal,
    Status,
    Threshold,
    Unit,
    Verdict,
)
from probe.report.model import Report, ReportRow, SkippedRow

Sampler = Callable[[], Report]

TRY = {
    Cause.SERVICE_DOWN: "Check that the named service is up and that its address in the "
    "backend's environment is right.",
    Cause.DEADLINE: "It did not answer in time: is it overloaded, or are packets dropped?",
    Cause.AUTH_REJECTED: "Check user name, password or secret on both sides.",
    Cause.CREDENTIALS_MISSING: "Configure credentials for this server.",
}

STARTED = datetime(2026, 1, 1, tzinfo=UTC)

CODE = Signal("probe_http_status_code", Unit.COUNT, "Status.", column="status")
FIRST_BYTE = Signal("probe_http_first_byte_seconds", Unit.SECONDS, "Wait.", column="first byte")
EXPIRY = Signal("probe_ssl_earliest_cert_expiry", Unit.TIMESTAMP, "Expiry.", column="certificate")
CONNECT = Signal("probe_signaling_connect_seconds", Unit.SECONDS, "Connect.", column="connect")
TRIP = Signal("probe_signaling_rtt_seconds", Unit.SECONDS, "Round trip.", column="round trip")
ALLOCATE = Signal("probe_turn_allocate_seconds", Unit.SECONDS, "Allocate.", column="allocate")
RELAY = Signal("probe_turn_relay_rtt_seconds", Unit.SECONDS, "Relay.", column="relay")
LOSS = Signal("probe_turn_loss_ratio", Unit.RATIO, "Loss.", column="loss")
OPEN = Signal("probe_call_open_seconds", Unit.SECONDS, "Open.", ("path",), column="open")

SLOW = Threshold(TRIP, Limits(objective=0.2, warning=1.0), Aggregation.P95)
WAIT = Threshold(FIRST_BYTE, Limits(objective=0.5, warning=1.0, critical=2.0), Aggregation.P95)
DAYS = Threshold(EXPIRY, Limits(warning=1768435200.0), bad=LimitSide.BELOW)


def result(
    check: str,
    duration: float,
    samples: tuple[Sample, ...] = (),
    *,
    failure: Failure | None = None,
    status: Status | None = None,
    facts: Mapping[str, str] | None = None,
) -> Result:
    """A result that is ok without a failure, and failed with one unless it says otherwise."""
    ending = status or (Status.FAILED if failure else Status.OK)
    phases = {"dns": 0.0123, "connect": 0.0311}
    return Result(check, ending, STARTED, duration, phases, samples, failure, facts or {})


def failure(phase: str, cause: Cause, message: str) -> Failure:
    """A failure with a hint of the sample's own, so that rewording hints breaks no test."""
    return Failure(phase, cause, message, TRY.get(cause, "Look at the server's log."))


def health() -> ReportRow:
    """The backend's health, well."""
    samples = (Sample(CODE, 200.0), Sample(FIRST_BYTE, 0.1804), Sample(EXPIRY, 1772668800.0))
    facts = {"version": "1.4.2", "instance": "3d8d9014c03d68"}
    found = result("health", 0.2124, samples, facts=facts)
    target = "https://paircam.live/health"
    return ReportRow("health", "http", target, {}, found, Verdict.OK, (CODE, FIRST_BYTE, EXPIRY))


def signaling(trip: float = 0.0481) -> ReportRow:
    """A signaling session, well."""
    samples = (Sample(CONNECT, 0.2841), Sample(TRIP, trip))
    found = result("signaling", 0.6512, samples)
    target = "https://paircam.live/signaling"
    labels = {"transport": "websocket"}
    return ReportRow("signaling", "signaling", target, labels, found, Verdict.OK, (CONNECT, TRIP))


def turn(provider: str, transport: str, host: str) -> ReportRow:
    """A TURN server, well."""
    name = f"turn-{provider}-{transport}"
    samples = (Sample(ALLOCATE, 0.2043), Sample(RELAY, 0.0962), Sample(LOSS, 0.0))
    found = result(name, 1.0532, samples)
    labels = {"provider": provider, "transport": transport}
    shown = (ALLOCATE, RELAY, LOSS)
    return ReportRow(name, "turn", f"turn:{host}", labels, found, Verdict.OK, shown)


def call() -> ReportRow:
    """A call, direct and relayed, well."""
    samples = (Sample(OPEN, 0.31, {"path": "direct"}), Sample(OPEN, 1.204, {"path": "relayed"}))
    found = result("call", 1.846, samples)
    labels = {"provider": "primary", "transport": "udp"}
    return ReportRow("call", "call", "primary, backup", labels, found, Verdict.OK, (OPEN,))


def rows() -> tuple[ReportRow, ...]:
    """All checks of a usual plan, well."""
    return (
        health(),
        signaling(),
        turn("primary", "udp", "staticauth.openrelay.metered.ca:80"),
        turn("backup", "udp", "a.relay.metered.ca:3478"),
        call(),
    )


SKIPPED = (
    SkippedRow("fly", "FLY_API_TOKEN is not set"),
    SkippedRow("metered", "METERED_APP and METERED_API_KEY are not set"),
)


def report(verdict: Verdict, *found: ReportRow, exit_code: int = 0) -> Report:
    """A report of these rows, without evaluations and skipped checks."""
    return Report(verdict, exit_code, STARTED, 1.9034, "lax", "0.1.0", found)


def broken(
    row: ReportRow, verdict: Verdict, why: Failure, *, status: Status | None = None
) -> ReportRow:
    """The row, had it ended with this failure before anything was measured."""
    found = result(row.name, 0.1182, failure=why, status=status, facts=row.result.facts)
    return replace(row, result=found, verdict=verdict)


def late(row: ReportRow, why: Failure) -> ReportRow:
    """The row, had it run into its deadline."""
    found = broken(row, Verdict.CRITICAL, why)
    return replace(found, result=replace(found.result, duration=10.0021))


def all_ok() -> Report:
    """Every check is ok and no limit is missed."""
    evaluations = (
        Evaluation("health", WAIT, {}, 0.1804, Verdict.OK),
        Evaluation("signaling", SLOW, {}, None, Verdict.UNKNOWN),
    )
    return replace(report(Verdict.OK, *rows()), evaluations=evaluations)


def redis_down() -> Report:
    """The backend answers 200 and says that Redis is down; signaling hangs on it."""
    why = failure("body", Cause.SERVICE_DOWN, "redis is down")
    silent = failure("session", Cause.DEADLINE, "no `connected` event within 10 s")
    _, _, *others = rows()
    first = broken(health(), Verdict.CRITICAL, why)
    second = late(signaling(), silent)
    found = report(Verdict.CRITICAL, first, second, *others, exit_code=2)
    return replace(found, skipped=SKIPPED, duration=10.004)


def turn_partial() -> Report:
    """One TURN provider refuses the credentials, and the signaling round trip is slow."""
    why = failure("allocate", Cause.AUTH_REJECTED, "401 Unauthorized after authenticating")
    first, _, primary, backup, last = rows()
    slow = replace(signaling(trip=1.2), verdict=Verdict.WARNING)
    found = report(
        Verdict.WARNING, first, slow, broken(primary, Verdict.WARNING, why), backup, last
    )
    evaluations = (
        Evaluation("health", WAIT, {}, 0.612, Verdict.OBJECTIVE_MISSED),
        Evaluation("health", DAYS, {}, 1772668800.0, Verdict.OK),
        Evaluation("signaling", SLOW, {}, 1.2, Verdict.WARNING),
    )
    return replace(found, evaluations=evaluations)


def unknown() -> Report:
    """A TURN server could not be looked at for want of credentials."""
    why = failure("credentials", Cause.CREDENTIALS_MISSING, "TURN_USERNAME is not set")
    first, second, primary, *_ = rows()
    third = broken(primary, Verdict.UNKNOWN, why, status=Status.UNKNOWN)
    return report(Verdict.UNKNOWN, first, second, third, exit_code=3)


def skipped() -> Report:
    """One check ran; the rest lacks configuration."""
    return replace(report(Verdict.OK, health()), skipped=SKIPPED)


def slow_page() -> Report:
    """A single check whose first byte comes too late."""
    row = replace(health(), verdict=Verdict.CRITICAL)
    evaluation = Evaluation("health", WAIT, {}, 2.0004, Verdict.CRITICAL)
    return replace(report(Verdict.CRITICAL, row, exit_code=2), evaluations=(evaluation,))


def hostile(text: str) -> Report:
    """Whatever a target or a configuration can put into a report is this text."""
    why = Failure(text, Cause.BODY_INVALID, text, text)
    sample = Sample(OPEN, 1.0, {"path": text})
    found = result(text, 0.1, (sample,), failure=why, facts={text: text})
    row = ReportRow(text, text, text, {text: text}, found, Verdict.CRITICAL, (OPEN,))
    evaluation = Evaluation(text, WAIT, {text: text}, 3.0, Verdict.CRITICAL)
    missed = Evaluation(text, SLOW, {text: text}, 0.3, Verdict.OBJECTIVE_MISSED)
    return Report(
        Verdict.CRITICAL,
        2,
        STARTED,
        1.0,
        text,
        text,
        (row,),
        (evaluation, missed),
        (SkippedRow(text, text),),
    )


SAMPLES: tuple[Sampler, ...] = (all_ok, redis_down, turn_partial, unknown, skipped, slow_page)
