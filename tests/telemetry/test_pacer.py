"""Requests that come at once are spread; those that come in time are not held up."""

from probe.telemetry.rate_limit import RequestPacer
from tests.clocks import Clock


async def test_after_a_burst_of_three_one_a_second_goes() -> None:
    clock, waits = Clock(), []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.pass_(seconds)

    pacer = RequestPacer(rate=1.0, burst=3, clock=clock, sleep=sleep)
    for _ in range(6):
        await pacer.acquire()
    assert waits == [1, 1, 1]
    clock.pass_(100)
    for _ in range(3):
        await pacer.acquire()
    assert len(waits) == 3


async def test_those_who_wait_at_the_same_time_go_one_after_the_other() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    pacer = RequestPacer(rate=1.0, burst=1, clock=Clock(), sleep=sleep)
    for _ in range(4):
        await pacer.acquire()
    assert waits == [1, 2, 3]
