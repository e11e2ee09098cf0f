"""Whoever watches the watcher hears of it only while everything is looked at in time."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from probe.lab import Lab
from tests.daemon.running import Running, daemon
from tests.servers.providers.sentry import Sentry


class Switch:
    """A dead man's switch: counts who calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.called = asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """One more call."""
        self.calls += 1
        self.called.set()
        return web.Response(text="OK")


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    switch = Switch()
    app = web.Application()
    app.router.add_get("/ping/{secret}", switch.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    switch.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping/5ecret-of-mine"
    yield switch
    await runner.cleanup()


async def test_the_switch_is_called_after_the_first_round_and_not_before(
    tmp_path: Path, switch: Switch
) -> None:
    async with Lab() as lab:
        lab.set_knob("backend.latency", "1.5")
        environment = {**lab.environment(), "PROBE_HEARTBEAT_URL": switch.url}
        async with daemon(tmp_path, environment, "--only", "http") as running:
            while True:
                calls = switch.calls
                if (await running.get("/readyz"))[0] == 200:
                    break
                assert calls == 0
                await asyncio.sleep(0.02)
            async with asyncio.timeout(30):
                await switch.called.wait()
            found = await running.metrics()
            assert found["probe_heartbeat_last_success_timestamp_seconds"] > 0
            assert not [line for line in running.raw if "5ecret" in line]


async def test_sentry_hears_the_same_as_a_check_in(tmp_path: Path) -> None:
    async with Lab() as lab, Sentry() as sentry:
        environment = {**lab.environment(), "PROBE_SENTRY_DSN": sentry.dsn, "PROBE_REGION": "lax"}
        async with daemon(tmp_path, environment, "--only", "http") as running:
            await running.ready()
            async with asyncio.timeout(20):
                await sentry.asked(1)
            (check_in,) = sentry.of("check_in")
            assert check_in["monitor_slug"] == "paircam-probe-lax"
            assert check_in["status"] == "ok"
            assert await running.stop() == 0
        assert sentry.of("event") == []


async def test_a_target_that_fails_is_no_error_of_ours(tmp_path: Path) -> None:
    async with Lab() as lab, Sentry() as sentry:
        lab.set_knob("backend.status", "500")
        environment = {**lab.environment(), "PROBE_SENTRY_DSN": sentry.dsn}
        async with daemon(tmp_path, environment, "--only", "http") as running:
            await running.said("health is critical")
            await running.ready()
            assert await running.stop() == 0
        assert sentry.of("event") == []


async def runs_of(running: Running, check: str) -> float:
    """How often a check ran."""
    found = await running.metrics()
    prefix = f'probe_runs_total{{check="{check}"'
    return sum(value for name, value in found.items() if name.startswith(prefix))


async def test_a_process_that_is_stopped_for_a_while_makes_no_burst(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text('[[http]]\nname = "health"\ninterval = 1\n')
    async with Lab() as lab:
        lab.set_knob("backend.limits", "false")
        async with daemon(tmp_path, lab.environment(), "--only", "health") as running:
            await running.ready()
            before = await runs_of(running, "health")
            running.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(6)  # the one thing to wait for is time itself
            running.process.send_signal(signal.SIGCONT)
            assert await runs_of(running, "health") <= before + 2
            async with asyncio.timeout(30):
                while await runs_of(running, "health") < before + 4:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            found = await running.metrics()
            assert found['probe_runs_missed_total{check="health"}'] >= 3
