"""A thousand alerts that fire at once take many short turns of the event loop, and are stored and
sent as if they had taken one."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar
from unittest import mock

import pytest

from alerts.config import AlertingConfig
from alerts.flush import Flush
from alerts.manager import AlertManager
from alerts.model import Message, MessageType, Severity
from alerts.notification import meta_messages
from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route
from alerts.outbox.outbox import Outbox
from alerts.pipeline import Pipeline
from alerts.state import alert_documents, record
from alerts.state.alert_documents import PIECE, AlertDocuments
from alerts.state.alert_store import Event
from probe.core.kind import Check
from probe.core.model import Status
from tests.cut_off.stepped_loop import SteppedLoop
from tests.cut_off.sweep import NEVER, run_stepped
from tests.fake_kind import result_of, toy

T = TypeVar("T")

START = 1_800_000_000.0
ROUTES = (
    Route("pager", frozenset({Severity.CRITICAL}), REPEAT_INTERVAL_SECONDS, deduplicates=True),
    Route("chat", frozenset(Severity), REPEAT_INTERVAL_SECONDS),
)


class Receiver:
    """Takes everything at once."""

    resend_seconds, pause, sends_missed_incidents = None, 0.0, True

    def __init__(self, name: str) -> None:
        self.name, self.taken = name, list[Message]()

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        self.taken.append(message)
        return {}


class Disk:
    """A storage thread without a thread: the clock of the loop does not wait for threads."""

    is_stalled, busy_for = False, 0.0

    async def run(self, work: Callable[[], T], *, seconds: float | None = None) -> T:
        """As StorageThread does; whoever is killed meanwhile does not hear of it."""
        await asyncio.sleep(0)
        done = work()
        await asyncio.sleep(0)
        return done

    def close(self) -> None:
        """Nothing to end."""


async def opened(manager: AlertManager) -> None:
    """Open it on such a disk."""
    real = Outbox.open
    disk = partial(real, thread=lambda name: Disk())
    with mock.patch.object(Outbox, "open", disk):
        await manager.open()


def receivers() -> dict[str, Receiver]:
    """A pager and a chat."""
    return {route.name: Receiver(route.name) for route in ROUTES}


def manager_of(found: dict[str, Receiver], folder: Path | None = None) -> AlertManager:
    """Alerting by the clock of the loop."""
    loop = asyncio.get_running_loop()
    config = AlertingConfig("lax", dict(found), ROUTES)
    journals = () if folder is None else (folder,)
    return AlertManager(
        config, folder, journals=journals, now=lambda: START + loop.time(), clock=loop.time
    )


def feed(to: AlertManager, checks: Sequence[Check], status: Status = Status.FAILED) -> None:
    """A result of each check."""
    for check in checks:
        to.handle_result(check, result_of(check.name, status), (), backed_up=False)


def toys(count: int) -> list[Check]:
    """So many checks; each is a service of its own."""
    return [toy(f"c{number}") for number in range(count)]


def test_a_turn_is_for_few_of_a_thousand_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, lines = Counter[int](), Counter[int]()
    found = receivers()

    async def fire() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SteppedLoop)
        loop.act_at(NEVER, lambda: None)

        def counted(work: object, counts: Counter[int]) -> object:
            def wrapper(*arguments: object) -> object:
                counts[loop.turns] += 1
                return work(*arguments)  # type: ignore[operator]

            return wrapper

        monkeypatch.setattr(alert_documents, "dump", counted(record.dump, texts))
        log = counted(meta_messages.log, lines)
        monkeypatch.setattr("alerts.flush.log", log)
        manager, checks = manager_of(found), toys(1000)
        await manager.open()
        manager.set_checks(checks)
        jobs = [asyncio.create_task(job()) for job in manager.jobs.values()]
        for _ in range(4):
            feed(manager, checks)
            await asyncio.sleep(12.0)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        assert manager.counts == {"warning": 0, "critical": 1000}
        await manager.close()

    run_stepped(fire)
    assert sum(lines.values()) == 1000
    assert max(lines.values()) <= PIECE
    # Each result is stored: pending, and firing.
    assert sum(texts.values()) >= 4 * 1000
    assert max(texts.values()) <= PIECE
    for each in found.values():
        (message,) = each.taken
        assert len(message.firing) == 1000


def played(pieces: int | None, *, back: int = 0) -> tuple[Flush, list[Event]]:
    """120 checks fail for long enough to fire; a flush after so many ``pieces`` of what is done
    before (None: none), with a good result of the first ``back`` checks in between."""
    checks, events = toys(120), list[Event]()
    pipeline = Pipeline(AlertingConfig("lax", dict(receivers()), ROUTES))
    pipeline.set_checks(checks, START)
    for at in (0.0, 10.0, 20.0):
        for check in checks:
            failed = result_of(check.name, Status.FAILED)
            pipeline.handle_result(check, failed, (), START + at, backed_up=False)
        pipeline.flush(START + at)
    now = START + 31.0
    if pieces is not None:
        for each in islice(pipeline.alerts.prepare(now), pieces):
            pipeline.record(each)
            events += pipeline.take_events(PIECE)
    for check in checks[:back]:
        pipeline.handle_result(check, result_of(check.name), (), now, backed_up=False)
    found = pipeline.flush(now)
    return found, [*events, *found.events]


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_what_is_done_before_a_flush_changes_nothing_of_it(pieces: int) -> None:
    whole, events = played(None)
    parts, events_of_parts = played(pieces)
    assert parts.deliveries == whole.deliveries
    assert parts.documents == whole.documents
    assert events_of_parts == events
    assert len(whole.documents) >= 120


@pytest.mark.parametrize("back", [1, 60, 120])
def test_a_result_between_two_turns_is_stored_as_the_newest(
    back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"alert:c{number}/failing" for number in range(120)]
    prepared, _ = played(2, back=back)
    before, _ = played(2)
    monkeypatch.setattr(AlertDocuments, "prepare", lambda self, identities: None)
    late, _ = played(2, back=back)
    assert prepared.documents == late.documents
    assert [n for n in names if prepared.documents[n] != before.documents[n]] == names[:back]


async def _killed_at(turn: int, folder: Path) -> tuple[list[Message], list[Message], bool]:
    """What a pager took in a life that ends at that turn of the flush in which 120 alerts fire,
    and in the next one; and whether the first life was over before."""
    loop, lives = asyncio.get_running_loop(), list[list[Message]]()
    assert isinstance(loop, SteppedLoop)
    checks, late = toys(120), False
    for life in range(2):
        found = receivers()
        manager = manager_of(found, folder)
        await opened(manager)
        manager.set_checks(checks)
        jobs = [asyncio.create_task(job()) for job in manager.jobs.values()]
        for at in range(6):
            feed(manager, checks)
            if life == 0 and at == 3:
                killed = asyncio.Event()
                loop.act_at(turn, killed.set)
                with suppress(TimeoutError):
                    async with asyncio.timeout(10.0):
                        await killed.wait()
                late = not killed.is_set()
                loop.act_at(NEVER, lambda: None)
                break
            await asyncio.sleep(10.0)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        lives.append(list(found["pager"].taken))
    await manager.close()
    return lives[0], lives[1], late


def test_a_process_that_ends_between_two_turns_neither_loses_a_page_nor_repeats_it(
    tmp_path: Path,
) -> None:
    turn, late = 1, False
    while not late:
        folder = tmp_path / str(turn)
        folder.mkdir()

        async def play(turn: int = turn, folder: Path = folder) -> tuple[list[Message], ...]:
            first, second, ended = await _killed_at(turn, folder)
            return (first, second, [] if ended else first + second)

        first, second, both = run_stepped(play)
        late = not both
        firing = [each for each in (*first, *second) if each.occasion is MessageType.FIRING]
        # What was sent and not noted yet is sent again, with the same key.
        assert 1 <= len(firing) <= 1 + len(first), turn
        assert {each.key for each in firing} == {firing[0].key}
        turn += 3
