"""An outage is a page in time while a crowd and a stranger are at the web port."""

import asyncio
import contextlib
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from probe.lab import Lab
from tests.daemon.alerting.test_alerting import KEY, configured
from tests.daemon.running import Running, daemon
from tests.servers.receivers.pagerduty import PagerDutyService
from tests.servers.receivers.slack import SlackWebhookService
from tests.web.attack import PASSWORD, USER

# The attack ends a while after the page: here only where none comes.
MAX_SECONDS, AFTER_SECONDS = 150.0, 10.0
HOLD = 4


async def _latencies(running: Running, into: list[float], refused: list[str]) -> None:
    """Ask /healthz over and over, each time on a connection of its own."""
    while True:
        began = time.monotonic()
        try:
            code, _ = await running.get("/healthz", headers={"Connection": "close"})
        except aiohttp.ClientError as error:
            refused.append(str(error))
        else:
            assert code == 200
            into.append(time.monotonic() - began)
        await asyncio.sleep(0.05)


@pytest.mark.proof
@pytest.mark.timeout(300)
async def test_an_outage_is_paged_in_time_during_hostile_traffic(
    tmp_path: Path,
) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager, SlackWebhookService() as slack:
        environment = configured(tmp_path, lab, pager, slack, f"hold = {HOLD}\n")
        environment |= {"PROBE_WEB_USER": USER, "PROBE_WEB_PASSWORD": PASSWORD}
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.ready()
            port, latencies, refused = URL(running.url).port, list[float](), list[str]()
            attack = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.web.attack", str(port), str(MAX_SECONDS)),
                stdout=asyncio.subprocess.PIPE,
            )
            asking = asyncio.create_task(_latencies(running, latencies, refused))
            await asyncio.sleep(5)
            lab.set_knob("backend.redis", "down")
            broken = time.monotonic()
            await pager.until(1, MAX_SECONDS - 10)
            paged = time.monotonic() - broken
            assert attack.returncode is None, "the page came after the attack"
            await asyncio.sleep(AFTER_SECONDS)
            attack.terminate()
            output, _ = await attack.communicate()
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            latencies.sort()
            p99 = latencies[int(len(latencies) * 0.99)]
            print(
                f"paged {paged:.1f} s after the outage (for = {HOLD} s); {output.decode().strip()}"
            )
            print(
                f"/healthz: {len(latencies)} answers, {len(refused)} not, p99 {1000 * p99:.0f} ms"
            )
            assert len(refused) <= len(latencies) / 10
            lines = [line for line in running.raw if "Traceback" in line]
            assert lines == []
            assert len(running.lines) < 200
            assert await running.stop() == 0
