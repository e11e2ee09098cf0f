"""Requests to a stand-in for the backend, shared by tests of tokens and credentials."""

from collections.abc import Awaitable

import pytest
from aiohttp import web
from pydantic import SecretStr

from probe.core.context import Context
from probe.core.model import CheckAborted
from probe.paircam import Backend, backend_from


def backend(
    url: str,
    *,
    secret: str | None = None,
    context: Context | None = None,
    lifetime: float = 300,
    origin: str | None = None,
) -> Backend:
    """The backend at an address, as a check has it."""
    return backend_from(
        context or Context(),
        url=SecretStr(url),
        jwt_secret=SecretStr(secret) if secret else None,
        jwt_expiration=lifetime,
        origin=origin,
    )


def json_answer(content: object, status: int = 201) -> web.Response:
    """An answer of a stand-in's."""
    return web.json_response(content, status=status)


async def refused(asking: Awaitable[object]) -> CheckAborted:
    """How a request ended that has to fail."""
    with pytest.raises(CheckAborted) as caught:
        await asking
    return caught.value
