"""PagerDuty's REST API, "List incidents", as its documentation has it, over a real socket.

https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents
"""

from typing import Self

from aiohttp import web

ACCEPT = "application/vnd.pagerduty+json;version=2"


def acknowledgement(at: str, name: str) -> dict[str, object]:
    """One of an incident, as the API has it."""
    who = {"id": "PXPGF42", "type": "user_reference", "summary": name, "self": "", "html_url": ""}
    return {"at": at, "acknowledger": who}


class PagerDutyRestApi:
    """``incidents`` are (incident_key, status), newest last; ``status`` is answered if not 200.
    ``acknowledged`` is what each incident has of ``acknowledgements``, by its key."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.incidents: list[tuple[str, str]] = []
        self.acknowledged: dict[str, list[object]] = {}
        # The details of every event of an incident, by its key: the alert has the first one's.
        self.details: dict[str, list[object]] = {}
        self.status = 200
        self.requests = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/incidents", self._list)
        app.router.add_get("/incidents/{id}/alerts", self._alerts)
        app.router.add_get("/incidents/{id}/log_entries", self._log)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _refusal(self, request: web.Request) -> web.Response | None:
        self.requests += 1
        if request.headers.get("Authorization") != f"Token token={self._token}":
            return web.Response(status=401)
        if self.status != 200 or request.headers.get("Accept") != ACCEPT:
            return web.Response(status=self.status if self.status != 200 else 406)
        return None

    async def _alerts(self, request: web.Request) -> web.Response:
        """ "List alerts for an incident": the first event's details."""
        key = self.incidents[int(request.match_info["id"][1:])][0]
        body = [
            {"alert_key": key, "body": {"type": "alert_body", "contexts": [], "details": each}}
            for each in self.details.get(key, [])[:1]
        ]
        return self._refusal(request) or web.json_response({"alerts": body, "more": False})

    async def _log(self, request: web.Request) -> web.Response:
        """ "List log entries for an incident": each event's details, with its channel."""
        key = self.incidents[int(request.match_info["id"][1:])][0]
        shown = request.query.getall("include[]", []) == ["channels"]
        entries = [
            {
                "type": "trigger_log_entry",
                "channel": {"type": "api", "details": each} if shown else {"type": "api"},
            }
            for each in self.details.get(key, [])
        ]
        return self._refusal(request) or web.json_response({"log_entries": entries, "more": False})

    async def _list(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        statuses = request.query.getall("statuses[]")
        # Without "all", the API gives the last month only.
        if request.query.get("date_range") != "all":
            return web.Response(status=400)
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        found = [each for each in self.incidents if each[1] in statuses]
        page = found[offset : offset + limit]
        return web.json_response(
            {
                "incidents": [
                    {
                        "id": f"Q{place}",
                        "type": "incident",
                        "incident_key": key,
                        "status": status,
                        "acknowledgements": self.acknowledged.get(key, []),
                    }
                    for place, (key, status) in enumerate(page)
                ],
                "offset": offset,
                "limit": limit,
                "more": offset + limit < len(found),
                "total": None,
            }
        )
