"""What tests of calls share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.turn.turn_lab import TurnLab, turn_lab


@pytest.fixture
async def lab(leaks: None, tmp_path: Path) -> AsyncIterator[TurnLab]:
    async with turn_lab(tmp_path) as started:
        yield started
