"""PagerDuty, Events API v2: https://developer.pagerduty.com/docs/events-api-v2-overview.

The dedup key is made from the incident's own key, so that a repetition or a reminder never
opens a second incident.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, SecretStr

from alerts.model import Message, NotifyError, Occasion, Severity
from alerts.notifier import Notifier
from alerts.notifiers.base import NotifierKind, post, refuse
from alerts.texts import headline, lines, steps, when
from probe.net.urls import HttpUrl
from probe.variables import Environment

LONGEST_KEY, LONGEST_SUMMARY = 255, 1024
ACCEPTED = 202


class PagerDutyEnvironment(Environment):
    """The integration's key."""

    routing_key: SecretStr | None = Field(default=None, alias="PAGERDUTY_ROUTING_KEY")
    url: HttpUrl = Field(
        default=SecretStr("https://events.pagerduty.com/v2/enqueue"), alias="PAGERDUTY_EVENTS_URL"
    )


class PagerDuty:
    """Triggers and resolves; acknowledging is for people."""

    name, tells_past, resend_seconds, pause = "pagerduty", False, None, 0.0

    def __init__(self, routing_key: SecretStr, url: SecretStr) -> None:
        self._routing_key, self._url = routing_key, url

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Enqueue an event. Raises NotifyError."""
        if message.occasion in (Occasion.REMINDER, Occasion.NOTE):
            # It reminds by itself, and a note is no incident.
            return memory
        document = event(message, self._routing_key.get_secret_value())
        answer = await post(self._url.get_secret_value(), json=document)
        if answer.status != ACCEPTED:
            error = refuse(answer, "PagerDuty")
            if 200 <= answer.status < 300:
                raise NotifyError(error.reason)
            raise error
        return {}


def event(message: Message, routing_key: str) -> dict[str, Any]:
    """A message as an event, within the API's limits."""
    over = message.occasion is Occasion.RESOLVED
    document: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if over else "trigger",
        "dedup_key": dedup_key(message.key),
    }
    if over:
        return document
    return {
        **document,
        "client": "probe",
        "payload": {
            "summary": headline(message)[:LONGEST_SUMMARY],
            "source": message.region,
            "severity": message.severity.value,
            "timestamp": datetime.fromtimestamp(message.since, UTC).isoformat(),
            "component": message.key[:LONGEST_SUMMARY],
            "group": message.firing[0].kind if message.firing else "",
            "custom_details": {
                "when": when(message),
                "what": list(lines(message)),
                "first_steps": steps(message),
            },
        },
        "links": [{"href": url, "text": name} for name, url in message.links],
    }


def dedup_key(key: str) -> str:
    """The incident's own key, made short enough."""
    whole = f"probe {key}"
    if len(whole) <= LONGEST_KEY:
        return whole
    return f"{whole[:180]} {hashlib.sha256(whole.encode()).hexdigest()}"


def make(environment: PagerDutyEnvironment) -> Notifier | None:
    """From its key."""
    if environment.routing_key is None:
        return None
    return PagerDuty(environment.routing_key, environment.url)


KIND = NotifierKind(
    "pagerduty",
    "a page for what is critical",
    PagerDutyEnvironment,
    frozenset({Severity.CRITICAL}),
    make,
)
