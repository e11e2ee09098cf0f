"""ICE (RFC 8445) over one relayed candidate on each side, in the order that browsers keep.

CreatePermission leaves with the other side's candidate, the first check right behind it in
a Send indication, without waiting for the answer. Where both sides learn of each other in
the same moment, both permissions are at the server before either check. A channel is bound
when a pair is nominated, and until it stands data goes in Send indications as well.

A check that stays without an answer is followed by two more at the pace of Ta, as browsers
do, and only then by the retransmission timer. Consent (RFC 7675) is not asked for again: it
holds for 30 s, and who would lose it stands in the same process.
"""

import asyncio
import secrets
import ssl
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from aioice.stun import Class, Message

from probe.model import CheckFailed, Stop
from probe.net.addresses import Address
from probe.rtc import checks, messages
from probe.rtc.credentials import Credentials
from probe.rtc.ice import RTO, Ice
from probe.rtc.messages import PeerAddress
from probe.rtc.relay import unwatched
from probe.rtc.turn_client import TurnClient
from probe.rtc.urls import TurnUrl

CHECK_PACE = 0.05  # Ta in seconds, RFC 8445 section 14.2
EAGER_CHECKS = 3
# A check's way there and back is twice the server's round trip; half as much again for luck.
_RTO_ROUND_TRIPS = 3


@dataclass(frozen=True)
class Relay:
    """A TURN server: its URL, who we are there, its addresses, and TLS for ``turns:``."""

    url: TurnUrl
    credentials: Credentials
    addresses: Sequence[Address]
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """The other side, as signaling tells of it: its ICE credentials and relayed address."""

    login: checks.Login
    address: PeerAddress


