"""The surroundings of a simulated monitor: its disk, its receivers, the wall clock."""

import asyncio
import errno
import os
from collections.abc import Callable, Mapping
from typing import TypeVar
from unittest import mock

from msgspec import Struct

from alerts.model import Message, MessageType, NotifyError
from alerts.notifiers import pagerduty
from probe.storage.thread import STORAGE_SECONDS, Stalled
from tests.clocks import Clock
from tests.simulation.faults import Kind, Scenario, disk_full, io_error, no_space

T = TypeVar("T")

START = 1_800_000_000.0


def _write_in_place(file: int, data: bytes, at: int) -> None:
    """On a full disk what is allocated can be written, and nothing beyond."""
    if at + len(data) > os.fstat(file).st_size:
        raise no_space()
    os.pwrite(file, data, at)


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


class Received(Struct, frozen=True):
    """A message that a receiver has taken. ``life`` is which process sent it, ``answered``
    whether that process got the answer."""

    at: float
    life: int
    message: Message
    answered: bool


class Process:
    """Which process lives now, and after how many storage jobs it is killed."""

    def __init__(self) -> None:
        self.life = 0
        self.jobs_left: int | None = None
        self.busy = asyncio.Event()
        self.killed = asyncio.Event()

    def begin(self) -> None:
        """A new process."""
        self.life += 1
        self.jobs_left = None
        self.killed, self.busy = asyncio.Event(), asyncio.Event()

    def job(self, life: int) -> None:
        """A storage job is about to run. Raises Killed."""
        self.busy.set()
        if life != self.life or self.killed.is_set():
            raise Killed
        if self.jobs_left is not None:
            self.jobs_left -= 1
            if self.jobs_left < 0:
                self.killed.set()
                raise Killed


class Disk:
    """A storage thread without a thread, on a disk that fills and hangs."""

    def __init__(self, name: str, scenario: Scenario, clock: Clock, process: Process) -> None:
        self._names = ("all", "journal" if name.startswith("journal") else name)
        self._plain = "journal" in self._names
        self._scenario, self._clock, self._process = scenario, clock, process
        self._life = process.life
        self._late: list[Callable[[], object]] = []
        self._since: float | None = None

    @property
    def busy_for(self) -> float:
        """For how long a job has been hanging."""
        if self._hangs():
            return 0.0 if self._since is None else self._clock() - self._since
        self._work_off()
        return 0.0

    @property
    def is_stalled(self) -> bool:
        """Whether one hangs for longer than anybody waits."""
        return self.busy_for > STORAGE_SECONDS

    async def run(self, work: Callable[[], T], *, seconds: float | None = None) -> T:
        """As StorageThread does."""
        if self.is_stalled:
            raise Stalled
        self._process.job(self._life)
        if self._hangs():
            self._since = self._clock() if self._since is None else self._since
            self._late.append(work)
            await asyncio.sleep(STORAGE_SECONDS if seconds is None else seconds)
            raise Stalled
        self._work_off()
        if self._suffers("full") and self._plain:
            # What is there can be read all the same.
            with mock.patch("probe.storage.journal._write", _write_in_place):
                return work()
        if self._suffers("full"):
            raise disk_full()
        if self._suffers("broken"):
            raise OSError(errno.EIO, "Input/output error") if self._plain else io_error()
        result = work()
        if self._suffers("torn"):
            # It is done, and said not to be.
            raise OSError(errno.EIO, "Input/output error") if self._plain else io_error()
        # The loop is told later, and the process may be gone by then.
        await asyncio.sleep(0)
        self._process.job(self._life)
        return result

    def close(self) -> None:
        """Nothing to end."""

    def _hangs(self) -> bool:
        return self._suffers("stalled")

    def _suffers(self, kind: Kind) -> bool:
        now = self._clock()
        return any(self._scenario.active(kind, name, now) for name in self._names)

    def _work_off(self) -> None:
        """What hung is done, whether or not anybody waits for it."""
        late, self._late, self._since = self._late, [], None
        for work in late:
            try:
                work()
            except Exception:
                continue


class Receiver:
    """A notifier that remembers what it took, and misbehaves as the scenario says. One that is no
    ``chat`` is sent what PagerDuty is, and no update that it would not act on."""

    resend_seconds = None
    pause = 0.0

    def __init__(
        self, name: str, scenario: Scenario, clock: Clock, process: Process, *, chat: bool
    ) -> None:
        self.name, self.sends_missed_incidents = name, chat
        self._scenario, self._clock, self._process = scenario, clock, process
        self.received: list[Received] = []

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Take it or not."""
        now, life = self._clock(), self._process.life
        if self._process.killed.is_set():
            raise Killed
        if not self.sends_missed_incidents and pagerduty.needs_no_event(message, memory):
            return memory
        if self._scenario.active("network", "own", now):
            raise NotifyError("no network")
        if self._scenario.active("hang", self.name, now):
            await asyncio.sleep(10.0)
            raise NotifyError("no answer within 10 s")
        if self._scenario.active("refuse", self.name, now):
            raise NotifyError("answers 500")
        if self._scenario.active("reject", self.name, now):
            raise NotifyError("answers 404", permanent=True)
        loses = self._scenario.active("lose", self.name, now) is not None
        place = len(self.received)
        self.received.append(Received(now, life, message, answered=False))
        await asyncio.sleep(0)
        if self._process.killed.is_set():
            raise Killed
        if loses:
            raise NotifyError("connection reset")
        self.received[place] = Received(now, life, message, answered=True)
        return {"ts": str(place), pagerduty.SEVERITY: message.severity.value}

    @property
    def incidents(self) -> list[Received]:
        """What it took, notes apart."""
        apart = (MessageType.NOTE,)
        return [each for each in self.received if each.message.occasion not in apart]
