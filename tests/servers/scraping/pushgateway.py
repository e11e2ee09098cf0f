"""The real Pushgateway, from Debian's package."""

import asyncio
from typing import Self

import aiohttp

from tests import requirements
from tests.servers.ports import free_port

START_SECONDS = 60.0


class Pushgateway:
    """``async with Pushgateway() as server``: one that takes metrics."""

    def __init__(self) -> None:
        self._program = requirements.program("prometheus-pushgateway", part="pushgateway")
        self.url = ""

    async def __aenter__(self) -> Self:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            f"--web.listen-address=127.0.0.1:{port}",
            "--persistence.file=",  # Debian's keeps what other runs pushed
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._is_ready():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        await self._session.close()
        self._process.terminate()
        await self._process.wait()

    async def metrics(self) -> list[str]:
        """The lines that it holds."""
        async with self._session.get(f"{self.url}/metrics") as response:
            return (await response.text()).splitlines()

    async def _is_ready(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False
