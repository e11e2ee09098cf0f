"""TURN servers and credentials from an issuer's API, kept for as long as they may be used."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.http import fresh_client, read_bounded
from probe.net.http_status import status_error
from probe.net.protocol.exchange import HttpResponse
from probe.net.urls import show_host
from probe.turn_targets.issuers import ISSUERS
from probe.turn_targets.issuers.account import Issuer, IssuerAccount
from probe.turn_targets.issuers.ice_servers import IceServer, IssuedList
from probe.untrusted.json_document import InvalidDocument, parse_json

KEPT_SECONDS = 900.0
"""How long an answer is used at most: a page that is loaded asks anew, a monitor needn't."""
PAUSE_SECONDS = 60.0
"""How long an API that answers 429 is left alone, where it doesn't say how long."""

_MAX_BYTES = 1 << 16
# Of the credentials' lifetime, so that they outlive a run that has just taken them.
_KEPT_SHARE = 0.5


class IssuedServers:
    """The servers of one account, shared by all checks of a process.

    Checks that ask at the same time share one answer.
    """

    def __init__(self, issuer: Issuer, account: IssuerAccount, context: Context) -> None:
        self._issuer, self._account, self._context = issuer, account, context
        self._host = show_host(account.base)
        self._lock = asyncio.Lock()
        self._kept: Sequence[IceServer] = ()
        self._until = 0.0
        self._paused_until = 0.0

    async def get(self, ca_file: Path | None, limit: float) -> Sequence[IceServer]:
        """The servers, in the answer's order, within ``limit`` seconds.

        Raises NotMeasured for an API that doesn't answer or takes another key: that says
        nothing of the relays. Raises CheckFailed for an answer that no browser could use.
        """
        async with self._lock:
            if not self._kept or self._context.clock() >= self._until:
                self._raise_if_paused()
                found = await self._request_in_time(ca_file, limit)
                lifetime = KEPT_SECONDS if found.ttl is None else _KEPT_SHARE * found.ttl
                self._kept = found.servers
                self._until = self._context.clock() + min(KEPT_SECONDS, lifetime)
            return self._kept

    def forget(self) -> None:
        """The credentials were refused: the next one asks anew."""
        self._until = 0.0

    def _raise_if_paused(self) -> None:
        left = self._paused_until - self._context.clock()
        if left > 0:
            message = f"{self._host} answered 429 and is asked again in {left:.0f} s"
            raise NotMeasured(Cause.RATE_LIMITED, message)

    async def _request_in_time(self, ca_file: Path | None, limit: float) -> IssuedList:
        try:
            async with asyncio.timeout(limit):
                return await self._request(ca_file)
        except TimeoutError:
            message = f"no answer from {self._host} within {limit:g} s"
            raise NotMeasured(Cause.DEADLINE, message) from None

    async def _request(self, ca_file: Path | None) -> IssuedList:
        from yarl import URL

        request, host = self._issuer.request(self._account), self._host
        address = URL(self._account.base + request.path).with_query(dict(request.query))
        try:
            async with (
                fresh_client(ca_file=ca_file, clock=self._context.clock, host=host) as browser,
                # A redirect would show the key elsewhere.
                browser.request(
                    request.method,
                    address,
                    headers=request.headers,
                    body=request.body,
                    json=request.json,
                ) as response,
            ):
                self._raise_for_status(response)
                body = await read_bounded(response, _MAX_BYTES)
        except CheckAborted as aborted:
            # The address that was asked has the key in it: no cause is chained.
            raise NotMeasured(aborted.cause, aborted.message, hint=aborted.hint) from None
        return parse(self._issuer, body, host)

    def _raise_for_status(self, response: HttpResponse) -> None:
        status = response.status
        if status in (HTTPStatus.OK, HTTPStatus.CREATED):
            return
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            text = response.headers.get("Retry-After", "").strip()
            wait = float(text) if text.isascii() and text.isdigit() else PAUSE_SECONDS
            self._paused_until = self._context.clock() + min(wait, KEPT_SECONDS)
        error = status_error(status, f"{self._host} answers {status}", credential=True)
        if error.cause is Cause.AUTH_REJECTED:
            error.hint = self._issuer.remedy
        raise error


def parse(issuer: Issuer, body: bytes, host: str) -> IssuedList:
    """What an answer names.

    Raises CheckFailed(body_invalid) for what is no such answer, CheckFailed(
    credentials_missing) where it names no TURN server; NotMeasured for a refusal in its text.
    """
    try:
        document = parse_json(body, max_bytes=_MAX_BYTES)
    except InvalidDocument as error:
        raise CheckFailed(Cause.BODY_INVALID, f"{host} answers no JSON: {error}") from None
    return issuer.read(document, host)


def issued_by(name: str, account: IssuerAccount, context: Context) -> IssuedServers:
    """The servers of an account, the same for every check of the process."""
    key = ("issued servers", name, account.base, account.account, account.channel)
    secret = account.key.get_secret_value()
    return context.get_or_create(
        (*key, secret), lambda: IssuedServers(ISSUERS[name], account, context)
    )
