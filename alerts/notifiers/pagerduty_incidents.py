"""PagerDuty's REST API v2: https://developer.pagerduty.com/api-reference, "List incidents"."""

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from alerts.model import NotifyError
from alerts.notifiers.base import error_from_answer, request
from alerts.senders.mark import SenderMark, marks_in
from probe.untrusted.json_document import InvalidDocument, parse_json
from probe.untrusted.text import excerpt

PAGE, MAX_PAGES = 100, 10
# A page of a hundred incidents.
MAX_PAGE = 4 << 20
ACKNOWLEDGED = "acknowledged"
UNRESOLVED = ("triggered", ACKNOWLEDGED)
MAX_NAME = 100
# Of which it is asked who sent their events, each time.
MAX_INCIDENTS = 10
# Where the details of events stand: those of the first, and those of each.
_WITH_DETAILS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("alerts", (("limit", str(PAGE)),)),
    ("log_entries", (("limit", str(PAGE)), ("include[]", "channels"))),
)


async def open_incidents(url: str, token: str) -> list[str]:
    """The incident keys of what is triggered or acknowledged. Raises NotifyError."""
    found = [each.get("incident_key") for each in await _incidents(url, token, UNRESOLVED)]
    return [key for key in found if isinstance(key, str)]


async def acknowledgements(url: str, token: str) -> list[tuple[str, float, str]]:
    """Of what is acknowledged: the incident key, when, in seconds since 1970, and by whom.
    Raises NotifyError."""
    found = []
    for incident in await _incidents(url, token, (ACKNOWLEDGED,)):
        key, entries = incident.get("incident_key"), incident.get("acknowledgements")
        if isinstance(key, str) and isinstance(entries, list):
            found += [(key, *read) for each in entries if (read := _acknowledgement(each))]
    return found


async def marks_in_incidents(
    url: str, token: str, keys: Container[str]
) -> list[tuple[str, SenderMark]]:
    """Who has sent the events of open incidents with these keys: the incident key, and a mark of
    its alerts (of the first event) or of its log (of each). Raises NotifyError."""
    found: dict[tuple[str, SenderMark], None] = {}
    incidents = [
        (each["id"], each["incident_key"])
        for each in await _incidents(url, token, UNRESOLVED)
        if isinstance(each.get("id"), str) and each.get("incident_key") in keys
    ]
    for name, key in incidents[:MAX_INCIDENTS]:
        address = f"{url}/incidents/{quote(name, safe='')}"
        for path, parameters in _WITH_DETAILS:
            document = await _document(f"{address}/{path}", token, parameters)
            found |= dict.fromkeys((key, mark) for mark in marks_in(document))
    return list(found)


def _acknowledgement(entry: Any) -> tuple[float, str] | None:
    """When and by whom; None for what can't be read."""
    who = entry.get("acknowledger") if isinstance(entry, dict) else None
    name = who.get("summary") if isinstance(who, dict) else None
    try:
        at = datetime.fromisoformat(entry["at"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    shown = excerpt(name, MAX_NAME) if isinstance(name, str) else ""
    return at, shown or "somebody"


async def _incidents(url: str, token: str, statuses: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in range(MAX_PAGES):
        document = await _page(url, token, page * PAGE, statuses)
        incidents = document.get("incidents")
        if not isinstance(incidents, list):
            raise NotifyError("PagerDuty's answer has no incidents")
        found += [each for each in incidents if isinstance(each, dict)]
        if document.get("more") is not True:
            break
    return found


async def _page(url: str, token: str, offset: int, statuses: Sequence[str]) -> dict[str, Any]:
    parameters = [
        *(("statuses[]", status) for status in statuses),
        ("date_range", "all"),
        ("limit", str(PAGE)),
        ("offset", str(offset)),
    ]
    return await _document(f"{url}/incidents", token, parameters)


async def _document(url: str, token: str, parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
    answer = await request(
        "GET",
        url,
        longest=MAX_PAGE,
        params=list(parameters),
        headers={
            "Authorization": f"Token token={token}",
            "Accept": "application/vnd.pagerduty+json;version=2",
        },
    )
    if answer.status != 200:
        hint = "is PAGERDUTY_REST_TOKEN right?" if answer.status in (401, 403) else ""
        raise error_from_answer(answer, "PagerDuty", hint)
    try:
        document = parse_json(answer.text)
    except InvalidDocument:
        document = None
    if not isinstance(document, dict):
        raise NotifyError("PagerDuty's answer is not a JSON object")
    return document
