"""The way of DTLS and SCTP to the network while a call is set up: what is lost is sent again.

OpenSSL waits 1 s before it repeats a lost flight (RFC 6347 section 4.2.4.1) and aiortc's
SCTP 3 s, while a browser, which knows the round trip from its checks, waits for two of
them, 50 ms at least. So the same is done here, below both: datagrams that stay without an answer
leave again as they were, which DTLS takes for what a network may do to datagrams. It also reports
what neither library does: that a timer was needed.

Who is established first may have sent what the other side still lacks: each datagram that comes
a second time says so, and is answered by the last flight.

Once the call is established, a path that ends is silence to them, as to a browser's: the
reason is in ``IceTransport.failure``. aiortc would get the error in tasks never awaited.
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import nullcontext, suppress

from probe.call.rtp_stream import is_rtp
from probe.ice.transport import IceTransport

MIN_PAUSE, MAX_PAUSE = 0.05, 2.4
"""Seconds between two of a flight: of the handshake from the first on twice as many each time, as
libwebrtc's (kMinDtlsHandshakeTimeoutMs); of what comes above it no more than the second."""
REPEATED_FOR = 12.8
"""Seconds in which a flight is sent again: libwebrtc's next one would leave 25.55 s after the
first, longer than a user waits."""
COPIES, ANSWERS = 2, 3
"""Datagrams of the handshake that leave each time: as many as Chromium's ClientHello has; and its
answer with the acknowledgement before it, of which the first time has none. A path that loses the
first ones is passed after as many by both."""
ROUND_TRIPS = 2
MAX_DATAGRAM = 2048
"""Bytes of a datagram; browsers send 1,200 and some 1,500."""
MAX_WAITING, MAX_DROPPED = 256, 256
"""Datagrams."""
MAX_REPLIES = 32
"""Times that the last flight is sent again once established: two ends can't keep each other
answering."""
_CHANGE_CIPHER_SPEC, _HANDSHAKE, _APPLICATION_DATA = 20, 22, 23  # RFC 6347 section 4.1
_FIRST_MESSAGE = slice(13, 19)
"""Its type, length and number, behind the record's header (RFC 6347 section 4.2.2)."""
# A packet that leaves so late, out of silence, was sent by a timer of the libraries.
_OUT_OF_SILENCE = 0.4


