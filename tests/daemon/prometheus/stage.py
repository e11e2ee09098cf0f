"""Two sites of two regions each, one Prometheus with the generated rules, one Alertmanager with the
generated configuration, and the receivers' webhooks. All times of both are shortened by one
factor, so that windows and delays keep their proportions."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from msgspec import Struct

from alerts.prometheus.alertmanager_config import alertmanager_file
from alerts.prometheus.rules import rules_file
from probe.kinds import KINDS
from tests.daemon.running import PATIENCE, Running, daemon
from tests.servers.ports import free_port
from tests.servers.receivers.alertmanager import Alertmanager
from tests.servers.scraping.scraper import Scraper

FACTOR = 20
REGIONS, JOBS = ("lax", "fra"), ("probe", "staging")
_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}


def shortened(text: str, factor: int = FACTOR) -> str:
    """A duration as Prometheus writes it, by the factor."""
    parts = re.findall(r"(\d+)([dhms])", text)
    return f"{max(sum(int(n) * _UNITS[unit] for n, unit in parts) // factor, 100)}ms"


def quick_rules(factor: int = FACTOR) -> str:
    """The generated rules, with shorter intervals, windows and times."""
    document = yaml.safe_load(rules_file(KINDS))
    for group in document["groups"]:
        group["interval"] = shortened(group["interval"], factor)
        for rule in group["rules"]:
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    rule[key] = shortened(rule[key], factor)
            rule["expr"] = re.sub(
                r"(?<=\[)\w+(?=\])|(?<=offset )\w+",
                lambda m: shortened(m[0], factor),
                rule["expr"],
            )
    return yaml.safe_dump(document)


def quick_alertmanager(webhook: str) -> str:
    """The generated configuration, each receiver a webhook of its own."""
    document = yaml.safe_load(alertmanager_file(KINDS))
    for key in ("group_wait", "group_interval"):
        document["route"][key] = shortened(document["route"][key])
    for receiver in document["receivers"]:
        name = receiver["name"]
        if name != "none":
            hooks = [{"url": f"{webhook}/{name}", "send_resolved": True}]
            receiver.clear()
            receiver.update(name=name, webhook_configs=hooks)
    return yaml.safe_dump(document)


class Notification(Struct, frozen=True):
    """What a receiver was sent: its status, the group's labels, and firing alerts by name."""

    receiver: str
    status: str
    job: str
    firing: tuple[str, ...]
    all: tuple[str, ...]


@dataclass
class Site:
    """The page that is watched, and the receivers. ``broken`` are the (job, region) which it
    answers with 500."""

    broken: set[tuple[str, str]] = field(default_factory=set)
    sent: list[Notification] = field(default_factory=list)
    url: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def page(self, request: web.Request) -> web.Response:
        """The page, as its visitor sees it."""
        visitor = (request.query["job"], request.query["region"])
        return web.Response(status=500 if visitor in self.broken else 200, text="page")

    async def receive(self, request: web.Request) -> web.Response:
        """A notification."""
        document: dict[str, Any] = json.loads(await request.text())
        alerts = document["alerts"]
        names = sorted(
            (each["status"], each["labels"]["alertname"], each["labels"].get("region", ""))
            for each in alerts
        )
        self.sent.append(
            Notification(
                request.match_info["receiver"],
                document["status"],
                document["groupLabels"].get("job", ""),
                tuple(
                    f"{name} {region}".strip()
                    for status, name, region in names
                    if status == "firing"
                ),
                tuple(dict.fromkeys(f"{name} {region}".strip() for _, name, region in names)),
            )
        )
        self.news.set()
        return web.Response()

    def to(self, receiver: str, job: str = "probe") -> list[Notification]:
        """What a receiver was sent about a job."""
        return [each for each in self.sent if (each.receiver, each.job) == (receiver, job)]

    async def until(self, receiver: str, count: int, job: str = "probe") -> list[Notification]:
        """Wait until a receiver has so many notifications about a job."""
        async with asyncio.timeout(PATIENCE):
            while len(found := self.to(receiver, job)) < count:
                self.news.clear()
                await self.news.wait()
        return found


@dataclass
class Stage:
    """Everything that runs; ``probes`` by (job, region)."""

    folder: Path
    site: Site
    prometheus: Scraper
    probes: dict[tuple[str, str], AsyncExitStack]
    ports: Mapping[tuple[str, str], int]
    running: dict[tuple[str, str], Running] = field(default_factory=dict)

    async def start(self, job: str, region: str) -> None:
        """Start a probe on its port; it begins without what it knew."""
        place = self.folder / f"{job}-{region}"
        stack = AsyncExitStack()
        environment = {
            "PROBE_REGION": region,
            "PROBE_LISTEN": f"127.0.0.1:{self.ports[job, region]}",
        }
        self.running[job, region] = await stack.enter_async_context(daemon(place, environment))
        self.probes[job, region] = stack

    async def kill(self, job: str, region: str) -> None:
        """As ``kill -9``."""
        await self.running[job, region].stop(signal.SIGKILL)
        await self.probes.pop((job, region)).aclose()

    async def configure(self, job: str, region: str, limits: str = "") -> None:
        """Write ``probe.toml`` and, where the probe runs, have it read."""
        place = self.folder / f"{job}-{region}"
        place.mkdir(exist_ok=True)
        (place / "probe.toml").write_text(
            f'[[http]]\nname = "page"\nurl = "{self.site.url}/?job={job}&region={region}"\n'
            "interval = 1\nretry = 1\nhold = 1\ndeadline = 10\n" + limits
        )
        if (job, region) in self.running:
            probe = self.running[job, region]
            async with probe.session.post(f"{probe.url}/-/reload") as answer:
                assert answer.status == 200, await answer.text()


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """All programs, with every probe scraped and passing."""
    async with AsyncExitStack() as stack:
        site = await _served(stack)
        manager = Alertmanager(folder, webhook="", config=quick_alertmanager(site.url + "/receive"))
        await stack.enter_async_context(manager)
        pairs = [(job, region) for job in JOBS for region in REGIONS]
        ports = {pair: free_port() for pair in pairs}
        server = Scraper(
            folder,
            jobs={job: [f"127.0.0.1:{ports[job, region]}" for region in REGIONS] for job in JOBS},
            rules=quick_rules(),
            alertmanager=manager.url.removeprefix("http://"),
        )
        made = Stage(folder, site, server, {}, ports)
        stack.push_async_callback(_stop_all, made)
        for pair in pairs:
            await made.configure(*pair)
            await made.start(*pair)
        await stack.enter_async_context(server)
        await server.until(f"count(probe_success == 1) == {len(pairs)}")
        yield made


async def _stop_all(made: Stage) -> None:
    for each in list(made.probes.values()):
        await each.aclose()


async def _served(stack: AsyncExitStack) -> Site:
    site, app = Site(), web.Application()
    app.router.add_get("/", site.page)
    app.router.add_post("/receive/{receiver}", site.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return site
