"""What tests of the TURN server share."""

from collections.abc import AsyncIterator

import pytest

from probe.lab.turn.server import LabTurnServer
from tests.lab.turn.raw_turn import Clock, running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[LabTurnServer]:
    async with running(clock=clock) as server:
        yield server
