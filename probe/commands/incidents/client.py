"""The API of a daemon, from the command line."""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import click
from msgspec import Struct
from pydantic import SecretStr

from probe.config.probe_environment import ProbeEnvironment
from probe.exit_codes import OUTPUT_ERROR, USAGE_ERROR
from probe.net.fetch.failure import reason_of
from probe.net.flow.capped_socket import capped_connector
from probe.net.proxies import options_for
from probe.net.urls import show_host

TIMEOUT_SECONDS = 15.0
BASE = "/api/v1"
MAX_BYTES = 32 << 20


class ClientError(Exception):
    """The daemon gives no usable answer; the text says why and what to do. ``refused``: the
    request is invalid; ``is_absent``: nothing answers there."""

    def __init__(self, message: str, *, refused: bool = False, is_absent: bool = False) -> None:
        super().__init__(message)
        self.refused, self.is_absent = refused, is_absent


def print_client_error(error: ClientError) -> int:
    """Print it on stderr; the exit code of the command."""
    click.echo(f"probe: {error}", err=True)
    return USAGE_ERROR if error.refused else OUTPUT_ERROR


class DaemonAnswer(Struct, frozen=True):
    """What a daemon has answered, whatever the status."""

    status: int
    content_type: str
    text: str


class ProbeClient(Struct, frozen=True):
    """``url`` is that of the daemon's pages; ``login`` is sent where there is no ``token``."""

    url: str
    token: SecretStr | None
    login: tuple[str, SecretStr] | None = None

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON of a path below the API's. Raises ClientError."""
        return json.loads(await self._request("GET", path, query=query))

    async def text(self, path: str) -> str:
        """The text of a path. Raises ClientError."""
        return await self._request("GET", path)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Add something; the JSON that answers. Raises ClientError."""
        return json.loads(await self._request("POST", path, body=body))

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> str:
        answer = await exchange(
            method, self.url, BASE + path, self._headers(), query=query, body=body
        )
        if answer.status in (200, 201):
            return answer.text
        raise _refusal(show_host(self.url), answer)

    def _headers(self) -> Mapping[str, str]:
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token.get_secret_value()}"}
        if self.login is not None:
            user, password = self.login
            login = f"{user}:{password.get_secret_value()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(login).decode()}"}
        return {}


async def exchange(
    method: str,
    url: str,
    path: str,
    headers: Mapping[str, str],
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    timeout: float = TIMEOUT_SECONDS,
    most: int = MAX_BYTES,
) -> DaemonAnswer:
    """One request to the daemon at ``url``, which has ``timeout`` seconds and ``most`` bytes for
    its answer. Raises ClientError if none answers."""
    from probe.net.flow.aiohttp_import import aiohttp

    host, address = show_host(url), url.rstrip("/") + path
    total = aiohttp.ClientTimeout(total=timeout)
    try:
        async with (
            aiohttp.ClientSession(connector=capped_connector(most), timeout=total) as session,
            session.request(
                method,
                address,
                params=query,
                json=body,
                headers=headers,
                allow_redirects=False,
                **options_for(address),
            ) as response,
        ):
            found = bytearray()
            while more := await response.content.read(most):
                found += more
                if len(found) > most:
                    raise ClientError(f"{host} answers with more than {most} bytes")
            text = found.decode("utf-8", "replace")
            return DaemonAnswer(response.status, response.content_type, text)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        reason = f"no probe answers at {host}: {reason_of(error)}; is the daemon running there?"
        raise ClientError(reason, is_absent=True) from None


def client_for(own: ProbeEnvironment, url: str) -> ProbeClient:
    """The daemon at ``url``, or this machine's."""
    port = own.listen.rpartition(":")[2]
    login = None
    if own.web_user is not None and own.web_password is not None:
        login = (own.web_user, own.web_password)
    return ProbeClient(url or f"http://127.0.0.1:{port}", own.api_token or own.web_token, login)


async def either(
    first: Callable[[], Awaitable[int]], otherwise: Callable[[], Awaitable[int]] | None
) -> int:
    """What the daemon gives; where none answers, what the other way does."""
    try:
        return await first()
    except ClientError as error:
        if not error.is_absent or otherwise is None:
            raise
        return await otherwise()


def _refusal(host: str, answer: DaemonAnswer) -> ClientError:
    status, detail = answer.status, ""
    if answer.content_type == "application/problem+json":
        with suppress(ValueError):
            found = json.loads(answer.text)
            errors = [each for each in found.get("errors", ()) if isinstance(each, str)]
            detail = ": " + "; ".join([str(found.get("detail", "")), *errors])
    if status == 401:
        detail = ": set PROBE_API_TOKEN to the daemon's own (or PROBE_WEB_TOKEN)"
    if status == 404 and not detail:
        detail = ": it has no API; is it a probe of this version?"
    return ClientError(f"{host} answers {status}{detail}", refused=status in (400, 404, 413, 415))
