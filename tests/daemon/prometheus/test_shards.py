"""Three shards under one Prometheus with two Alertmanagers, as the documentation has it."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.command import probe
from tests.daemon.running import PATIENCE, Running, daemon
from tests.servers.pages import Pages, answers
from tests.servers.ports import free_port
from tests.servers.receivers.alertmanager import Alertmanager
from tests.servers.scraping.scraper import Scraper

SHARDS, TARGETS, BROKEN = 3, 30, ("page-28", "page-29")
GOOD, BAD = answers(), answers(500)
# Besides the generated rules, whose alerts take minutes.
QUICK = {
    "name": "quick",
    "rules": [
        {"alert": "CheckFailing", "expr": "probe_success == 0", "labels": {"team": "rtc"}},
        {"alert": "ShardSilent", "expr": 'up{job="probe"} == 0', "labels": {"check": "none"}},
    ],
}


class Inbox:
    """A receiver's webhook: what it was sent, as (status, alert, check or instance)."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, str]] = []
        # Of each notification its group and its alerts with their states.
        self.notifications: list[tuple[str, frozenset[tuple[str, str, str]]]] = []
        self.url = ""
        self._news = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        document: dict[str, Any] = json.loads(await request.text())
        known = len(self.got)
        for alert in document["alerts"]:
            labels = alert["labels"]
            if labels["alertname"] in ("CheckFailing", "ShardSilent"):
                subject = labels["check"] if labels["check"] != "none" else labels["instance"]
                self.got.append((alert["status"], labels["alertname"], subject))
        if added := frozenset(self.got[known:]):
            self.notifications.append((document["groupKey"], added))
        self._news.set()
        return web.Response()

    async def until(self, *wanted: tuple[str, str, str]) -> None:
        """Wait until all of these have come."""
        async with asyncio.timeout(PATIENCE):
            while not set(wanted) <= set(self.got):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def inbox() -> AsyncIterator[Inbox]:
    found = Inbox()
    app = web.Application()
    app.router.add_post("/", found.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield found
    finally:
        await runner.cleanup()


@asynccontextmanager
async def pair(folder: Path, webhook: str) -> AsyncIterator[tuple[Alertmanager, Alertmanager]]:
    """A cluster of two Alertmanagers."""
    ports = free_port(), free_port()
    async with AsyncExitStack() as stack:
        found = []
        for number, port in enumerate(ports):
            place = folder / f"alertmanager-{number}"
            place.mkdir()
            cluster = (
                f"--cluster.listen-address=127.0.0.1:{port}",
                f"--cluster.peer=127.0.0.1:{ports[1 - number]}",
                "--cluster.peer-timeout=3s",
                "--cluster.settle-timeout=3s",
            )
            member = Alertmanager(place, webhook=webhook, cluster=cluster)
            found.append(await stack.enter_async_context(member))
        yield found[0], found[1]


@pytest.mark.proof
@pytest.mark.parts
async def test_three_shards_share_the_checks_and_each_receiver_is_notified_once(
    tmp_path: Path,
) -> None:
    is_up = asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (GOOD if is_up.is_set() else BAD)(reader, writer)

    rules = yaml.safe_load((await probe("rules", cwd=tmp_path)).out)
    rules["groups"].append(QUICK)
    async with AsyncExitStack() as stack:
        good = await stack.enter_async_context(Pages(GOOD))
        bad = await stack.enter_async_context(Pages(behave))
        mail = await stack.enter_async_context(inbox())
        managers = await stack.enter_async_context(pair(tmp_path, mail.url))
        making = (_shard(tmp_path, number, good.url, bad.url) for number in range(SHARDS))
        shards = [await stack.enter_async_context(each) for each in making]
        prometheus = Scraper(
            tmp_path,
            jobs={"probe": [_host(each) for each in shards]},
            rules=yaml.safe_dump(rules),
            alertmanager=",".join(_host(each) for each in managers),
        )
        server = await stack.enter_async_context(prometheus)
        await server.until(f"count(probe_success) == {TARGETS}")
        assert len(await server.query("count by (instance) (probe_success)")) == SHARDS
        assert await server.query("count(count by (check) (probe_success)) == 30")
        await mail.until(*(("firing", "CheckFailing", name) for name in BROKEN))
        is_up.set()
        await mail.until(*(("resolved", "CheckFailing", name) for name in BROKEN))
        await shards[1].stop(signal.SIGKILL)
        await mail.until(("firing", "ShardSilent", _host(shards[1])))
        assert await server.query('count(up{job="probe"} == 1) == 2')
        sent = list(mail.notifications)
    # Both Alertmanagers have every alert, and deliver at least once: now and then one learns too
    # late that the other has sent a notification.
    notifications = len(BROKEN) * 2 + 1
    assert len(set(sent)) == notifications, sent
    assert len(sent) < 2 * notifications - 1, sent


def _host(server: Running | Alertmanager) -> str:
    return server.url.removeprefix("http://")


@asynccontextmanager
async def _shard(folder: Path, number: int, good: str, bad: str) -> AsyncIterator[Running]:
    place = folder / f"shard-{number}"
    place.mkdir()
    names = [f"page-{each}" for each in range(TARGETS)]
    (place / "probe.toml").write_text(
        '[[discovery]]\nkind = "http"\nfiles = ["targets.json"]\n'
        'check = { name = "{target}", interval = 2, retry = 2, deadline = 20 }\n'
    )
    groups = [
        {"targets": [name], "labels": {"__probe_url": f"{bad if name in BROKEN else good}/{name}"}}
        for name in names
    ]
    (place / "targets.json").write_text(json.dumps(groups))
    async with daemon(place, {"PROBE_SHARD": f"{number}/{SHARDS}"}) as running:
        yield running
