"""Alertmanager, API v2: https://github.com/prometheus/alertmanager, api/v2/openapi.yaml.

Labels are an alert's identity there; the severity is one of them, because routes go by it.
So an alert whose severity changes is ended under its old one. Every member of a cluster is
sent to; they agree among themselves.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, field_validator

from alerts.model import Alert, Message, NotifyError, Occasion, Severity
from alerts.notifier import Notifier
from alerts.notifiers.base import NotifierKind, post, refuse
from probe.net.urls import check_base_url, show_host, split_urls
from probe.variables import Environment

RESEND_SECONDS = 60.0
# What isn't repeated for so long is over: the probe has died.
EXPIRES_SECONDS = 4 * RESEND_SECONDS
FIRING = "firing"


class AlertmanagerEnvironment(Environment):
    """Every member of the cluster."""

    urls: str | None = Field(default=None, alias="ALERTMANAGER_URLS")

    @field_validator("urls")
    @classmethod
    def _addresses(cls, value: str | None) -> str | None:
        for address in split_urls(value):
            check_base_url(address)
        return value


class Alertmanager:
    """Sends what burns, again and again while it does."""

    name, tells_past, resend_seconds, pause = "alertmanager", False, RESEND_SECONDS, 0.0

    def __init__(self, urls: Iterable[str]) -> None:
        self._urls = tuple(url.rstrip("/") for url in urls)

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Send to every member; one that takes it is enough. Raises NotifyError."""
        if message.occasion is Occasion.NOTE:
            return memory
        before = _labels_in(memory)
        alerts = list(alerts_of(message, before))
        ends = await asyncio.gather(*(self._post(url, alerts) for url in self._urls))
        errors = [error for error in ends if error is not None]
        if len(errors) == len(self._urls):
            raise errors[0]
        firing = [labels_of(alert) for alert in message.firing]
        return {FIRING: json.dumps(firing)} if message.occasion is not Occasion.RESOLVED else {}

    async def _post(self, url: str, alerts: list[dict[str, Any]]) -> NotifyError | None:
        try:
            answer = await post(f"{url}/api/v2/alerts", json=alerts)
        except NotifyError as error:
            return error
        return None if answer.status == 200 else refuse(answer, show_host(url))


def alerts_of(message: Message, before: Iterable[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """What burns, and the end of whatever was sent ``before`` and burns no more."""
    over = message.occasion is Occasion.RESOLVED
    burning = [] if over else list(message.firing)
    seen = []
    for alert in burning:
        labels = labels_of(alert)
        seen.append(labels)
        yield {
            "labels": labels,
            "annotations": _annotations(alert, message),
            "startsAt": _moment(alert.since),
            "endsAt": _moment(message.at + EXPIRES_SECONDS),
            **_generator(message),
        }
    for old in before:
        if old not in seen:
            yield {
                "labels": old,
                "startsAt": _moment(min(message.since, message.at - 1)),
                "endsAt": _moment(message.at),
            }


def labels_of(alert: Alert) -> dict[str, str]:
    """An alert's identity there."""
    return {
        **dict(alert.labels),
        **dict(alert.identity.labels),
        "alertname": "ProbeCheckFailing" if alert.identity.rule == "failing" else "ProbeAlert",
        "check": alert.identity.check,
        "kind": alert.kind,
        "rule": alert.identity.rule,
        "severity": alert.severity.value,
        "region": alert.region,
    }


def make(environment: AlertmanagerEnvironment) -> Notifier | None:
    """From its addresses."""
    urls = split_urls(environment.urls)
    return Alertmanager(urls) if urls else None


def _annotations(alert: Alert, message: Message) -> dict[str, str]:
    found = {
        "summary": f"{alert.identity.check}: {alert.summary}",
        "description": alert.hint or message.text,
        "target": alert.target,
        "cause": alert.cause,
        "value": alert.value,
        "limit": alert.limit,
        "runbook_url": dict(message.links).get("runbook", ""),
    }
    return {name: text for name, text in found.items() if text}


def _generator(message: Message) -> dict[str, str]:
    page = dict(message.links).get("status page", "")
    return {"generatorURL": page} if page else {}


def _labels_in(memory: Mapping[str, str]) -> list[dict[str, str]]:
    try:
        found = json.loads(memory.get(FIRING, "[]"))
    except ValueError:
        return []
    return [each for each in found if isinstance(each, dict)]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


KIND = NotifierKind(
    "alertmanager",
    "alerts for a cluster of Alertmanagers",
    AlertmanagerEnvironment,
    frozenset(Severity),
    make,
)
