"""Alertmanager, API v2: https://github.com/prometheus/alertmanager, api/v2/openapi.yaml.

Labels are an alert's identity there; the severity is one of them, because routes go by it.
So an alert whose severity changes is resolved under its old one. Alerts are sent to every
member of a cluster; the members deduplicate.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from alerts.model import Alert, Message, MessageType, NotifyError, OpenAlert, Severity
from alerts.notification.template import headline
from alerts.notifier import Notifier
from alerts.notifiers.base import (
    ClusterMembers,
    HttpAnswer,
    NotifierKind,
    error_from_answer,
    post,
    request,
)
from alerts.notifiers.receiver_clock import MAX_CLOCK_OFFSET, ReceiverClocks
from alerts.senders.mark import SENT_BY, SentBy
from alerts.state.labels import label_sets
from probe.core.environment import Environment
from probe.net.urls import check_base_url, show_host, split_urls
from probe.report.text.sanitize import clean

RESEND_SECONDS = 60.0
# What isn't repeated for so long counts as resolved: the probe has died.
EXPIRES_SECONDS = 4 * RESEND_SECONDS
# Alerts in a request: Prometheus' own default (--alertmanager.notification-batch-size).
MAX_BATCH = 256
FIRING = "firing"
NO_ALERTMANAGER = "a web page answers, no Alertmanager (a login page, a proxy?)"

logger = logging.getLogger(__name__)
T = TypeVar("T")


class AlertmanagerEnvironment(Environment):
    """Every member of the cluster."""

    urls: SecretStr | None = Field(default=None, alias="ALERTMANAGER_URLS")
    """Addresses of every member of an Alertmanager cluster. Example:
    `http://am-1:9093,http://am-2:9093`"""

    @field_validator("urls")
    @classmethod
    def _addresses(cls, value: SecretStr | None) -> SecretStr | None:
        for address in split_urls(value.get_secret_value() if value else None):
            check_base_url(address)
        return value


class Alertmanager:
    """Sends what fires, repeatedly while it does."""

    name, sends_missed_incidents, resend_seconds, pause = "alertmanager", False, RESEND_SECONDS, 0.0

    def __init__(self, urls: Iterable[str], now: Callable[[], float] = time.time) -> None:
        self._members = ClusterMembers(url.rstrip("/") for url in urls)
        self._urls, self._now = self._members.urls, now
        self._missed: list[str] = []
        self._clocks = ReceiverClocks(now)

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Send to every member; one that accepts it is enough. Raises NotifyError.

        Members that fail are logged, once as long as they are the same.
        """
        if message.occasion is MessageType.NOTE:
            return memory
        before = _labels_in(memory)
        if any(alerts_of(message, before)):
            await self._send_to_all(message, before)
        firing = [] if message.occasion is MessageType.RESOLVED else _firing(message, before)
        return {FIRING: json.dumps([labels for labels, _ in firing])} if firing else {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """About addresses with a path: it is right behind a prefix only."""
        return tuple(
            f"ALERTMANAGER_URLS: {show_host(url)} has the path {urlsplit(url).path}, to which"
            " /api/v2/alerts is appended: right only if that is the path of --web.external-url"
            for url in self._urls
            if urlsplit(url).path.strip("/")
        )

    @property
    def can_query(self) -> bool:
        """Any member says what is open."""
        return True

    async def open_alerts(
        self, regions: Sequence[str], groups: Sequence[str]
    ) -> Sequence[OpenAlert]:
        """What the members hold active of some regions' alerts; one that answers is enough.
        Raises NotifyError."""
        from alerts.notifiers.alertmanager_alerts import open_at

        lists = await self._query_all(lambda url: open_at(url, regions, FIRING))
        return list({each.memory[FIRING]: each for found in lists for each in found}.values())

    async def senders(self, regions: Sequence[str], groups: Sequence[str]) -> Sequence[SentBy]:
        """By whom our alerts at the members were posted last. Raises NotifyError."""
        from alerts.notifiers.alertmanager_alerts import senders_at

        lists = await self._query_all(lambda url: senders_at(url, regions))
        return list(dict.fromkeys(each for found in lists for each in found))

    async def verify(self) -> str:
        """Ask every member whether it is ready. Raises NotifyError."""
        answers = await asyncio.gather(*(request("GET", f"{url}/-/ready") for url in self._urls))
        for url, answer in zip(self._urls, answers, strict=True):
            if answer.status == 404 and urlsplit(url).path.strip("/"):
                raise NotifyError(
                    f"{show_host(url)} answers 404 to PATH/-/ready: the path of ALERTMANAGER_URLS"
                    " has to be that of --web.external-url, without /api/v2/alerts"
                )
            if answer.status != 200:
                raise NotifyError(f"{show_host(url)} is not ready: it answers {answer.status}")
        count = len(self._urls)
        return f"ready ({count} member{'s' if count > 1 else ''})"

    async def _query_all(self, query: Callable[[str], Awaitable[list[T]]]) -> list[list[T]]:
        """The answers of the members that give one; at least one does, or it raises NotifyError."""
        requests = (query(url) for url in self._urls)
        answers = await asyncio.gather(*requests, return_exceptions=True)
        lists = [each for each in answers if isinstance(each, list)]
        if not lists:
            raise next(each for each in answers if isinstance(each, BaseException))
        return lists

    async def _send_to_all(self, message: Message, before: list[dict[str, str]]) -> None:
        errors = await self._members.send(lambda url: self._post(url, message, before))
        if len(errors) == len(self._urls):
            # What one of them may accept later is not refused for good.
            raise next((error for error in errors if not error.permanent), errors[0])
        missed = sorted(error.reason for error in errors)
        if missed and missed != self._missed:
            logger.warning("not every Alertmanager accepts alerts: %s", "; ".join(missed))
        self._missed = missed

    async def _post(self, url: str, message: Message, before: list[dict[str, str]]) -> None:
        """Times are by the member's clock, which is asked for first: by ours, an alert could have
        expired on arrival, or its end be in the future. If its clock was set, it is sent again.
        Raises NotifyError."""
        answer = await self._post_by(await self._clocks.offset(url), url, message, before)
        if self._clocks.note(url, answer):
            answer = await self._post_by(await self._clocks.offset(url), url, message, before)
        if answer.status != 200:
            raise error_from_answer(answer, show_host(url))
        if answer.is_page:
            raise NotifyError(f"{show_host(url)}: {NO_ALERTMANAGER}")

    async def _post_by(
        self, offset: float, url: str, message: Message, before: list[dict[str, str]]
    ) -> HttpAnswer:
        """The answer to all alerts, or the first one that is no success: many are sent in parts, as
        Prometheus sends them, for what stands in front of a member takes so much at a time."""
        alerts = list(alerts_of(message, before, self._now(), offset))
        for start in range(0, len(alerts), MAX_BATCH):
            part = alerts[start : start + MAX_BATCH]
            answer = await post(f"{url}/api/v2/alerts", json=part)
            if answer.status != 200 or answer.is_page:
                break
        return answer


def alerts_of(
    message: Message, before: Collection[dict[str, str]], now: float = 0.0, offset: float = 0.0
) -> Iterator[dict[str, Any]]:
    """What fires, and the end of whatever was sent ``before`` or has ended since.

    ``now`` is the wall clock (0: the message's own time): what was delayed must not have expired
    on arrival, and what is over is over before now. ``offset`` is how many seconds the
    receiver's clock is ahead of ours.
    """
    # An end in the receiver's future is dropped for the later one that it was sent before.
    ended = min(message.at, now - MAX_CLOCK_OFFSET) if now else message.at
    now = now or message.at
    firing = [] if message.occasion is MessageType.RESOLVED else _firing(message, before)
    seen: list[Mapping[str, str]] = []
    for labels, alert in firing:
        seen.append(labels)
        yield {
            "labels": labels,
            "annotations": _annotations(alert, message),
            "startsAt": _moment(min(alert.since if alert else message.since, now) + offset),
            "endsAt": _moment(now + EXPIRES_SECONDS + offset),
            **_generator(message),
        }
    for old in (*before, *label_sets(message.resolved, before)):
        if old not in seen:
            seen.append(old)
            yield {
                "labels": old,
                "startsAt": _moment(min(message.since, ended - 1) + offset),
                "endsAt": _moment(ended + offset),
            }


def make(environment: AlertmanagerEnvironment) -> Notifier | None:
    """From its addresses."""
    urls = split_urls(environment.urls.get_secret_value() if environment.urls else None)
    return Alertmanager(urls) if urls else None


def _firing(
    message: Message, before: Collection[dict[str, str]]
) -> list[tuple[dict[str, str], Alert | None]]:
    """What fires, by its labels; a test message counts as an alert."""
    labels = label_sets(message.firing, before)
    found: list[tuple[dict[str, str], Alert | None]] = [*zip(labels, message.firing, strict=True)]
    if message.test and not found:
        own = {"alertname": "ProbeTest", "check": message.key, "region": message.region}
        found.append(({**own, "severity": message.severity.value}, None))
    return found


def _annotations(alert: Alert | None, message: Message) -> dict[str, str]:
    if alert is None:
        return {"summary": headline(message)}
    found = {
        "summary": clean(f"{alert.identity.check}: {alert.summary}"),
        "description": alert.hint or message.text,
        "target": alert.target,
        "phase": alert.phase,
        "cause": alert.cause,
        "value": alert.value,
        "limit": alert.limit,
        "trend": alert.trend,
        "runbook_url": dict(message.links).get("runbook", ""),
        "dashboard_url": dict(message.links).get("dashboard", ""),
        SENT_BY: message.sender,
    }
    return {name: _clean_lines(text) for name, text in found.items() if text}


def _clean_lines(text: str) -> str:
    """What a terminal (amtool) shows as it is."""
    return "\n".join(map(clean, text.split("\n")))


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
    deduplicates=True,
)
