"""Incidents as the recorder hands them on."""

from typing import Any

from msgspec.structs import replace

from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Incident,
    IncidentAlert,
    IncidentSeverity,
    Note,
    Notification,
    NotificationStatus,
)
from tests.history.period_builders import NOON

DAY = 86400.0


def alert(check: str = "health", **parts: Any) -> IncidentAlert:
    """An alert that fires."""
    found = IncidentAlert(
        name=f"{check}/failing",
        check=check,
        rule="failing",
        severity=IncidentSeverity.CRITICAL,
        since=NOON,
        fired=NOON + 30,
        summary="redis is down",
        kind="http",
        target="https://paircam.live/health",
        region="lax",
        phase="body",
        cause="service_down",
        hint="Look at Redis.",
        service="backend",
        loss="The backend is down",
        runbook="service-down",
    )
    return replace(found, **parts)


def incident(name: str = "20270115-080030-0a1b2c", **parts: Any) -> Incident:
    """An incident of two alerts that lasts."""
    found = Incident(
        id=name,
        key="paircam.live",
        title="The backend is down: redis is down, 2 checks",
        severity=IncidentSeverity.CRITICAL,
        since=NOON,
        opened=NOON + 30,
        alerts=(alert(), alert("signaling", fired=NOON + 40)),
        affected=("journey",),
        region="lax",
    )
    return replace(found, **parts)


def notification(**parts: Any) -> Notification:
    """A message that was accepted a second later."""
    at = NOON + 30
    found = Notification(
        "slack", "firing", at, "redis is down", NotificationStatus.DELIVERED, at + 1
    )
    return replace(found, **parts)


DEPLOY = Annotation(
    "20270115-075730-ffffff", NOON - 180, "deploy v1.5.0", commit="a1b2c3d4", author="eva"
)
NOTE = Note("20270115-090000-eeeeee", NOON + 3600, "eva", "It was *Redis*.\n\n- full disk")
TAKEN = Acknowledgement(NOON + 60, "ida", "on it")
