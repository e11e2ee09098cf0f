"""From the database alone and from the journal alone, an open incident gets its resolve."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random

import pytest

from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from alerts.model import Message, MessageType, Severity
from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route
from alerts.notifier import TO
from alerts.outbox.schema import FILE
from probe.core.model import Status
from tests.alerts.services import Service
from tests.clocks import Clock
from tests.fake_kind import result_of, toy
from tests.simulation.test_simulation import memory_folder


class Life:
    """One process's alerting, with a pager."""

    def __init__(self, folder: Path, clock: Clock, pager: Service) -> None:
        routes = (Route("pager", frozenset(Severity), REPEAT_INTERVAL_SECONDS, deduplicates=True),)
        config = AlertingConfig("lax", {"pager": pager}, routes)
        self.manager = AlertManager(config, folder, journals=(folder,), now=clock, clock=clock)
        self._clock, self._pager = clock, pager
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Take up what there is."""
        await self.manager.open()
        self.manager.set_checks([toy("a", interval=10.0)])
        self._tasks = [asyncio.create_task(job()) for job in self.manager.jobs.values()]

    async def see(self, status: Status, messages: int) -> None:
        """Results of this kind until the pager has taken so many messages."""
        async with asyncio.timeout(30):
            while len(self._pager.received) < messages:
                self.manager.handle_result(toy("a"), result_of("a", status), (), backed_up=False)
                # In small steps: while a disk is slow, more would look like a suspended process,
                # after which nothing leaves before a new result.
                self._clock.pass_(3.0)
                await asyncio.sleep(0.05)

    async def has_heard(self) -> None:
        """Wait until the answer to every message is known."""
        async with asyncio.timeout(30):
            while self.manager.waiting:
                self._clock.pass_(0.1)
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """End without a word."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _remove_database(folder: Path) -> None:
    for path in folder.glob("alerts.sqlite*"):
        os.unlink(path)


def _remove_journal(folder: Path) -> None:
    for path in folder.glob("*.journal"):
        os.unlink(path)


def _garbage(folder: Path) -> None:
    _remove_database(folder)
    (folder / FILE).write_bytes(b"no database" * 1000)


def _state_is_no_text(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as database:
        database.execute("UPDATE states SET document = CAST(x'b8b8' AS TEXT)")
    database.close()


def _flip_bits(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    raw, random = bytearray((folder / FILE).read_bytes()), Random(7)
    for _ in range(40):
        raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
    (folder / FILE).write_bytes(raw)


SPOILS: dict[str, Callable[[Path], None]] = {
    "no database": _remove_database,
    "no journal": _remove_journal,
    "garbage": _garbage,
    "no text": _state_is_no_text,
    "flipped bits": _flip_bits,
    "nothing": lambda folder: None,
}


@pytest.mark.parametrize("goes_on", [False, True], ids=["is over", "goes on"])
async def test_an_incident_open_before_a_restart_is_resolved_once_and_not_triggered_again(
    memory_path: Path, goes_on: bool
) -> None:
    async def sent(spoil: Callable[[Path], None], folder: Path) -> list[MessageType]:
        clock, pager = Clock(1_800_000_000.0), Service()
        first = Life(folder, clock, pager)
        await first.begin()
        await first.see(Status.FAILED, messages=1)
        await asyncio.sleep(0.1)
        await first.kill()
        await asyncio.to_thread(spoil, folder)
        second = Life(folder, clock, pager)
        await second.begin()
        if goes_on:
            check, failed = toy("a"), result_of("a", Status.FAILED)
            for _ in range(8):
                second.manager.handle_result(check, failed, (), backed_up=False)
                clock.pass_(10.0)
                await asyncio.sleep(0.05)
        await second.see(Status.OK, messages=2)
        await second.kill()
        return [message.occasion for message in pager.received]

    folders = [memory_path / name for name in SPOILS]
    for folder in folders:
        folder.mkdir()
    found = await asyncio.gather(*map(sent, SPOILS.values(), folders))
    expected = [MessageType.FIRING, MessageType.RESOLVED]
    assert dict(zip(SPOILS, found, strict=True)) == dict.fromkeys(SPOILS, expected)


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A folder whose disk costs no time."""
    with memory_folder() as folder:
        yield folder


class AddressedService(Service):
    """A service at an address of its own."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        return {**await super().send(message, memory), TO: self.address}


@pytest.mark.parametrize(
    ("then", "first", "second"),
    [
        ("one", ["firing"], ["resolved"]),
        ("another", ["firing"], ["firing", "resolved"]),
    ],
)
async def test_what_fires_is_sent_to_the_address_that_a_restart_brings(
    memory_path: Path,
    caplog: pytest.LogCaptureFixture,
    then: str,
    first: list[str],
    second: list[str],
) -> None:
    """As with another routing key of PagerDuty: nobody there has been paged."""
    clock, before, after = Clock(1_800_000_000.0), AddressedService("one"), AddressedService(then)
    life = Life(memory_path, clock, before)
    await life.begin()
    await life.see(Status.FAILED, 1)
    await life.has_heard()
    await life.kill()
    await life.manager.close()
    life = Life(memory_path, clock, after)
    await life.begin()
    await life.see(Status.FAILED, len(second) - 1)
    await life.see(Status.OK, len(second))
    await life.kill()
    await life.manager.close()
    assert [each.occasion.value for each in before.received] == first
    assert [each.occasion.value for each in after.received] == second
    assert ("to be ended there by hand: pager a" in caplog.text) is (then == "another")


async def test_what_is_over_at_a_new_address_is_no_news_there(memory_path: Path) -> None:
    clock, after = Clock(1_800_000_000.0), AddressedService("another")
    life = Life(memory_path, clock, AddressedService("one"))
    await life.begin()
    await life.see(Status.FAILED, 1)
    await life.has_heard()
    await life.kill()
    await life.manager.close()
    life = Life(memory_path, clock, after)
    await life.begin()
    async with asyncio.timeout(30):
        while life.manager.pipeline.firing or life.manager.open_at("pager"):
            life.manager.handle_result(toy("a"), result_of("a", Status.OK), (), backed_up=False)
            clock.pass_(3.0)
            await asyncio.sleep(0.05)
    await life.see(Status.FAILED, 1)
    await life.kill()
    await life.manager.close()
    assert [each.occasion.value for each in after.received] == ["firing"]
