"""Boards made by hand: the whole plan of PairCam on a good day and on bad ones."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from probe.core.causes import Cause
from probe.core.model import Status, Verdict
from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    IncidentAlert,
    IncidentSeverity,
    Note,
    Notification,
    NotificationStatus,
)
from probe.history.model import ResultRow
from probe.history.uptime.model import (
    WINDOWS,
    SeriesPoint,
    SignalSeries,
    Subject,
    SubjectKind,
    Uptime,
    UptimeReport,
)
from probe.report.board import (
    CheckDetails,
    ProviderRow,
    ServiceRow,
    StatusBoard,
    TransportRow,
)
from probe.report.html.check_page import RunTimes
from probe.report.status import Notice, StatusRow
from tests.report import status_samples as samples
from tests.report.html.status_days import DAY, NOW, ago

CRITICAL, WARNING = IncidentSeverity.CRITICAL, IncidentSeverity.WARNING
TRANSPORTS = ("udp", "tcp", "tls")
_WORST = (Verdict.CRITICAL, Verdict.WARNING, Verdict.UNKNOWN)


def plan() -> tuple[StatusRow, ...]:
    """Every check of a usual deployment: 25."""
    health, signaling, call = samples.health(), samples.signaling(), samples.call()
    relays = [
        samples.turn(provider, transport, f"{provider}.relay.example:3478", seed=seed)
        for provider in ("primary", "backup")
        for seed, transport in enumerate(TRANSPORTS, 3)
    ]
    short = [
        replace(row, name=row.name.replace("turn", "allocation"), kind="allocation")
        for row in relays
    ]
    calls = [
        replace(call, name=f"call-{provider}-{way}", labels={"provider": provider})
        for provider in ("primary", "backup")
        for way in ("udp", "tls")
    ]
    others = [
        replace(health, name=name, kind=name, target=f"{name}.example", facts={})
        for name in ("fly", "postgres", "redis", "metered")
    ]
    return (
        health,
        replace(health, name="frontend", target="https://paircam.live/", facts={}),
        replace(signaling, name="engineio", kind="engineio"),
        signaling,
        *relays,
        *short,
        *calls,
        *others,
        replace(call, name="journey", kind="journey"),
    )


def board(
    rows: Sequence[StatusRow],
    *,
    bad_days: Sequence[int] = (17, 52),
    open_: Sequence[Incident] = (),
    recent: Sequence[Incident] = (),
    notices: Sequence[Notice] = (),
    announcements: Sequence[Announcement] = (),
) -> StatusBoard:
    """A board of these rows, whose services were down in part on some days (0: today)."""
    verdict = worst(rows) or Verdict.OK
    overview = samples.overview(verdict, *rows, notices=notices)
    return StatusBoard(
        overview=overview,
        open=tuple(open_),
        recent=tuple(recent),
        services=tuple(services(overview.rows, bad_days)),
        uptime={row.name: report(SubjectKind.CHECK, row.name, bad_days) for row in rows},
        announcements=tuple(announcements),
    )


def worst(rows: Sequence[StatusRow]) -> Verdict | None:
    """The worst verdict of these rows; None if none has run."""
    found = [row.verdict for row in rows if row.verdict is not None]
    return next((each for each in _WORST if each in found), Verdict.OK if found else None)


def services(rows: Sequence[StatusRow], bad_days: Sequence[int]) -> list[ServiceRow]:
    """Backend, signaling, TURN servers by provider, calls, and the rest."""
    groups: dict[tuple[str, str], list[StatusRow]] = {}
    titles = {
        "http": ("backend", "Backend"),
        "engineio": ("signaling", "Signaling"),
        "signaling": ("signaling", "Signaling"),
        "turn": ("turn", "TURN"),
        "allocation": ("turn", "TURN"),
        "call": ("calls", "Calls"),
        "journey": ("calls", "Calls"),
    }
    for row in rows:
        groups.setdefault(titles.get(row.kind, ("infrastructure", "Infrastructure")), []).append(
            row
        )
    return [
        ServiceRow(
            name=name,
            title=title,
            verdict=worst(mine),
            since=min((row.since for row in mine if row.since), default=None),
            checks=tuple(row.name for row in mine),
            uptime=report(SubjectKind.SERVICE, name, bad_days),
            providers=_providers(mine, bad_days) if name == "turn" else (),
            median=0.18,
        )
        for (name, title), mine in groups.items()
    ]


def report(kind: SubjectKind, name: str, bad_days: Sequence[int] = ()) -> UptimeReport:
    """90 days, of which the first 12 are without data and one is unknown."""
    chance = random.Random(len(name) + sum(map(ord, name)))
    days = []
    for back in range(89, -1, -1):
        start = NOW // DAY * DAY - back * DAY
        end = min(start + DAY, NOW)
        length = end - start
        if back > 77:
            days.append(Uptime(start, end))
        elif back == 40:
            days.append(Uptime(start, end, up=0.2 * length, unknown=0.8 * length))
        elif back in bad_days:
            down = min(chance.uniform(120, 5400), length / 2)
            days.append(Uptime(start, end, up=length - down, down=down))
        else:
            days.append(Uptime(start, end, up=length))
    windows = tuple(_window(days, length) for length in WINDOWS)
    return UptimeReport(Subject(kind, name), 0.999, windows, tuple(days))


def _window(days: Sequence[Uptime], length: float) -> Uptime:
    used = [day for day in days if day.end > NOW - length]
    return Uptime(
        NOW - length,
        NOW,
        up=min(sum(day.up for day in used), length),
        down=sum(day.down for day in used),
        unknown=sum(day.unknown for day in used),
    )


def _providers(rows: Sequence[StatusRow], bad_days: Sequence[int]) -> tuple[ProviderRow, ...]:
    found = []
    for provider in dict.fromkeys(row.labels["provider"] for row in rows):
        mine = [row for row in rows if row.labels["provider"] == provider]
        transports = tuple(
            TransportRow(
                transport,
                worst([row for row in mine if row.labels["transport"] == transport]),
                tuple(row.name for row in mine if row.labels["transport"] == transport),
            )
            for transport in TRANSPORTS
        )
        uptime = report(SubjectKind.PROVIDER, provider, bad_days)
        names = tuple(row.name for row in mine)
        found.append(ProviderRow(provider, worst(mine), ago(3100), names, transports, uptime))
    return tuple(found)


def alert(row: StatusRow, summary: str, phase: str, cause: str, **more: str) -> IncidentAlert:
    """A critical alert about a failure that lasts."""
    return IncidentAlert(
        name=f"{row.name}/failing",
        check=row.name,
        rule="failing",
        severity=CRITICAL,
        since=ago(24),
        fired=ago(23.5),
        summary=summary,
        kind=row.kind,
        target=row.target,
        phase=phase,
        cause=cause,
        hint="Check that the named service is up.",
        runbook=more.get("runbook", "any-check"),
        service=more.get("service", ""),
        loss=more.get("loss", ""),
    )


def incident(title: str, alerts: Sequence[IncidentAlert], **more: object) -> Incident:
    """An open incident that was sent to Slack and PagerDuty and acknowledged."""
    found = Incident(
        id="20260101-0312-paircam-live",
        key="paircam.live",
        title=title,
        severity=alerts[0].severity,
        since=min(each.since for each in alerts),
        opened=min(each.fired for each in alerts),
        alerts=tuple(alerts),
        region="lax",
        notifications=(
            Notification(
                "slack", "firing", ago(23.4), title, NotificationStatus.DELIVERED, ago(23.3)
            ),
            Notification(
                "pagerduty", "firing", ago(23.4), title, NotificationStatus.DELIVERED, ago(23.2)
            ),
        ),
        acknowledgements=(Acknowledgement(ago(18), "Ana", "on it"),),
        notes=(Note("1", ago(12), "Ana", "Upstash shows **no free connections**.", public=True),),
        annotations=(Annotation("a", ago(31), "backend 1.4.2", commit="4f2a91c"),),
    )
    return replace(found, **more)  # type: ignore[arg-type]


def past() -> tuple[Incident, ...]:
    """Two incidents that are over."""
    row = samples.health()
    first = replace(
        alert(row, "503 Service Unavailable", "status", "http_status", loss="The backend is down"),
        since=ago(400),
        fired=ago(399),
        ended=ago(385),
    )
    second = replace(
        first, check="turn-primary-tcp", severity=WARNING, since=ago(9000), ended=ago(8700)
    )
    return (
        incident(
            "The backend is down: 503 Service Unavailable",
            [first],
            id="20251231-2056",
            ended=ago(385),
        ),
        incident("A TURN relay fails: no answer", [second], id="20251225-2100", ended=ago(8700)),
    )


def well() -> StatusBoard:
    """Everything is ok; two incidents are over."""
    return board(plan(), recent=past())


def backend_down() -> StatusBoard:
    """Redis is down: health, signaling and the journey fail together."""
    rows = []
    for row in plan():
        if row.name == "health":
            row = samples.failed(row, Verdict.CRITICAL, "body", Cause.SERVICE_DOWN, "redis is down")
        elif row.name in ("signaling", "journey"):
            message = "no `connected` event within 10 s"
            row = samples.failed(row, Verdict.CRITICAL, "session", Cause.DEADLINE, message)
        rows.append(row)
    broken = {row.name: row for row in rows if row.failure}
    alerts = [
        alert(
            row,
            row.failure.message if row.failure else "",
            row.failure.phase if row.failure else "",
            row.failure.cause.value if row.failure else "",
            service="backend",
            loss="The backend is down",
            runbook="service-down",
        )
        for row in broken.values()
    ]
    return board(
        rows,
        bad_days=(0, 17, 52),
        open_=[incident("The backend is down: redis is down, 3 checks", alerts)],
        recent=past(),
    )


def transport_down() -> StatusBoard:
    """One transport of one provider relays nothing, and another check can't be measured."""
    message = "the relay sent none of 10 packets back"
    rows = [
        samples.failed(row, Verdict.WARNING, "echo", Cause.RELAY_UNREACHABLE, message)
        if row.name in ("turn-primary-tls", "allocation-primary-tls")
        else row
        for row in plan()
    ]
    rows[-2] = samples.failed(
        rows[-2],
        Verdict.UNKNOWN,
        "request",
        Cause.CREDENTIALS_MISSING,
        "METERED_API_KEY is not set",
        minutes=600,
    )
    alerts = [
        replace(
            alert(row, message, "echo", "relay_unreachable", loss="A TURN relay fails"),
            severity=WARNING,
        )
        for row in rows
        if row.name.endswith("primary-tls") and row.kind in ("turn", "allocation")
    ]
    found = incident(
        "A TURN relay fails: primary over TLS relays nothing", alerts, id="20260101-0312-turn",
        acknowledgements=(), notes=(),
    )  # fmt: skip
    return board(rows, bad_days=(17,), open_=[found], recent=past())


