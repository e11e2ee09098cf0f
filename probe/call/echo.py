"""Messages that come back over a data channel, each timed."""

import asyncio
from collections.abc import Callable

from probe.call.endpoint import CallEndpoint
from probe.call.local_call import ECHO_BYTES, ECHO_GRACE, ECHO_PAUSE, MOST_LOSS
from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.turn.statistics import EchoLog


class ChannelEcho:
    """What the calling side sends, and the other sends back as it is."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ledger = EchoLog()
        self._news = asyncio.Event()

    def received(self, peer: CallEndpoint, data: bytes) -> None:
        """For both ends' channels: echo, or write down what came back."""
        if not peer.offering:
            peer.send(data)
            return
        self._ledger.mark_received(int.from_bytes(data[:4], "big"), self._clock())
        self._news.set()

    async def send(self, caller: CallEndpoint, count: int) -> list[float]:
        """Send so many; the round trips of those that came back, in seconds.

        Raises CheckFailed where most are lost, or with the relay's failure.
        """
        for number in range(count):
            self._ledger.mark_sent(number, self._clock())
            caller.send(number.to_bytes(4, "big") + bytes(ECHO_BYTES - 4))
            await asyncio.sleep(ECHO_PAUSE)
        try:
            async with asyncio.timeout(ECHO_GRACE):
                await self._all_back()
        except TimeoutError:
            self._judge(caller, count)
        self._ledger.close()
        return list(self._ledger.rtts.values())

    async def _all_back(self) -> None:
        while not self._ledger.is_complete:
            self._news.clear()
            await self._news.wait()

    def _judge(self, caller: CallEndpoint, count: int) -> None:
        if caller.ice.failure is not None:
            raise caller.ice.failure
        back = len(self._ledger.rtts)
        if not back:
            message = f"none of {count} messages came back"
            raise CheckFailed(Cause.DATA_CHANNEL_FAILED, message, phase="echo")
        if count - back > MOST_LOSS * count:
            message = f"{count - back} of {count} messages were lost"
            raise CheckFailed(Cause.RELAY_LOSS, message, phase="echo")
