"""Alertmanager's API v2 as its OpenAPI document has it, over a real socket, with failures."""

import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.servers.services import Service


class AlertmanagerApi(Service):
    """``active`` are the alerts that burn, by their labels; nothing expires by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.active: dict[str, dict[str, Any]] = {}

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


def _is_alert(alert: dict[str, Any]) -> bool:
    start, end = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
    zoned = start.tzinfo is not None and end.tzinfo is not None
    return zoned and start <= end and bool(alert["labels"].get("alertname"))
