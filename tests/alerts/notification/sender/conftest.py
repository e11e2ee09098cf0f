"""What tests of the sender share."""

from collections.abc import AsyncIterator

import pytest

from alerts.outbox.outbox import Outbox


@pytest.fixture
async def outbox(leaks: None) -> AsyncIterator[Outbox]:
    """An outbox in memory."""
    outbox = await Outbox.open(None)
    yield outbox
    await outbox.close()
