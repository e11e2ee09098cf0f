"""What several files of this folder start with."""

from collections.abc import AsyncIterator

import pytest

from tests.clocks import Clock
from tests.kinds.telemetry.watched_app import (
    Watched,
    watched,
)


@pytest.fixture
async def lab() -> AsyncIterator[Watched]:
    async with watched(Clock(1000.0)) as found:
        found.backend.knobs.metrics = "filled"
        yield found
