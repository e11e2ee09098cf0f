"""Debian's own Alertmanager receives, groups and resolves what we send."""

import asyncio
import time
from pathlib import Path

from msgspec.structs import replace

from alerts.model import MessageType, Severity
from alerts.notifiers.alertmanager import Alertmanager as Notifier
from tests.alerts.samples import failing
from tests.alerts.samples import sample_message as a_message
from tests.servers.receivers.alertmanager import Alertmanager
from tests.servers.services import Service


async def test_it_receives_groups_and_resolves(tmp_path: Path) -> None:
    now = time.time()
    first = replace(failing(), since=now - 60)
    second = replace(failing("ready", severity=Severity.WARNING), since=now - 30)
    firing = a_message(firing=(first, second), at=now, since=now - 60)
    async with (
        Service() as receiver,
        Alertmanager(tmp_path, webhook=f"{receiver.url}/hook") as server,
    ):
        notifier = Notifier([server.url])
        memory = await notifier.send(firing, {})
        await notifier.send(replace(firing, occasion=MessageType.REMINDER), memory)
        active = await server.alerts()
        assert {each["labels"]["check"] for each in active} == {"health", "ready"}
        assert all(each["annotations"]["summary"] for each in active)
        groups = await receiver.until(2)
        assert {each["groupLabels"]["check"] for each in groups} == {"health", "ready"}
        over = a_message(MessageType.RESOLVED, at=time.time(), since=now - 60)
        await notifier.send(over, memory)
        async with asyncio.timeout(30):
            while await server.alerts():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        ended = (await receiver.until(4))[2:]
        assert {each["status"] for each in ended} == {"resolved"}


async def test_a_more_severe_alert_replaces_the_milder_one(tmp_path: Path) -> None:
    now = time.time()
    mild = replace(failing(severity=Severity.WARNING), since=now - 60)
    grave = replace(mild, severity=Severity.CRITICAL)
    async with (
        Service() as receiver,
        Alertmanager(tmp_path, webhook=f"{receiver.url}/hook") as server,
    ):
        notifier = Notifier([server.url])
        memory = await notifier.send(a_message(firing=(mild,), at=now, since=now - 60), {})
        changed = a_message(MessageType.CHANGED, firing=(grave,), at=time.time(), since=now - 60)
        await notifier.send(changed, memory)
        async with asyncio.timeout(30):
            while len(active := await server.alerts()) != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert active[0]["labels"]["severity"] == "critical"
