"""Brings an offer to another probe and its answer back: ``POST /peer``.

Whatever goes wrong here is no fault of the path that was to be measured, nor of the
application: the other probe could not be asked. So all of it is NotMeasured.
"""

import asyncio
from pathlib import Path

from msgspec import Struct
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, NotMeasured
from probe.ice.candidate import (
    MAX_BODY,
    SCHEMA,
    InvalidOffer,
    SchemaMismatch,
    SessionDescription,
    read,
    write,
)
from probe.net.http import fresh_client, read_bounded
from probe.net.protocol.exchange import HttpResponse
from probe.net.urls import show_host
from probe.untrusted.json_document import InvalidDocument, parse_json

PATH = "/peer"
OFFER_SECONDS = 10.0
"""The other side gathers meanwhile, which takes 5 s where its STUN server is silent."""
MAX_WORD = 200

_UPGRADE = "Deploy the same version of the probe on both sides."
_REFUSALS = {
    401: (Cause.AUTH_REJECTED, "refuses the token", "Set the same PROBE_PEER_TOKEN on both sides."),
    404: (Cause.HTTP_STATUS, "takes no calls", "Set PROBE_PEER_TOKEN there; is it a probe's port?"),
    409: (Cause.VERSION_MISMATCH, "is another version", _UPGRADE),
    413: (Cause.VERSION_MISMATCH, "finds the offer too long", _UPGRADE),
    400: (Cause.VERSION_MISMATCH, "does not understand the offer", _UPGRADE),
    429: (Cause.RATE_LIMITED, "accepts no more calls now", None),
}


class PeerClient(Struct, frozen=True):
    """One peer: base URL, token, and timeout of its answer in seconds."""

    url: str
    token: SecretStr
    ca_file: Path | None
    timeout: float = OFFER_SECONDS

    async def send_offer(self, offer: SessionDescription, context: Context) -> SessionDescription:
        """Its answer. Raises NotMeasured with the phase ``offer``."""
        host = show_host(self.url)
        try:
            async with asyncio.timeout(self.timeout):
                body = await self._post(write(offer), host, context)
            answer = read(body)
        except TimeoutError:
            message = f"{host} does not answer the offer within {self.timeout:g} s"
            raise NotMeasured(Cause.DEADLINE, message, phase="offer") from None
        except SchemaMismatch as error:
            message = f"{host} is version {error.version or 'unknown'}: {error}"
            raise _not_measured(Cause.VERSION_MISMATCH, message, _UPGRADE) from None
        except InvalidOffer as error:
            message = f"the answer of {host} is invalid: {error}"
            raise _not_measured(Cause.BODY_INVALID, message, None) from None
        except CheckAborted as error:
            raise _not_measured(error.cause, error.message, error.hint) from None
        if not answer.candidates:
            message = f"{host} has no address to be called at"
            raise _not_measured(Cause.NO_CANDIDATE, message, None)
        return answer

    async def _post(self, body: bytes, host: str, context: Context) -> bytes:
        headers = {
            "Authorization": f"Bearer {self.token.get_secret_value()}",
            "Content-Type": "application/json",
        }
        address = self.url.rstrip("/") + PATH
        async with (
            fresh_client(ca_file=self.ca_file, clock=context.clock, host=host) as browser,
            browser.request("POST", address, headers=headers, body=body) as response,
        ):
            if response.status != 200:
                raise await _refusal(response, host)
            return await read_bounded(response, MAX_BODY)


async def _refusal(response: HttpResponse, host: str) -> NotMeasured:
    what = (Cause.HTTP_STATUS, "does not accept the offer", None)
    cause, phrase, hint = _REFUSALS.get(response.status, what)
    message = f"{host} {phrase} ({response.status})"
    if response.status == 409:
        body = await read_bounded(response, MAX_BODY)
        text = _detail(body)[:MAX_WORD].strip()
        message += f": {text}" if text.isprintable() else ""
        message += f"; this probe uses schema {SCHEMA}"
    pause = response.headers.get("Retry-After", "")
    if pause.isdigit() and len(pause) < 6:
        message += f"; it asks to retry after {pause} s"
    return _not_measured(cause, message, hint)


def _detail(body: bytes) -> str:
    """What a refusal says: the detail of a problem (RFC 9457), or the text of an older version."""
    try:
        document = parse_json(body)
    except InvalidDocument:
        document = None
    detail = document.get("detail") if isinstance(document, dict) else None
    return detail if isinstance(detail, str) else body.decode("ascii", "replace")


def _not_measured(cause: Cause, message: str, hint: str | None) -> NotMeasured:
    return NotMeasured(cause, message, phase="offer", hint=hint)
