"""A few places that checks share: first for who wants the fewest, then in order of arrival."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

MAX_OVERTAKEN = 6
"""Who was overtaken so often by others that want fewer places is next: six allocations of one
server (UDP, TCP and TLS, twice) go before a call, and not all that may ever come."""


@dataclass(eq=False, slots=True)
class _Waiter:
    count: int
    turn: asyncio.Future[None]
    overtaken: int = 0


class Slots:
    """``count`` places. Who asks for several gets all at once, so that two that each hold one
    and wait for another can't block each other."""

    def __init__(self, count: int) -> None:
        self._count = self._free = count
        self._waiting: list[_Waiter] = []

    @asynccontextmanager
    async def hold(self, count: int) -> AsyncIterator[None]:
        """Wait for ``count`` places, all of them at most, and give them back at the end."""
        count = min(count, self._count)
        await self._take(count)
        try:
            yield
        finally:
            self._give_back(count)

    def are_free(self, count: int) -> bool:
        """Whether ``hold`` would not wait."""
        return not self._waiting and self._free >= min(count, self._count)

    async def _take(self, count: int) -> None:
        if not self._waiting and self._free >= count:
            self._free -= count
            return
        waiter = _Waiter(count, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if not waiter.turn.cancelled():
                self._give_back(count)
            elif waiter in self._waiting:  # otherwise whoever gave a place back has passed it over
                self._waiting.remove(waiter)
                self._admit()
            raise

    def _give_back(self, count: int) -> None:
        self._free += count
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            at = self._next()
            waiter = self._waiting[at]
            if waiter.count > self._free:
                return
            del self._waiting[at]
            if not waiter.turn.done():
                self._free -= waiter.count
                waiter.turn.set_result(None)
                for each in self._waiting[:at]:
                    each.overtaken += 1

    def _next(self) -> int:
        """The position of who is next."""
        if self._waiting[0].overtaken >= MAX_OVERTAKEN:
            return 0
        return min(range(len(self._waiting)), key=lambda at: self._waiting[at].count)


@asynccontextmanager
async def hold_together(wanted: Sequence[tuple[Slots, int]]) -> AsyncIterator[None]:
    """Hold places of several; while some are waited for, none of the others is held."""
    order = list(wanted)
    while True:
        async with AsyncExitStack() as stack:
            for slots, count in order[:1]:
                await stack.enter_async_context(slots.hold(count))
            busy = next((each for each in order[1:] if not each[0].are_free(each[1])), None)
            if busy is None:
                for slots, count in order[1:]:
                    await stack.enter_async_context(slots.hold(count))
                yield
                return
        order = [busy, *(each for each in order if each is not busy)]
