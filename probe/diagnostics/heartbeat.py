"""The dead man's switch: an address that hears from us as long as we are well, and raises
the alarm when it doesn't (healthchecks.io, Cronitor, an Uptime Kuma push monitor)."""

import asyncio
import logging
import time
from collections.abc import Callable

from pydantic import SecretStr

from probe.core.model import CheckAborted
from probe.net.urls import show_host

logger = logging.getLogger(__name__)


class Heartbeat:
    """Calls its address; without one it does nothing. No method raises.

    ``timeout`` is for one call, ``pause`` is before the only repetition, both in seconds.
    ``now`` is the wall clock in seconds since 1970, in which ``last_success`` is given (None
    before the first). ``failures`` counts beats that failed since the start. ``problem``
    says why the last one failed, empty if it didn't; it shows no more of the address than
    its host, for the path is the secret.
    """

    def __init__(
        self,
        url: SecretStr | str | None,
        *,
        timeout: float = 10.0,
        pause: float = 2.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = url.get_secret_value() if isinstance(url, SecretStr) else url or ""
        self._host = show_host(self._url)
        self._timeout, self._pause = timeout, pause
        self._now = now
        self._beating = False
        self.last_success: float | None = None
        self.failures = 0
        self.problem = ""

    @property
    def is_configured(self) -> bool:
        """Whether there is an address to call."""
        return bool(self._url)

    async def beat(self) -> None:
        """Call the address, twice if need be; returns at once while another beat is on."""
        if not self._url or self._beating:
            return
        self._beating = True
        try:
            problem = await self._call()
            if problem:
                await asyncio.sleep(self._pause)
                problem = await self._call()
            self._take(problem)
        finally:
            self._beating = False

    async def _call(self) -> str:
        """Why a call was in vain; empty if it wasn't."""
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._status()
        except CheckAborted as stop:
            return stop.message
        except TimeoutError:
            return f"no answer from {self._host} within {self._timeout:g} s"
        except Exception as error:  # a text of a library's may carry the address
            return f"{type(error).__name__} while calling {self._host}"
        if 300 <= status < 400:
            return f"{self._host} answers {status}: redirects are not followed"
        return "" if 200 <= status < 300 else f"{self._host} answers {status}"

    async def _status(self) -> int:
        from probe.net.http import fresh_client  # aiohttp takes its time to load

        browser = fresh_client(ca_file=None, clock=time.monotonic, host=self._host)
        async with browser as client, client.open(self._url) as page:
            return page.response.status

    def _take(self, problem: str) -> None:
        was, self.problem = self.problem, problem
        if problem:
            self.failures += 1
        else:
            self.last_success = self._now()
        if problem and not was:
            logger.warning("heartbeat not delivered: %s", problem)
        elif was and not problem:
            logger.info("heartbeats are delivered again")