class RetransmittingTransport:
    """An ICE transport as DTLS sees it. Watches from ``start`` until ``stop`` or ``established``.

    What comes waits in a queue with a bound; what does not fit, is empty, or is larger than any
    datagram of a call is dropped. ``byte_limit_exceeded`` is set when more than ``most_bytes`` has
    come, or so much was dropped that the reader must have ended; nothing passes any more then.
    ``on_media`` gets RTP, which is sent next to DTLS with ``send_media``.
    ``repeated`` counts datagrams that were sent again, ``duplicates`` those that came again, and
    ``library_timers`` how often a library's timer sent something.
    Data comes to DTLS only from ``release`` on: what overtakes the handshake is kept until then,
    since aiortc drops data that nobody reads yet, and would hand it out one datagram late.
    """

    def __init__(self, ice: IceTransport, most_bytes: float = math.inf) -> None:
        self._ice, self._allowance = ice, most_bytes
        self.byte_limit_exceeded = asyncio.Event()
        self.on_media: Callable[[bytes], None] | None = None
        self.repeated = self.duplicates = self.library_timers = 0
        self._watching = self._answered = self._is_established = False
        self._flight: list[bytes] = []
        self._seen: set[bytes] = set()
        self._held: list[bytes] | None = []
        self._left = self._pause = self._waited = 0.0
        self._times = 0
        self._replies, self._replied = MAX_REPLIES, -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._again: asyncio.Task[None] | None = None
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._pumping: asyncio.Task[None] | None = None
        self._dropped = 0

    @property
    def role(self) -> str:
        """``controlling`` or ``controlled``."""
        return self._ice.role

    def start(self) -> None:
        """ICE is connected, and knows the round trip if it can."""
        self._watching = self._answered = True
        if self._pumping is None:
            self._pumping = asyncio.create_task(self._pump())

    def release(self) -> None:
        """Somebody reads the data now."""
        held, self._held = self._held or [], None
        for data in held:
            self._inbox.put_nowait(data)

    def established(self) -> None:
        """What is lost from here on stays lost, and the path may end unnoticed."""
        self._is_established = True
        self.stop()

    def stop(self) -> None:
        """The call is over, or established: nothing is sent again."""
        self._watching = False
        if self._timer is not None:
            self._timer.cancel()
        if self._again is not None:
            self._again.cancel()

    async def send_media(self, data: bytes) -> None:
        """Send a datagram of RTP. A path that has ended says so in ``IceTransport.failure``."""
        with suppress(ConnectionError):
            await self._ice._send(data)

    async def close(self) -> None:
        """The call is over: nothing is received any more either."""
        self.stop()
        if self._pumping is not None:
            self._pumping.cancel()
            await asyncio.wait({self._pumping})

    async def _recv(self) -> bytes:
        data = await self._inbox.get()
        if data is not None:
            self._answered = True
            return data
        self._inbox.put_nowait(None)  # for the next reader
        if self._is_established and not self.byte_limit_exceeded.is_set():
            await asyncio.Event().wait()  # until DTLS is stopped, which cancels this
        raise ConnectionError("the path to the other side was closed")

    async def _pump(self) -> None:
        """Receive also while nothing reads: aiortc's reader may have ended unnoticed, and what is
        not received is kept below it without a bound."""
        with suppress(ConnectionError):
            while not self.byte_limit_exceeded.is_set():
                self._take(await self._ice._recv())
        self._inbox.put_nowait(None)

    def _take(self, data: bytes) -> None:
        # SCTP, too, keeps what is not whole yet: its window does not bind a sender that ignores it.
        self._allowance -= len(data)
        if self.on_media is not None and self._allowance >= 0 and is_rtp(data):
            self.on_media(data)
            return
        if data in self._seen:
            self._came_again()
            return
        waiting = self._inbox.qsize() + len(self._held or ())
        fits = 0 < len(data) <= MAX_DATAGRAM and waiting < MAX_WAITING
        if fits:
            self._keep(data)
        self._dropped += not fits
        if self._allowance < 0 or self._dropped > MAX_DROPPED:
            self.byte_limit_exceeded.set()

    def _keep(self, data: bytes) -> None:
        if not self._is_established and len(self._seen) < MAX_WAITING:
            self._seen.add(data)
        if self._held is not None and data[0] == _APPLICATION_DATA:
            self._held.append(data)
        else:
            self._inbox.put_nowait(data)

    def _came_again(self) -> None:
        """DTLS would drop it (RFC 6347 section 4.1.2.6), and it is no answer."""
        self.duplicates += 1
        now = asyncio.get_running_loop().time()
        if self._is_established and self._replies and now - self._replied >= MIN_PAUSE:
            self._replies, self._replied = self._replies - 1, now
            self._send_again()

    async def _send(self, data: bytes) -> None:
        if self._watching and not self._is_new(data):
            return
        with suppress(ConnectionError) if self._is_established else nullcontext():
            await self._ice._send(data)

    def _is_new(self, data: bytes) -> bool:
        """Note a flight, which is what leaves until something comes; False for what a timer of
        OpenSSL's would send again, besides ours."""
        now = asyncio.get_running_loop().time()
        late = not self._answered and now - self._left >= _OUT_OF_SILENCE
        if late and self._flight and _begin_alike(data, self._flight[0]):
            return False
        self.library_timers += late
        if self._answered:
            self._waited, self._times = 0.0, 0
            self._pause = max(MIN_PAUSE, ROUND_TRIPS * (self._ice.rtt or 0.0))
        if self._answered or late:
            self._answered, self._flight, self._left = False, [], now
        self._flight.append(data)
        self._arm()
        return True

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._unanswered)

    def _unanswered(self) -> None:
        self._waited += self._pause
        if self._waited > REPEATED_FOR:
            return
        self._times += 1
        is_handshake = self._flight[0][0] in (_CHANGE_CIPHER_SPEC, _HANDSHAKE)
        most = math.inf if is_handshake else MAX_PAUSE
        self._pause = max(self._pause, min(2 * self._pause, most))
        # The controlling side answers the handshake that the other begins.
        answers = self.role == "controlling" and self._times > 1
        self._send_again((ANSWERS if answers else COPIES) if is_handshake else 1)
        self._arm()

    def _send_again(self, copies: int = 1) -> None:
        if self._again is None or self._again.done():
            flight = self._flight * copies
            self.repeated += len(flight)
            self._again = asyncio.create_task(self._repeat(flight))

    async def _repeat(self, flight: list[bytes]) -> None:
        for data in flight:
            try:
                await self._ice._send(data)
            except ConnectionError:
                return  # DTLS gets the same when it sends or receives


def _begin_alike(data: bytes, other: bytes) -> bool:
    """Whether two flights of the handshake begin with the same message."""
    if data[0] != other[0] or data[0] not in (_CHANGE_CIPHER_SPEC, _HANDSHAKE):
        return False
    return data[0] == _CHANGE_CIPHER_SPEC or data[_FIRST_MESSAGE] == other[_FIRST_MESSAGE]


def needed_retransmissions(*transports: RetransmittingTransport) -> int:
    """How many datagrams between these ends of a call had to be sent again: one that came twice
    had not been lost, only a busy machine or a long path was slower than the timer."""
    repeated = sum(each.repeated - each.duplicates for each in transports)
    return max(0, repeated) + sum(each.library_timers for each in transports)
