"""People and services read times by the wall clock, however it was set since the start."""

import asyncio
from random import Random

import pytest
from msgspec.structs import replace

from alerts.model import Delivery, MessageType
from alerts.notification.sender import Dispatcher
from alerts.outbox.outbox import Outbox
from alerts.outbox.wall_time import by_wall_clock
from tests.alerts.samples import NOON, failing, sample_message
from tests.alerts.services import Service
from tests.clocks import Clock

YEARS = 50 * 365 * 86400.0


@pytest.mark.parametrize("ahead", [3600.0, -3600.0, YEARS, -YEARS, 2.5])
def test_every_time_of_a_message_moves_with_the_wall_clock(ahead: float) -> None:
    ended = failing(ended=NOON + 90)
    message = replace(sample_message(MessageType.RESOLVED), firing=(failing(),), resolved=(ended,))
    moved, step = by_wall_clock(message, ahead), float(round(ahead))
    assert (moved.at, moved.since) == (message.at + step, message.since + step)
    assert (moved.firing[0].since, moved.firing[0].fired) == (NOON + step, NOON + 30 + step)
    assert moved.firing[0].ended is None
    assert moved.resolved[0].ended == NOON + 90 + step


@pytest.mark.parametrize("ahead", [0.0, 0.3, -1.9])
def test_a_clock_that_is_slewed_changes_nothing(ahead: float) -> None:
    message = sample_message()
    assert by_wall_clock(message, ahead) is message


async def test_a_machine_that_booted_without_the_time_sends_todays() -> None:
    outbox, pager, steady = await Outbox.open(None), Service(), Clock(5_000.0)
    dispatcher = Dispatcher(
        outbox,
        {pager.name: pager},
        clock=steady,
        now=steady,
        wall=lambda: NOON,
        random=Random(1),
        on_refused=lambda delivery, reason: asyncio.sleep(0),
    )
    booted = replace(sample_message(), at=4_990.0, since=4_960.0)
    await outbox.commit({}, [Delivery(pager.name, booted)])
    async with asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run())
        await pager.took(1)
        await dispatcher.stop(10.0)
    [received] = pager.received
    assert (received.at, received.since) == (NOON - 10, NOON - 40)
    await outbox.close()
