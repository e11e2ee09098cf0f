"""PagerDuty's Events API v2 as its documentation has it, over a real socket.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.servers.services import Service

MAX_EVENT = 512 * 1024
SEVERITIES = {"critical", "error", "warning", "info"}


def problems(document: Mapping[str, Any]) -> list[str]:
    """Why an event is refused for good; empty if it is taken."""
    found = []
    if len(json.dumps(document).encode()) > MAX_EVENT:
        found.append("the event is larger than 512 KB")
    if document.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        found.append("event_action is unknown")
    if not 1 <= len(document.get("dedup_key", "")) <= 255:
        found.append("dedup_key has no fitting length")
    if document.get("event_action") == "trigger":
        found += _problems_of_payload(document.get("payload", {}))
        found += _problems_of_links(document.get("links", []))
    return found


def _problems_of_payload(payload: Mapping[str, Any]) -> list[str]:
    found = []
    if not 1 <= len(payload.get("summary", "")) <= 1024:
        found.append("summary has no fitting length")
    if not payload.get("source"):
        found.append("source is missing")
    if payload.get("severity") not in SEVERITIES:
        found.append("severity is unknown")
    if datetime.fromisoformat(payload["timestamp"]).tzinfo is None:
        found.append("timestamp has no zone")
    return found


def _problems_of_links(links: list[Mapping[str, str]]) -> list[str]:
    wrong = [link for link in links if not link.get("href", "").startswith(("http:", "https:"))]
    return ["a link has no address"] if wrong else []


class PagerDutyService(Service):
    """``incidents`` are the open ones by dedup key; ``opened`` counts all that ever were."""

    def __init__(self, routing_key: str) -> None:
        super().__init__()
        self._routing_key = routing_key
        self.incidents: dict[str, dict[str, Any]] = {}
        self.opened = 0

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """202, or 400 for an event that it can't take."""
        wrong = problems(document)
        if document.get("routing_key") != self._routing_key:
            wrong.append("routing_key is wrong")
        if wrong:
            refusal = {"status": "invalid event", "errors": wrong}
            return web.json_response(refusal, status=400)
        key = document["dedup_key"]
        if document["event_action"] == "resolve":
            self.incidents.pop(key, None)
        else:
            self.opened += key not in self.incidents
            self.incidents[key] = document
        super().answer(request, document)
        return web.json_response({"status": "success", "dedup_key": key}, status=202)
