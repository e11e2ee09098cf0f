"""What tests of Slack share."""

from collections.abc import AsyncIterator

import pytest

from tests.servers.receivers.slack import SlackApi


@pytest.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi("t0ken") as service:
        yield service
