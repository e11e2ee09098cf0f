"""Messages and log lines about alerting itself."""

import logging
from collections.abc import Mapping, Sequence

from alerts.model import Delivery, Message, MessageType, Severity
from alerts.notification.notification_log import Key
from alerts.notifier import Notifier
from alerts.state.alert_store import Event
from alerts.state.machine import TransitionType

logger = logging.getLogger(__name__)


def resolve_after_restart(subject: str, region: str, now: float) -> Message:
    """That a group works, to a receiver that may have an incident from before a restart."""
    return Message(
        key=subject,
        occasion=MessageType.RESOLVED,
        severity=Severity.CRITICAL,
        title=f"{subject} works",
        at=now,
        since=now,
        region=region,
        text="The probe was restarted and doesn't know what it sent before.",
    )


def resolves_after_restart(keys: Sequence[Key], region: str, now: float) -> list[Delivery]:
    """That groups work, by notifier and group."""
    return [
        Delivery(name, resolve_after_restart(group, region, now), due=now) for name, group in keys
    ]


def pagers(notifiers: Mapping[str, Notifier]) -> list[str]:
    """Every receiver that is not sent missed incidents."""
    return [name for name, each in notifiers.items() if not each.sends_missed_incidents]


def refusal(delivery: Delivery, reason: str, region: str, now: float) -> Message:
    """That a notifier refuses a message for good."""
    return Message(
        key=f"refused {delivery.notifier}",
        occasion=MessageType.NOTE,
        severity=Severity.WARNING,
        title=f"{delivery.notifier} refuses messages: {reason}",
        at=now,
        since=now,
        region=region,
        text=f"Not delivered there: {delivery.message.title}",
    )


def undelivered(delivery: Delivery, reason: str, region: str, now: float) -> Message:
    """That a notifier has accepted nothing for two minutes."""
    return Message(
        key=f"undelivered {delivery.notifier}",
        occasion=MessageType.NOTE,
        severity=Severity.CRITICAL,
        title=f"{delivery.notifier} has accepted no message for 2 min: {reason}",
        at=now,
        since=now,
        region=region,
        text=f"Not delivered there, retrying: {delivery.message.title}",
    )


def left_open(text: str, region: str, now: float) -> Message:
    """That receivers may have incidents of before a start open."""
    return Message(
        key="left open",
        occasion=MessageType.NOTE,
        severity=Severity.WARNING,
        title="The probe does not know what it sent before its start",
        at=now,
        since=now,
        region=region,
        text=text,
    )


def log(event: Event) -> None:
    """One line for each change of an alert."""
    level = logging.INFO if event.transition.turn is TransitionType.RESOLVED else logging.WARNING
    fields = {
        "alert": str(event.alert.identity),
        "turn": event.transition.turn.value,
        "severity": event.transition.severity.value,
    }
    text = f"alert {event.transition.turn}: {event.alert.summary}"
    if event.alert.closed:
        fields["turn"] = "closed"
        text = f"alert closed: {event.alert.identity.check} is {event.alert.closed}"
    logger.log(level, "%s", text, extra={"fields": fields})
