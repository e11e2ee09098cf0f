"""A server of the Prometheus family in its own process: started, ready, ended."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import aiohttp

from tests.servers.ports import free_port

START_SECONDS = 60.0


class PrometheusServer(ABC):
    """``async with`` one: it listens at ``url`` and has answered ``/-/ready`` with 200."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.url = ""

    @abstractmethod
    def options(self) -> Sequence[str]:
        """The command line but for the address; called before the start."""

    async def __aenter__(self) -> Self:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            f"--web.listen-address=127.0.0.1:{port}",
            *self.options(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._is_ready():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        self._process.terminate()
        await self._process.wait()

    async def _is_ready(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False
