"""Places are given to who wants few first, in order of arrival, and to nobody too late."""

import asyncio

import pytest

from probe.net.slots import MAX_OVERTAKEN, Slots, hold_together


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


async def test_who_wants_fewer_places_goes_first() -> None:
    """An allocation check says within seconds what a call takes half a minute to say."""
    slots, order, release = Slots(2), list[int](), asyncio.Event()

    async def hold(number: int, count: int) -> None:
        async with slots.hold(count):
            order.append(number)
            await release.wait()

    tasks = [asyncio.create_task(hold(number, count)) for number, count in enumerate((2, 2, 1, 1))]
    await settle()
    release.set()
    await asyncio.gather(*tasks)
    assert order == [0, 2, 3, 1]


@pytest.mark.parametrize("others", [1, 5, 20])
async def test_who_wants_many_places_is_not_overtaken_for_ever(others: int) -> None:
    slots, ended = Slots(2), 0

    async def come_again() -> None:
        nonlocal ended
        while not pair.has.is_set():
            async with slots.hold(1):
                await asyncio.sleep(0)
            ended += 1

    first = Holder(slots, 2)
    await first.has.wait()
    pair = Holder(slots, 2)
    tasks = [asyncio.create_task(come_again()) for _ in range(others)]
    await settle()
    await first.end()
    async with asyncio.timeout(10):
        await pair.has.wait()
    assert ended <= MAX_OVERTAKEN + 2
    await pair.end()
    await asyncio.gather(*tasks)


async def test_who_waits_for_one_place_of_several_holds_none_of_the_others() -> None:
    """A crossing that waited for a silent backup held up the checks of the primary."""
    near, far, release = Slots(2), Slots(1), asyncio.Event()

    async def hold_far() -> None:
        async with far.hold(1):
            await release.wait()

    async def hold_both() -> None:
        async with hold_together([(near, 1), (far, 1)]):
            assert not near.are_free(2)
            assert not far.are_free(1)

    silent = asyncio.create_task(hold_far())
    await settle()
    crossing = asyncio.create_task(hold_both())
    await settle()
    assert near.are_free(2)
    release.set()
    await asyncio.gather(silent, crossing)
    assert near.are_free(2)
    assert far.are_free(1)


@pytest.mark.parametrize("ended", [(0,), (1,), (0, 1), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("holder_is_first", [True, False])
async def test_who_gives_up_while_places_are_given_back_leaves_the_others_theirs(
    ended: tuple[int, ...], holder_is_first: bool
) -> None:
    slots = Slots(1)
    holder = Holder(slots, 1)
    await holder.has.wait()
    waiters = [Holder(slots, 1) for _ in range(3)]
    await settle()
    cancelled = [waiters[number].task for number in ended]
    for task in [holder.task, *cancelled] if holder_is_first else [*cancelled, holder.task]:
        task.cancel()
    await asyncio.wait([holder.task, *cancelled])
    assert all(task.cancelled() for task in cancelled)
    for number, waiter in enumerate(waiters):
        if number not in ended:
            await waiter.has.wait()
            await waiter.end()
    assert slots.are_free(1)