def frozen() -> StatusBoard:
    """Nothing answers: every check fails at its deadline."""
    rows = [
        samples.failed(row, Verdict.CRITICAL, "connect", Cause.DEADLINE, "no answer within 10 s")
        for row in plan()
    ]
    alerts = [
        alert(row, "no answer within 10 s", "connect", "deadline", service=row.kind) for row in rows
    ]
    title = f"{len(rows)} checks fail: backend, TURN servers, calls and infrastructure"
    return board(rows, bad_days=(0, 17), open_=[incident(title, alerts)], recent=past())


def maintenance() -> StatusBoard:
    """All is well, and the database will be moved."""
    announcements = (
        Announcement(
            "m1", "maintenance", "Database migration", "Sign-in is *slow* for some minutes.",
            ago(60), ago(-120), ("backend",), "Ana",
        ),
        Announcement(
            "n1", "announcement", "New relays", "Calls in Europe are faster.", ago(2000)
        ),
    )  # fmt: skip
    notice = Notice(
        Verdict.OK,
        "Maintenance: database migration",
        "No notifications of kind postgres until 2026-01-01 05:36 UTC.",
        ago(3),
    )
    return board(plan(), recent=past(), notices=[notice], announcements=announcements)


def starting() -> StatusBoard:
    """Nothing has run yet, and there is no history."""
    return StatusBoard(samples.starting())


