"""Messages and log lines about alerting itself."""

import logging
from collections.abc import Mapping

from alerts.model import Delivery, Message, MessageType, Severity
from alerts.notifier import Notifier
from alerts.state.alert_store import Event
from alerts.state.machine import TransitionType

logger = logging.getLogger(__name__)


def resolve_after_restart(notifier: str, group: str, region: str, now: float) -> Delivery:
    """That a group works, to a receiver that may have an incident from before a restart."""
    message = Message(
        key=group,
        occasion=MessageType.RESOLVED,
        severity=Severity.CRITICAL,
        title=f"{group} works",
        at=now,
        since=now,
        region=region,
        text="The probe was restarted and doesn't know what it sent before.",
    )
    return Delivery(notifier, message, due=now)


def pagers(notifiers: Mapping[str, Notifier]) -> list[str]:
    """Every receiver that is not sent missed incidents."""
    return [name for name, each in notifiers.items() if not each.sends_missed_incidents]


def refusal(delivery: Delivery, reason: str, region: str, now: float) -> Message:
    """That a notifier refuses a message for good."""
    title = f"{delivery.notifier} refuses messages: {reason}"
    text = f"Not delivered there: {delivery.message.title}"
    return _note(f"refused {delivery.notifier}", Severity.WARNING, title, text, region, now)


def undelivered(delivery: Delivery, reason: str, region: str, now: float) -> Message:
    """That a notifier has accepted nothing for two minutes."""
    title = f"{delivery.notifier} has accepted no message for 2 min: {reason}"
    text = f"Not delivered there, retrying: {delivery.message.title}"
    return _note(f"undelivered {delivery.notifier}", Severity.CRITICAL, title, text, region, now)


def left_open(text: str, region: str, now: float) -> Message:
    """That receivers may have incidents of before a start open."""
    title = "The probe does not know what it sent before its start"
    return _note("left open", Severity.WARNING, title, text, region, now)


def _note(key: str, severity: Severity, title: str, text: str, region: str, now: float) -> Message:
    return Message(
        key=key,
        occasion=MessageType.NOTE,
        severity=severity,
        title=title,
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
