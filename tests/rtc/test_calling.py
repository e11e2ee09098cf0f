"""A call between two peers of this process, direct and through coturn."""

import asyncio
import ssl

import pytest

from probe.causes import Cause
from probe.context import Context
from probe.model import CheckFailed
from probe.record import Record
from probe.rtc.calling import Bounds, Call
from probe.rtc.peer import NamedContext, Relay
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory

PHASES = ["gathering", "ice", "dtls", "data_channel", "echo"]


def relay_of(server: Coturn, transport: str = "udp", password: str | None = None) -> Relay:
    """A Relay for a coturn of these tests."""
    tls = None
    port = server.tls_port if transport == "tls" else server.port
    if transport == "tls":
        tls = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_verify_locations(cafile=server.ca_file)
        tls.host = "localhost"
    return Relay(
        ("127.0.0.1", port),
        server.username,
        password or server.password,
        "udp" if transport == "udp" else "tcp",
        tls,
    )


async def call(relay: Relay | None, context: Context, bounds: Bounds | None = None) -> Call:
    record = Record(context.clock)
    made = Call(relay, record, context, bounds=bounds)
    async with made:
        await made.gather()
        await made.connect()
        await made.echo(3)
    assert list(record.phases) == PHASES
    return made


async def test_a_direct_call_opens_and_echoes(leaks: None) -> None:
    context = Context()
    made = await call(None, context)
    assert made.times.lost == 0
    assert len(made.times.rtts) == 3
    assert context.closing.pending == 0


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_relayed_call_opens_and_echoes(
    leaks: None, coturn: CoturnFactory, transport: str
) -> None:
    made = await call(relay_of(coturn(), transport), Context())
    times = made.times
    assert 0 < times.gathering < times.ice < times.dtls < times.opened
    assert {each.type for each in made.offerer.ice.remote_candidates} == {"relay"}


async def test_ten_calls_at_once_all_open(leaks: None, coturn: CoturnFactory) -> None:
    relay, context = relay_of(coturn()), Context()
    made = await asyncio.gather(*(call(relay, context) for _ in range(10)))
    assert len(made) == 10


async def test_a_relay_that_refuses_gives_no_candidate(leaks: None, coturn: CoturnFactory) -> None:
    context = Context()
    async with Call(relay_of(coturn(), password="wrong"), Record(), context) as made:
        await made.gather()
        assert made.offerer.ice.local_candidates == []


async def test_peers_that_cannot_reach_each_other_fail_in_ice_within_the_bound(
    leaks: None, coturn: CoturnFactory
) -> None:
    server = coturn(CoturnConfig(denied_peer_ip=["127.0.0.1"]))
    context = Context()
    with pytest.raises(CheckFailed) as caught:
        await call(relay_of(server), context, Bounds(ice=0.5))
    assert (caught.value.phase, caught.value.cause) == ("ice", Cause.ICE_FAILED)
    await context.closing.drain(patience=5)


async def test_a_call_that_is_cut_off_in_any_phase_leaves_nothing_behind(
    leaks: None, coturn: CoturnFactory
) -> None:
    relay, context = relay_of(coturn()), Context()
    for cut_off in (0.0, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(cut_off):
                await call(relay, context)
    await context.closing.drain(patience=5)
    assert context.closing.pending == 0


async def test_a_server_that_dies_in_mid_call_holds_no_closing_up(coturn: CoturnFactory) -> None:
    # aioice goes on asking the dead server for 63.5 s, which nobody has to wait for.
    server, context = coturn(), Context()
    made = Call(relay_of(server), Record(), context)
    started = context.clock()
    async with made:
        await made.gather()
        await made.connect()
        server.stop()
    assert context.clock() - started < 10
    assert context.closing.pending == 1
    await context.closing.drain(patience=0)
    assert context.closing.pending == 0
