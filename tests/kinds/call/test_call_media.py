"""Calls with audio: what a relay does to RTP is seen, as a browser's user would hear it."""

import random
import tracemalloc
from typing import Any

import pytest
from pydantic import ValidationError

from probe.call.rtp_stream import RtpStream, is_rtp
from probe.core.context import Context
from probe.core.model import Result, Status
from probe.kinds.call import uses
from probe.kinds.call.settings import CallTable
from tests.kinds.call.call_lab import call_check, coturn_check, run
from tests.servers.coturn import CoturnConfig, CoturnFactory
from tests.turn.bent_server import PASSWORD, USERNAME, Bends, bent_server

SECONDS = 1


def _is_rtp_at(share: float) -> Any:
    dice = random.Random(7)
    return lambda data: is_rtp(data) and dice.random() < share


async def call_over(bends: Bends, way: str = "udp", **table: Any) -> Result:
    """One call with audio through a server that bends."""
    async with bent_server(bends) as server:
        login = {"username": USERNAME, "password": PASSWORD, "media": True}
        options = {"media_seconds": SECONDS, "deadline": 60, **login, **table}
        return await run(call_check(url=server.url(way), **options))


def found(result: Result) -> dict[str, float]:
    return {
        each.signal.name.removeprefix("probe_call_media_"): each.value
        for each in result.samples
        if each.signal.name.startswith("probe_call_media_")
    }


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_audio_through_a_healthy_relay_arrives(coturn: CoturnFactory, way: str) -> None:
    server = coturn(CoturnConfig(loopback_peers=True))
    table: dict[str, Any] = {"media": True, "media_seconds": SECONDS, "deadline": 60}
    result = await run(coturn_check(server, way, **table))
    assert result.failure is None
    assert "media" in result.phases
    values = found(result)
    assert set(values) == {"loss_ratio", "jitter_seconds", "concealed_ratio", "mos"}
    assert values["loss_ratio"] == 0
    assert 1 <= values["mos"] <= 4.5
    assert result.facts["audio_to_answering"] == "50 of 50 packets"


async def test_without_media_nothing_of_it_is_measured(coturn: CoturnFactory) -> None:
    result = await run(coturn_check(coturn(CoturnConfig(loopback_peers=True))))
    assert result.failure is None
    assert "media" not in result.phases
    assert found(result) == {}


async def test_a_direct_call_carries_audio_too() -> None:
    result = await run(call_check(path="direct", media=True, media_seconds=SECONDS, deadline=60))
    if result.status is Status.UNKNOWN:
        pytest.skip("this machine has no address besides loopback")
    assert found(result)["loss_ratio"] == 0


@pytest.mark.parametrize("way", ["udp", "tcp"])
async def test_a_relay_that_drops_rtp_alone_is_found(way: str) -> None:
    result = await call_over(Bends(drops=is_rtp), way)
    assert result.failure is not None
    assert (result.failure.phase, result.failure.cause.value) == ("media", "relay_loss")
    assert "none of 50 audio packets" in result.failure.message
    assert "firewall" in result.failure.hint
    assert found(result)["loss_ratio"] == 1


async def test_a_relay_that_drops_every_other_audio_packet_fails_the_call() -> None:
    result = await call_over(Bends(drops=_is_rtp_at(0.5)), media_seconds=2)
    assert result.failure is not None
    assert (result.failure.phase, result.failure.cause.value) == ("media", "relay_loss")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:1] + bytes([data[1] & 0x7F ^ 1]) + data[2:],  # payload type
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:40] + bytes(4) + data[44:],
    ],
    ids=["payload type", "cut", "padded", "zeros"],
)
async def test_a_relay_that_changes_rtp_is_found(change: Any) -> None:
    result = await call_over(Bends(changes=lambda data: change(data) if is_rtp(data) else data))
    assert result.failure is not None
    assert (result.failure.phase, result.failure.cause.value) == ("media", "payload_altered")


async def test_some_loss_is_measured() -> None:
    result = await call_over(Bends(drops=_is_rtp_at(0.12)), media_seconds=2)
    values = found(result)
    assert 0.03 < values["loss_ratio"] < 0.3
    assert values["concealed_ratio"] >= values["loss_ratio"] - 1e-9
    assert result.failure is None or result.failure.cause.value == "relay_loss"


async def test_packets_that_come_too_late_are_concealed_and_not_lost() -> None:
    dice = random.Random(3)
    result = await call_over(
        Bends(delay=lambda data: 0.4 if is_rtp(data) and dice.random() < 0.2 else 0.0),
        media_seconds=2,
    )
    values = found(result)
    assert values["loss_ratio"] == 0
    assert values["concealed_ratio"] > 0.05
    assert values["mos"] < 4.4


