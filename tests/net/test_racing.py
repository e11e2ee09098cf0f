"""Of several addresses the first that answers is taken, and the preferred one has a head start."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.racing import MAX_ADDRESSES, Race, first_of_each_family, interleaved
from probe.net.resolver import Address

SIX = [Address(f"2001:db8::{n}", 1, socket.AF_INET6) for n in range(1, 4)]
FOUR = [Address(f"192.0.2.{n}", 1, socket.AF_INET) for n in range(1, 4)]
SHORT = 0.02

Attempt = Callable[[Address], Awaitable[str]]


class Addresses:
    """Each address answers, refuses or is silent; keeps who was asked and given up."""

    def __init__(self, *, answer: set[Address], refuse: set[Address]) -> None:
        self._answer, self._refuse = answer, refuse
        self.asked: list[Address] = []
        self.cancelled: list[Address] = []
        self.discarded: list[str] = []
        self.both_asked = asyncio.Event()

    async def attempt(self, address: Address) -> str:
        self.asked.append(address)
        if len(self.asked) == 2:
            self.both_asked.set()
        if address in self._refuse:
            raise CheckFailed(Cause.CONNECT_REFUSED, f"{address.ip} refuses")
        if address in self._answer:
            return address.ip
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(address)
            raise
        return ""

    async def run(self, race: Race) -> str:
        return await race.run(self.attempt, self.discarded.append)


def test_the_families_take_turns_and_there_are_eight_at_most() -> None:
    assert interleaved([*SIX, *FOUR])[:4] == [SIX[0], FOUR[0], SIX[1], FOUR[1]]
    many = [Address(f"192.0.2.{n}", 1, socket.AF_INET) for n in range(1, 200)]
    assert len(Race(many).addresses) == MAX_ADDRESSES


async def test_the_preferred_address_is_taken_where_it_answers() -> None:
    addresses = Addresses(answer={SIX[0], FOUR[0]}, refuse=set())
    assert await addresses.run(Race([SIX[0], FOUR[0]])) == SIX[0].ip
    assert addresses.asked == [SIX[0]]


async def test_an_answer_is_taken_at_once_whoever_else_could_still_be_asked() -> None:
    addresses = Addresses(answer={SIX[0]}, refuse=set())
    async with asyncio.timeout(30):
        assert await addresses.run(Race([SIX[0], FOUR[0]], delay=60)) == SIX[0].ip


async def test_a_refusal_starts_the_next_at_once() -> None:
    addresses = Addresses(answer={FOUR[0]}, refuse={SIX[0]})
    race = Race([SIX[0], FOUR[0]], delay=60)
    async with asyncio.timeout(30):
        assert await addresses.run(race) == FOUR[0].ip
    assert race.outcomes == {SIX[0]: f"{SIX[0].ip} refuses", FOUR[0]: ""}


async def test_silence_starts_the_next_after_the_delay_and_is_given_up() -> None:
    addresses = Addresses(answer={FOUR[0]}, refuse=set())
    race = Race([SIX[0], FOUR[0]], delay=SHORT)
    assert await addresses.run(race) == FOUR[0].ip
    assert addresses.cancelled == [SIX[0]]


async def test_while_two_are_silent_no_third_is_asked() -> None:
    addresses = Addresses(answer={FOUR[2]}, refuse=set())
    running = asyncio.create_task(addresses.run(Race(FOUR, delay=0)))
    for _ in range(100):
        await asyncio.sleep(0)
    assert addresses.asked == FOUR[:2]
    running.cancel()
    await asyncio.wait({running})
    assert set(addresses.cancelled) == set(FOUR[:2])


async def test_one_that_fails_beside_a_silent_one_makes_room_for_the_next() -> None:
    addresses = Addresses(answer={FOUR[2]}, refuse={FOUR[1]})
    async with asyncio.timeout(30):
        assert await addresses.run(Race(FOUR, delay=0)) == FOUR[2].ip
    assert addresses.asked == FOUR


def test_of_each_family_the_first() -> None:
    assert first_of_each_family([FOUR[0], FOUR[1], SIX[1], SIX[0]]) == [FOUR[0], SIX[1]]
    assert first_of_each_family(SIX) == SIX[:1]


async def test_both_families_are_asked_at_once_and_the_preferred_one_is_waited_for() -> None:
    addresses = Addresses(answer={SIX[0], FOUR[0]}, refuse=set())
    race = Race([SIX[0], FOUR[0]], both_families=True)
    assert await addresses.run(race) == SIX[0].ip
    assert addresses.asked == [SIX[0], FOUR[0]]
    assert addresses.discarded == [FOUR[0].ip]


async def test_where_all_fail_the_one_that_says_most_is_raised() -> None:
    async def attempt(address: Address) -> str:
        cause = Cause.CONNECT_FAILED if address in SIX else Cause.TLS_INVALID
        raise CheckFailed(cause, address.ip)

    with pytest.raises(CheckFailed, match=FOUR[0].ip):
        await Race([SIX[0], FOUR[0]]).run(attempt, lambda _: None)


async def test_a_defect_is_not_taken_for_a_finding() -> None:
    async def attempt(_: Address) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Race([FOUR[0]]).run(attempt, lambda _: None)


async def test_a_race_that_is_cancelled_gives_all_up() -> None:
    addresses = Addresses(answer=set(), refuse=set())
    task = asyncio.create_task(addresses.run(Race([SIX[0], FOUR[0]], both_families=True)))
    await addresses.both_asked.wait()
    task.cancel()
    await asyncio.wait({task})
    assert addresses.cancelled == [SIX[0], FOUR[0]]
