"""What tests of loads share."""

from collections.abc import AsyncIterator

import pytest

from probe.lab import Lab


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab() as running:
        running.backend.knobs.limits = False
        yield running
