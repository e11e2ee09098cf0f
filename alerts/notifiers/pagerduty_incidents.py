"""PagerDuty's REST API v2: https://developer.pagerduty.com/api-reference, "List incidents"."""

from typing import Any

from alerts.model import NotifyError
from alerts.notifiers.base import error_from_answer, request
from probe.untrusted.json_document import InvalidDocument, parse_json

PAGE, MAX_PAGES = 100, 10
# A page of a hundred incidents.
LONGEST_PAGE = 4 << 20
UNRESOLVED = ("triggered", "acknowledged")


async def open_incidents(url: str, token: str) -> list[str]:
    """The incident keys of what is triggered or acknowledged. Raises NotifyError."""
    keys: list[str] = []
    for page in range(MAX_PAGES):
        document = await _page(url, token, page * PAGE)
        incidents = document.get("incidents")
        if not isinstance(incidents, list):
            raise NotifyError("PagerDuty's answer has no incidents")
        found = (each.get("incident_key") for each in incidents if isinstance(each, dict))
        keys += [key for key in found if isinstance(key, str)]
        if document.get("more") is not True:
            break
    return keys


async def _page(url: str, token: str, offset: int) -> dict[str, Any]:
    answer = await request(
        "GET",
        f"{url}/incidents",
        longest=LONGEST_PAGE,
        params=[
            *(("statuses[]", status) for status in UNRESOLVED),
            ("date_range", "all"),
            ("limit", str(PAGE)),
            ("offset", str(offset)),
        ],
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
        raise NotifyError("PagerDuty's answer is no JSON object")
    return document
