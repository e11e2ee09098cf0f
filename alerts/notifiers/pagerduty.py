"""PagerDuty, Events API v2: https://developer.pagerduty.com/docs/events-api-v2-overview.

The dedup key is made from the incident's own key, so that a repetition or a reminder never
opens a second incident.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, SecretStr, field_validator

from alerts.model import Acknowledged, Message, MessageType, NotifyError, OpenAlert, Severity
from alerts.notification.template import headline, lines, steps, time_range
from alerts.notifier import TO, Notifier
from alerts.notifiers.base import NotifierKind, error_from_answer, post
from alerts.senders.mark import SENT_BY, SentBy, digest, with_key
from probe.core.environment import Environment
from probe.net.urls import HttpUrl, TokenBaseUrl
from probe.report.json.fields import whole
from probe.report.text.sanitize import clean, cut

MAX_KEY, MAX_SUMMARY = 255, 1024
ACCEPTED = 202
MAX_LINKS = 10
# Of every dedup key of ours.
PREFIX = "probe "
# In memory: the severity of the last event that was accepted.
SEVERITY = "severity"


class PagerDutyEnvironment(Environment):
    """The integration's key."""

    routing_key: SecretStr | None = Field(default=None, alias="PAGERDUTY_ROUTING_KEY")
    """Integration key of a PagerDuty service (Events API v2)."""
    url: HttpUrl = Field(
        default=SecretStr("https://events.pagerduty.com/v2/enqueue"), alias="PAGERDUTY_EVENTS_URL"
    )
    """Other address of the Events API (proxies)."""

    rest_token: SecretStr | None = Field(default=None, alias="PAGERDUTY_REST_TOKEN")
    """REST API key (read-only), to ask who has acknowledged an incident, which are open after
    stored state was lost, and whether another cluster uses the same routing key."""
    api_url: TokenBaseUrl = Field(
        default=SecretStr("https://api.pagerduty.com"), alias="PAGERDUTY_API_URL"
    )
    """Other address of the REST API (proxies, Europe: `https://api.eu.pagerduty.com`)."""

    @field_validator("rest_token")
    @classmethod
    def _is_a_token(cls, value: SecretStr | None) -> SecretStr | None:
        token = value.get_secret_value() if value else ""
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise ValueError("this is not a token: write the REST API key alone")
        return value

    @field_validator("routing_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value() if value else ""
        if key and not (key.isascii() and key.isprintable() and not set(key) & set(" /:")):
            raise ValueError("this is not a key: write the integration's, of Events API v2")
        return value


class PagerDuty:
    """Triggers and resolves; acknowledging is for people, and who did is read."""

    name, sends_missed_incidents, resend_seconds, pause = "pagerduty", False, None, 0.0

    def __init__(
        self,
        routing_key: SecretStr,
        url: SecretStr,
        rest_token: SecretStr | None = None,
        api_url: SecretStr | None = None,
    ) -> None:
        self._routing_key, self._url = routing_key, url
        self._rest_token, self._api_url = rest_token, api_url

    @property
    def address(self) -> str:
        """Stands for the routing key: another one leads to another service."""
        return digest(self._routing_key.get_secret_value())

    @property
    def can_query(self) -> bool:
        """Whether there is a token for the REST API."""
        return self._rest_token is not None and self._api_url is not None

    async def open_alerts(
        self, regions: Sequence[str], groups: Sequence[str]
    ) -> Sequence[OpenAlert]:
        """Incidents whose key is one of ours (GET /incidents). Raises NotifyError."""
        from alerts.notifiers.pagerduty_incidents import open_incidents

        known = {dedup_key(group): group for group in groups}
        found = await open_incidents(*self._rest_api())
        return [
            OpenAlert(key=known.get(key, key.removeprefix(PREFIX)))
            for key in found
            if key.startswith(PREFIX)
        ]

    async def acknowledged(self, groups: Sequence[str]) -> Sequence[Acknowledged]:
        """Who has acknowledged our open incidents (GET /incidents). Raises NotifyError."""
        from alerts.notifiers.pagerduty_incidents import acknowledgements

        known = {dedup_key(group): group for group in groups}
        found = await acknowledgements(*self._rest_api())
        return [Acknowledged(known[key], at, by) for key, at, by in found if key in known]

    async def senders(self, regions: Sequence[str], groups: Sequence[str]) -> Sequence[SentBy]:
        """Whose events are in our open incidents, of those sent with the same routing key (GET
        /incidents/ID/alerts and /log_entries). Raises NotifyError."""
        from alerts.notifiers.pagerduty_incidents import marks_in_incidents

        known = {dedup_key(group): group for group in groups}
        found = await marks_in_incidents(*self._rest_api(), known)
        return [SentBy(known[key], mark) for key, mark in found if mark.key == self.address]

    def _rest_api(self) -> tuple[str, str]:
        """Its address and our token."""
        if self._rest_token is None or self._api_url is None:
            raise NotifyError("PAGERDUTY_REST_TOKEN is not set", permanent=True)
        return self._api_url.get_secret_value(), self._rest_token.get_secret_value()

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Enqueue an event. Raises NotifyError."""
        if needs_no_event(message, memory):
            return memory
        document = event(message, self._routing_key.get_secret_value())
        answer = await post(self._url.get_secret_value(), json=document)
        if answer.status != ACCEPTED:
            # An unknown key is answered with 400 as well.
            hint = "is PAGERDUTY_ROUTING_KEY right?" if answer.status == 400 else ""
            raise error_from_answer(answer, "PagerDuty", hint)
        return {SEVERITY: message.severity.value, TO: self.address}

    async def verify(self) -> str:
        """Resolve an incident that there never was, which PagerDuty discards. Raises
        NotifyError."""
        document = {
            "routing_key": self._routing_key.get_secret_value(),
            "event_action": "resolve",
            "dedup_key": f"probe-check-config-{secrets.token_hex(8)}",
        }
        answer = await post(self._url.get_secret_value(), json=document)
        if answer.status != ACCEPTED:
            hint = "is PAGERDUTY_ROUTING_KEY right?" if answer.status == 400 else ""
            raise error_from_answer(answer, "PagerDuty", hint)
        return "the Events API accepts the routing key"


def needs_no_event(message: Message, memory: Mapping[str, str]) -> bool:
    """Whether a message says nothing that PagerDuty acts on: a note, and most updates. It acts on
    a rise in severity, which raises the urgency
    (https://support.pagerduty.com/main/docs/dynamic-notifications), and on the first event that
    it accepts, whatever was sent before. A reminder is a trigger: dropped by its key while the
    incident is open, it opens one that PagerDuty has resolved by itself (after 4 h by default) or
    somebody by hand, while the fault lasts."""
    if message.occasion is not MessageType.CHANGED:
        return message.occasion is MessageType.NOTE
    return memory.get(SEVERITY) in (message.severity.value, Severity.CRITICAL.value)


def event(message: Message, routing_key: str) -> dict[str, Any]:
    """A message as an event, within the API's limits."""
    over = message.occasion is MessageType.RESOLVED
    document: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if over else "trigger",
        "dedup_key": dedup_key(message.key),
    }
    if over:
        return document
    page = dict(message.links).get("status page")
    given = {
        **document,
        "client": "probe",
        **({"client_url": page} if page else {}),
        "payload": _payload(message, with_key(message.sender, routing_key)),
        "links": [{"href": url, "text": name} for name, url in message.links[:MAX_LINKS]],
    }
    complete: dict[str, Any] = whole(given)
    return complete


def _payload(message: Message, sender: str) -> dict[str, Any]:
    first = message.firing[0] if message.firing else None
    return {
        "summary": cut(headline(message), MAX_SUMMARY),
        # An event without a source is refused for good.
        "source": clean(message.region) or "probe",
        "severity": message.severity.value,
        "timestamp": datetime.fromtimestamp(message.since, UTC).isoformat(),
        "component": cut(clean(message.key), MAX_SUMMARY),
        "group": first.kind if first else "",
        "class": first.cause or first.identity.rule if first else "",
        "custom_details": {
            "when": time_range(message),
            "what": list(lines(message)),
            "first_steps": steps(message),
            **({SENT_BY: sender} if sender else {}),
        },
    }


def dedup_key(key: str) -> str:
    """The incident's own key, made short enough."""
    whole = f"{PREFIX}{key}"
    if len(whole) <= MAX_KEY:
        return whole
    return f"{whole[:180]} {hashlib.sha256(whole.encode('utf-8', 'replace')).hexdigest()}"


def make(environment: PagerDutyEnvironment) -> Notifier | None:
    """From its key."""
    if environment.routing_key is None:
        return None
    return PagerDuty(
        environment.routing_key, environment.url, environment.rest_token, environment.api_url
    )


KIND = NotifierKind(
    "pagerduty",
    "a page for what is critical",
    PagerDutyEnvironment,
    frozenset({Severity.CRITICAL}),
    make,
    deduplicates=True,
)
