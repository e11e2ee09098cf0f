"""The HTTP session that engine.io gets from us, out of which every error comes as a cause.

It reports most errors as text, or drops them; so they are translated before it sees them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.http import FreshHttpClient, read_bounded
from probe.net.http_status import refusal_of_backend

BODY_LIMIT = 1_048_576
# How long the other side may take to answer our end of a WebSocket.
GOODBYE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Answer:
    """As much of an HTTP response as engine.io looks at."""

    status: int
    body: bytes

    async def read(self) -> bytes:
        """The body, which is here already."""
        return self.body


class EngineIoHttpSession:
    """Stands where engine.io expects its aiohttp session; ``socket`` is the last it opened."""

    def __init__(self, browser: FreshHttpClient, host: str) -> None:
        self._browser, self._host = browser, host
        self.socket: aiohttp.ClientWebSocketResponse | None = None
        browser.session.trace_configs.append(self._no_redirects())

    def _no_redirects(self) -> aiohttp.TraceConfig:
        """A browser's WebSocket follows none, and the token is for no other server."""

        async def refuse(_: object, __: object, params: aiohttp.TraceRequestRedirectParams) -> None:
            params.response.close()
            raise refused_request(params.response.status, self._host)

        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(refuse)
        trace.freeze()
        return trace

    @property
    def closed(self) -> bool:
        """Whether the session can't be used any more."""
        return self._browser.session.closed

    async def get(self, url: str, **options: Any) -> _Answer:
        """A GET; raises Stop for errors and any status but 200."""
        return await self._request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> _Answer:
        """A POST; raises Stop for errors and any status but 200."""
        return await self._request("POST", url, **options)

    async def _request(self, method: str, url: str, *, timeout: object, **options: Any) -> _Answer:
        """``timeout`` is engine.io's own; the check's deadline is the only one here."""
        with self._translating():
            async with self._browser.session.request(
                method, url, **self._browser.proxied(url), **options
            ) as response:
                if response.status != 200:
                    raise refused_request(response.status, self._host)
                return _Answer(response.status, await read_bounded(response, BODY_LIMIT))

    async def ws_connect(
        self, url: str, *, timeout: object, **options: Any
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket; raises Stop."""
        timeout = aiohttp.ClientWSTimeout(ws_close=GOODBYE_SECONDS)
        with self._translating():
            self.socket = await self._browser.session.ws_connect(
                url, timeout=timeout, **self._browser.proxied(url), **options
            )
        return self.socket

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except aiohttp.WSServerHandshakeError as error:
            raise refused_request(error.status, self._host) from None
        except (aiohttp.ClientError, OSError) as error:
            stop = self._browser.translate(error) or not_socketio(self._host)
            stop.phase = None  # the browser's phases are not those of a session
            raise stop from None


def refused_request(status: int, host: str) -> CheckAborted:
    """The cause behind a status that is neither 200 nor 101."""
    message = f"{host} answers the Socket.IO handshake with status {status}"
    stop = refusal_of_backend(status, message)
    if stop.cause is Cause.HTTP_STATUS and not (300 <= status < 400 or status >= 500):
        # Such as 404: whoever listens there is well, and no Socket.IO server.
        return CheckFailed(Cause.PROTOCOL_ERROR, message)
    return stop


def not_socketio(host: str) -> CheckAborted:
    """The other side says something else than it should."""
    return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} does not speak Socket.IO as it should")
