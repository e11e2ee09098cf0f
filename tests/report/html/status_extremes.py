"""Overviews as large and as hostile as they can get."""

import random

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
    Unit,
    Verdict,
)
from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    IncidentAlert,
    IncidentSeverity,
    Note,
    Notification,
)
from probe.history.model import StatePeriod
from probe.history.uptime.model import SubjectKind
from probe.report.board import CheckDetails, ProviderRow, ServiceRow, StatusBoard, TransportRow
from probe.report.status import Notice, Overview, StatusRow
from tests.report import board_samples as boards
from tests.report import check_samples, incident_samples, uptime_samples
from tests.report.html.status_days import ago, day, restless
from tests.report.status_samples import call, failed, health, overview, signaling, turn


def many(number: int = 20, seed: int = 7) -> Overview:
    """So many checks with the busiest days one can think of: every fifth has troubles."""
    chance = random.Random(seed)
    kinds = (health(), signaling(), turn("primary", "udp", "relay.example:3478"), call())
    found = []
    for at in range(number):
        row = kinds[at % len(kinds)]
        found.append(replace(row, name=f"{row.name}-{at}", day=restless(chance)))
    spoilt = [
        failed(row, Verdict.CRITICAL, "body", Cause.SERVICE_DOWN, "redis is down")
        if at % 5 == 0
        else row
        for at, row in enumerate(found)
    ]
    return overview(Verdict.CRITICAL, *spoilt)


def hostile(text: str) -> Overview:
    """Whatever a target or a configuration can put into an overview is this text."""
    signal = Signal("probe_open_seconds", Unit.SECONDS, text, ("path",), column=text or "open")
    threshold = Threshold(signal, Limits(0.1, 0.2, 0.3), Aggregation.P95)
    trouble = StatePeriod(text, ago(30), ago(20), Verdict.CRITICAL, text, text, text)
    row = StatusRow(
        text, text, text, {text: text}, 10.0, Verdict.CRITICAL, ago(24), ago(0.1), ago(-0.1),
        Status.FAILED, 0.5, {text: 0.1}, (Sample(signal, 1.0, {"path": text}),),
        Failure(text, Cause.BODY_INVALID, text, text), {text: text}, (signal,),
        (Evaluation(text, threshold, {text: text}, 3.0, Verdict.CRITICAL),
         Evaluation(text, threshold, {text: text}, 0.15, Verdict.OBJECTIVE_MISSED)),
        day(), (trouble,) * 3, signal, Limits(0.1, 0.2, 0.3),
    )  # fmt: skip
    notices = (Notice(Verdict.CRITICAL, text, text, ago(3), text),) * 3
    ok = replace(row, verdict=Verdict.OK, failure=None)
    return replace(
        overview(Verdict.CRITICAL, row, ok, notices=notices),
        region=text,
        version=text,
        skipped=((text, text),),
    )


def many_board(number: int) -> StatusBoard:
    """So many checks with 90 days of every service, and an incident of a fifth of them."""
    rows = many(number).rows
    board = boards.board(rows)
    alerts = [
        incident_samples.alert(row, "redis is down", "body", "service_down", service=row.kind)
        for row in rows
        if row.verdict is Verdict.CRITICAL
    ]
    return replace(board, open=(incident_samples.incident(f"{len(alerts)} checks fail", alerts),))


def hostile_board(text: str) -> StatusBoard:
    """Whatever can be put into a board is this text."""
    report = uptime_samples.report(SubjectKind.SERVICE, text)
    transports = (TransportRow(text, Verdict.CRITICAL, (text,)),)
    provider = ProviderRow(text, Verdict.CRITICAL, ago(3), (text,), transports, report)
    service = ServiceRow(
        text, text, Verdict.CRITICAL, ago(3), (text,), report, (provider,), median=0.1
    )
    plain = replace(service, providers=())
    return StatusBoard(
        overview=hostile(text),
        open=(hostile_incident(text),),
        recent=(replace(hostile_incident(text), ended=ago(1)),),
        services=(service, plain),
        uptime={text: report},
        announcements=(Announcement(text, text, text, text, ago(5), ago(1), (text,), text, text),),
        annotations=(Annotation(text, ago(5), text, link=text, author=text),),
    )


def hostile_incident(text: str) -> Incident:
    """An incident of nothing but this text."""
    alert = IncidentAlert(
        text, text, text, IncidentSeverity.CRITICAL, ago(3), ago(2), text, text, text, text,
        ((text, text),), ago(1), text, text, text, text, text, text, text, text, text, text,
    )  # fmt: skip
    return Incident(
        text, text, text, IncidentSeverity.CRITICAL, ago(3), ago(2),
        alerts=(alert, replace(alert, ended=None, check=f"{text}2")),
        affected=(text,),
        suppressed=(text,),
        region=text,
        notifications=(Notification(text, text, ago(2), text, error=text),),
        acknowledgements=(Acknowledgement(ago(1), text, text),),
        notes=(Note(text, ago(1), text, text, public=True),),
        annotations=(
            Annotation(text, ago(2), text, kind=text, link=text, commit=text, source=text),
        ),
    )  # fmt: skip


def hostile_details(text: str) -> CheckDetails:
    """A check's page of nothing but this text."""
    board = hostile_board(text)
    usual = check_samples.details("health")
    series = tuple(replace(each, signal=text, labels=((text, text),)) for each in usual.series)
    runs = tuple(
        replace(run, phase=text, cause=text, message=text, samples=((text, ((text, text),), 1.0),))
        for run in usual.runs
    )
    return CheckDetails(board.overview.rows[0], usual.uptime, series, runs, board.open)
