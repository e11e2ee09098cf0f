"""A call between two peers of this process, direct and through coturn."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from OpenSSL import SSL
from pydantic import SecretStr

from probe.call.local_call import Call
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.ice.relay_pair import RelayPairIce
from probe.ice.relay_transport import RelayServer
from probe.net.resolver import Address
from probe.net.tls.contexts import client_context
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import parse_turn_url
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory
from tests.turn.turn_lab import PASSWORD, USERNAME, WAYS, TurnLab, turn_lab

PHASES = ["gathering", "ice", "dtls", "data_channel", "echo"]


def relay_of(server: Coturn, transport: str = "udp", password: str | None = None) -> RelayServer:
    """A Relay for a coturn of these tests."""
    text = {"udp": server.udp_url, "tcp": server.tcp_url, "tls": server.tls_url}[transport]
    return a_relay(text, server.username, password or server.password, server.ca_file)


def a_relay(text: str, username: str, password: str, ca_file: Path | None) -> RelayServer:
    """A Relay at an IPv4 address."""
    url = parse_turn_url(text)
    return RelayServer(
        url,
        TurnCredentials(username, SecretStr(password)),
        [Address(url.host, url.port, socket.AF_INET)],
        client_context(ca_file) if url.kind == "tls" else None,
    )


async def call(
    relay: RelayServer | None, context: Context, bounds: PhaseTimeouts | None = None
) -> Call:
    record = Recorder(context.clock)
    made = Call(relay, record, context, bounds=bounds)
    async with made:
        await made.gather()
        await made.connect()
        await made.echo(3)
    assert list(record.phases) == PHASES
    return made


async def _fails_after(stop: Callable[[], Awaitable[None]]) -> None:
    await stop()
    raise SSL.Error([])


async def test_a_direct_call_opens_and_echoes(leaks: None) -> None:
    context = Context()
    made = await call(None, context)
    assert made.times.lost == 0
    assert len(made.times.rtts) == 3
    assert context.closing.pending == 0


@pytest.mark.parametrize("step", ["sctp", "dtls"])
async def test_both_relays_are_closed_where_openssl_raises(
    leaks: None, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does of what is sent over a connection that has failed, or was shut down."""
    record, context = Recorder(), Context()

    async with turn_lab(tmp_path) as lab:
        relay = a_relay(lab.url("udp"), USERNAME, PASSWORD, None)
        async with Call(relay, record, context) as made:
            await made.gather()
            await made.connect()
            for end in (made.offerer, made.answerer):
                stop = getattr(end, step).stop
                monkeypatch.setattr(getattr(end, step), "stop", partial(_fails_after, stop))
        assert lab.server.allocations == 0


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_relayed_call_opens_and_echoes(
    leaks: None, coturn: CoturnFactory, transport: str
) -> None:
    made = await call(relay_of(coturn(), transport), Context())
    assert isinstance(made.offerer.ice, RelayPairIce)
    for times in (made.times.offering, made.times.answering):
        assert 0 < times.gathering < times.ice < times.dtls < times.opened <= made.times.opened


async def test_ten_calls_at_once_all_open(leaks: None, coturn: CoturnFactory) -> None:
    relay, context = relay_of(coturn()), Context()
    made = await asyncio.gather(*(call(relay, context) for _ in range(10)))
    assert len(made) == 10


async def test_a_relay_that_refuses_gives_no_candidate(leaks: None, coturn: CoturnFactory) -> None:
    context = Context()
    async with Call(relay_of(coturn(), password="wrong"), Recorder(), context) as made:
        with pytest.raises(CheckFailed) as caught:
            await made.gather()
    assert (caught.value.phase, caught.value.cause) == ("gathering", Cause.AUTH_REJECTED)


async def test_a_peer_that_the_relay_refuses_is_reported_at_once(
    leaks: None, coturn: CoturnFactory
) -> None:
    server = coturn(CoturnConfig(denied_peer_ip=["127.0.0.1"]))
    with pytest.raises(CheckFailed) as caught:
        await call(relay_of(server), Context(), PhaseTimeouts(ice=60))
    assert (caught.value.phase, caught.value.cause) == ("ice", Cause.PEER_FORBIDDEN)


