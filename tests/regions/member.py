"""One member of the cluster: a real daemon in its namespace."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.command import environment
from tests.regions.network import RECEIVERS, Place

TOKEN = "0f-all-the-pr0bes-here"
PORT = 9091
REGIONS = ("lax", "fra", "nrt", "gru", "syd", "iad", "ams")
ASK = {"schema": 1, "asks": []}


class Member:
    """``options`` are more variables of its environment, ``prefix`` the command before it,
    ``arguments`` its own."""

    def __init__(self, place: Place, region: str, folder: Path, config: str, peers: str) -> None:
        self.place, self.region, self.folder = place, region, folder
        self.address, self.config = place.address, config
        self.options: dict[str, str] = {"PROBE_PEERS": peers, "PROBE_REGION": region}
        self.prefix: Sequence[str] = ()
        self.arguments: Sequence[str] = ("--only", "http")
        self.process: asyncio.subprocess.Process | None = None
        folder.mkdir(parents=True)

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int:
        """The process; it has to run."""
        assert self.process is not None
        return self.process.pid

    async def start(self, **options: str) -> None:
        """Start the daemon with what it kept."""
        (self.folder / "probe.toml").write_text(self.config)
        receivers = f"http://{RECEIVERS}:9000"
        variables = {
            "PROBE_DATA": str(self.folder / "data"),
            "PROBE_LISTEN": f"{self.address}:{PORT}",
            "PROBE_PEER_TOKEN": TOKEN,
            "PAGERDUTY_ROUTING_KEY": "K" * 32,
            "PAGERDUTY_EVENTS_URL": f"{receivers}/pd",
            "ALERT_WEBHOOK_URL": f"{receivers}/hook",
            "ALERT_WEBHOOK_SECRET": "s" * 32,
            "SLACK_WEBHOOK": f"{receivers}/slack",
            "ALERTMANAGER_URLS": f"{receivers}/am",
        }
        variables |= self.options | options
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(*self.place.prefix, *self.prefix, sys.executable, "-m", "probe", *self.arguments),
                cwd=self.folder,
                env=environment(variables) | {"PYTHONPATH": os.getcwd()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        if self.runs:
            os.kill(self.pid, number)

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, and wait until it is gone."""
        self.send(number)
        if self.process is not None:
            await self.process.wait()

    async def stop(self) -> None:
        """End it in order, and by force if that takes long; also if it is suspended."""
        if not self.runs or self.process is None:
            return
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                await self.process.wait()
        await self.kill()

    def wipe(self) -> None:
        """Lose everything that it has kept."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    async def is_ready(self) -> bool:
        """Whether its first round is over."""
        try:
            return (await self._request("GET", "/readyz"))[0] == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def answer(self) -> dict[str, Any]:
        """What it answers another member; empty if it doesn't."""
        try:
            status, text = await self._request("POST", "/peer/verdicts", ASK)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return {}
        found: dict[str, Any] = json.loads(text) if status == 200 else {}
        return found

    async def metrics(self) -> Mapping[str, float]:
        """Its samples by name and labels; empty if it doesn't answer."""
        try:
            _, text = await self._request("GET", "/metrics")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return {}
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line[:1] not in ("", "#")]
        return {name: float(value) for name, value in lines}

    def cpu(self) -> float:
        """Seconds of CPU that it has used so far."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident megabytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def log(self) -> str:
        """Everything that it has logged."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def _request(self, method: str, path: str, document: Any = None) -> tuple[int, str]:
        timeout = aiohttp.ClientTimeout(total=5)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(
                method, f"http://{self.address}:{PORT}{path}", json=document
            ) as response,
        ):
            return response.status, await response.text()
