"""A real daemon goes through an incident while system calls of it fail, and through lives that
kill -9 ends: it triggers once, resolves once, and lives on."""

import os
from pathlib import Path

import pytest

from tests.faults.cases import Case, all_cases
from tests.faults.incident import STRACE, play
from tests.faults.kills import all_rounds

SHORT = [
    Case("openat", "EMFILE", 1),
    Case("pwrite64", "ENOSPC", 1, lasts=True),
    Case("fdatasync", "EIO", 1, lasts=True),
    Case("socket", "EMFILE", 1, lasts=True),
]
can_inject = pytest.mark.skipif(
    STRACE is None or os.geteuid() != 0, reason="needs strace and root to make calls fail"
)


async def _check(case: Case, folder: Path) -> None:
    outcome = await play(case, folder)
    assert outcome.is_clean, f"{case}: {outcome}\n{(folder / 'log').read_text()[-2000:]}"


@can_inject
@pytest.mark.proof
@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", SHORT, ids=str)
async def test_an_incident_while_calls_fail(case: Case, tmp_path: Path) -> None:
    await _check(case, tmp_path)


@can_inject
@pytest.mark.nightly
@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", all_cases(), ids=str)
async def test_an_incident_while_any_call_fails(case: Case, tmp_path: Path) -> None:
    await _check(case, tmp_path)


@pytest.mark.nightly
@pytest.mark.timeout(5400)
async def test_two_hundred_kills_lose_double_and_leave_nothing() -> None:
    tally = await all_rounds(200, workers=4, seed=1)
    assert tally.is_clean, str(tally)
    assert tally.certain > 10
