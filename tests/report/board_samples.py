"""Boards made by hand: the whole plan of PairCam on a good day and on bad ones."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import Verdict
from probe.history.incidents.model import (
    Announcement,
    Incident,
)
from probe.history.uptime.model import (
    SubjectKind,
)
from probe.report.board import (
    ProviderRow,
    ServiceRow,
    StatusBoard,
    TransportRow,
)
from probe.report.status import Notice, StatusRow
from tests.report import status_samples as samples
from tests.report.html.status_days import ago
from tests.report.incident_samples import WARNING, alert, incident, past
from tests.report.uptime_samples import report

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
    """A board of these rows, whose services were partially down on some days (0: today)."""
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
