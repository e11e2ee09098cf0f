"""Metered's account of a TURN plan, over its REST API.

https://www.metered.ca/docs/turn-rest-api/get-current-usage
"""

import asyncio
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, NotMeasured
from probe.net.http import fresh_client
from probe.net.http_status import status_error
from probe.net.urls import show_host
from probe.untrusted.json_document import InvalidDocument, parse_json

PATH = "/api/v1/turn/current_usage"
GB = 1e9
_MAX_BYTES = 1 << 16
# Of the deadline: what comes later is no answer, and no fault of the TURN servers either.
_TIMEOUT_SHARE = 0.9


class Usage(Struct, frozen=True):
    """Of the present billing cycle, in bytes: what the plan holds, and what has been used
    within it and beyond it."""

    quota: float
    used: float
    overage: float


async def fetch_usage(
    base: str, secret_key: str, context: Context, *, ca_file: Path | None, deadline: float
) -> Usage:
    """One request. Raises NotMeasured for whatever comes instead of an answer: that says
    nothing about the quota, nor about the relays."""
    host = show_host(base)
    try:
        async with asyncio.timeout(deadline * _TIMEOUT_SHARE):
            return parse(await _get(base, secret_key, context, ca_file), host)
    except TimeoutError:
        raise NotMeasured(Cause.DEADLINE, f"no answer from {host} in time") from None
    except CheckAborted as aborted:
        # The address that was asked has the key in it: no cause is chained.
        raise NotMeasured(
            aborted.cause, aborted.message, phase=aborted.phase, hint=aborted.hint
        ) from None


async def _get(base: str, secret_key: str, context: Context, ca_file: Path | None) -> bytes:
    from yarl import URL

    address = str(URL(base + PATH).with_query(secretKey=secret_key))
    host = show_host(base)
    async with (
        fresh_client(ca_file=ca_file, clock=context.clock, host=host) as browser,
        browser.open(address) as page,
    ):
        status = page.response.status
        if status != 200:
            raise status_error(status, f"{host} answers {status}", phase="status", credential=True)
        return await browser.read(page, _MAX_BYTES)


def parse(body: bytes, host: str) -> Usage:
    """The account in an answer. Raises NotMeasured(body_invalid) where there is none."""
    try:
        document = parse_json(body, max_bytes=_MAX_BYTES)
    except InvalidDocument as error:
        raise _no_account(f"{host} answers no JSON: {error}") from None
    if not isinstance(document, dict):
        raise _no_account(f"{host} answers without quota and usage")
    quota, used = _bytes(document, "quotaInGB"), _bytes(document, "usageInGB")
    if quota is None or used is None or quota <= 0:
        raise _no_account(f"{host} answers without quota and usage")
    return Usage(quota, used, _bytes(document, "overageInGB") or 0.0)


def _bytes(document: Mapping[str, Any], name: str) -> float | None:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value * GB if math.isfinite(value) and value >= 0 else None


def _no_account(message: str) -> NotMeasured:
    return NotMeasured(Cause.BODY_INVALID, message, phase="body")
