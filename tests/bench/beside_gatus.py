"""``make bench-gatus``: what this program's pages and Gatus' pages say of the same outage.

Both watch the built-in lab. After a while Redis goes down, so that the backend answers 503; then
Chromium takes pictures of both, as an operator sees them and as a customer does. Gatus (on the
PATH) has conditions on the body, every endpoint that it can check, groups, and a title, so that it
says as much as it can.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientError, ClientSession, web

from probe.lab.lab import Lab
from tests.command import environment
from tests.servers.chromium import Chromium
from tests.servers.ports import free_port

FOLDER = Path(__file__).parent.parent.parent / "docs" / "images"
FLAGS = ("--hide-scrollbars",)
INTERVAL, BEFORE, OUTAGE = 2.0, 30.0, 45.0


def gatus_config(lab: Lab, folder: Path, port: int, hook: str) -> Mapping[str, object]:
    """Every endpoint of the lab that Gatus has a protocol for."""
    backend, common = lab.backend.url, {"interval": f"{INTERVAL:g}s"}
    polling = f"{backend}/socket.io/?EIO=4&transport=polling"
    body = ["[STATUS] == 200", "[BODY].services.redis == up", "[RESPONSE_TIME] < 2000"]
    endpoints: list[dict[str, object]] = [
        {"name": "health", "group": "backend", "url": f"{backend}/health", "conditions": body},
        {
            "name": "socket.io",
            "group": "signaling",
            "url": polling,
            "conditions": ["[STATUS] == 200"],
        },
    ]
    for provider, server in (("primary", lab.primary), ("backup", lab.backup)):
        for url in server.urls():
            host, _, query = url.partition(":")[2].partition("?")
            scheme = "tls" if url.startswith("turns:") else query.rpartition("=")[2]
            # Without STUN, an answer over UDP can't be had: Gatus says that it could send.
            endpoints.append(
                {
                    "name": f"{provider} {scheme}",
                    "group": "turn",
                    "url": f"{scheme}://{host}",
                    "client": {"insecure": True},
                    "conditions": ["[CONNECTED] == true"],
                }
            )
    alert = {"enabled": True, "failure-threshold": 2, "description": "the backend is unhealthy"}
    return {
        "web": {"address": "127.0.0.1", "port": port},
        "ui": {"title": "PairCam status", "header": "PairCam status"},
        "storage": {"type": "sqlite", "path": str(folder / "gatus.db")},
        "alerting": {"custom": {"url": hook, "method": "POST", "default-alert": alert}},
        "endpoints": [{**each, **common, "alerts": [{"type": "custom"}]} for each in endpoints],
    }


def probe_environment(lab: Lab, folder: Path, port: int, public: int, hook: str) -> dict[str, str]:
    """The same targets, with what an operator has in the environment."""
    text = f'[[http]]\nname = "health"\ninterval = {INTERVAL}\n'
    (folder / "probe.toml").write_text(text, encoding="utf-8")
    return environment(
        {
            **lab.shared_environment(),
            "PROBE_LISTEN": f"127.0.0.1:{port}",
            "PROBE_STATUS_LISTEN": f"127.0.0.1:{public}",
            "PROBE_STATUS_TITLE": "PairCam status",
            "PROBE_CONFIG": str(folder / "probe.toml"),
            "PROBE_DATA": str(folder / "data"),
            "PROBE_REGION": "lax",
            "PROBE_REFERENCES": "",
            "ALERT_WEBHOOK_URL": hook,
            "ALERT_WEBHOOK_SECRET": "not-a-secret",
        }
    )


@asynccontextmanager
async def receiver() -> AsyncIterator[str]:
    """Takes the notifications of both."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


async def until_served(url: str) -> None:
    """Wait until a page answers."""
    async with asyncio.timeout(60), ClientSession() as client:
        while True:
            try:
                async with client.get(url) as answer:
                    if answer.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.2)


async def picture(chromium: Chromium, url: str, name: str) -> None:
    """The first screen of a page; Gatus' pages are made by a script, which takes a moment."""
    async with await chromium.tab() as tab:
        await tab.screen(1000, 800)
        await tab.open(url)
        await asyncio.sleep(3)
        height = await tab.evaluate("document.documentElement.scrollHeight")
        text = await tab.evaluate("document.body.innerText")
        (FOLDER / f"{name}.png").write_bytes(await tab.screenshot(whole=False))
        print(f"== {name}: {height} px high\n{text}\n", flush=True)


@asynccontextmanager
async def running(
    commands: dict[str, tuple[tuple[str, ...], dict[str, str]]], folder: Path
) -> AsyncIterator[None]:
    """Start the programs, each with a log of its name; print the log of one that has ended."""
    started: dict[str, asyncio.subprocess.Process] = {}
    try:
        for name, (command, variables) in commands.items():
            log = (folder / f"{name}.log").open("wb")
            started[name] = await asyncio.create_subprocess_exec(
                *command, env=variables, cwd=folder, stdout=log, stderr=log
            )
        yield
    finally:
        for name, process in started.items():
            if process.returncode is not None:
                print((folder / f"{name}.log").read_text()[-2000:], file=sys.stderr)
                continue
            process.terminate()
            await process.wait()


async def main() -> None:
    """Take the pictures, and print what the pages say."""
    program = shutil.which("gatus")
    if program is None:
        sys.exit("gatus is not on the PATH: go install github.com/TwiN/gatus/v5@latest")
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        gatus, probe, public = free_port(), free_port(), free_port()
        async with receiver() as hook, Lab() as lab, Chromium(folder, *FLAGS) as chromium:
            config = folder / "gatus.yaml"
            config.write_text(json.dumps(gatus_config(lab, folder, gatus, hook)), encoding="utf-8")
            commands: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
                "gatus": ((program,), environment({"GATUS_CONFIG_PATH": str(config)})),
                "probe": (
                    (sys.executable, "-m", "probe"),
                    probe_environment(lab, folder, probe, public, hook),
                ),
            }
            async with running(commands, folder):
                addresses = [f"http://127.0.0.1:{port}/" for port in (gatus, probe, public)]
                for each in addresses:
                    await until_served(each)
                await asyncio.sleep(BEFORE)
                lab.set_knob("backend.redis", "down")
                await asyncio.sleep(OUTAGE)
                await picture(chromium, addresses[0], "beside-gatus")
                await picture(
                    chromium, f"{addresses[0]}endpoints/backend_health", "beside-gatus-endpoint"
                )
                await picture(chromium, addresses[1], "beside-probe")
                await picture(chromium, addresses[2], "beside-probe-public")


if __name__ == "__main__":
    asyncio.run(main())
