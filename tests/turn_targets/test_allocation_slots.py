"""Checks of one TURN server don't wait for what its allocation check has found out."""

import asyncio

import pytest
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.stun.credentials import TurnCredentials
from probe.turn_targets.allocation_slots import allocation_slots
from probe.turn_targets.last_allocations import allocation_results_of
from tests.clocks import settle

ALICE = [TurnCredentials("alice", SecretStr("pw"))]


async def _take_turns(context: Context, place: str) -> None:
    async with allocation_slots(ALICE, 1, Recorder(), context, place=place):
        pass


async def test_a_check_that_waits_fails_as_the_allocation_of_its_server_does() -> None:
    context = Context()
    async with allocation_slots(ALICE, 1, Recorder(), context):
        same, other = (asyncio.create_task(_take_turns(context, each)) for each in "ab")
        await settle()
        with (
            pytest.raises(CheckFailed),
            allocation_results_of(context).recording("allocation-a", Recorder(), "a"),
        ):
            raise CheckFailed(Cause.ALLOCATION_QUOTA, "486")
        await asyncio.wait({same})
        assert not other.done()
    with pytest.raises(CheckFailed, match="no allocation on this server: 486") as caught:
        await same
    assert (caught.value.cause, caught.value.phase) == (Cause.ALLOCATION_QUOTA, "allocate")
    await other
    async with allocation_slots(ALICE, 1, Recorder(), context):
        """What gave up has left its place to others."""


@pytest.mark.parametrize(("queues", "works"), [(True, None), (False, False)])
async def test_an_allocation_check_that_never_had_its_turn_says_nothing_of_its_server(
    queues: bool, works: bool | None
) -> None:
    """The backup was "in use", because the primary's checks had waited in vain."""
    context, record = Context(), Recorder()
    results, began = allocation_results_of(context), asyncio.Event()

    async def check() -> None:
        with results.recording("allocation-a", record, "a"):
            async with allocation_slots(ALICE, 1, record, context):
                began.set()
                await asyncio.Event().wait()

    async def hold() -> None:
        async with allocation_slots(ALICE if queues else [], 1, Recorder(), context):
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold())
    await settle()
    task = asyncio.create_task(check())
    await settle()
    assert began.is_set() is not queues
    for each in (task, holder):
        each.cancel()
    await asyncio.wait({task, holder})
    assert results.is_up("allocation-a", newer_than=60) is works
