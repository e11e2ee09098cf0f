"""Last allocation result per TURN server, shared by the runs of one process."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder

_SILENT = "no answer in time"


class _Found(Struct, frozen=True):
    works: bool
    at: float


class AllocationResults:
    """The newest result of each allocation check, by its name; ``clock`` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._found: dict[str, _Found] = {}
        self._running: dict[str, asyncio.Event] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._watchers: list[tuple[str, Callable[[CheckFailed], None]]] = []

    @contextmanager
    def failing(self, place: str, call: Callable[[CheckFailed], None]) -> Iterator[None]:
        """Meanwhile, ``call`` is called with each failure of the check of this ``place``."""
        watcher = (place, call)
        self._watchers.append(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    @contextmanager
    def recording(self, name: str, record: Recorder, place: str = "") -> Iterator[None]:
        """Around one check: up unless it fails or is cancelled. A check that can't be made, or
        is cancelled while it waits for others, says nothing, and the result before is kept."""
        over = self._running[name] = asyncio.Event()
        works: bool | None = None
        try:
            yield
            works = True
        except CheckFailed as failure:
            works = False
            self._notify(place, failure)
            raise
        except asyncio.CancelledError:
            works = None if record.ended_in_queue else False
            if works is False:
                self._notify(place, CheckFailed(Cause.DEADLINE, _SILENT))
            raise
        finally:
            if works is not None:
                self._found[name] = _Found(works, self._clock())
            self._running.pop(name, None)
            over.set()
            self._end_of(name).set()

    def _notify(self, place: str, failure: CheckFailed) -> None:
        for watched, call in tuple(self._watchers):
            if watched == place:
                call(failure)

    async def idle(self, names: Iterable[str]) -> None:
        """Wait until none of these checks is running."""
        for name in names:
            while (over := self._running.get(name)) is not None:
                await over.wait()

    async def all_ended(self, names: Iterable[str]) -> None:
        """Wait until each of these checks has ended since the last call."""
        ordered = tuple(names)
        try:
            for name in ordered:
                await self._end_of(name).wait()
        finally:
            for name in ordered:
                self._ended.pop(name, None)

    def _end_of(self, name: str) -> asyncio.Event:
        return self._ended.setdefault(name, asyncio.Event())

    def is_up(self, name: str, *, newer_than: float) -> bool | None:
        """The result of the last ``newer_than`` seconds; None where there was none."""
        found = self._found.get(name)
        if found is None or self._clock() - found.at > newer_than:
            return None
        return found.works


def allocation_results_of(context: Context) -> AllocationResults:
    """The results of this process."""
    return context.get_or_create("allocation results", lambda: AllocationResults(context.clock))
