"""Fly's Machines API as far as it is read, over a real socket, with failure knobs.

https://fly.io/docs/machines/api/: paths, bodies, tokens, 1 request a second for each action
with a burst of 3.
"""

import asyncio
import time
from collections import Counter
from typing import Any, Self

from aiohttp import web

RATE, BURST = 1.0, 3


def exit_event(
    at: float,
    *,
    requested: bool = False,
    oom: bool = False,
    code: int = 1,
    form: str = "timestamp",
) -> dict[str, Any]:
    """One exit at ``at`` (Unix time). As the real one, it leaves out what is false or 0.

    ``form``: when it was as an RFC 3339 ``timestamp``, in ``milliseconds``, or under
    ``MonitorEvent`` (``monitor``).
    """
    event: dict[str, Any] = {
        name: value
        for name, value in (
            ("exit_code", code),
            ("oom_killed", oom),
            ("requested_stop", requested),
        )
        if value
    }
    event["exited_at"] = round(at * 1000)
    if form != "milliseconds":
        event["exited_at"] = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(at))
    request = {"exit_event": event}
    if form == "monitor":
        request = {"MonitorEvent": {"exit_event": event}, "restart_count": 1}  # type: ignore[dict-item]
    return {
        "type": "exit",
        "status": "stopped",
        "source": "flyd",
        "timestamp": round(at * 1000),
        "request": request,
    }


def machine(identifier: str, state: str = "started", **more: Any) -> dict[str, Any]:
    """One machine of 256 MB in lax; keyword arguments replace its parts."""
    return {
        "id": identifier,
        "name": "still-dew-1",
        "state": state,
        "region": "lax",
        "host_status": "ok",
        "instance_id": "01J",
        "private_ip": "fdaa:0:1::3",
        "config": {"guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}, "metadata": {}},
        "checks": [{"name": "alive", "status": "passing", "output": "ok"}],
        "events": [{"type": "start", "status": "started", "timestamp": 1}],
        **more,
    }


class FlyMachines:
    """``async with FlyMachines("app", TOKEN) as api``; ``machines`` is what it knows.

    Knobs: ``status`` answers everything so, with ``retry_after``; ``body`` in place of JSON;
    ``hangs``; ``limits`` switches the documented rate limit.
    """

    def __init__(self, app: str, authorization: str = "FlyV1 fm2_secret-of-the-test") -> None:
        self.app, self.authorization = app, authorization
        self.machines: list[dict[str, Any]] = []
        self.status = 200
        self.retry_after = ""
        self.body: bytes | None = None
        self.hangs = False
        self.limits = True
        self.asked: Counter[str] = Counter()
        self.url = ""
        self._turns: dict[str, tuple[float, float]] = {}
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/apps/{app}/machines", self._list)
        app.router.add_get("/v1/apps/{app}/machines/{id}/events", self._events)
        app.router.add_get("/{path:.*}", self._nothing)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await self._runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        refused = await self._refuse(request, "list")
        if refused is not None:
            return refused
        return web.json_response(self.machines)

    async def _events(self, request: web.Request) -> web.Response:
        refused = await self._refuse(request, "events")
        if refused is not None:
            return refused
        found = [each for each in self.machines if each["id"] == request.match_info["id"]]
        if not found:
            return web.json_response({"error": "machine not found"}, status=404)
        return web.json_response(found[0].get("later_events", []))

    async def _nothing(self, request: web.Request) -> web.Response:
        return await self._refuse(request, "else") or web.Response(status=404)

    async def _refuse(self, request: web.Request, action: str) -> web.Response | None:
        self.asked[action] += 1
        if self.hangs:
            await self._stopping.wait()
        if self.body is not None:
            return web.Response(body=self.body, status=self.status)
        if self.status != 200:
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return web.json_response({"error": "not now"}, status=self.status, headers=headers)
        if request.headers.get("Authorization") != self.authorization:
            return web.json_response({"error": "unauthorized"}, status=401)
        if request.match_info.get("app") != self.app:
            return web.json_response({"error": "app not found"}, status=404)
        if self.limits and not self._allows(action):
            return web.json_response({"error": "rate limit exceeded"}, status=429)
        return None

    def _allows(self, action: str) -> bool:
        now = time.monotonic()
        left, at = self._turns.get(action, (float(BURST), now))
        left = min(float(BURST), left + (now - at) * RATE)
        self._turns[action] = (left - 1 if left >= 1 else left, now)
        return left >= 1
