"""Slack, PagerDuty and Alertmanager fail in every way while the process that tells is killed
at any moment, again and again: nothing is lost, no second incident is opened."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from msgspec import Struct

from alerts.outbox.outbox import Outbox
from tests.alerts.notification.delivery_writer import NOTES
from tests.servers.receivers.alertmanager_api import AlertmanagerApi
from tests.servers.receivers.pagerduty import PagerDutyService
from tests.servers.receivers.slack import SlackApi
from tests.servers.services import Failure, Service

ROOT = Path(__file__).parents[3]
KEY, TOKEN = "r0uting-key-0f-mine", "t0ken"
LONG_AWAY = 40  # attempts: hours, by the dispatcher's backoff
# Slack's way to fail; for Alertmanager it means that the alerts were taken.
REFUSED_WITH_200 = Failure(200, '{"ok": false, "error": "internal_error"}')
FAILURES: tuple[tuple[Failure | None, int], ...] = (
    (None, 60),
    (Failure(500), 6),
    (Failure(503, "<html>no</html>"), 3),
    (REFUSED_WITH_200, 3),
    (Failure(429, headers={"Retry-After": "1"}), 4),
    (Failure(429, headers={"Retry-After": "soon"}), 2),
    (Failure(429), 2),
    (Failure(reset=True), 8),
    (Failure(trickle=0.05), 5),
    (Failure(delay=60), 1),
    (Failure(absent=True), 4),
)


class City(Struct, frozen=True):
    """The three services, and the environment of a process that tells them."""

    slack: SlackApi
    pager: PagerDutyService
    manager: AlertmanagerApi

    @property
    def services(self) -> tuple[Service, ...]:
        """All of them."""
        return (self.slack, self.pager, self.manager)

    @property
    def environment(self) -> dict[str, str]:
        """What configures the notifiers."""
        return {
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_CHANNEL": "C0",
            "SLACK_API_URL": f"{self.slack.url}/api",
            "PAGERDUTY_ROUTING_KEY": KEY,
            "PAGERDUTY_EVENTS_URL": f"{self.pager.url}/v2/enqueue",
            "ALERTMANAGER_URLS": self.manager.url,
        }

    async def asked(self) -> None:
        """Wait until any of them is."""
        waiting = [asyncio.create_task(service.asked.wait()) for service in self.services]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()


@asynccontextmanager
async def city(random: Random, requests: int) -> AsyncIterator[City]:
    """Services with a script of failures for so many requests; each is long away once."""
    async with SlackApi(TOKEN) as slack, PagerDutyService(KEY) as pager, AlertmanagerApi() as am:
        for service in (slack, pager, am):
            script = random.choices(*zip(*FAILURES, strict=True), k=requests)
            start = random.randrange(requests)
            script[start:start] = [Failure(absent=True)] * LONG_AWAY
            service.fail.extend(
                entry for entry in script if service is not am or entry is not REFUSED_WITH_200
            )
        yield City(slack, pager, am)


async def start(folder: Path, place: City, seed: int, mode: str) -> asyncio.subprocess.Process:
    """Start the process that tells."""
    return await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "tests.alerts.notification.delivery_writer",
            str(folder),
            str(seed),
            mode,
        ),
        cwd=ROOT,
        env={**os.environ, **place.environment},
        stderr=asyncio.subprocess.PIPE,
    )


async def kill(process: asyncio.subprocess.Process) -> None:
    """``kill -9``; it must have been alive until then."""
    assert process.returncode is None
    os.kill(process.pid, signal.SIGKILL)
    await process.communicate()
    assert process.returncode == -signal.SIGKILL


async def left_in(folder: Path) -> tuple[dict[str, int], dict[str, int], int, int]:
    """Incidents that fire, and the last incident of each key, by the stored states; how many
    notes there are, how many messages wait."""
    outbox = await Outbox.open(folder)
    states = {key: json.loads(text) for key, text in (await outbox.states()).items()}
    waiting = len(await outbox.waiting()) + len(await outbox.refused())
    await outbox.close()
    notes = states.pop(NOTES, 0)
    firing = {key: state["incident"] for key, state in states.items() if state["burns"]}
    return firing, {key: state["incident"] for key, state in states.items()}, notes, waiting


def named(text: str) -> tuple[str, int]:
    """The key and the incident that a text is about."""
    found = re.search(r"(\w+) #(\d+)", text)
    assert found, text
    return found[1], int(found[2])


def opened(events: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """What PagerDuty has open after all events; no incident may be opened a second time."""
    firing: dict[str, int] = {}
    ended: dict[str, int] = {}
    for event in events:
        key = str(event["dedup_key"]).removeprefix("probe ")
        if event["event_action"] == "resolve":
            ended[key] = firing.pop(key, ended.get(key, 0))
            continue
        _, incident = named(event["payload"]["summary"])  # type: ignore[index]
        assert incident > ended.get(key, 0), f"{key} #{incident} was over, and is opened again"
        assert firing.setdefault(key, incident) == incident, f"two incidents of {key} at once"
    return firing


def last_sent(place: City) -> tuple[dict[str, int], list[int]]:
    """The last incident of each key that Slack's channel was sent, and the notes in order
    of their first arrival; what comes is never older than what came."""
    last: dict[str, int] = {}
    notes: dict[int, None] = {}
    for document in place.slack.taken:
        key, incident = named(document["text"])
        if key == NOTES:
            notes[incident] = None
            continue
        assert incident >= last.get(key, 0), f"{key} #{incident} came after #{last[key]}"
        last[key] = incident
    return last, list(notes)


def shown_as_firing(place: City) -> set[str]:
    """Keys whose newest message in Slack's channel says that it fires."""
    newest: dict[str, str] = {}
    for document in place.slack.messages.values():
        key, _ = named(document["text"])
        newest[key] = document["text"]
    return {key for key, text in newest.items() if key != NOTES and "resolved" not in text.lower()}


@pytest.mark.parametrize(
    ("kills", "seed"),
    [
        (4, 1),
        pytest.param(70, 2, marks=pytest.mark.proof),
        *(pytest.param(70, seed, marks=pytest.mark.nightly) for seed in (3, 4)),
    ],
)
async def test_whoever_is_killed_at_any_moment_loses_nothing(
    tmp_path: Path, kills: int, seed: int
) -> None:
    random = Random(seed)
    async with city(random, kills * 12) as place:
        for round_ in range(kills):
            for service in place.services:
                service.asked.clear()
            process = await start(tmp_path, place, seed * 1000 + round_, "write")
            if round_ % 3 < 2:  # in the midst of its work; else perhaps while it starts
                await place.asked()
            await asyncio.sleep(random.uniform(0.0, 0.6))
            await kill(process)
        last = await start(tmp_path, place, seed, "drain")
        async with asyncio.timeout(120):
            _, errors = await last.communicate()
        assert last.returncode == 0, errors.decode()
    firing, incidents, notes, waiting = await left_in(tmp_path)
    incidents_sent, heard = last_sent(place)
    print(
        f"{kills} kills, {sum(incidents.values())} incidents, {notes} notes; received:",
        ", ".join(f"{type(each).__name__} {len(each.taken)}" for each in place.services),
    )
    assert waiting == 0
    assert sum(incidents.values()) >= kills // 3
    assert opened(place.pager.taken) == firing
    assert {json.loads(labels)["check"] for labels in place.manager.active} == set(firing)
    assert (incidents_sent, heard) == (incidents, [number + 1 for number in range(notes)])
    assert shown_as_firing(place) == set(firing)
