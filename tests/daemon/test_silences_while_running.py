"""When nobody is told: our own network, maintenance. And when somebody is, all the same."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probe.lab import Lab
from tests.daemon.running import Running, daemon
from tests.servers.pagerduty import PagerDutyService

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
        self._ports: list[int] = []

    async def up(self) -> None:
        """Both answer; on the ports that they had before."""
        for number in range(2):
            port = self._ports[number] if len(self._ports) == 2 else 0
            server = await asyncio.start_server(_answer, "127.0.0.1", port)
            self._servers.append(server)
            if len(self._ports) < 2:
                self._ports.append(server.sockets[0].getsockname()[1])

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
    """A daemon that looks every second and pages after two."""
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


async def test_when_everything_fails_nobody_is_blamed_until_the_references_are_back(
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
            await asyncio.sleep(4)  # longer than a failure lasts before it is told
            assert pager.seen == []
            await world.up()
            (event,) = await pager.until(1)
            assert event["event_action"] == "trigger"


async def test_without_a_disk_pagers_are_told_once_that_what_is_well_is_over(
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


async def test_a_window_keeps_it_quiet_and_what_still_burns_at_its_end_is_told(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    start, end = now - timedelta(hours=1), now + timedelta(seconds=16)
    window = f"""
[[maintenance]]
name = "cutover"
reason = "announced"
start = {start:%Y-%m-%dT%H:%M:%SZ}
end = {end:%Y-%m-%dT%H:%M:%SZ}
"""
    async with Lab() as lab, PagerDutyService(KEY) as pager:
        health_alone = CHECKS.split('[[http]]\nname = "reference-1"')[0]
        environment = environment_of(tmp_path, lab, pager, health_alone + window)
        lab.set_knob("backend.redis", "down")
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.said("alert fired")
            notices = json.dumps((await running.status())["notices"])
            assert "Maintenance: cutover" in notices
            assert "suppressed (maintenance: cutover)" in notices
            assert pager.seen == []
            await pager.until(1)
            assert datetime.now(UTC) >= end.replace(microsecond=0)


async def test_a_window_that_is_taken_out_of_the_file_ends_at_once(tmp_path: Path) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    window = f"""
[[maintenance]]
name = "cutover"
reason = "announced"
start = {start:%Y-%m-%dT%H:%M:%SZ}
end = {start + timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ}
"""
    async with Lab() as lab, PagerDutyService(KEY) as pager:
        health_alone = CHECKS.split('[[http]]\nname = "reference-1"')[0]
        environment = environment_of(tmp_path, lab, pager, health_alone + window)
        lab.set_knob("backend.redis", "down")
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.said("alert fired")
            assert pager.seen == []
            (tmp_path / "probe.toml").write_text(health_alone)
            running.process.send_signal(signal.SIGHUP)
            await pager.until(1)
