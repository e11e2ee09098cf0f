"""What is missing is told, and what is left behind is seen."""

import asyncio
import socket

import pytest

from tests import requirements
from tests.leaks import Footprint, left_behind


async def test_a_task_and_a_socket_left_behind_are_seen() -> None:
    before = Footprint.now()
    task = asyncio.create_task(asyncio.Event().wait(), name="forgotten")
    with socket.socket():
        grown = await left_behind(before, grace=0)
    task.cancel()
    assert [line.split()[0] for line in grown] == ["descriptor", "task"]
    assert await left_behind(before) == []


@pytest.mark.parametrize(("ci", "outcome"), [("", "Skipped"), ("true", "Failed")])
def test_a_missing_part_skips_and_in_ci_fails(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: str
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(BaseException, match=r"missing: radio .*make parts") as raised:
        requirements.program("no-such-program", part="radio")
    assert raised.typename == outcome


def test_the_end_of_a_run_names_what_was_missing_and_the_remedy() -> None:
    reasons = ["Skipped: real part missing: coturn (no program turnserver)", "Skipped: slow"]
    assert requirements.summary(requirements.count_missing(reasons)) == [
        "coturn: 1 test(s) did not run",
        "to run them: make parts, and start the tests again",
    ]
    assert requirements.summary(requirements.count_missing(["Skipped: slow"])) == []
