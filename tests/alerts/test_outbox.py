"""The outbox: what it is given is there again, whatever becomes of process, disk and file."""

import asyncio
import json
import logging
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.codec import (
    CodecError,
    dump_alert,
    dump_message,
    dump_silence,
    load_alert,
    load_message,
    load_silence,
)
from alerts.database import FILE
from alerts.model import Delivery, Identity, Message, Occasion, Severity
from alerts.outbox import Outbox
from alerts.shelves import MOST_REFUSED
from tests.alerts.words import (
    FIRING,
    RESOLVED,
    a_delivery,
    a_message,
    a_silence,
    an_alert,
)
from tests.clocks import Clock


@pytest.fixture
async def outbox(leaks: None, tmp_path: Path) -> AsyncIterator[Outbox]:
    """An outbox on the disk."""
    outbox = await Outbox.open(tmp_path)
    yield outbox
    await outbox.close()


async def reopened(outbox: Outbox, folder: Path) -> Outbox:
    """The same outbox as the next process finds it."""
    await outbox.close()
    return await Outbox.open(folder)


async def stored(outbox: Outbox, *deliveries: Delivery) -> list[Delivery]:
    """The deliveries as they wait after a commit."""
    await outbox.commit({}, deliveries)
    return await outbox.waiting()


def titles(deliveries: list[Delivery]) -> list[str]:
    return [delivery.message.title for delivery in deliveries]


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
    deliveries = [a_delivery(at=number) for number in range(MOST_REFUSED + 3)]
    for delivery in await stored(outbox, *deliveries):
        await outbox.give_up(delivery, "404")
    refused = await outbox.refused()
    assert [each.message.at for each in refused] == list(range(3, MOST_REFUSED + 3))
    assert {each.error for each in refused} == {"404"}
    assert await outbox.waiting() == []
    assert outbox.state.refused == MOST_REFUSED


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


SILENCER = """
import asyncio, sys
from pathlib import Path
from alerts.model import Silence
from alerts.outbox import Outbox

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


async def test_without_a_folder_it_works_in_memory_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox = await Outbox.open(None)
    assert len(await stored(outbox, a_delivery())) == 1
    assert outbox.state.persistent is False
    assert "no data folder" in outbox.state.problem
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    await outbox.close()


@pytest.mark.parametrize("obstacle", ["file instead of the folder", "folder instead of the file"])
async def test_a_folder_that_cannot_be_used_is_a_problem_not_an_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, obstacle: str
) -> None:
    folder = tmp_path / "data"
    if obstacle.startswith("file"):
        folder.write_text("in the way")
    else:
        (folder / FILE).mkdir(parents=True)
    outbox = await Outbox.open(folder)
    assert len(await stored(outbox, a_delivery())) == 1
    assert outbox.state.persistent is False
    assert str(folder) in outbox.state.problem
    assert len(caplog.records) == 1
    await outbox.close()


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 1000)


def other_columns(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE deliveries (something TEXT)")
    database.close()


def torn(path: Path) -> None:
    asyncio.run(fill(path.parent))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


async def fill(folder: Path) -> None:
    outbox = await Outbox.open(folder)
    await outbox.commit({str(i): "x" * 500 for i in range(100)}, [a_delivery()] * 50)
    await outbox.close()


@pytest.mark.parametrize("spoil", [garbage, other_columns, torn])
async def test_a_file_that_cannot_be_read_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    await asyncio.to_thread(spoil, tmp_path / FILE)
    outbox = await Outbox.open(tmp_path, now=Clock(1_767_225_600.0))
    assert await outbox.states() == {}
    assert outbox.state.persistent
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    await outbox.close()
    assert (tmp_path / "alerts-unreadable-20260101T000000Z.sqlite").exists()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_at_most_two_unreadable_files_are_kept(tmp_path: Path) -> None:
    for second in range(4):
        garbage(tmp_path / FILE)
        await (await Outbox.open(tmp_path, now=Clock(1_767_225_600.0 + second))).close()
    assert names_in(tmp_path) == [
        "alerts-unreadable-20260101T000002Z.sqlite",
        "alerts-unreadable-20260101T000003Z.sqlite",
        FILE,
    ]


async def test_a_message_that_nobody_can_read_does_not_block_the_others(
    outbox: Outbox, tmp_path: Path
) -> None:
    await outbox.commit({}, [a_delivery(at=1), a_delivery(at=2)])
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("UPDATE deliveries SET message = '{}' WHERE number = 1")
    other.commit()
    other.close()
    assert titles(await outbox.waiting()) == ["firing at 2"]
    assert outbox.state.waiting == 1


class Stuck:
    """Another process that holds the file and doesn't let go."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / FILE, isolation_level=None)
        self._database.execute("BEGIN EXCLUSIVE")

    def let_go(self) -> None:
        self._database.close()


async def test_a_disk_that_fails_meanwhile_loses_nothing_and_is_used_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.database.BUSY_SECONDS", 0.01)
    clock = Clock()
    outbox = await Outbox.open(tmp_path, now=clock)
    await outbox.commit({"a": "one"}, [a_delivery(at=1)])
    stuck = Stuck(tmp_path)
    await outbox.commit({"a": "two"}, [a_delivery(at=2)])
    assert "locked" in outbox.state.problem
    assert not outbox.state.persistent
    clock.pass_(61)
    await outbox.commit({"b": "still stuck"})
    assert "locked" in outbox.state.problem
    stuck.let_go()
    other = await Outbox.open(tmp_path)
    await other.add_silence(a_silence())
    await other.close()
    clock.pass_(61)
    await outbox.commit({"c": "free"})
    assert outbox.state.problem == ""
    assert await outbox.silences(0) == [a_silence()]
    again = await reopened(outbox, tmp_path)
    assert await again.states() == {"a": "two", "b": "still stuck", "c": "free"}
    assert titles(await again.waiting()) == ["firing at 1", "firing at 2"]
    await again.close()


async def test_what_was_begun_is_carried_out_although_nobody_waits(outbox: Outbox) -> None:
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


words = st.text(max_size=20)
pairs = st.lists(st.tuples(words, words), max_size=3).map(tuple)
times = st.floats(allow_nan=False, allow_infinity=False)
alerts = st.builds(
    an_alert,
    words,
    times,
    identity=st.builds(Identity, words, words, pairs),
    ended=st.none() | times,
    labels=pairs,
    severity=st.sampled_from(Severity),
    cause=words,
)
messages = st.builds(
    a_message,
    st.sampled_from(Occasion),
    words,
    times,
    firing=st.lists(alerts, max_size=2).map(tuple),
    resolved=st.lists(alerts, max_size=2).map(tuple),
    changes=st.lists(words, max_size=2).map(tuple),
    links=pairs,
    test=st.booleans(),
)


@given(messages)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert load_message(dump_message(message)) == message


def test_keys_of_a_later_version_are_passed_over() -> None:
    def later(text: str) -> str:
        return json.dumps({**json.loads(text), "mood": ["new"]})

    message = a_message(firing=(an_alert(),))
    assert load_message(later(dump_message(message))) == message
    assert load_alert(later(dump_alert(an_alert()))) == an_alert()
    assert load_silence(later(dump_silence(a_silence()))) == a_silence()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"key": 1}', "7"])
def test_what_is_no_message_is_said_to_be_none(text: str) -> None:
    with pytest.raises(CodecError):
        load_message(text)


def test_a_word_of_a_later_version_cannot_be_read() -> None:
    text = dump_message(a_message(FIRING)).replace('"firing"', '"smouldering"', 1)
    with pytest.raises(CodecError):
        load_message(text)
