"""The deadlines of many runs share one timer, and none comes late or is lost."""

import asyncio
from collections.abc import Callable
from unittest.mock import Mock

import pytest

from probe.core.deadlines import Deadlines

FAR = 3600.0


def made(count: int) -> list["asyncio.Future[None]"]:
    loop = asyncio.get_running_loop()
    return [loop.create_future() for _ in range(count)]


async def test_an_earlier_moment_comes_first_whenever_it_was_added() -> None:
    deadlines, (far, late, early) = Deadlines(), made(3)
    deadlines.wake(far, FAR)
    deadlines.wake(late, 0.02)
    deadlines.wake(early, 0.01)
    await early
    await late
    assert not far.done()


async def test_moments_that_are_past_come_at_once() -> None:
    deadlines, waiting = Deadlines(), made(5)
    for each in waiting:
        deadlines.wake(each, -1.0)
    await asyncio.gather(*waiting)
    assert len(deadlines) == 0


@pytest.mark.parametrize("end", [lambda each: each.set_result(None), asyncio.Future.cancel])
async def test_what_ended_before_its_moment_is_left_alone_and_forgotten(
    end: Callable[["asyncio.Future[None]"], object],
) -> None:
    deadlines, ended, (first, far) = Deadlines(), made(500), made(2)
    deadlines.wake(first, 0.01)
    for each in ended:
        deadlines.wake(each, 10.0)
        end(each)
    deadlines.wake(far, FAR)
    await first
    assert len(deadlines) == 1
    assert not far.done()


async def test_many_deadlines_take_few_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    call_at = Mock(wraps=loop.call_at)
    monkeypatch.setattr(loop, "call_at", call_at)
    deadlines, waiting = Deadlines(), made(1000)
    for each in waiting:
        deadlines.wake(each, FAR)
    call_at.assert_called_once()


def test_another_event_loop_has_timers_of_its_own() -> None:
    deadlines = Deadlines()

    async def wait(more: float) -> None:
        (unanswered, waiting) = made(2)
        deadlines.wake(unanswered, FAR)
        deadlines.wake(waiting, more)
        await waiting

    asyncio.run(wait(0.01))
    asyncio.run(wait(0.01))
