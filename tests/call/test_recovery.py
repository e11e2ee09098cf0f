"""A call to which things happen: a server that really restarts, a long call, a stale nonce."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from probe.call import recovery
from probe.call.recovery import RecoveringCall
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.ice.relay_transport import RelayServer
from probe.net.impairment import Impairment
from probe.stun.browser_timing import PhaseTimeouts
from tests.call.test_local_call import a_relay
from tests.servers.coturn import Coturn, CoturnFactory
from tests.turn.turn_lab import PASSWORD, USERNAME, WAYS, TurnLab, turn_lab


class Clock:
    """The lab's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def lab(leaks: None, tmp_path: Path, clock: Clock) -> AsyncIterator[TurnLab]:
    async with turn_lab(tmp_path, clock=clock) as started:
        yield started


@asynccontextmanager
async def calling(relay: RelayServer, consent: float = 30.0) -> AsyncIterator[RecoveringCall]:
    """A call that stands; afterwards nothing of it is left to be closed."""
    context = Context()
    async with RecoveringCall((relay, relay), context, PhaseTimeouts(), consent) as call:
        yield call
    assert await context.closing.drain(timeout=20) == 0


def lab_relay(lab: TurnLab, way: str = "udp") -> RelayServer:
    return a_relay(lab.url(way), USERNAME, PASSWORD, lab.ca_file)


def coturn_relay(server: Coturn, way: str = "udp") -> RelayServer:
    url = {"udp": server.udp_url, "tcp": server.tcp_url, "tls": server.tls_url}[way]
    return a_relay(url, server.username, server.password, server.ca_file)


async def passes(call: RecoveringCall, clock: Context | None = None) -> None:
    """Return when a check and a message that leave from now on are back."""
    now = (clock or Context()).clock()
    async with asyncio.timeout(30):
        await call.liveness.next_on_path(now, now)
        await call.liveness.next_data(now, now)


async def test_a_long_call_lives_on_what_is_refreshed(lab: TurnLab, clock: Clock) -> None:
    """Twenty hours: longer than permission, channel, allocation and nonce last."""
    async with calling(lab_relay(lab)) as call:
        for _ in range(20 * 60 // 4):
            clock.now += 240
            refreshed = await call.refresh()
            assert refreshed.lifetime == 600
            # The other side's too: it is the same call.
            await call.refresh(other=True)
        await passes(call)
    assert lab.server.allocations == 0


async def test_an_allocation_that_no_one_refreshes_is_lost(lab: TurnLab, clock: Clock) -> None:
    async with calling(lab_relay(lab)) as call:
        clock.now += 601
        with pytest.raises(CheckFailed) as lost:
            await call.refresh()
        assert lost.value.cause is Cause.ALLOCATION_LOST


@pytest.mark.parametrize("way", WAYS)
async def test_a_nonce_that_is_spoilt_is_renewed(lab: TurnLab, way: str) -> None:
    async with calling(lab_relay(lab, way)) as call:
        assert (await call.renew_nonce() or 0) > 0
        await passes(call)


async def test_a_server_that_refuses_every_nonce_is_reported(lab: TurnLab) -> None:
    async with calling(lab_relay(lab)) as call:
        lab.knobs.error = 438
        with pytest.raises(CheckFailed) as stale:
            await call.renew_nonce()
        lab.knobs.error = None
    assert stale.value.cause is Cause.STALE_NONCE


@pytest.mark.parametrize("way", WAYS)
async def test_consent_that_ends_restarts_ice_under_the_same_data_channel(
    lab: TurnLab, way: str
) -> None:
    async with calling(lab_relay(lab, way), consent=1.0) as call:
        found = await call.lose_consent()
        assert found.noticed is not None
        assert found.noticed >= 0.7
        assert found.restarts == 1
        await passes(call)
    assert lab.server.allocations == 0


async def test_it_happens_again_and_again_to_one_call(lab: TurnLab) -> None:
    outage = Impairment(Context().clock)
    async with calling(lab_relay(lab), consent=1.0) as call:
        for _ in range(3):
            await call.lose_relay()
            await call.lose_consent()
            # Nothing goes through a forwarder here: nothing is lost.
            assert (await call.simulate_loss(outage, 0.1)).restarts == 0
    assert lab.server.allocations == 0


async def test_a_server_that_goes_on_as_if_nothing_was_is_reported(lab: TurnLab) -> None:
    async def nothing() -> None:
        """The allocation stays."""

    async with calling(lab_relay(lab)) as call:
        with pytest.raises(CheckFailed, match="was deleted"):
            await call.lose_relay(nothing)


@pytest.mark.parametrize("way", ["udp"])
async def test_coturn_restarts_in_the_middle_of_a_call(
    leaks: None, coturn: CoturnFactory, way: str
) -> None:
    server = coturn()
    async with calling(coturn_relay(server, way)) as call:

        async def restart() -> None:
            await asyncio.to_thread(server.restart)

        found = await call.lose_relay(restart)
        assert found.restarts >= 1
        await passes(call)


@pytest.mark.parametrize("way", WAYS)
async def test_coturn_forgets_a_call_and_renews_a_nonce(
    leaks: None, coturn: CoturnFactory, way: str
) -> None:
    async with calling(coturn_relay(coturn(), way), consent=1.5) as call:
        assert (await call.refresh()).lifetime > 0
        assert (await call.renew_nonce() or 0) > 0
        assert (await call.lose_relay()).restarts == 1
        assert (await call.lose_consent()).restarts == 1
        await passes(call)


async def test_a_call_that_no_restart_mends_has_failed(
    lab: TurnLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "RESTART_SECONDS", 0.2)
    async with calling(lab_relay(lab), consent=0.5) as call:

        async def break_down() -> None:
            lab.server.drop_allocations()
            lab.knobs.error = 500

        with pytest.raises(CheckFailed) as failed:
            await call.lose_relay(break_down)
        lab.knobs.error = None
    assert failed.value.cause is Cause.ICE_FAILED
