"""Three probes, each in a network namespace of its own, that look at one backend."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from probe.lab import Lab
from tests.daemon.running import Running, daemon
from tests.servers.middleboxes.forward import Forward
from tests.servers.netns import Namespace
from tests.servers.receivers.pagerduty import PagerDutyService
from tests.servers.receivers.slack import SlackWebhookService

KEY, TOKEN = "r0uting-key-0f-mine", "0f-all-three-pr0bes"
PORT = 9091
REGIONS = ("lax", "fra", "nrt")
FAST = '[[http]]\nname = "health"\ninterval = 1\ndeadline = 1\nhold = 4\n'
PATIENCE = 150.0


@dataclass
class Fleet:
    """Three places to run a probe in, and what they look at and tell."""

    folder: Path
    lab: Lab
    pager: PagerDutyService
    slack: SlackWebhookService
    places: Mapping[str, Namespace]
    target: int = 0
    chat: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, region: str) -> Any:
        """A probe in its place, with its own data."""
        place, folder = self.places[region], self.folder / region
        folder.mkdir(exist_ok=True)
        (folder / "probe.toml").write_text(FAST)
        here = {
            "PROBE_REGION": region,
            "PROBE_LISTEN": f"{place.address}:{PORT}",
            "PROBE_DATA": str(folder / "data"),
        }
        return daemon(folder, {**self.environment, **here}, "--only", "health", prefix=place.prefix)

    def cut_off(self, region: str) -> None:
        """One region's packets to the backend are lost."""
        self.places[region].drop("tcp", self.target)


@asynccontextmanager
async def three_places(folder: Path) -> AsyncIterator[Fleet]:
    """Namespaces, and a way from each to the backend, the services and one another."""
    async with (
        AsyncExitStack() as stack,
        Lab() as lab,
        PagerDutyService(KEY) as pager,
        SlackWebhookService() as slack,
    ):
        places = {}
        for region in REGIONS:
            places[region] = Namespace()
            stack.callback(places[region].close)
        # One address that is the same from everywhere.
        host = places["lax"].host_address
        for region in ("fra", "nrt"):
            places[region].reach(host)

        async def leads_to(url: str) -> int:
            parts = urlsplit(url)
            assert parts.hostname is not None
            assert parts.port is not None
            way = await stack.enter_async_context(Forward(parts.hostname, parts.port))
            return way.port

        cluster = Fleet(folder, lab, pager, slack, places)
        lab.set_knob("backend.limits", "false")
        cluster.target = await leads_to(lab.environment()["BACKEND_URL"])
        peers = [await leads_to(f"http://{places[region].address}:{PORT}") for region in REGIONS]
        cluster.chat = await leads_to(slack.url)
        cluster.environment = {
            "BACKEND_URL": f"http://{host}:{cluster.target}",
            "PROBE_PEER_TOKEN": TOKEN,
            "PROBE_PEERS": " ".join(f"http://{host}:{port}" for port in peers),
            "PAGERDUTY_ROUTING_KEY": KEY,
            "PAGERDUTY_EVENTS_URL": f"http://{host}:{await leads_to(pager.url)}/v2/enqueue",
            "SLACK_WEBHOOK": f"http://{host}:{cluster.chat}/services/T0/B0/5ecret",
        }
        yield cluster


