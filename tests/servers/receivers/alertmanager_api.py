"""Alertmanager's API v2 as its OpenAPI document has it, over a real socket, with failures."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.servers.services import Service


class AlertmanagerApi(Service):
    """``active`` are the alerts that burn, by their labels; nothing expires by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.active: dict[str, dict[str, Any]] = {}

    def routes(self, app: web.Application) -> None:
        """Alerts can be listed as well."""
        app.router.add_get("/api/v2/alerts", self._list)

    async def _list(self, request: web.Request) -> web.Response:
        """What is active, by ``filter``: matchers with ``=`` and ``=~``."""
        found = listed(list(self.active.values()), request.query.getall("filter", []))
        if found is None:
            return web.json_response("bad matcher format", status=400)
        return web.json_response(found)

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """200 for alerts that have labels and don't end before they start; else 400."""
        if not all(_is_alert(each) for each in document):
            return web.json_response("bad alert", status=400)
        for alert in document:
            key = json.dumps(alert["labels"], sort_keys=True)
            if datetime.fromisoformat(alert["endsAt"]) > datetime.now(UTC):
                self.active[key] = alert
            else:
                self.active.pop(key, None)
        super().answer(request, document)
        return web.Response(text="")


def listed(alerts: list[dict[str, Any]], filters: list[str]) -> list[dict[str, Any]] | None:
    """What is active, by matchers with ``=`` and ``=~``; None if one is no matcher."""
    matchers = [re.fullmatch(r'(\w+)(=~|=)"(.*)"', each) for each in filters]
    if not all(matchers):
        return None
    return [
        alert | {"status": {"state": "active"}, "fingerprint": str(place)}
        for place, alert in enumerate(alerts)
        if all(each is not None and _matches(alert["labels"], each) for each in matchers)
    ]


def _is_alert(alert: dict[str, Any]) -> bool:
    start, end = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
    zoned = start.tzinfo is not None and end.tzinfo is not None
    return zoned and start <= end and bool(alert["labels"].get("alertname"))


def _matches(labels: dict[str, str], matcher: re.Match[str]) -> bool:
    name, operator, value = matcher.groups()
    if operator == "=":
        return labels.get(name, "") == value
    return re.fullmatch(value, labels.get(name, "")) is not None