BOARDS: dict[str, Callable[[], StatusBoard]] = {
    "well": well,
    "backend-down": backend_down,
    "transport-down": transport_down,
    "frozen": frozen,
    "maintenance": maintenance,
    "starting": starting,
}


def details(name: str, found: StatusBoard | None = None) -> CheckDetails:
    """The page of a check: a day of two signals, and its last runs."""
    shown = found or backend_down()
    row = next(each for each in shown.overview.rows if each.name == name)
    chance = random.Random(5)
    plotted = row.plot.name if row.plot else "probe_duration_seconds"
    series = tuple(
        SignalSeries(signal, (), tuple(_points(typical, chance)))
        for signal, typical in (
            (plotted, 0.18),
            ("probe_loss_ratio", 0.01),
            ("probe_size_bytes", 5e4),
        )
    )
    runs = tuple(
        ResultRow(
            name, ago(number * 10 + 0.1), 0.21, Status.OK, Verdict.OK, value=0.18,
            samples=((plotted, (), 0.18),),
        )
        for number in range(3, 12)
    )  # fmt: skip
    incidents = tuple(each for each in (*shown.open, *shown.recent) if name in each.checks)
    return CheckDetails(row, report(SubjectKind.CHECK, name, (0, 17)), series, runs, incidents)


def runs(name: str) -> tuple[RunTimes, ...]:
    """The newest runs, with their phases."""
    phases = (("dns", 0.0123), ("connect", 0.0311), ("tls", 0.0402), ("processing", 0.0968))
    failed = RunTimes(
        ago(0.1), 10.0, Status.FAILED, (*phases[:3], ("body", 9.9)), "body", "service_down",
        "redis is down",
    )  # fmt: skip
    if name != "health":
        return ()
    return (failed, *(RunTimes(ago(10.1 * n), 0.18, Status.OK, phases) for n in range(1, 3)))


def _points(typical: float, chance: random.Random) -> Iterator[SeriesPoint]:
    for place in range(96):
        start = NOW - DAY + place * 900
        middle = typical * (1 + 0.25 * (chance.random() - 0.5))
        low, high = middle * 0.8, middle * (1.1 + chance.expovariate(3))
        empty = 10 <= place < 14
        yield SeriesPoint(
            start, start + 900, 0 if empty else 90, *((None,) * 3 if empty else (low, middle, high))
        )
