"""TURN servers and credentials from Metered's REST API.

https://www.metered.ca/docs/turn-rest-api/get-credential: ``GET /api/v1/turn/credentials``
with the key in the query returns what a browser's ``iceServers`` takes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.http import fresh_client, read_bounded
from probe.net.http_status import status_error
from probe.net.urls import show_host
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri, parse_url_list
from probe.untrusted.json_document import InvalidDocument, parse_json

PATH = "/api/v1/turn/credentials"
KEPT_SECONDS = 900.0
"""How long an answer is used: a page that is loaded asks anew, a monitor needn't."""

_MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class IceServer:
    """One server by one transport, and its credentials."""

    url: TurnUri
    credentials: TurnCredentials


class MeteredServers:
    """The servers of one account, shared by all checks of a process.

    Checks that ask at the same time share one answer.
    """

    def __init__(self, url: SecretStr, api_key: SecretStr, context: Context) -> None:
        self._url, self._api_key, self._context = url, api_key, context
        self._lock = asyncio.Lock()
        self._kept: Sequence[IceServer] = ()
        self._until = 0.0

    async def get(self, ca_file: Path | None, limit: float) -> Sequence[IceServer]:
        """The servers, in the answer's order, within ``limit`` seconds.

        Raises NotMeasured for an API that doesn't answer or takes another key: that says
        nothing of the relays. Raises CheckFailed for an answer that no browser could use.
        """
        async with self._lock:
            if not self._kept or self._context.clock() >= self._until:
                self._kept = await self._ask_in_time(ca_file, limit)
                self._until = self._context.clock() + KEPT_SECONDS
            return self._kept

    def forget(self) -> None:
        """The credentials were refused: the next one asks anew."""
        self._until = 0.0

    async def _ask_in_time(self, ca_file: Path | None, limit: float) -> Sequence[IceServer]:
        try:
            async with asyncio.timeout(limit):
                return await self._ask(ca_file)
        except TimeoutError:
            host = show_host(self._url.get_secret_value())
            message = f"no answer from {host} within {limit:g} s"
            raise NotMeasured(Cause.DEADLINE, message) from None

    async def _ask(self, ca_file: Path | None) -> Sequence[IceServer]:
        from yarl import URL

        base = self._url.get_secret_value()
        host = show_host(base)
        address = URL(base + PATH).with_query(apiKey=self._api_key.get_secret_value())
        try:
            async with (
                fresh_client(ca_file=ca_file, clock=self._context.clock, host=host) as browser,
                # A redirect would show the key elsewhere.
                browser.request("GET", address) as response,
            ):
                if response.status != 200:
                    raise status_error(
                        response.status, f"{host} answers {response.status}", credential=True
                    )
                body = await read_bounded(response, _MOST_BYTES)
        except CheckAborted as aborted:
            # The address that was asked has the key in it: no cause is chained.
            raise NotMeasured(aborted.cause, aborted.message, hint=aborted.hint) from None
        return parse(body, host)


def parse(body: bytes, host: str) -> Sequence[IceServer]:
    """The TURN servers in an answer; ``stun:`` ones are left out.

    Raises CheckFailed(body_invalid) for what is no such answer, CheckFailed(
    credentials_missing) where it names no TURN server.
    """
    try:
        document = parse_json(body, max_bytes=_MOST_BYTES)
    except InvalidDocument as error:
        raise CheckFailed(Cause.BODY_INVALID, f"{host} answers no JSON: {error}") from None
    if not isinstance(document, list) or not all(isinstance(each, dict) for each in document):
        raise CheckFailed(Cause.BODY_INVALID, f"{host} answers without a list of servers")
    servers = [server for entry in document for server in _servers(entry, host)]
    if not servers:
        raise CheckFailed(Cause.CREDENTIALS_MISSING, f"{host} names no turn: or turns: server")
    return servers


def _servers(entry: Mapping[str, Any], host: str) -> Sequence[IceServer]:
    urls = entry.get("urls", entry.get("url"))
    urls = [urls] if isinstance(urls, str) else urls
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise CheckFailed(Cause.BODY_INVALID, f"{host} answers with a server without URL")
    try:
        found = parse_url_list(" ".join(urls)).urls
    except ValueError as error:
        message = f"{host} answers with a URL that no browser takes: {error}"
        raise CheckFailed(Cause.BODY_INVALID, message) from None
    username, password = entry.get("username"), entry.get("credential")
    if not found:
        return ()
    if not isinstance(username, str) or not isinstance(password, str):
        message = f"{host} answers with a TURN server without user name or credential"
        raise CheckFailed(Cause.CREDENTIALS_MISSING, message)
    login = TurnCredentials(username, SecretStr(password))
    return [IceServer(url, login) for url in found]
