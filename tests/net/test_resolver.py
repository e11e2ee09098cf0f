"""From a name to addresses that can be used."""

import asyncio
import socket
import threading

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net import resolver
from probe.net.address.ranges import is_unreachable
from probe.net.resolver import Address, resolve


@pytest.mark.parametrize(
    ("host", "ip", "family"),
    [
        ("localhost", "127.0.0.1", socket.AF_INET),
        ("127.0.0.1", "127.0.0.1", socket.AF_INET),
        ("10.1.2.3", "10.1.2.3", socket.AF_INET),
        ("[::1]", "::1", socket.AF_INET6),
        ("::1", "::1", socket.AF_INET6),
    ],
)
async def test_names_and_literals_become_addresses(host: str, ip: str, family: int) -> None:
    assert Address(ip, 443, family) in await resolve(host, 443)


@pytest.mark.parametrize("host", ["nothing.invalid", "x" * 64 + ".invalid", ".invalid", "a..b"])
async def test_a_name_without_addresses_is_a_dns_failure(host: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        await resolve(host, 443)
    assert caught.value.cause is Cause.DNS_FAILED
    assert host in caught.value.message


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "198.51.100.7", "203.0.113.9", "0.0.0.0", "224.0.0.1", "2001:db8::1"]
)
async def test_an_address_that_no_one_can_have_is_reported_so(address: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        await resolve(address, 443)
    assert caught.value.cause is Cause.ADDRESS_RESERVED


@pytest.mark.parametrize("address", ["8.8.8.8", "10.0.0.1", "127.0.0.1", "::1", "fe80::1%lo"])
def test_public_private_and_loopback_addresses_are_usable(address: str) -> None:
    assert not is_unreachable(address)


async def test_a_hanging_lookup_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, released = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        begun.set()
        released.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    looking = asyncio.create_task(resolve("localhost", 443))
    await asyncio.to_thread(begun.wait, 10)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    # What comes after nobody waits any more is dropped without a word.
    threads = [thread for thread in threading.enumerate() if thread.name == "resolve"]
    released.set()
    for thread in threads:
        await asyncio.to_thread(thread.join, 10)


async def test_of_a_name_with_thousands_of_addresses_the_first_are_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    many = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"10.0.{number // 250}.{number % 250}", 443))
        for number in range(3500)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: many)
    found = await resolve("many.example.org", 443)
    assert [each.ip for each in found] == [info[4][0] for info in many[:16]]
    assert "many.example.org has 3500 addresses: the first 16 are used" in caplog.text


async def test_an_unanswered_question_for_ipv6_holds_up_no_one_who_has_ipv4(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Name servers that drop AAAA: getaddrinfo waits for it, browsers don't."""
    released = threading.Event()

    def look_up(_: str, port: int, *, family: int, **__: object) -> list[object]:
        if family == socket.AF_UNSPEC:
            released.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", port))]

    monkeypatch.setattr(resolver, "RESOLVER_TIMEOUT", 0.01)
    monkeypatch.setattr(resolver, "resolver_answers", lambda: True)
    monkeypatch.setattr(resolver, "has_network", lambda: True)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        assert await resolve("drops-aaaa.example.org", 443) == [
            Address("10.1.2.3", 443, socket.AF_INET)
        ]
    finally:
        threads = [thread for thread in threading.enumerate() if thread.name == "resolve"]
        released.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 10)


@pytest.mark.parametrize(
    ("code", "word"), [(socket.EAI_AGAIN, "SERVFAIL"), (socket.EAI_NONAME, "")]
)
async def test_broken_name_servers_are_no_misspelt_name(
    code: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(code, "as glibc says")

    monkeypatch.setattr(resolver, "resolver_answers", lambda: True)
    monkeypatch.setattr(resolver, "has_network", lambda: True)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(CheckFailed) as caught:
        await resolve("broken.example.org", 443)
    assert caught.value.cause is Cause.DNS_FAILED
    assert word in (caught.value.hint or "")


async def test_many_addresses_of_one_family_leave_room_for_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = [(socket.AF_INET, 1, 6, "", (f"10.0.0.{number}", 80)) for number in range(3)]
    first = [
        (socket.AF_INET6, 1, 6, "", (f"fd00::{number:x}", 80, 0, 0)) for number in range(1, 99)
    ]
    again = [(socket.AF_INET6, 1, 6, "", ("fd00::1", 80, 0, 0))] * 50
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: again + first + later)
    found = await resolve("many.example.org", 80)
    assert [each.ip for each in found[:13]] == [f"fd00::{number:x}" for number in range(1, 14)]
    assert [each.ip for each in found[13:]] == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("name", ["localhost.", "a.localhost", "A.B.LocalHost", "a.localhost."])
async def test_a_name_below_localhost_is_loopback(name: str) -> None:
    found = await resolve(name, 80)
    assert [(each.ip, each.port) for each in found] == [("::1", 80), ("127.0.0.1", 80)]
    assert [each.ip for each in await resolve(name, 80, family=socket.AF_INET)] == ["127.0.0.1"]


async def test_localhost_is_both_loopback_addresses_whatever_the_hosts_file_lists() -> None:
    """A development server listens on ``::1`` alone: browsers reach it."""
    found = {each.ip for each in await resolve("localhost", 80)}
    assert found == {"127.0.0.1", "::1"}


@pytest.mark.parametrize("name", ["a.localhost.invalid", "notlocalhost.invalid"])
async def test_other_names_are_looked_up(name: str) -> None:
    with pytest.raises(CheckFailed):
        await resolve(name, 80)
