"""What tests of the TURN report share."""

from collections.abc import AsyncIterator

import pytest

from tests.turn.bent_server import BentServer, bent_server


@pytest.fixture
async def server() -> AsyncIterator[BentServer]:
    async with bent_server() as started:
        yield started