class RelayedIce:
    """One side. ``clock`` is monotonic, ``now`` the wall clock in seconds since 1970.

    ``on_answer`` is called with the moments in which a check left and was answered.
    """

    def __init__(
        self,
        relay: Relay,
        *,
        controlling: bool,
        clock: Callable[[], float],
        now: Callable[[], float],
        client: type[TurnClient] = TurnClient,
    ) -> None:
        self._relay, self._controlling, self._clock = relay, controlling, clock
        # A quota that was full is no part of what a call takes: it begins anew.
        self.client = client(relay.url, relay.credentials, clock=clock, now=now, patient=False)
        self.client.on_data, self.client.on_lost = self._received, self._fail
        self.login = checks.Login.random()
        self.rtt: float | None = None
        self.on_answer: Callable[[float, float], None] | None = None
        self.checks_sent = self.checks_answered = self.late_checks = 0
        self._remote: Partner | None = None
        self._tie_breaker = secrets.randbits(64)
        self._checks: dict[bytes, float] = {}
        self._nominated = controlling
        self._checking = self._triggered = self._bound = False
        self._connected = asyncio.Event()
        self.failure: Stop | None = None
        self._data: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def role(self) -> str:
        """``controlling`` or ``controlled``."""
        return "controlling" if self._controlling else "controlled"

    @property
    def has_candidates(self) -> bool:
        """Whether the relay has given an address."""
        return self.client.relayed is not None

    @property
    def address(self) -> PeerAddress:
        """The relayed address, once it has been gathered."""
        return cast(PeerAddress, self.client.relayed)

    @property
    def retransmissions(self) -> int:
        """TURN requests that were sent again, and checks after the eager ones."""
        return self.client.retransmissions + self.late_checks

    async def gather(self) -> None:
        """Allocate. Raises CheckFailed with the cause, whose phase is ``gathering``."""
        try:
            await self.client.open(self._relay.addresses, unwatched, self._relay.tls)
        except Stop as error:
            error.phase = "gathering"
            raise

    async def meet(self, other: Ice) -> None:
        """Learn of the other side; CreatePermission has left when this returns."""
        side = cast(RelayedIce, other)
        await self.learn(Partner(side.login, side.address))

    async def learn(self, partner: Partner) -> None:
        """As ``meet``, of a side that is not at hand."""
        self._remote = partner
        self._start(self._permit(partner.address))
        # One turn of the loop: the task sends before we go on.
        await asyncio.sleep(0)

    async def connect(self) -> None:
        """Checks until a pair is nominated. Raises CheckFailed when the relay is at fault."""
        self._start(self._check_until_connected())
        await self._connected.wait()
        if self.failure is not None:
            raise self.failure
        self._start(self._bind(self._partner.address))

    async def close(self) -> None:
        """Delete the allocation, for a second at most, and close. Never raises."""
        self._data.put_nowait(None)
        for task in self._tasks:
            task.cancel()
        await self.client.close()

    async def _recv(self) -> bytes:
        data = await self._data.get()
        if data is None:
            self._data.put_nowait(None)  # for whoever asks again
            raise ConnectionError("the way through the relay is closed")
        return data

    async def _send(self, data: bytes) -> None:
        peer = self._partner.address
        send = self.client.send if self._bound else self.client.indicate
        try:
            send(peer, data)
        except Stop as error:
            raise ConnectionError(error.message) from None

    @property
    def _partner(self) -> Partner:
        if self._remote is None:
            raise RuntimeError("the other side is not known yet")
        return self._remote

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _permit(self, peer: PeerAddress) -> None:
        try:
            await self.client.permit(peer)
        except Stop as error:
            self._fail(error)

    async def _bind(self, peer: PeerAddress) -> None:
        with suppress(Stop):  # indications go on carrying the data
            await self.client.bind_channel(peer)
            self._bound = True

    async def _check_until_connected(self) -> None:
        self._checking = True
        late = max(RTO, _RTO_ROUND_TRIPS * self.client.round_trip)
        for pause in (CHECK_PACE,) * (EAGER_CHECKS - 1):
            self._check()
            await asyncio.sleep(pause)
        self._check()
        while True:
            await asyncio.sleep(late)
            if self.rtt is not None:
                return  # only the nomination is awaited, which the other side repeats
            self.late_checks += 1
            self._check()

    def _check(self) -> None:
        """Send a check, unless one was answered already."""
        if self.rtt is None and self.failure is None:
            self.ask()

    def ask(self) -> None:
        """Send a check of its own transaction. On a call that stands its answer is the other
        side's consent (RFC 7675 section 5.1); ``on_answer`` is told."""
        request = checks.request(
            self.login, self._partner.login, self._tie_breaker, controlling=self._controlling
        )
        self._checks[request.transaction_id] = self._clock()
        self.checks_sent += 1
        self._pass(bytes(request))

    def _pass(self, packet: bytes) -> None:
        with suppress(Stop):  # a lost wire has told already
            self.client.indicate(self._partner.address, packet)

    def _received(self, data: bytes, peer: PeerAddress) -> None:
        if not checks.is_stun(data):
            self._data.put_nowait(data)
            return
        message = messages.read_message(data)
        if message is None or self._remote is None or peer != self._remote.address:
            return
        if message.message_class == Class.REQUEST:
            self._asked(message, peer)
        elif message.message_class == Class.RESPONSE:
            self._answered(message)

    def _asked(self, request: Message, peer: PeerAddress) -> None:
        """RFC 8445 section 7.3: answer, and check in the other direction at once."""
        if not checks.is_for(request, self.login, self._partner.login):
            return
        self._pass(bytes(checks.response(request, self.login, peer)))
        if "USE-CANDIDATE" in request.attributes:
            self._nominated = True
            self._settle()
        if self._checking and not self._triggered:
            self._triggered = True
            self._check()

    def _answered(self, response: Message) -> None:
        sent = self._checks.pop(response.transaction_id, None)
        if sent is None or not checks.is_signed(response, self._partner.login):
            return
        self.checks_answered += 1
        if self.on_answer is not None:
            self.on_answer(sent, self._clock())
        if self.rtt is None:
            self.rtt = self._clock() - sent
            self._settle()

    def _settle(self) -> None:
        if self._nominated and self.rtt is not None:
            self._connected.set()

    def _fail(self, error: Stop) -> None:
        """The relay is gone, or refuses the peer: the first reason stands."""
        self.failure = self.failure or CheckFailed(error.cause, error.message, hint=error.hint)
        self._connected.set()
        self._data.put_nowait(None)
