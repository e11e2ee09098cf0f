"""The real Alertmanager, from Debian's package."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests import requirements
from tests.servers.ports import free_port

CONFIG = """
route:
  receiver: nobody
  group_by: [check]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: nobody
    webhook_configs:
      - url: "{webhook}"
        send_resolved: true
"""
START_SECONDS = 60.0


class Alertmanager:
    """``async with Alertmanager(folder, webhook=URL) as server``: one that answers."""

    def __init__(
        self, folder: Path, *, webhook: str, config: str = CONFIG, cluster: Sequence[str] = ()
    ) -> None:
        """``cluster`` are options that make it a member of one; without them it is alone."""
        self._cluster = cluster or ("--cluster.listen-address=",)
        self._program = requirements.program("prometheus-alertmanager", part="alertmanager")
        self._folder, self._text = folder, config.replace("{webhook}", webhook)
        self.url = ""

    async def __aenter__(self) -> Self:
        config = self._folder / "alertmanager.yml"
        config.write_text(self._text)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            f"--config.file={config}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            *self._cluster,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._is_ready():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await self._process.wait()

    async def alerts(self) -> list[dict[str, Any]]:
        """What is active there."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/api/v2/alerts", params={"active": "true"}) as response,
        ):
            found: list[dict[str, Any]] = json.loads(await response.text())
            return found

    async def _is_ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.url}/-/ready") as response,
            ):
                return response.status == 200
        except aiohttp.ClientError:
            return False
