"""When no notification is sent (own network, maintenance), and when one is all the same."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probe.lab import Lab
from tests.daemon.running import Running, daemon
from tests.servers.ports import free_port
from tests.servers.receivers.pagerduty import PagerDutyService

KEY = "r0uting-key-0f-mine"
CHECKS = """
[[http]]
name = "health"
interval = 1
deadline = 0.9
hold = 2
[[http]]
name = "reference-1"
interval = 1
deadline = 0.9
[[http]]
name = "reference-2"
interval = 1
deadline = 0.9
"""


class World:
    """Two addresses that have nothing to do with the target, which can both go."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._ports = (free_port(), free_port())

    async def up(self) -> None:
        """Both answer; on the ports that they had before."""
        for port in self._ports:
            self._servers.append(await asyncio.start_server(_answer, "127.0.0.1", port))

    async def down(self) -> None:
        """Nobody listens there any more."""
        for server in self._servers:
            server.close()
            await server.wait_closed()
        self._servers.clear()

    @property
    def addresses(self) -> str:
        """As PROBE_REFERENCES has them."""
        return " ".join(f"http://127.0.0.1:{port}/" for port in self._ports)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.up()
    yield world
    await world.down()


def environment_of(folder: Path, lab: Lab, pager: PagerDutyService, text: str) -> dict[str, str]:
    """A daemon that checks every second and pages after two."""
    (folder / "probe.toml").write_text(text)
    lab.set_knob("backend.limits", "false")
    return {
        **lab.environment(),
        "PROBE_DATA": str(folder / "data"),
        "PAGERDUTY_ROUTING_KEY": KEY,
        "PAGERDUTY_EVENTS_URL": pager.url,
    }


async def until_health_is(running: Running, status: str) -> dict[str, object]:
    """Wait for the page to say so."""
    async with asyncio.timeout(30):
        while True:
            for check in (await running.status())["checks"]:
                if check["name"] == "health" and check["status"] == status:
                    found: dict[str, object] = check
                    return found
            await asyncio.sleep(0.1)


async def test_with_working_references_a_target_that_is_down_is_a_page(
    tmp_path: Path, world: World
) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager:
        environment = environment_of(tmp_path, lab, pager, CHECKS)
        environment["PROBE_REFERENCES"] = world.addresses
        only = ("--only", "health,reference-1,reference-2")
        async with daemon(tmp_path, environment, *only) as running:
            await running.ready()
            lab.set_knob("backend.drop", "true")
            (event,) = await pager.until(1)
            assert "health" in event["payload"]["summary"]


async def test_when_everything_fails_no_page_is_sent_until_the_references_are_back(
    tmp_path: Path, world: World
) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager:
        environment = environment_of(tmp_path, lab, pager, CHECKS)
        environment["PROBE_REFERENCES"] = world.addresses
        only = ("--only", "health,reference-1,reference-2")
        async with daemon(tmp_path, environment, *only) as running:
            await running.ready()
            await world.down()
            await running.said("every reference fails")
            lab.set_knob("backend.drop", "true")
            check = await until_health_is(running, "unknown")
            assert isinstance(check["failure"], dict)
            assert check["failure"]["cause"] == "own_network"
            assert "Our own network is down" in json.dumps((await running.status())["notices"])
            await asyncio.sleep(4)  # longer than ``hold``
            assert pager.seen == []
            await world.up()
            (event,) = await pager.until(1)
            assert event["event_action"] == "trigger"


async def test_without_a_disk_one_resolve_is_sent_for_what_has_recovered(
    tmp_path: Path,
) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager:
        health_alone = CHECKS.split('[[http]]\nname = "reference-1"')[0]
        environment = environment_of(tmp_path, lab, pager, health_alone)
        del environment["PROBE_DATA"]
        lab.set_knob("backend.redis", "down")
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await pager.until(1)
            await running.stop()
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.ready()
            assert [each["event_action"] for each in pager.taken] == ["trigger"]
            lab.set_knob("backend.redis", "up")
            await pager.until(2)
            assert pager.incidents == {}


def window(start: datetime, end: datetime) -> str:
    """A maintenance window of the whole deployment."""
    return f"""
[[maintenance]]
name = "cutover"
reason = "announced"
start = {start:%Y-%m-%dT%H:%M:%SZ}
end = {end:%Y-%m-%dT%H:%M:%SZ}
"""


async def test_a_window_suppresses_and_what_still_fires_at_its_end_is_sent(
    tmp_path: Path,
) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    async with Lab() as lab, PagerDutyService(KEY) as pager:
        health_alone = CHECKS.split('[[http]]\nname = "reference-1"')[0]
        long = health_alone + window(start, start + timedelta(hours=9))
        environment = environment_of(tmp_path, lab, pager, long)
        lab.set_knob("backend.redis", "down")
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.said("alert fired")
            notices = json.dumps((await running.status())["notices"])
            assert "Maintenance: cutover" in notices
            assert "suppressed (maintenance: cutover)" in notices
            # The end comes by the clock, once the alert fires, however slow the machine is.
            end = datetime.now(UTC) + timedelta(seconds=4)
            (tmp_path / "probe.toml").write_text(health_alone + window(start, end))
            running.process.send_signal(signal.SIGHUP)
            await running.said("configuration reloaded")
            await pager.until(1)
            assert datetime.now(UTC) >= end.replace(microsecond=0)


async def test_a_window_that_is_taken_out_of_the_file_ends_at_once(tmp_path: Path) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    announced = window(start, start + timedelta(hours=9))
    async with Lab() as lab, PagerDutyService(KEY) as pager:
        health_alone = CHECKS.split('[[http]]\nname = "reference-1"')[0]
        environment = environment_of(tmp_path, lab, pager, health_alone + announced)
        lab.set_knob("backend.redis", "down")
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.said("alert fired")
            assert pager.seen == []
            (tmp_path / "probe.toml").write_text(health_alone)
            running.process.send_signal(signal.SIGHUP)
            await pager.until(1)
