"""A way to a server that is given up at any moment is closed at once and for good."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from probe.core.model import CheckAborted
from probe.net.tls.contexts import client_context
from probe.stun.transport import Transport
from probe.stun.transport.connect import connect_transport, secure_transport
from probe.stun.uri import parse_turn_url
from probe.turn.resolve import resolve_turn_server
from tests.turn.turn_lab import WAYS, TurnLab, turn_lab

MAX_STEPS = 200


class IgnoringReceiver:
    """Ignores every message."""

    def has_channel(self, number: int) -> bool:
        return False

    def message_received(self, frame: bytes) -> None:
        pass

    def connection_lost(self, error: CheckAborted) -> None:
        pass


@pytest.fixture
async def lab(leaks: None, tmp_path: Path) -> AsyncIterator[TurnLab]:
    async with turn_lab(tmp_path) as started:
        yield started


async def opening(lab: TurnLab, way: str) -> Transport:
    """Open a transport to the lab."""
    url = parse_turn_url(lab.url(way))
    (address, *_) = await resolve_turn_server(url, None)

    def connect() -> Coroutine[Any, Any, Transport]:
        return connect_transport(url, address, IgnoringReceiver())

    transport = await connect()
    if url.kind == "tls":
        await secure_transport(transport, url, client_context(lab.ca_file), connect)
    return transport


async def given_up_after(steps: int, lab: TurnLab, way: str) -> bool:
    """Cancel the opening after so many steps of the event loop; False if it was done before."""
    task = asyncio.create_task(opening(lab, way))
    for _ in range(steps):
        await asyncio.sleep(0)
    if task.done():
        task.result().abort()
        return False
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    return True


@pytest.mark.parametrize("way", WAYS)
async def test_an_opening_that_is_cancelled_at_any_step_is_closed(
    lab: TurnLab, recwarn: pytest.WarningsRecorder, way: str
) -> None:
    warnings.simplefilter("always", ResourceWarning)
    steps = 0
    # A connection that was forgotten still has its descriptor, which the next one then gets:
    # "File descriptor is used by transport".
    while await given_up_after(steps, lab, way):
        steps += 1
        assert steps < MAX_STEPS
    await asyncio.sleep(0.05)
    gc.collect()
    unclosed = [str(warning.message) for warning in recwarn if "transport" in str(warning.message)]
    assert (steps > 0, unclosed) == (True, [])