async def test_peers_that_cannot_reach_each_other_fail_in_ice_within_the_bound(
    leaks: None, tmp_path: Path
) -> None:
    async with turn_lab(tmp_path) as lab:
        lab.knobs.hairpin = False
        relay = a_relay(lab.url(), USERNAME, PASSWORD, lab.ca_file)
        with pytest.raises(CheckFailed) as caught:
            await call(relay, Context(), PhaseTimeouts(ice=0.5))
        assert (caught.value.phase, caught.value.cause) == ("ice", Cause.ICE_FAILED)


async def test_a_call_that_is_cut_off_in_any_phase_leaves_nothing_behind(
    leaks: None, coturn: CoturnFactory
) -> None:
    relay, context = relay_of(coturn()), Context()
    for cut_off in (0.0, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(cut_off):
                await call(relay, context)
    await context.closing.drain(timeout=5)
    assert context.closing.pending == 0


async def test_a_server_that_dies_in_mid_call_holds_no_closing_up(
    leaks: None, coturn: CoturnFactory
) -> None:
    server, context = coturn(), Context()
    made = Call(relay_of(server), Recorder(), context)
    async with made:
        await made.gather()
        await made.connect()
        server.stop()
    assert await context.closing.drain(timeout=20) == 0


@pytest.mark.parametrize("fault", ["silent", "stopped"])
async def test_a_server_that_dies_while_the_call_closes_holds_nothing_up(
    leaks: None, tmp_path: Path, fault: str
) -> None:
    async def close(way: str) -> int:
        context, dying = Context(), asyncio.Event()
        async with turn_lab(tmp_path / way) as lab:
            relay = a_relay(lab.url(way), USERNAME, PASSWORD, lab.ca_file)
            # So slow that the deletion is on its way when the server dies.
            lab.knobs.delay = 0.1
            death = asyncio.create_task(die_when(dying, lab, fault))
            async with Call(relay, Recorder(), context) as made:
                await made.gather()
                await made.connect()
                asyncio.get_running_loop().call_later(0.03, dying.set)
            await death
            return await context.closing.drain(timeout=20)

    for way in WAYS:
        (tmp_path / way).mkdir()
    assert await asyncio.gather(*map(close, WAYS)) == [0] * len(WAYS)


async def die_when(trigger: asyncio.Event, lab: TurnLab, fault: str) -> None:
    """Fall silent, or go."""
    await trigger.wait()
    lab.knobs.silent = True
    if fault == "stopped":
        await lab.server.stop()


async def test_a_quiet_path_loses_no_check_and_waits_for_no_timer(
    leaks: None, coturn: CoturnFactory
) -> None:
    await quiet_calls(coturn(), 6)


@pytest.mark.proof
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_hundred_calls_in_a_row_wait_for_no_timer(
    leaks: None, coturn: CoturnFactory, transport: str
) -> None:
    await quiet_calls(coturn(), 100, transport)


async def call_from_fresh_ports(relay: RelayServer, context: Context) -> Call:
    """coturn remembers a port for a second, and of many calls one may get such a port."""
    for _ in range(5):
        try:
            return await call(relay, context)
        except CheckFailed as error:
            if error.cause is not Cause.ALLOCATION_LOST:
                raise
    raise AssertionError("five ports in a row were known to the server")


async def quiet_calls(server: Coturn, count: int, transport: str = "udp") -> None:
    """Calls of which none meets a missing permission or a retransmission timer.

    A machine that stands still for half a second makes a timer go off by itself: such a call
    is told and made again. A wrong order of permissions and checks would show in every other.
    """
    relay, context = relay_of(server, transport), Context()
    held_up = 0
    for _ in range(count):
        made = await call_from_fresh_ports(relay, context)
        while made.retransmitted and held_up < max(2, count // 4):
            held_up += 1
            made = await call_from_fresh_ports(relay, context)
        assert made.retransmitted == ()
        for peer in (made.offerer, made.answerer):
            side = cast(RelayPairIce, peer.ice)
            assert side.checks_sent == side.checks_answered > 0
            assert side.retransmitted_checks == 0
    print(f"{count} of {count} calls waited for no timer; {held_up} made again on a busy machine")
