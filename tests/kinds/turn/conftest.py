"""What several files of this folder start with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kinds.turn.issued.issuer_account import Account
from tests.servers.providers.issuers import issuers
from tests.turn.turn_lab import turn_lab


@pytest.fixture
async def account(leaks: None, tmp_path: Path) -> AsyncIterator[Account]:
    async with turn_lab(tmp_path) as relay, issuers() as api:
        yield Account(relay, api)
