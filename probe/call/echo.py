"""Messages that come back over a data channel, each timed."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from probe.call.endpoint import CallEndpoint
from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.turn.judging import is_significant_loss
from probe.turn.statistics import EchoLog

# Bytes of a message of audio's size, and seconds between two.
ECHO_BYTES = 160
ECHO_PAUSE = 0.02
ECHO_GRACE = 1.0


class ChannelEcho:
    """What the offering side sends, and the other sends back as it is. Messages are numbered."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.log = EchoLog()
        self._clock = clock
        self._changed = asyncio.Event()

    def received(self, peer: CallEndpoint, data: bytes) -> None:
        """For both ends' channels: echo, or write down what came back."""
        if not peer.offering:
            peer.send(data)
            return
        self.log.mark_received(int.from_bytes(data[:4], "big"), self._clock())
        self._changed.set()

    async def send(
        self, caller: CallEndpoint, numbers: Iterable[int], sizes: Sequence[int] = (ECHO_BYTES,)
    ) -> None:
        """Send these messages, of the ``sizes`` in bytes in turn, at the pace of audio."""
        for number in numbers:
            self.send_one(caller, number, sizes[number % len(sizes)])
            await asyncio.sleep(ECHO_PAUSE)

    def send_one(self, caller: CallEndpoint, number: int, size: int) -> None:
        """Send one message of ``size`` bytes."""
        self.log.mark_sent(number, self._clock())
        caller.send(number.to_bytes(4, "big") + bytes(size - 4))

    async def wait_for_echoes(self, seconds: float) -> bool:
        """Wait for at most so long until all are back; whether they are."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.log.is_complete:
                    self._changed.clear()
                    await self._changed.wait()
        return self.log.is_complete

    async def measure(self, caller: CallEndpoint, count: int) -> list[float]:
        """Send so many; the round trips of those that came back, in seconds.

        Raises CheckFailed where too many are lost, or with the relay's failure.
        """
        await self.send(caller, range(count))
        complete = await self.wait_for_echoes(ECHO_GRACE)
        self.log.close()
        if not complete:
            if caller.ice.failure is not None:
                raise caller.ice.failure
            judge_loss(self.log)
        return list(self.log.rtts.values())


def judge_loss(log: EchoLog) -> None:
    """Raises CheckFailed for a loss with which a browser's call would not be of use."""
    if not log.rtts:
        message = f"none of {len(log.sent)} messages came back"
        raise CheckFailed(Cause.DATA_CHANNEL_FAILED, message, phase="echo")
    if is_significant_loss(log.lost, len(log.sent)):
        message = f"{log.lost} of {len(log.sent)} messages were lost"
        raise CheckFailed(Cause.RELAY_LOSS, message, phase="echo")
