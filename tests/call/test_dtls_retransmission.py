"""A handshake repeats what is lost, and tells that it had to."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from probe.call.aiortc_import import RTCCertificate
from probe.call.dtls_retransmission import RetransmittingTransport, needed_retransmissions
from probe.call.endpoint import CallEndpoint
from probe.core.model import CheckAborted
from probe.ice.transport import IceTransport

Loses = Callable[[int], bool]


class MemoryIce:
    """One end of a way in memory; ``loses`` tells by their number which datagrams vanish."""

    has_candidates = True
    failure: CheckAborted | None = None
    refusal: CheckAborted | None = None
    rtt: float | None = 0.001
    retransmissions = 0

    def __init__(self, *, controlling: bool, loses: Loses = lambda _: False) -> None:
        self.role = "controlling" if controlling else "controlled"
        self.other: MemoryIce | None = None
        self._loses, self._sent = loses, 0
        self._came: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def gather(self) -> None: ...

    async def connect(self) -> None: ...

    async def set_remote(self, other: IceTransport) -> None:
        assert isinstance(other, MemoryIce)
        self.other = other

    async def until_failed(self) -> None:
        await asyncio.Event().wait()

    async def settle(self, seconds: float) -> None: ...

    async def close(self) -> None:
        self._came.put_nowait(None)

    async def _recv(self) -> bytes:
        data = await self._came.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        number, self._sent = self._sent, self._sent + 1
        if not self._loses(number) and self.other is not None:
            self.other._came.put_nowait(data)


def nothing_is_lost(_: int) -> bool:
    return False


async def set_up(
    *, offerer_loses: Loses, answerer_loses: Loses
) -> tuple[CallEndpoint, CallEndpoint]:
    """Two peers whose handshake goes as far as the open channel."""
    offerer, answerer = (
        CallEndpoint(
            offering=offering,
            ice=MemoryIce(controlling=offering, loses=loses),
            certificate=RTCCertificate.generateCertificate(),
        )
        for offering, loses in ((True, offerer_loses), (False, answerer_loses))
    )
    await offerer.set_remote(answerer)
    await answerer.set_remote(offerer)
    try:
        async with asyncio.timeout(30):
            await asyncio.gather(
                offerer.connect_dtls(answerer.dtls.getLocalParameters()),
                answerer.connect_dtls(offerer.dtls.getLocalParameters()),
            )
            channels = [peer.open_channel(lambda *_: None) for peer in (offerer, answerer)]
            await asyncio.gather(*channels)
    finally:
        await asyncio.gather(offerer.close(), answerer.close())
    return offerer, answerer


async def test_where_nothing_is_lost_no_timer_is_needed(leaks: None) -> None:
    peers = await set_up(offerer_loses=nothing_is_lost, answerer_loses=nothing_is_lost)
    assert needed_retransmissions(*(peer.transport for peer in peers)) == 0


@pytest.mark.parametrize("lost", range(8))
@pytest.mark.parametrize("side", ["offerer", "answerer"])
async def test_any_lost_datagram_is_sent_again_and_counted(
    leaks: None, side: str, lost: int
) -> None:
    def loses(number: int) -> bool:
        return number == lost

    losing: dict[str, Loses] = {"offerer_loses": nothing_is_lost, "answerer_loses": nothing_is_lost}
    losing[f"{side}_loses"] = loses
    peers = await set_up(**losing)
    assert all(peer.opened.is_set() for peer in peers)
    # The last datagrams of all are said when nothing is awaited any more.
    if lost < 2:
        assert needed_retransmissions(*(peer.transport for peer in peers)) > 0


@pytest.mark.parametrize("side", ["offerer", "answerer"])
async def test_the_first_ten_datagrams_of_a_side_may_be_lost(leaks: None, side: str) -> None:
    losing: dict[str, Loses] = {"offerer_loses": nothing_is_lost, "answerer_loses": nothing_is_lost}
    losing[f"{side}_loses"] = lambda number: number < 10
    peers = await set_up(**losing)
    assert all(peer.opened.is_set() for peer in peers)


class ForwardedIce:
    """What a transport sends, and a way to hand it what comes."""

    role, has_candidates, failure, rtt, retransmissions = "controlled", True, None, None, 0

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    async def _recv(self) -> bytes:
        return await self.came.get()

    async def _send(self, data: bytes) -> None:
        self.sent.append(data)


async def test_data_that_overtakes_the_handshake_waits_for_its_reader(leaks: None) -> None:
    ice = ForwardedIce()
    transport = RetransmittingTransport(cast(IceTransport, ice))
    transport.start()
    for data in (b"\x17early", b"\x16late", b"\x17again"):
        ice.came.put_nowait(data)
    assert await transport._recv() == b"\x16late"
    transport.release()
    assert [await transport._recv(), await transport._recv()] == [b"\x17early", b"\x17again"]
    await transport.close()


async def test_who_is_established_answers_a_repetition_by_its_last_flight(leaks: None) -> None:
    ice = ForwardedIce()
    transport = RetransmittingTransport(cast(IceTransport, ice))
    transport.start()
    transport.release()
    ice.came.put_nowait(b"\x17asked")
    await transport._recv()
    await transport._send(b"\x17the last flight")
    transport.established()
    ice.came.put_nowait(b"\x17asked")
    ice.came.put_nowait(b"\x17new")
    assert await transport._recv() == b"\x17new"
    await asyncio.sleep(0)
    assert ice.sent == [b"\x17the last flight"] * 2
    assert transport.duplicates == 1
    await transport.close()


async def test_the_end_of_a_peer_ends_its_timers(leaks: None) -> None:
    peer = CallEndpoint(
        offering=False,
        ice=MemoryIce(controlling=False, loses=lambda _: True),
        certificate=RTCCertificate.generateCertificate(),
    )
    handshake = asyncio.create_task(peer.connect_dtls(peer.dtls.getLocalParameters()))
    async with asyncio.timeout(30):
        while not peer.transport.repeated:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    handshake.cancel()
    await asyncio.wait({handshake})
    await peer.close()
