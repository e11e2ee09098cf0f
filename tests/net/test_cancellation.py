"""What is cut off at any step of the event loop is closed, on both sides."""

import asyncio
import socket
from time import monotonic

import pytest

from probe.net.http import fresh_client, read_bounded
from probe.net.protocol import connect
from probe.net.racing import Race
from probe.net.resolver import Address, resolve
from probe.net.tasks import gather_first_error
from tests.cancellation import MAX_STEPS, cancel_after, leaves_nothing_at_any_step, pass_steps
from tests.servers.pages import Pages, answers

pytestmark = pytest.mark.usefixtures("leaks")

TWO = [Address(f"192.0.2.{n}", 1, socket.AF_INET) for n in (1, 2)]


async def test_a_request_is_closed() -> None:
    async with Pages(answers()) as pages:

        async def ask() -> None:
            async with (
                fresh_client(ca_file=None, clock=monotonic, host="here") as browser,
                browser.request("GET", pages.url) as response,
            ):
                await read_bounded(response, 100)

        assert await leaves_nothing_at_any_step(ask) > 5


async def test_a_connection_to_one_of_several_addresses_is_closed() -> None:
    async with Pages(answers()) as pages:
        addresses = await resolve("127.0.0.1", pages.port)

        async def open_and_close() -> None:
            (await connect.connect_tcp(addresses * 3)).close()

        assert await leaves_nothing_at_any_step(open_and_close) > 2


async def test_a_client_that_is_closed_connects_no_more() -> None:
    async with Pages(answers()) as pages:
        for steps in range(MAX_STEPS):
            async with fresh_client(ca_file=None, clock=monotonic, host="here") as browser:
                asking = asyncio.create_task(browser.upgrade(pages.url, {}))
                await pass_steps(steps)
                is_connected = asking.done() or browser.phase in ("processing", "transfer")
                browser.close()
                if is_connected:
                    asking.cancel()
                await asyncio.wait({asking}, timeout=5)
                assert is_connected or asking.exception() is not None
            if is_connected:
                break
        else:
            raise AssertionError("it never connects")


async def test_what_a_race_has_found_is_discarded_where_no_one_gets_it() -> None:
    found: list[str] = []
    discarded: list[str] = []

    async def attempt(address: Address) -> str:
        await asyncio.sleep(0)
        found.append(address.ip)
        try:
            return address.ip
        finally:
            if address == TWO[1]:
                await _slowly()

    async def run() -> None:
        race = Race(TWO, delay=0, prefer=0)
        taken.append(await race.run(attempt, discarded.append))

    for steps in range(MAX_STEPS):
        taken: list[str] = []
        found.clear()
        discarded.clear()
        goes_on = await cancel_after(steps, run())
        assert set(taken + discarded) <= set(found)
        assert not goes_on or TWO[0].ip not in set(found) - set(discarded), steps
        if not goes_on:
            break
    assert steps > 3


async def _slowly() -> None:
    """Clean up in several steps, whatever happens."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("fails", [True, False])
async def test_of_what_runs_side_by_side_none_outlives_the_others(fails: bool) -> None:
    going = {"first", "second"}

    async def work(name: str) -> str:
        try:
            if fails and name == "first":
                raise ConnectionError(name)
            await (asyncio.Event().wait() if fails else asyncio.sleep(0))
            return name
        finally:
            await _slowly()
            going.discard(name)

    both = gather_first_error(work("first"), work("second"))
    if fails:
        with pytest.raises(ConnectionError, match="first"):
            await both
    else:
        assert await both == ["first", "second"]
    assert going == set()
    assert await gather_first_error() == []
