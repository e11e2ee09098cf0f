"""The daemon's pages: an open one learns of an outage and of a restart; the public one is open."""

import asyncio
import json
import re
from pathlib import Path

import aiohttp

from probe.lab import Lab
from tests.command import probe
from tests.daemon.running import PATIENCE, Running, daemon
from tests.servers.chromium import Tab
from tests.servers.ports import free_port

HTTP = ("--only", "http")
TITLE = "document.title"
HOW = "document.querySelector('#live .how').className"


async def until(tab: Tab, expression: str, wanted: str) -> None:
    """Wait until the value of an expression has this in it."""
    async with asyncio.timeout(PATIENCE):
        while wanted not in str(await tab.evaluate(expression)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_an_open_page_learns_of_an_outage_and_comes_back_after_a_restart(
    tmp_path: Path, tab: Tab
) -> None:
    async with Lab() as lab:
        lab.set_knob("backend.limits", "false")
        variables = {**lab.environment(), "PROBE_LISTEN": f"127.0.0.1:{free_port()}"}
        async with daemon(tmp_path, variables, *HTTP) as running:
            await running.ready()
            await tab.open(running.url + "/")
            await until(tab, HOW, "on")
            await tab.evaluate("document.querySelector('details.all').open = false")
            lab.set_knob("backend.redis", "down")
            await until(tab, TITLE, "critical")
            assert not await tab.evaluate("document.querySelector('details.all').open")
            icon = "decodeURIComponent(document.querySelector('link[rel=icon]').href)"
            assert "#c2141f" in await tab.evaluate(icon)
            await running.stop()
        await until(tab, HOW, "lost")
        lab.set_knob("backend.redis", "up")
        async with daemon(tmp_path, variables, *HTTP) as running:
            await running.ready()
            await until(tab, HOW, "on")
            await until(tab, TITLE, "all ok")
            assert len(await nodes(tab)) == 1


async def nodes(tab: Tab) -> list[object]:
    """The main parts of the document: exchanging them leaves none behind."""
    found = await tab.evaluate(
        "JSON.stringify([...document.querySelectorAll('main')].map(() => 1))"
    )
    parts: list[object] = json.loads(found)
    return parts


async def test_a_check_has_a_page_with_its_signals_and_the_waterfall_of_its_runs(
    tmp_path: Path,
) -> None:
    async with Lab() as lab, daemon(tmp_path, lab.environment(), *HTTP) as running:
        await running.ready()
        text = await page_with(running, "/checks/health", "<h3>response</h3>")
        assert re.search(r'class="fall"><span>connect</span>', text)
        assert "90 days: " in text
        assert "Objective 99.9 %" in text
        for path in ("/checks/none", "/incidents/none", "/services/none", "/providers/none"):
            assert (await running.get(path))[0] == 404
        for path in ("/incidents", "/services/backend", "/checks/health?range=7d"):
            assert (await running.get(path))[0] == 200


async def page_with(running: Running, path: str, wanted: str) -> str:
    """A page, once it has this in it: history is written a moment after a result."""
    async with asyncio.timeout(PATIENCE):
        while True:
            code, text = await running.get(path)
            assert code == 200
            if wanted in text:
                return text
            await asyncio.sleep(0.1)


async def test_the_public_page_has_a_port_of_its_own_and_needs_no_password(tmp_path: Path) -> None:
    port = free_port()
    variables = {
        "PROBE_WEB_USER": "eva",
        "PROBE_WEB_PASSWORD": "word-of-mine",
        "PROBE_STATUS_LISTEN": f"127.0.0.1:{port}",
        "PROBE_STATUS_TITLE": "PairCam status",
    }
    async with (
        Lab() as lab,
        daemon(tmp_path, {**lab.environment(), **variables}, *HTTP) as running,
        aiohttp.ClientSession() as visitor,
    ):
        await running.said("the public status page is on 127.0.0.1")
        async with visitor.get(f"http://127.0.0.1:{port}/") as answer:
            assert answer.status == 200
            assert "PairCam status" in await answer.text()
        for path in ("/checks/health", "/metrics", "/api/v1/status", "/status.json"):
            async with visitor.get(f"http://127.0.0.1:{port}{path}") as answer:
                assert answer.status == 404
            assert (await running.get(path))[0] == 401


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async with Lab() as lab, daemon(tmp_path, lab.environment(), *HTTP) as running:
        variables = {
            **lab.environment(),
            "PROBE_LISTEN": "127.0.0.1:0",
            "PROBE_STATUS_LISTEN": running.url.removeprefix("http://"),
        }
        done = await probe(*HTTP, cwd=tmp_path, env=variables)
    assert done.code == 64
    assert "PROBE_STATUS_LISTEN: can't listen on 127.0.0.1" in done.err
