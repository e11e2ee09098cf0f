"""What several files of this folder start with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probe.core.context import Context
from tests.kinds.turn.issued.issuer_account import Account
from tests.servers.providers.issuers import issuers
from tests.turn.turn_lab import TurnLab, turn_lab


@pytest.fixture
async def account(leaks: None, tmp_path: Path) -> AsyncIterator[Account]:
    async with turn_lab(tmp_path) as relay, issuers() as api:
        yield Account(relay, api)


@pytest.fixture
async def lab(leaks: None, tmp_path: Path) -> AsyncIterator[TurnLab]:
    async with turn_lab(tmp_path) as started:
        yield started


@pytest.fixture
def context() -> Context:
    return Context()
