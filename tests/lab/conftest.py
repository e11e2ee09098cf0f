"""A backend of the lab whose time stands still, and clients of it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from probe.lab.backend import LabBackend
from tests.lab.turn.callers import JWT_SECRET, TURN_SECRET, TURN_URLS, Caller, Clock, bearer

Call = Callable[[str], Awaitable[Caller]]
MakeCaller = Callable[[], Caller]


@pytest.fixture
def clock() -> Clock:
    """The backend's monotonic clock."""
    return Clock(1000.0)


@pytest.fixture
def now() -> Clock:
    """The backend's wall clock, years behind the real one."""
    return Clock(1_700_000_000.0)


@pytest.fixture
async def backend(clock: Clock, now: Clock) -> AsyncIterator[LabBackend]:
    """A backend that works."""
    backend = LabBackend(
        jwt_secret=JWT_SECRET,
        turn_secret=TURN_SECRET,
        turn_urls=TURN_URLS,
        clock=clock,
        now=now,
    )
    await backend.start()
    yield backend
    await backend.stop()


@pytest.fixture
async def http(backend: LabBackend) -> AsyncIterator[aiohttp.ClientSession]:
    """A client whose requests begin at the backend's address."""
    async with aiohttp.ClientSession(backend.url) as session:
        yield session


@pytest.fixture
async def caller(backend: LabBackend) -> AsyncIterator[MakeCaller]:
    """``caller()`` is a Socket.IO client that isn't connected yet."""
    backend.knobs.limits = False
    callers: list[Caller] = []
    async with aiohttp.ClientSession() as session:

        def make() -> Caller:
            callers.append(Caller(session))
            return callers[-1]

        yield make
        for each in callers:
            await each.hang_up()


@pytest.fixture
def call(backend: LabBackend, caller: MakeCaller, now: Clock) -> Call:
    """``await call("alice")`` is a client of that device whose session stands."""

    async def connect(device: str) -> Caller:
        client = caller()
        client.device = device
        await client.connect(backend, {"token": bearer(backend, device, now())})
        await client.hears("connected")
        return client

    return connect
