"""The outbox: what it is given is there again, whatever becomes of process, disk and file."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alerts.outbox.outbox import Outbox
from alerts.outbox.queries import MAX_REFUSED
from alerts.outbox.schema import FILE
from tests.alerts.services import reopened, stored, titles
from tests.alerts.words import (
    RESOLVED,
    a_delivery,
    a_silence,
)


@pytest.fixture
async def outbox(leaks: None, tmp_path: Path) -> AsyncIterator[Outbox]:
    """An outbox on the disk."""
    outbox = await Outbox.open(tmp_path)
    yield outbox
    await outbox.close()


async def test_states_and_deliveries_are_there_again_after_a_restart(tmp_path: Path) -> None:
    first = await Outbox.open(tmp_path)
    await first.commit({"a": "one", "b": "two"}, [a_delivery(at=1), a_delivery(RESOLVED, at=2)])
    await first.commit({"a": None, "b": "three"})
    second = await reopened(first, tmp_path)
    assert await second.states() == {"b": "three"}
    assert titles(await second.waiting()) == ["firing at 1", "resolved at 2"]
    await second.close()


async def test_a_commit_is_stored_whole_or_not_at_all(outbox: Outbox) -> None:
    unfit = a_delivery(error=object())
    with pytest.raises(sqlite3.Error):
        await outbox.commit({"a": "one"}, [a_delivery(), unfit])
    assert await outbox.states() == {}
    assert await outbox.waiting() == []
    assert outbox.state.persistent


async def test_a_delivered_message_leaves_and_its_memory_stays(outbox: Outbox) -> None:
    (firing,) = await stored(outbox, a_delivery())
    await outbox.delivered(firing, {"ts": "17"})
    assert await outbox.waiting() == []
    assert await outbox.memory("pager", "a") == {"ts": "17"}
    assert await outbox.memory("pager", "b") == {}
    assert await outbox.memory("slack", "a") == {}


async def test_a_resolved_key_is_forgotten(outbox: Outbox) -> None:
    (firing,) = await stored(outbox, a_delivery())
    await outbox.delivered(firing, {"ts": "17"})
    (resolved,) = await stored(outbox, a_delivery(RESOLVED))
    await outbox.delivered(resolved, {"ts": "17"})
    assert await outbox.memory("pager", "a") == {}


async def test_an_attempt_is_counted_before_it_is_made(outbox: Outbox, tmp_path: Path) -> None:
    (waiting,) = await stored(outbox, a_delivery())
    assert (await outbox.begin(waiting)).attempts == 1
    again = await reopened(outbox, tmp_path)
    assert [each.attempts for each in await again.waiting()] == [1]
    await again.close()


async def test_a_failed_message_waits_with_its_error_and_its_time(outbox: Outbox) -> None:
    (waiting,) = await stored(outbox, a_delivery())
    await outbox.failed(await outbox.begin(waiting), "503", due=60.0)
    (failed,) = await outbox.waiting()
    assert (failed.attempts, failed.error, failed.due) == (1, "503", 60.0)


async def test_of_the_refused_ones_the_last_fifty_are_kept(outbox: Outbox) -> None:
    deliveries = [a_delivery(at=number) for number in range(MAX_REFUSED + 3)]
    for delivery in await stored(outbox, *deliveries):
        await outbox.dead_letter(delivery, "404")
    refused = await outbox.refused()
    assert [each.message.at for each in refused] == list(range(3, MAX_REFUSED + 3))
    assert {each.error for each in refused} == {"404"}
    assert await outbox.waiting() == []
    assert outbox.state.refused == MAX_REFUSED


async def test_a_replacement_takes_the_place_of_the_first(outbox: Outbox) -> None:
    one, two, three = await stored(outbox, *(a_delivery(at=at) for at in (1, 2, 3)))
    await outbox.replace([one, two], a_delivery(at=9))
    assert titles(await outbox.waiting()) == ["firing at 9", "firing at 3"]
    await outbox.replace([three], None)
    assert titles(await outbox.waiting()) == ["firing at 9"]


async def test_the_state_counts_what_waits(outbox: Outbox) -> None:
    assert (outbox.state.waiting, outbox.state.oldest) == (0, None)
    await outbox.commit({}, [a_delivery(at=7), a_delivery(at=5)])
    state = outbox.state
    assert (state.persistent, state.problem) == (True, "")
    assert (state.waiting, state.oldest, state.refused) == (2, 5.0, 0)


async def test_silences_last_until_they_end_or_are_ended(outbox: Outbox) -> None:
    await outbox.add_silence(a_silence("short", end=10))
    await outbox.add_silence(a_silence("later", start=50, end=90))
    assert [each.name for each in await outbox.silences(5)] == ["short", "later"]
    assert [each.name for each in await outbox.silences(10)] == ["later"]
    assert await outbox.end_silence("later", 20) is True
    assert await outbox.end_silence("later", 30) is False
    assert await outbox.end_silence("unheard of", 30) is False
    assert await outbox.silences(30) == []


async def test_a_silence_of_the_same_name_is_replaced(outbox: Outbox) -> None:
    await outbox.add_silence(a_silence(end=10))
    await outbox.add_silence(a_silence(end=99))
    assert await outbox.silences(0) == [a_silence(end=99)]


@pytest.mark.parametrize("expired", [False, True])
async def test_what_has_ended_does_not_hold_again_when_the_clock_is_set_back(
    tmp_path: Path, expired: bool
) -> None:
    first = await Outbox.open(tmp_path)
    await first.add_silence(a_silence("over", start=0, end=50))
    await first.add_silence(a_silence("later", start=0, end=90))
    if expired:
        assert await first.end_silence("over", 20)
    else:
        await first.silences(50)
    assert [each.name for each in await first.silences(10)] == ["later"]
    second = await reopened(first, tmp_path)
    assert [each.name for each in await second.silences(10)] == ["later"]
    assert not await second.end_silence("over", 10)
    # Another one of its name is another one.
    await second.add_silence(a_silence("over", start=10, end=40))
    assert [each.name for each in await second.silences(10)] == ["over", "later"]
    await second.close()


async def test_without_a_file_what_has_ended_stays_over_too() -> None:
    outbox = await Outbox.open(None)
    await outbox.add_silence(a_silence(end=50))
    await outbox.silences(50)
    assert await outbox.silences(10) == []
    await outbox.close()


async def test_an_end_that_could_not_be_stored_is_remembered_and_stored_later(
    tmp_path: Path,
) -> None:
    first = await Outbox.open(tmp_path)
    await first.add_silence(a_silence(start=1, end=50))
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    (before,) = other.execute("SELECT name, ends, document FROM silences").fetchall()
    assert await first.end_silence(before[0], 20)
    # As if the change had never reached the disk.
    other.execute("UPDATE silences SET ends = ?2, document = ?3 WHERE name = ?1", before)
    other.close()
    assert await first.silences(10) == []
    second = await reopened(first, tmp_path)
    assert await second.silences(10) == []
    await second.close()


async def test_what_is_over_is_kept_for_a_month(outbox: Outbox, tmp_path: Path) -> None:
    month = 30 * 86400.0
    await outbox.add_silence(a_silence("old", end=50))
    await outbox.silences(60)
    for at, names in ((month, ["new", "old"]), (month + 51, ["new"])):
        await outbox.add_silence(a_silence("new", start=at, end=at + 9))
        with sqlite3.connect(tmp_path / FILE) as file:
            found = file.execute("SELECT name FROM silences ORDER BY name").fetchall()
        file.close()
        assert [name for (name,) in found] == names


SILENCER = """
import asyncio, sys
from pathlib import Path
from alerts.model import Silence
from alerts.outbox.outbox import Outbox

