"""What tests of single checks share."""

from collections.abc import AsyncIterator

import pytest

from probe.lab import Lab


@pytest.fixture
async def lab(leaks: None) -> AsyncIterator[Lab]:
    async with Lab() as started:
        yield started
