"""ICE over relays: the order that browsers keep, checks that are lost, strangers' packets."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from probe.call.local_call import Call
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.core.recorder import Recorder
from probe.ice import connectivity_check
from probe.ice.relay_pair import RelayPairIce
from probe.stun.browser_timing import FAST_CHECKS, PhaseTimeouts
from probe.stun.codec import MessageClass, Method, StunMessage, decode
from tests.call.test_local_call import a_relay
from tests.turn.turn_lab import PASSWORD, USERNAME, WAYS, TurnLab, turn_lab

OURS, THEIRS = (
    connectivity_check.IceCredentials.random(),
    connectivity_check.IceCredentials.random(),
)
PEER = ("127.0.0.1", 5000)


@pytest.fixture
async def lab(leaks: None, tmp_path: Path) -> AsyncIterator[TurnLab]:
    async with turn_lab(tmp_path) as started:
        yield started


def sides(call: Call) -> list[RelayPairIce]:
    return [cast(RelayPairIce, peer.ice) for peer in (call.offerer, call.answerer)]


def calling(lab: TurnLab, way: str = "udp", context: Context | None = None) -> Call:
    relay = a_relay(lab.url(way), USERNAME, PASSWORD, lab.ca_file)
    return Call(relay, Recorder(), context or Context(), bounds=PhaseTimeouts(ice=20))


@pytest.mark.parametrize("way", WAYS)
async def test_the_first_check_of_each_side_meets_a_permission(lab: TurnLab, way: str) -> None:
    # Slow enough that no answer has come before the first checks are at the server.
    lab.knobs.delay = 0.02
    async with calling(lab, way) as call:
        await call.gather()
        await call.connect()
        await call.echo(1)
        for side in sides(call):
            assert side.checks_sent == side.checks_answered
            assert side.retransmissions == 0
        # DTLS' own timer may go off on a busy machine.
        assert "ice" not in call.retransmitted


async def test_a_set_up_that_needed_the_timer_of_ice_says_so(lab: TurnLab) -> None:
    async with calling(lab) as call:
        lab.knobs.hairpin = False
        await call.gather()
        connecting = asyncio.create_task(call.connect())
        async with asyncio.timeout(30):
            while not all(side.retransmitted_checks for side in sides(call)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        lab.knobs.hairpin = True
        await connecting
        assert call.retransmitted == ("ice",)
        assert all(side.checks_sent > FAST_CHECKS for side in sides(call))


async def test_what_is_no_answer_of_the_other_side_connects_no_one(lab: TurnLab) -> None:
    async with calling(lab) as call:
        await call.gather()
        side, other = sides(call)
        await side.set_remote(other)
        connecting = asyncio.create_task(side.connect())
        stranger = connectivity_check.IceCredentials.random()
        forged = connectivity_check.request(stranger, side.login, 1, controlling=True)
        answer = StunMessage(Method.BINDING, MessageClass.RESPONSE)
        assert side.client.on_data is not None
        for packet in (b"", b"\x00", b"\x01" * 30, forged.encode(side.login.key), answer.encode()):
            side.client.on_data(packet, other.address)
        assert side.rtt is None
        assert not connecting.done()
        connecting.cancel()


def test_a_check_is_for_who_knows_both_names_and_the_password() -> None:
    asked = connectivity_check.request(THEIRS, OURS, 1, controlling=False)
    request = decode(asked.encode(OURS.key))
    assert connectivity_check.is_check_from(request, OURS, THEIRS)
    assert not connectivity_check.is_check_from(request, THEIRS, OURS)
    thief = connectivity_check.IceCredentials(OURS.fragment, "another")
    assert not connectivity_check.is_check_from(request, thief, THEIRS)
    unsigned = decode(asked.encode())
    assert not connectivity_check.is_check_from(unsigned, OURS, THEIRS)


def test_an_answer_is_signed_by_who_was_asked() -> None:
    request = connectivity_check.request(THEIRS, OURS, 1, controlling=True)
    answer = connectivity_check.response(request, OURS, PEER)
    arrived = decode(answer)  # as the wire brings it
    assert arrived.transaction_id == request.transaction_id
    assert arrived.attributes["XOR-MAPPED-ADDRESS"] == PEER
    assert connectivity_check.has_valid_integrity(arrived, OURS)
    assert not connectivity_check.has_valid_integrity(arrived, THEIRS)


@pytest.mark.parametrize("cut", [8, 4])
def test_what_ends_without_its_fingerprint_is_no_check(cut: int) -> None:
    packet = connectivity_check.request(THEIRS, OURS, 1, controlling=True).encode(OURS.key)
    assert connectivity_check.read(packet) is not None
    shorter = packet[:2] + (len(packet) - 20 - cut).to_bytes(2, "big") + packet[4:-cut]
    assert connectivity_check.read(shorter) is None
    wrong = packet[:-1] + bytes((packet[-1] ^ 1,))
    assert connectivity_check.read(wrong) is None


def test_data_is_distinguished_from_checks_by_the_first_byte() -> None:
    assert connectivity_check.is_stun(b"\x00\x01")
    assert not connectivity_check.is_stun(b"\x16\xfe\xff")
    assert not connectivity_check.is_stun(b"")


@pytest.mark.parametrize("kind", [CheckFailed, NotMeasured])
@pytest.mark.parametrize("cause", [Cause.OWN_NETWORK, Cause.CONNECT_REFUSED])
async def test_a_lost_path_keeps_the_kind_of_its_reason(
    kind: type[CheckAborted], cause: Cause
) -> None:
    server = a_relay("turn:127.0.0.1:9", USERNAME, PASSWORD, None)
    ice = RelayPairIce(server, controlling=True, clock=time.monotonic, now=time.time)
    assert ice.client.on_lost is not None
    ice.client.on_lost(kind(cause, "no route"))
    assert type(ice.failure) is kind
