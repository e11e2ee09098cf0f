"""A few places that checks share: first for who wants the fewest, then in order of arrival."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager


class Slots:
    """``count`` places. Who asks for several gets all at once, so that two that each hold one
    and wait for another can't block each other."""

    def __init__(self, count: int) -> None:
        self._count = self._free = count
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

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
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (count, turn)
        self._waiting.append(waiter)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
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
            count, turn = least = min(self._waiting, key=lambda each: each[0])
            if count > self._free:
                return
            self._waiting.remove(least)
            if not turn.done():
                self._free -= count
                turn.set_result(None)


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
