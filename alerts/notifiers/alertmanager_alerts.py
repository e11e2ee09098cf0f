"""What is open at an Alertmanager, API v2: GET /api/v2/alerts.

Identity labels and a check's own labels are one set there: the caller knows which are whose.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from alerts.model import NotifyError, OpenAlert, Severity
from alerts.notifiers.base import error_from_answer, request
from alerts.senders.mark import SENT_BY, SentBy, parse_mark
from alerts.state.labels import COMMON
from probe.net.urls import show_host
from probe.report.text.sanitize import clean, cut
from probe.untrusted.json_document import InvalidDocument, parse_json

MAX_LIST = 8 << 20
MAX_SUMMARY = 300
ALERT_NAMES = ("ProbeCheckFailing", "ProbeAlert")


async def open_at(url: str, regions: Sequence[str], firing: str) -> list[OpenAlert]:
    """The alerts of some regions that one member holds active; ``firing`` names where the notifier
    remembers their labels. Raises NotifyError."""
    return [alert for each in regions for alert in await _open_of(url, each, firing)]


async def senders_at(url: str, regions: Sequence[str]) -> list[SentBy]:
    """By whom the alerts of some regions at one member were posted last, by check. Raises
    NotifyError."""
    found = []
    for region in regions:
        for each in await _listed(url, region):
            annotations, labels = each.get("annotations"), each.get("labels")
            if not (isinstance(annotations, dict) and isinstance(labels, dict)):
                continue
            mark, posted = parse_mark(annotations.get(SENT_BY)), _moment(each.get("updatedAt"))
            if mark is not None and labels.get("region", "") == region:
                found.append(
                    SentBy(str(labels.get("check", "")), replace(mark, at=posted or mark.at))
                )
    return found


async def _open_of(url: str, region: str, firing: str) -> list[OpenAlert]:
    found = await _listed(url, region)
    return [alert for each in found if (alert := _open_alert(each, region, firing)) is not None]


async def _listed(url: str, region: str) -> list[dict[str, Any]]:
    # A matcher with an empty value matches what has no such label.
    # An answer is read in JSON's own quotes, which are those of a matcher.
    matchers = [f"region={json.dumps(region)}", f'alertname=~"{"|".join(ALERT_NAMES)}"']
    answer = await request(
        "GET",
        f"{url}/api/v2/alerts",
        longest=MAX_LIST,
        params=[("active", "true"), *(("filter", each) for each in matchers)],
    )
    if answer.status != 200:
        raise error_from_answer(answer, show_host(url))
    try:
        found = parse_json(answer.text)
    except InvalidDocument:
        found = None
    if not isinstance(found, list):
        raise NotifyError(f"{show_host(url)}: the answer is not a list of alerts")
    return [each for each in found if isinstance(each, dict)]


def _moment(text: Any) -> float | None:
    """A time of the API in seconds since 1970; None for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (OverflowError, TypeError, ValueError):
        return None


def _open_alert(document: Any, region: str, firing: str) -> OpenAlert | None:
    """One alert; None if it is not one of ours."""
    try:
        labels: Mapping[str, str] = {str(k): str(v) for k, v in document["labels"].items()}
        if labels.get("region", "") != region or labels["alertname"] not in ALERT_NAMES:
            return None
        return OpenAlert(
            check=labels["check"],
            rule=labels["rule"],
            labels=tuple(each for each in labels.items() if each[0] not in COMMON),
            severity=Severity(labels["severity"]),
            since=datetime.fromisoformat(document["startsAt"]).timestamp(),
            summary=cut(clean(_summary(document, labels["check"])), MAX_SUMMARY),
            memory={firing: json.dumps([labels])},
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _summary(document: Mapping[str, Any], check: str) -> str:
    annotations = document.get("annotations")
    text = annotations.get("summary") if isinstance(annotations, dict) else None
    return str(text or "fires").removeprefix(f"{check}: ")