async def words(probe: Running, *checks: str) -> dict[str, Any]:
    """What a probe answers another one."""
    asks = [{"check": check, "younger": 0.0} for check in checks]
    async with probe.session.post(
        f"{probe.url}/peer/verdicts",
        json={"schema": 1, "asks": asks},
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as response:
        assert response.status == 200
        found: dict[str, Any] = await response.json()
        return found


async def come(probe: Running, what: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until a probe's answer is so."""
    async with asyncio.timeout(PATIENCE):
        while not what(await words(probe)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def reaches(probe: Running, count: int) -> None:
    """Wait until a probe reaches so many others."""
    async with asyncio.timeout(PATIENCE):
        while (await probe.metrics())["probe_peers_reachable"] != count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def texts_sent(slack: SlackWebhookService) -> list[str]:
    """The headlines that people read."""
    return [message["text"] for message in slack.taken]


def has_nothing_open(answer: dict[str, Any]) -> bool:
    """Whether no incident is open at a probe."""
    return not (answer["owns"] or answer["holds"] or answer["sees"])


async def cut_off_alone(cluster: Fleet, probes: dict[str, Running]) -> None:
    """One region is cut off: a warning that names it, and no page."""
    pager, slack = cluster.pager, cluster.slack
    cluster.cut_off("fra")
    await slack.until(1)
    assert "WARNING" in texts_sent(slack)[0]
    assert "seen from fra alone" in texts_sent(slack)[0]
    assert "fine from lax and nrt" in json.dumps(slack.taken[0])
    notices = json.dumps((await probes["fra"].status())["notices"])
    assert "seen from fra alone, fine from lax and nrt" in notices
    cluster.places["fra"].let_through()
    await slack.until(2)
    assert "RESOLVED" in texts_sent(slack)[1]
    await asyncio.gather(*(come(probe, has_nothing_open) for probe in probes.values()))
    assert (len(slack.taken), pager.taken) == (2, [])


async def take_the_backend_down(cluster: Fleet, probes: dict[str, Running]) -> None:
    """Every probe triggers one and the same incident, and one sends to Slack."""
    pager, slack = cluster.pager, cluster.slack
    cluster.lab.set_knob("backend.redis", "down")
    await pager.until(3)
    await slack.until(3)
    assert "CRITICAL" in texts_sent(slack)[2]
    assert (len(pager.incidents), pager.opened) == (1, 1)
    await come(probes["lax"], lambda answer: bool(answer["owns"]))
    for region in ("fra", "nrt"):
        await come(probes[region], lambda answer: bool(answer["holds"]))
    assert len(slack.taken) == 3


async def test_three_probes_notify_as_one(tmp_path: Path) -> None:
    async with three_places(tmp_path) as cluster, AsyncExitStack() as stack:
        starting = [stack.enter_async_context(cluster.start(region)) for region in REGIONS]
        probes = dict(zip(REGIONS, await asyncio.gather(*starting), strict=True))
        for probe in probes.values():
            await probe.ready()
            await reaches(probe, 2)
        pager, slack = cluster.pager, cluster.slack
        await cut_off_alone(cluster, probes)
        await take_the_backend_down(cluster, probes)

        # The sender is killed: the others go on, and send nothing twice.
        await probes["lax"].stop(signal.SIGKILL)
        await asyncio.gather(*(reaches(probes[region], 1) for region in ("fra", "nrt")))
        assert (len(pager.incidents), pager.opened, len(slack.taken)) == (1, 1, 3)

        # The backend is up again: one resolve.
        cluster.lab.set_knob("backend.redis", "up")
        await slack.until(4)
        assert "RESOLVED" in texts_sent(slack)[3]
        left = [probes["fra"], probes["nrt"]]
        await asyncio.gather(*(come(probe, has_nothing_open) for probe in left))
        assert (pager.incidents, pager.opened, len(slack.taken)) == ({}, 1, 4)

        # The first one comes back with what it kept: it learns that it is resolved.
        async with cluster.start("lax") as again:
            await again.ready()
            await come(again, has_nothing_open)
            assert (pager.incidents, pager.opened, len(slack.taken)) == ({}, 1, 4), texts_sent(
                slack
            )


def is_late_for(key: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an answer tells that a message of a notifier has been waiting for long."""

    def tells(answer: dict[str, Any]) -> bool:
        return any(name == key and age > 5 for name, _, age in answer["pending"])

    return tells


@pytest.mark.proof
async def test_a_sender_that_can_not_deliver_the_end_leaves_it_to_another(tmp_path: Path) -> None:
    async with three_places(tmp_path) as cluster, AsyncExitStack() as stack:
        starting = [stack.enter_async_context(cluster.start(region)) for region in REGIONS]
        probes = dict(zip(REGIONS, await asyncio.gather(*starting), strict=True))
        for probe in probes.values():
            await probe.ready()
            await reaches(probe, 2)
        cluster.lab.set_knob("backend.redis", "down")
        await cluster.slack.until(1)
        await cluster.pager.until(3)
        await come(probes["lax"], lambda answer: bool(answer["owns"]))
        for region in ("fra", "nrt"):
            await come(probes[region], lambda answer: bool(answer["holds"]))

        # The first one notified; it loses its way to the chat, and then the outage ends.
        cluster.places["lax"].drop("tcp", cluster.chat)
        cluster.lab.set_knob("backend.redis", "up")
        await come(probes["lax"], is_late_for("slack"))
        await cluster.slack.until(2)
        assert "RESOLVED" in texts_sent(cluster.slack)[1]
        await asyncio.gather(*(come(probe, has_nothing_open) for probe in probes.values()))

        # What it has queued is another one's by now: nothing of it leaves when the way is back.
        await come(probes["lax"], lambda answer: not answer["pending"])
        cluster.places["lax"].let_through()
        cluster.lab.set_knob("backend.redis", "down")
        # Until two regions agree, one of them may warn of what it sees alone.
        await cluster.slack.until(3)
        while "CRITICAL" not in texts_sent(cluster.slack)[-1]:
            await cluster.slack.until(len(cluster.slack.taken) + 1)
        texts = texts_sent(cluster.slack)
        words = ("CRITICAL", "RESOLVED", "WARNING")
        critical, resolved, warned = (sum(word in text for text in texts) for word in words)
        # What one region warned of alone may have ended too, before two agreed.
        assert critical == 2, texts
        assert 1 <= resolved <= 1 + warned, texts
        async with asyncio.timeout(PATIENCE):
            while cluster.pager.opened < 2:  # noqa: ASYNC110 - a receiver has no event to wait for
                await asyncio.sleep(0.05)
        assert cluster.pager.opened == 2


@pytest.fixture(autouse=True)
def _needs_namespaces(netns: Namespace) -> None:
    """Skipped, or failed in CI, where there are none."""
