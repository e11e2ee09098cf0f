"""Last allocation result per TURN server, shared by the runs of one process."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from probe.core.context import Context
from probe.core.model import CheckFailed


@dataclass(frozen=True, slots=True)
class _Found:
    works: bool
    at: float


class AllocationResults:
    """The newest result of each allocation check, by its name; ``clock`` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._found: dict[str, _Found] = {}
        self._running: dict[str, asyncio.Event] = {}
        self._ended: dict[str, asyncio.Event] = {}

    @contextmanager
    def recording(self, name: str) -> Iterator[None]:
        """Around one check: up unless it fails or is cancelled. A check that can't be made
        says nothing, and the result before is kept."""
        over = self._running[name] = asyncio.Event()
        works: bool | None = None
        try:
            yield
            works = True
        except (CheckFailed, asyncio.CancelledError):
            works = False
            raise
        finally:
            if works is not None:
                self._found[name] = _Found(works, self._clock())
            self._running.pop(name, None)
            over.set()
            self._end_of(name).set()

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
