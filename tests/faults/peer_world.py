"""The probe, Gatus and Alertmanager, each with one failing page and one receiver."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from msgspec import Struct

from tests.faults.incident import CONFIG, PROBE
from tests.servers.ports import free_port

# For a start, and for each message, on a busy machine.
PATIENCE = 45.0
FIRING = frozenset({"firing", "TRIGGERED"})


class Program(Struct, frozen=True):
    """How a program is run: its command and configuration, given a world's addresses. ``fed``:
    somebody else sends it the alert; ``watches``: it finds a changed configuration by itself."""

    name: str
    page: str
    file: str
    command: Callable[["PeerWorld"], list[str]]
    configuration: Callable[["PeerWorld"], str]
    fed: bool = False
    watches: bool = False


@dataclass
class PeerWorld:
    """A target, a receiver, and the program between them; ``got`` is what was accepted."""

    program: Program
    folder: Path
    is_down: bool = False
    answers: int = 200
    got: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    url: str = ""
    stderr: int | None = None
    prefix: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.data.mkdir()
        self._accepted = asyncio.Event()
        self._running: list[asyncio.subprocess.Process] = []
        self._feeder: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Serve target and receiver, and write the configuration."""
        app = web.Application()
        app.router.add_route("*", "/target", self._target)
        app.router.add_route("*", "/hook", self._hook)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self.configure(self.program.configuration(self))

    def configure(self, text: str) -> None:
        """Write the configuration."""
        (self.folder / self.program.file).write_text(text, encoding="utf-8")

    async def start(self) -> asyncio.subprocess.Process:
        """Start the program, and wait until it answers, or gives up."""
        with (self.folder / "log").open("ab") as log:
            stderr = log if self.stderr is None else self.stderr
            process = await asyncio.create_subprocess_exec(
                *self.prefix,
                *self.program.command(self),
                cwd=self.folder,
                env=self._environment(),
                stdout=stderr,
                stderr=stderr,
            )
        self._running.append(process)
        if self.program.fed and self._feeder is None:
            self._feeder = asyncio.create_task(self._feed())
        end = time.monotonic() + PATIENCE
        while (  # noqa: ASYNC110 - a page is asked
            time.monotonic() < end and process.returncode is None and not await self.responds()
        ):
            await asyncio.sleep(0.2)
        return process

    async def responds(self) -> bool:
        """Whether its own page answers."""
        timeout = aiohttp.ClientTimeout(total=4)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self.port}{self.program.page}"),
            ):
                return True
        except (aiohttp.ClientError, OSError):
            return False

    async def until(self, word: str, count: int = 1, seconds: float = PATIENCE) -> bool:
        """Wait for so many messages of a kind (``firing``, ``resolved``); whether they came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.got.count(word) < count:
                    self._accepted.clear()
                    await self._accepted.wait()
        return self.got.count(word) >= count

    async def incident(self) -> None:
        """The target fails until that was sent, and recovers."""
        self.is_down = True
        await self.until("firing")
        self.is_down = False
        await self.until("resolved")

    async def close(self) -> None:
        """End everything."""
        if self._feeder is not None:
            self._feeder.cancel()
            await asyncio.gather(self._feeder, return_exceptions=True)
        for process in self._running:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()
        await self._runner.cleanup()

    def _environment(self) -> Mapping[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GATUS_CONFIG_PATH": str(self.folder / self.program.file),
            "PROBE_LISTEN": f"127.0.0.1:{self.port}",
            "PROBE_DATA": str(self.data),
            "ALERT_WEBHOOK_URL": f"{self.url}/hook",
            "ALERT_WEBHOOK_SECRET": "s" * 32,
        }

    async def _target(self, request: web.Request) -> web.Response:
        return web.Response(status=500 if self.is_down else 200)

    async def _hook(self, request: web.Request) -> web.Response:
        message = await request.json()
        word = message.get("occasion") or message.get("state") or message.get("status")
        if self.answers == 200 and "probe-itself" not in message.get("key", ""):
            self.got.append("firing" if word in FIRING else word.lower())
            self._accepted.set()
        return web.Response(status=self.answers)

    async def _feed(self) -> None:
        """What Prometheus would send: the alert while it fires, and its end."""
        fired, url = False, f"http://127.0.0.1:{self.port}/api/v2/alerts"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while True:
                if self.is_down or fired:
                    lasts = timedelta(seconds=60 if self.is_down else 0)
                    end = (datetime.now(UTC) + lasts).isoformat()
                    with suppress(aiohttp.ClientError, OSError):
                        alert = {"labels": {"alertname": "target"}, "endsAt": end}
                        async with session.post(url, json=[alert]):
                            fired = True
                await asyncio.sleep(1)


def _gatus(world: PeerWorld) -> str:
    alert = {"type": "custom", "failure-threshold": 2, "success-threshold": 2}
    page = {"name": "target", "url": f"{world.url}/target", "interval": "1s"}
    body = json.dumps({"state": "[ALERT_TRIGGERED_OR_RESOLVED]"})
    custom = {"url": f"{world.url}/hook", "method": "POST", "body": body}
    return json.dumps(
        {
            "storage": {"type": "sqlite", "path": str(world.data / "gatus.db")},
            "web": {"address": "127.0.0.1", "port": world.port},
            "alerting": {"custom": custom},
            "endpoints": [
                {
                    **page,
                    "conditions": ["[STATUS] == 200"],
                    "alerts": [{**alert, "send-on-resolved": True}],
                }
            ],
        }
    )


def _alertmanager(world: PeerWorld) -> str:
    hook = {"url": f"{world.url}/hook", "send_resolved": True}
    times = {"group_wait": "0s", "group_interval": "2s", "group_by": ["alertname"]}
    receivers = [{"name": "hook", "webhook_configs": [hook]}]
    return json.dumps({"route": {"receiver": "hook", **times}, "receivers": receivers})


def _alertmanager_command(world: PeerWorld) -> list[str]:
    return [
        "prometheus-alertmanager",
        f"--config.file={world.folder / world.program.file}",
        f"--storage.path={world.data}",
        f"--web.listen-address=127.0.0.1:{world.port}",
        "--cluster.listen-address=",
    ]


PROGRAMS = (
    Program(
        "probe",
        "/healthz",
        "probe.toml",
        lambda world: [str(PROBE)],
        lambda world: CONFIG.format(url=world.url),
    ),
    Program("gatus", "/health", "gatus.yaml", lambda world: ["gatus"], _gatus, watches=True),
    Program(
        "prometheus-alertmanager",
        "/-/healthy",
        "alertmanager.yaml",
        _alertmanager_command,
        _alertmanager,
        fed=True,
    ),
)