async def main():
    outbox = await Outbox.open(Path(sys.argv[1]))
    for number in range(20):
        await outbox.add_silence(Silence(f"s{number}", ("backend",), "ada", "moving", 0.0, 9e9))
    assert outbox.state.persistent
    await outbox.close()

asyncio.run(main())
"""


async def test_another_process_adds_silences_meanwhile(outbox: Outbox, tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SILENCER, str(tmp_path), stderr=subprocess.PIPE
    )
    written = 0
    while other.returncode is None and written < 2000:
        await outbox.commit({"a": str(written)}, [a_delivery(at=written)])
        written += 1
    _, errors = await other.communicate()
    assert (other.returncode, errors) == (0, b"")
    assert len(await outbox.silences(0)) == 20
    assert len(await outbox.waiting()) == written
    assert outbox.state.persistent


async def test_a_message_that_no_one_can_read_does_not_block_the_others(
    outbox: Outbox, tmp_path: Path
) -> None:
    await outbox.commit({}, [a_delivery(at=1), a_delivery(at=2)])
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("UPDATE deliveries SET message = '{}' WHERE number = 1")
    other.commit()
    other.close()
    again = await reopened(outbox, tmp_path)
    assert titles(await again.waiting()) == ["firing at 2"]
    assert "set aside" in again.state.notice
    assert again.state.waiting == 1
    await again.close()


async def test_what_was_begun_is_carried_out_although_no_one_waits(outbox: Outbox) -> None:
    task = asyncio.create_task(outbox.commit({"a": "one"}, [a_delivery()]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await outbox.states() == {"a": "one"}


async def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    outbox = await Outbox.open(tmp_path)
    await outbox.close()
    await outbox.close()
    with pytest.raises(RuntimeError, match="closed"):
        await outbox.states()
