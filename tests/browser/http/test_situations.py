"""The probe judges servers' answers as Chromium does; curl and blackbox_exporter next to it.

The table of what each of them makes of an answer is in docs/browser.md.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import Struct

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds.http import KIND, HttpTable
from tests import requirements
from tests.browser.http.situations import BEYOND, SITUATIONS, Situation
from tests.servers.chromium import Tab
from tests.servers.pages import Pages, closed_port
from tests.servers.process import Process, stop, wait_until

PAGE = Path(__file__).parents[3] / "docs" / "browser.md"
HEADER = "| answer of the server | Chromium | probe | curl | blackbox_exporter | why |"
MODULE = """
modules:
  http_2xx: {prober: http, timeout: 10s, http: {preferred_ip_protocol: ip4}}
"""


class Clients(Struct, frozen=True):
    """What asks besides the probe."""

    tab: Tab
    blackbox: str
    http: aiohttp.ClientSession


@pytest.fixture
async def clients(tmp_path: Path, tab: Tab) -> AsyncIterator[Clients]:
    program = requirements.program("prometheus-blackbox-exporter", part="blackbox_exporter")
    (tmp_path / "blackbox.yml").write_text(MODULE)
    port = closed_port()
    with (tmp_path / "blackbox.log").open("wb") as log:
        process = await asyncio.to_thread(_start, program, tmp_path, port, log.fileno())
    try:
        async with aiohttp.ClientSession() as http:
            yield Clients(tab, f"http://127.0.0.1:{port}/probe", http)
    finally:
        await asyncio.to_thread(stop, process)


def _start(program: str, folder: Path, port: int, log: int) -> Process:
    import socket
    import subprocess

    listen = f"--web.listen-address=127.0.0.1:{port}"
    command = [program, f"--config.file={folder / 'blackbox.yml'}", listen]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def listens() -> bool:
        with socket.socket() as probing:
            return probing.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens, process, folder / "blackbox.log", within=30)
    return process


async def of_chromium(url: str, tab: Tab) -> str:
    """``ok``, a status code, or the error that a user sees."""
    seen = len(tab.events)
    answer = await tab.call("Page.navigate", url=url)

    def of_document(*names: str) -> list[dict[str, Any]]:
        found = [(name, event) for name, event in tab.events[seen:] if name.startswith("Network.")]
        sent = (event for name, event in found if name == "Network.requestWillBeSent")
        # The page's icon is asked for too.
        request = next(each["requestId"] for each in sent if each["documentURL"].startswith(url))
        return [each for name, each in found if name in names and each["requestId"] == request]

    async with asyncio.timeout(30):
        while not of_document("Network.loadingFinished", "Network.loadingFailed"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    failures = of_document("Network.loadingFailed")
    error = failures[0]["errorText"].removeprefix("net::") if failures else ""
    responses = of_document("Network.responseReceived")
    code = responses[-1]["response"]["status"] if responses else 0
    if error and not (error == "ERR_ABORTED" and code in (204, 205)):
        return str(error)
    return "ok" if 200 <= code < 300 else str(answer.get("errorText") or code)


async def of_probe(url: str) -> str:
    """``ok``, or the cause."""
    table = HttpTable.model_validate({"name": "page", "url": url, "deadline": 20})
    result = await run_check(Check(KIND, table), Context())
    return "ok" if result.failure is None else f"`{result.failure.cause.value}`"


async def of_curl(url: str) -> str:
    """``ok``, or its exit code."""
    program = requirements.program("curl", part="curl")
    options = ("--silent", "--location", "--compressed", "--max-time", "20", "--output", "-")
    process = await asyncio.create_subprocess_exec(
        program, *options, url, stdout=asyncio.subprocess.DEVNULL
    )
    code = await process.wait()
    return "ok" if code == 0 else f"exit {code}"


async def of_blackbox(url: str, clients: Clients) -> str:
    """``ok`` or ``failed``."""
    parameters = {"target": url, "module": "http_2xx"}
    async with clients.http.get(clients.blackbox, params=parameters) as answer:
        return "ok" if "\nprobe_success 1" in await answer.text() else "failed"


async def row_of(situation: Situation, clients: Clients) -> list[str]:
    """What each client makes of it."""
    found = []
    async with Pages(situation.behaviour) as pages:
        found.append(await of_chromium(f"{pages.url}/", clients.tab))
    async with Pages(situation.behaviour) as pages:
        found.append(await of_probe(f"{pages.url}/"))
    async with Pages(situation.behaviour) as pages:
        found.append(await of_curl(f"{pages.url}/"))
    async with Pages(situation.behaviour) as pages:
        found.append(await of_blackbox(f"{pages.url}/", clients))
    return found


@pytest.mark.parts
@pytest.mark.parametrize(
    "situations",
    [SITUATIONS, pytest.param(BEYOND, marks=pytest.mark.proof)],
    ids=["known", "beyond"],
)
async def test_the_probe_and_chromium_agree_on_what_is_an_answer(
    situations: tuple[Situation, ...], clients: Clients
) -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    missing = []
    for situation in situations:
        row = await row_of(situation, clients)
        chromium, probe = row[:2]
        assert (chromium == "ok") == (probe == "ok"), (situation.name, row)
        agree = len({each == "ok" for each in row}) == 1
        assert agree or situation.why, (situation.name, row)
        line = f"| {' | '.join([situation.name, *row, situation.why])} |"
        if line not in lines:
            missing.append(line)
    assert missing == [], "\n".join([HEADER, *missing])


def test_the_table_has_a_row_for_each_situation_and_no_other() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = lines[lines.index(HEADER) + 2 :]
    names = [line.split(" | ")[0].removeprefix("| ") for line in rows if line.startswith("|")]
    assert names == [situation.name for situation in (*SITUATIONS, *BEYOND)]