async def test_a_server_that_dies_while_people_talk_is_named() -> None:
    async with bent_server() as server:
        seen = 0

        def drops(data: bytes) -> bool:
            nonlocal seen
            seen += is_rtp(data)
            return seen > 10

        server.bends.drops = drops
        table: dict[str, Any] = {"username": USERNAME, "password": PASSWORD, "deadline": 60}
        check = call_check(url=server.url(), media=True, media_seconds=SECONDS, **table)
        result = await run(check)
    assert result.failure is not None
    assert (result.failure.phase, result.failure.cause.value) == ("media", "relay_loss")


def stream(transits: dict[int, float], sent: int) -> RtpStream:
    found = RtpStream(1)
    for number in range(sent):
        found.record_sent(number, number * 0.02)
    for number, transit in transits.items():
        found.record_received(found.packet(number), number * 0.02 + transit)
    return found


def test_figures_of_a_stream_are_those_of_rfc_3550_and_of_a_jitter_buffer() -> None:
    even = stream(dict.fromkeys(range(100), 0.05), 100)
    assert (even.loss, even.concealed) == (0.0, 0.0)
    assert even.jitter == pytest.approx(0.0, abs=1e-9)
    assert even.playout_delay == 0.04
    lossy = stream(dict.fromkeys(range(0, 100, 2), 0.05), 100)
    assert (lossy.loss, lossy.concealed) == (0.5, 0.5)
    # One of a hundred comes 150 ms late: no buffer waits for that.
    late = stream({**dict.fromkeys(range(100), 0.05), 50: 0.2}, 100)
    assert (late.loss, late.concealed) == (0.0, 0.01)
    # One of ten comes 100 ms late: the buffer waits for it.
    swaying = stream({each: 0.15 if each % 10 == 0 else 0.05 for each in range(100)}, 100)
    assert swaying.playout_delay == pytest.approx(0.1, abs=0.021)
    assert swaying.concealed == 0


def test_what_is_no_packet_of_the_stream_is_no_arrival() -> None:
    own, other = RtpStream(1), RtpStream(2)
    own.record_sent(0, 0.0)
    own.record_received(other.packet(0), 0.1)
    own.record_received(own.packet(5), 0.1)
    assert (own.arrived, own.altered) == ({}, [])
    own.record_received(own.packet(0), 0.1)
    own.record_received(own.packet(0), 0.2)
    assert (len(own.arrived), own.duplicates) == (1, 1)


def test_packets_have_all_residues_and_none_is_taken_for_another_protocol() -> None:
    packets = [RtpStream(9).packet(number) for number in range(100)]
    assert {len(each) % 4 for each in packets} == {0, 1, 2, 3}
    assert all(is_rtp(each) for each in packets)
    assert not any(map(is_rtp, (b"", b"\x80" * 11, b"\x16\xfe\xfd" + bytes(20), bytes(20))))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"deadline": 15}, "at least 20"),
        ({"media_seconds": 60, "deadline": 30}, "at least 70"),
        ({"url": None, "backend_url": "https://a.example.org"}, "at least 45"),
        ({"media_seconds": 61}, "less than or equal to 60"),
    ],
)
def test_a_deadline_that_leaves_no_time_for_audio_is_refused(
    table: dict[str, Any], problem: str
) -> None:
    values = {"name": "call", "url": "turn:a", "media": True, **table}
    with pytest.raises(ValidationError, match=problem):
        CallTable.model_validate({key: value for key, value in values.items() if value})


def test_audio_is_part_of_what_a_call_costs() -> None:
    plain, media = (
        uses(CallTable.model_validate({"name": "c", "url": "turn:a", "media": media}))[0].amount
        for media in (False, True)
    )
    assert media - plain == pytest.approx(288_000, rel=0.1)


@pytest.mark.proof
async def test_a_minute_of_audio_takes_little_memory_and_cpu(coturn: CoturnFactory) -> None:
    import time

    server = coturn(CoturnConfig(loopback_peers=True))
    table: dict[str, Any] = {"media": True, "media_seconds": 30, "deadline": 60}
    await run(coturn_check(server))  # imports
    tracemalloc.start()
    started, before = time.process_time(), tracemalloc.get_traced_memory()[0]
    result = await run(coturn_check(server, **table), Context())
    cpu = time.process_time() - started
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    print(f"30 s of audio, 3,000 packets: {peak / 1e6:.1f} MB at most, {cpu:.1f} s CPU (traced)")
    assert result.failure is None
    assert peak < 8e6
