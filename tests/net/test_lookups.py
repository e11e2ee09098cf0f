"""Names whose lookups hang cost a bounded number of threads, and hold up no other name."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.net import lookups
from probe.net.lookups import Lookups

Found = list[tuple[object, ...]]


class Resolver:
    """A getaddrinfo that hangs for every name that begins so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()

    def __call__(self, host: str, *_: object, **__: object) -> Found:
        self.asked.append(host)
        if host.startswith("hangs"):
            self.released.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    monkeypatch.setattr(lookups, "MAX_HANGING", 5)
    yield made
    made.released.set()
    for thread in threading.enumerate():
        if thread.name == "resolve":
            thread.join(10)


def hang_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs hangs from now on."""
    monkeypatch.setattr(lookups, "HANGING_SECONDS", 0.0)


async def test_one_name_that_hangs_takes_one_thread(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang_now(monkeypatch)
    every = Lookups()
    asking = [asyncio.create_task(every.look_up("hangs", 443, 0)) for _ in range(200)]
    await asyncio.sleep(0)
    for each in asking[:100]:
        each.cancel()
    resolver.released.set()
    assert all(len(found) == 1 for found in await asyncio.gather(*asking[100:]))
    assert resolver.asked == ["hangs"]


async def test_many_names_that_hang_take_so_many_threads_and_the_rest_is_unknown(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang_now(monkeypatch)
    every = Lookups()
    asking = [asyncio.create_task(every.look_up(f"hangs-{n}", 443, 0)) for n in range(861)]
    errors = await asyncio.gather(*asking[5:], return_exceptions=True)
    assert all(isinstance(error, NotMeasured) for error in errors)
    assert {error.cause for error in errors if isinstance(error, NotMeasured)} == {
        Cause.OWN_RESOURCES
    }
    resolver.released.set()
    await asyncio.gather(*asking[:5])
    assert len(resolver.asked) == 5
    # Once they have ended, names are looked up again.
    assert await every.look_up("fine", 443, 0)


async def test_lookups_that_do_not_hang_are_not_shared(resolver: Resolver) -> None:
    every = Lookups()
    await asyncio.gather(*[every.look_up("fine", 443, 0) for _ in range(20)])
    assert len(resolver.asked) == 20


async def test_an_error_reaches_whoever_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> Found:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    every = Lookups()
    with pytest.raises(socket.gaierror):
        await every.look_up("nothing", 443, 0)
