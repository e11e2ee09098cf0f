"""A resolver that is gone is this machine's trouble; a name that it can't resolve is not."""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net import http, resolver
from probe.net.http import fresh_client
from probe.net.protocol import connect
from probe.net.protocol.own_resolver import name_servers, resolver_answers
from probe.net.resolver import Address, resolve

SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5


@contextmanager
def name_server(answer: int | None, *, foreign: bool = False) -> Iterator[int]:
    """A DNS server that answers everything with one code, or nothing; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)

        def serve() -> None:
            try:
                query, client = sock.recvfrom(512)
            except OSError:
                return
            if answer is not None:
                identifier = b"\x00\x00" if foreign else query[:2]
                sock.sendto(identifier + bytes([0x81, 0x80 | answer]) + query[4:], client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield sock.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", sock.getsockname())
        thread.join()


@pytest.mark.parametrize("code", [0, SERVFAIL, NXDOMAIN, REFUSED])
def test_any_response_shows_that_it_is_there(code: int) -> None:
    with name_server(code) as port:
        assert resolver_answers(["127.0.0.1"], port=port, timeout=5)


def test_silence_a_closed_port_and_a_foreign_response_show_that_it_is_not() -> None:
    with name_server(None) as port:
        assert not resolver_answers(["127.0.0.1"], port=port, timeout=0.1)
    with name_server(0, foreign=True) as port:
        assert not resolver_answers(["127.0.0.1"], port=port, timeout=0.1)
    assert not resolver_answers(["127.0.0.1"], port=port, timeout=5)


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nameserver 10.0.0.2\nnameserver fd00::1%eth0\n", ["10.0.0.2", "fd00::1%eth0"]),
        ("# nameserver 10.0.0.2\nsearch example.org\n", ["127.0.0.1"]),
        ("nameserver not-an-address\nnameserver\n", ["127.0.0.1"]),
        (
            "\n".join(f"nameserver 10.0.0.{n}" for n in range(1, 6)),
            ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        ),
    ],
)
def test_resolv_conf_is_read_as_glibc_does(tmp_path: Path, text: str, servers: list[str]) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(text)
    assert name_servers(path) == servers
    assert name_servers(tmp_path / "missing") == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("error", "answers", "cause"),
    [
        (socket.EAI_AGAIN, False, Cause.OWN_NETWORK),
        (socket.EAI_AGAIN, True, Cause.DNS_FAILED),
        (socket.EAI_NONAME, False, Cause.DNS_FAILED),
        (socket.EAI_FAIL, False, Cause.DNS_FAILED),
    ],
)
async def test_no_answer_is_no_such_name(
    monkeypatch: pytest.MonkeyPatch, error: int, answers: bool, cause: Cause
) -> None:
    def fail(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(error, "it failed")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr(resolver, "resolver_answers", lambda: answers)
    monkeypatch.setattr(resolver, "has_network", lambda: True)
    with pytest.raises(CheckAborted) as caught:
        await resolve("app.example.org", 443)
    assert caught.value.cause is cause
    assert isinstance(caught.value, NotMeasured if cause is Cause.OWN_NETWORK else CheckFailed)


async def test_a_resolver_that_stays_silent_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        released.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(resolver, "RESOLVER_TIMEOUT", 0.01)
    monkeypatch.setattr(resolver, "resolver_answers", lambda: False)
    monkeypatch.setattr(resolver, "has_network", lambda: True)
    with pytest.raises(NotMeasured) as caught:
        await resolve("app.example.org", 443)
    assert caught.value.cause is Cause.OWN_NETWORK
    released.set()


@pytest.mark.parametrize(
    ("addresses", "named"),
    [
        ([("2001:4860::1", socket.AF_INET6)], "IPv6"),
        ([("198.18.0.1", socket.AF_INET)], "IPv4"),
        ([("198.18.0.1", socket.AF_INET), ("2001:4860::1", socket.AF_INET6)], "IPv4 and IPv6"),
    ],
)
async def test_a_target_without_an_address_that_we_have_a_route_to_is_unknown(
    monkeypatch: pytest.MonkeyPatch, addresses: list[tuple[str, int]], named: str
) -> None:
    async def found(_: str, port: int, **__: object) -> list[Address]:
        return [Address(ip, port, family) for ip, family in addresses]

    monkeypatch.setattr(http, "resolve", found)

    async def unreachable(_: object, __: object = None) -> socket.socket:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(connect, "connect_tcp", unreachable)
    monkeypatch.setattr(resolver, "has_route", lambda _: False)
    monkeypatch.setattr(resolver, "has_network", lambda: True)
    with pytest.raises(NotMeasured) as caught:
        async with (
            fresh_client(ca_file=None, clock=lambda: 0.0, host="x") as browser,
            browser.open("http://six.example/"),
        ):
            pytest.fail("there is no route")
    assert (caught.value.cause, caught.value.phase) == (Cause.OWN_NETWORK, "resolve")
    assert named in caught.value.message
