"""Places are given in the order of arrival, several at once or none."""

import asyncio

from probe.net.slots import Slots


class Holder:
    """Holds places until it is let go."""

    def __init__(self, slots: Slots, count: int) -> None:
        self.has = asyncio.Event()
        self.let_go = asyncio.Event()
        self.task = asyncio.create_task(self._hold(slots, count))

    async def _hold(self, slots: Slots, count: int) -> None:
        async with slots.hold(count):
            self.has.set()
            await self.let_go.wait()

    async def end(self) -> None:
        self.let_go.set()
        await self.task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_first_is_served_first() -> None:
    slots = Slots(2)
    pair, single, late = (Holder(slots, count) for count in (2, 1, 2))
    await settle()
    assert (pair.has.is_set(), single.has.is_set()) == (True, False)
    await pair.end()
    await settle()
    # The one place that is left stays free for the pair that waits.
    assert (single.has.is_set(), late.has.is_set()) == (True, False)
    await single.end()
    await late.has.wait()
    await late.end()


async def test_who_gives_up_waiting_is_passed_over() -> None:
    slots = Slots(1)
    first, second, third = (Holder(slots, 1) for _ in range(3))
    await settle()
    second.task.cancel()
    await asyncio.wait({second.task})
    await first.end()
    await third.has.wait()
    await third.end()


async def test_who_is_cancelled_in_the_moment_of_its_turn_gives_the_place_back() -> None:
    slots = Slots(1)
    first, second, third = (Holder(slots, 1) for _ in range(3))
    await settle()
    first.let_go.set()
    await asyncio.wait({first.task})
    second.task.cancel()
    await asyncio.wait({second.task})
    await third.has.wait()
    await third.end()


async def test_more_than_there_are_means_all() -> None:
    slots = Slots(2)
    holder = Holder(slots, 5)
    await holder.has.wait()
    await holder.end()
