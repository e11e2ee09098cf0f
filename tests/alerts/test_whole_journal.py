"""The journal of open incidents is there: whatever became of the database, nothing is unknown."""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from alerts.model import MessageType
from alerts.outbox.schema import FILE
from probe.core.causes import Cause
from probe.core.model import Status
from tests.alerts.services import Service
from tests.alerts.test_reconciliation import CLOCKS, life, until
from tests.fake_kind import result_of, toy


def _locked(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    return database


def _is_over(rounds: Iterator[int]) -> bool:
    return next(rounds) == 9


async def test_a_restart_after_a_life_without_an_incident_says_nothing(tmp_path: Path) -> None:
    chat = Service("chat")
    for ran_before in (False, True, True):
        async with life(tmp_path, {"chat": chat}, ran_before=ran_before) as manager:
            rounds = itertools.count()
            await until(manager, partial(_is_over, rounds), a=Status.OK)
            assert manager.left_open == ""
    assert not chat.received


@pytest.mark.parametrize("spoil", [_locked, Path.unlink])
async def test_without_the_database_nothing_is_unknown_beside_a_whole_journal(
    tmp_path: Path, spoil: Callable[[Path], sqlite3.Connection | None]
) -> None:
    chat = Service("chat")
    async with life(tmp_path, {"chat": chat}) as first:
        await until(first, lambda: chat.received, a=Status.FAILED)
    lock = spoil(tmp_path / FILE)
    async with life(tmp_path, {"chat": chat}, ran_before=True) as second:
        await until(second, lambda: len(chat.received) > 1, a=Status.OK)
        assert second.left_open == ""
    if lock is not None:
        lock.close()
    occasions = [each.occasion for each in chat.received]
    assert occasions == [MessageType.FIRING, MessageType.RESOLVED]


async def test_what_a_target_says_of_itself_later_is_no_news_after_a_recovery(
    tmp_path: Path,
) -> None:
    chat = Service("chat")
    async with life(tmp_path, {"chat": chat}) as first:
        await until(first, lambda: chat.received, a=Status.FAILED)
    (tmp_path / FILE).unlink()
    rounds = itertools.count()
    async with life(tmp_path, {"chat": chat}, ran_before=True) as second:
        async with asyncio.timeout(60):
            while next(rounds) < 20:
                result = result_of("a", Status.FAILED, Cause.SERVICE_DOWN)
                second.handle_result(toy("a", interval=10.0), result, (), backed_up=False)
                second.first_round_done()
                CLOCKS[second].pass_(3.0)
                await asyncio.sleep(0.05)
    assert [each.occasion for each in chat.received] == [MessageType.FIRING]
