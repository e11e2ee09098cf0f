"""What daemons that are killed live among: a target that fails now and then, others that never do,
receivers that accept, refuse at times, refuse always, and never answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from tests.faults.incident import CONFIG, Surroundings, environment

# Their intervals are longer than most lives, so they depend on the order of first runs.
OTHERS = tuple(f"other-{number}" for number in range(12))
OTHER = """
[[http]]
name = "{name}"
url = "{url}/others/{name}"
interval = 30
"""
# Longer than a notifier waits for an answer.
HANGS_SECONDS = 40.0
# What PagerDuty and the webhook call the same.
ACTIONS = {"trigger": "trigger", "firing": "trigger", "resolve": "resolve", "resolved": "resolve"}


class KillWorld(Surroundings):
    """Writes down what came when. PagerDuty refuses at times, the webhook accepts everything,
    Alertmanager refuses everything, Slack never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False
        # By receiver: when, "trigger" or "resolve", incident.
        self.received: dict[str, list[tuple[float, str, str]]] = {"pagerduty": [], "webhook": []}
        self.outages: list[tuple[float, float]] = []
        self.looked_at: list[float] = []
        self.looked_at_others: set[str] = set()

    def routes(self, app: web.Application) -> None:
        super().routes(app)
        app.router.add_get("/others/{name}", self._other)
        app.router.add_post("/webhook", self._webhook)
        app.router.add_post("/alertmanager/api/v2/alerts", self._alertmanager)
        app.router.add_post("/slack", self._slack)

    def accepts(self) -> bool:
        return not self.refuses

    def looked(self) -> None:
        self.looked_at.append(time.monotonic())

    def note(self, action: str, key: str) -> None:
        self._note("pagerduty", action, key)

    def open_keys(self, receiver: str) -> set[str]:
        """Incidents that a receiver holds to be open, the probe's own apart."""
        found: set[str] = set()
        for _, action, key in self.about_target(receiver):
            (found.add if action == "trigger" else found.discard)(key)
        return found

    def about_target(self, receiver: str) -> list[tuple[float, str, str]]:
        """What a receiver was sent, the probe's own problems apart."""
        return [each for each in self.received[receiver] if "probe-itself" not in each[2]]

    def configure(self, folder: Path) -> dict[str, str]:
        """Write ``probe.toml``; the daemon's environment."""
        others = "".join(OTHER.format(name=name, url=self.url) for name in OTHERS)
        text = CONFIG.format(url=self.url) + others
        (folder / "probe.toml").write_text(text, encoding="utf-8")
        return environment(self, folder) | {
            "ALERT_WEBHOOK_URL": f"{self.url}/webhook",
            "ALERT_WEBHOOK_SECRET": "s" * 32,
            "ALERTMANAGER_URLS": f"{self.url}/alertmanager",
            "SLACK_WEBHOOK": f"{self.url}/slack",
        }

    @asynccontextmanager
    async def outages_by(self, random: Random) -> AsyncIterator[None]:
        """Outages with pauses; all is well at the end."""
        task = asyncio.create_task(self._fail_at_times(random))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if self.is_down:
                self.outages[-1] = (self.outages[-1][0], time.monotonic())
            self.is_down = self.refuses = False

    async def _fail_at_times(self, random: Random) -> None:
        while True:
            await asyncio.sleep(random.uniform(5.0, 30.0))
            self.is_down = True
            self.outages.append((time.monotonic(), float("inf")))
            lasts = random.uniform(20.0, 60.0)
            self.refuses = random.random() < 0.3
            await asyncio.sleep(lasts / 3)
            self.refuses = False
            await asyncio.sleep(2 * lasts / 3)
            self.is_down = False
            self.outages[-1] = (self.outages[-1][0], time.monotonic())

    def _note(self, receiver: str, word: str, key: str) -> None:
        if word in ACTIONS:
            self.received[receiver].append((time.monotonic(), ACTIONS[word], key))

    async def _other(self, request: web.Request) -> web.Response:
        self.looked_at_others.add(request.match_info["name"])
        return web.Response()

    async def _webhook(self, request: web.Request) -> web.Response:
        message: dict[str, Any] = await request.json()
        self._note("webhook", message["occasion"], message["key"])
        return web.Response()

    async def _alertmanager(self, request: web.Request) -> web.Response:
        return web.Response(status=500)

    async def _slack(self, request: web.Request) -> web.Response:
        await asyncio.sleep(HANGS_SECONDS)
        return web.Response(status=500)
