"""The browser: fresh connections, phases that are right at any moment, errors translated."""

import asyncio
import errno
import socket
from collections.abc import Callable
from time import monotonic

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net import http, resolver
from probe.net.fetch.security_headers import http_url
from probe.net.fetch.timing import Timing
from probe.net.http import fresh_client, translate
from probe.net.resolver import Address
from tests.servers.pages import Pages, answers, closed_port, hangs_after, in_turn

pytestmark = pytest.mark.usefixtures("leaks")


def ticking() -> Callable[[], float]:
    moments = iter(range(100))
    return lambda: float(next(moments))


def test_a_phase_ends_where_the_next_begins() -> None:
    begun: list[str] = []
    timing = Timing(ticking(), begun.append)
    for phase in ("resolve", "connect", "processing", "resolve", "connect"):
        timing.enter(phase)
    assert begun == ["resolve", "connect", "processing", "resolve", "connect"]
    assert timing.phases == {"resolve": 2.0, "connect": 1.0, "processing": 1.0}
    # Connecting for the second time is under way, so its sum says nothing yet.
    assert timing.finished == {"resolve": 2.0, "processing": 1.0}
    timing.leave()
    assert timing.finished == {"resolve": 2.0, "connect": 2.0, "processing": 1.0}
    assert timing.lookup == 1.0


async def test_the_phase_is_right_at_any_moment() -> None:
    begun: list[str] = []
    async with (
        Pages(in_turn(answers(302, b"", Location="/there"), answers())) as pages,
        fresh_client(ca_file=None, clock=monotonic, host="x", on_phase=begun.append) as browser,
        browser.open(pages.named_url, max_redirects=1) as page,
    ):
        assert browser.phase == "transfer"
        await browser.read(page, 100)
    assert begun == ["resolve", "connect", "processing", "transfer"] * 2


async def test_a_request_that_is_cancelled_leaves_nothing() -> None:
    reached = asyncio.Event()

    def on_phase(phase: str) -> None:
        if phase == "processing":
            reached.set()

    async def ask(url: str) -> None:
        async with (
            fresh_client(ca_file=None, clock=monotonic, host="x", on_phase=on_phase) as browser,
            browser.open(url),
        ):
            pytest.fail("it answers")

    async with Pages(hangs_after()) as pages:
        asking = asyncio.create_task(ask(pages.url))
        await reached.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_addresses_without_a_route_do_not_blur_why_the_others_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def both(_: str, port: int, **__: object) -> list[Address]:
        # Discard-only (RFC 6666): without IPv6 there is no route, with it nobody answers.
        six = Address("100::1", port, socket.AF_INET6)
        return [six, Address("127.0.0.1", port, socket.AF_INET)]

    monkeypatch.setattr(http, "resolve", both)
    monkeypatch.setattr(resolver, "has_route", lambda address: address.ip == "127.0.0.1")
    with pytest.raises(CheckFailed) as caught:
        async with (
            fresh_client(ca_file=None, clock=monotonic, host="x") as browser,
            browser.open(f"http://two.example:{closed_port()}"),
        ):
            pytest.fail("nobody listens")
    assert (caught.value.cause, caught.value.phase) == (Cause.CONNECT_REFUSED, "connect")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.ECONNRESET, "reset"), Cause.CONNECTION_CLOSED),
        (OSError(errno.EPIPE, "pipe"), Cause.CONNECTION_CLOSED),
        (OSError(errno.ECONNREFUSED, "refused"), Cause.CONNECT_REFUSED),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Cause.CONNECT_FAILED),
        (OSError("Multiple exceptions: …"), Cause.CONNECT_FAILED),
        (ConnectionResetError("handshake"), Cause.CONNECTION_CLOSED),
    ],
)
def test_errors_of_connections_are_distinguished(error: OSError, cause: Cause) -> None:
    stop = translate(error, "host")
    assert stop is not None
    assert stop.cause is cause
    assert "host" in stop.message


def test_what_is_no_error_of_http_is_left_alone() -> None:
    assert translate(ValueError("ours"), "host") is None


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://u:p@paircam.live/health?t=x", "http://paircam.live/health"),
        ("https://paircam.live:8443/", "http://paircam.live/"),
        ("http://localhost:3333/", "http://localhost:3333/"),
    ],
)
def test_over_plain_http_no_secret_is_sent(url: str, plain: str) -> None:
    assert str(http_url(url)) == plain
