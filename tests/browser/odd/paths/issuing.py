"""A backend of the lab that issues one TURN server as it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from probe.lab.backend import LabBackend
from probe.lab.tokens import Tokens
from tests.turn.bends import PASSWORD, USERNAME

JWT_SECRET = "a secret of thirty-two bytes or more"


class _Issuing(Tokens, frozen=True):
    def turn_credentials(self, device: str, now: float, state: str) -> tuple[str, str]:
        return USERNAME, PASSWORD


@asynccontextmanager
async def issuing(*turn_urls: str) -> AsyncIterator[str]:
    """Its address."""
    backend = LabBackend(jwt_secret=JWT_SECRET, turn_secret=JWT_SECRET, turn_urls=list(turn_urls))
    backend.tokens = _Issuing(JWT_SECRET, JWT_SECRET)
    backend.knobs.limits = False
    await backend.start()
    try:
        yield backend.url
    finally:
        await backend.stop()
