"""What every ICE through a relay of ours has: the allocation, and data out and in."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.ice import connectivity_check
from probe.net.resolver import Address
from probe.net.tls.contexts import ClientContext, client_context
from probe.stun.credentials import TurnCredentials
from probe.stun.message import PeerAddress
from probe.stun.transport import untimed
from probe.stun.uri import TurnUri
from probe.turn.client import TurnClient

MAX_WAITING = 256
"""Datagrams that may wait to be read."""
RTO_ROUND_TRIPS = 3
"""Round trips to the server until a check is lost: its way there and back takes two of them."""
# Of what there is, for asking a server that answers no Refresh whether it answers at all.
_BINDING_SHARE, _BINDING_SECONDS = 0.25, 1.0


class RelayServer(Struct, frozen=True):
    """A TURN server: its URL, who we are there, its addresses, and TLS for ``turns:``."""

    url: TurnUri
    credentials: TurnCredentials
    addresses: Sequence[Address]
    tls: ClientContext | None = None


async def relay_server(
    url: TurnUri, credentials: TurnCredentials, addresses: Sequence[Address], ca_file: Path | None
) -> RelayServer:
    """The server by its resolved addresses; ``ca_file`` is for ``turns:``, None takes the
    system's authorities."""
    tls = None
    if url.kind == "tls":
        # In a thread: reading the system's authorities would hold up what others measure.
        tls = await asyncio.to_thread(client_context, ca_file)
    return RelayServer(url, credentials, addresses, tls)


class RelayIceBase:
    """One side of a call, without its checks, which come with whoever builds on it.

    ``clock`` is monotonic, ``now`` the wall clock in seconds since 1970. ``rtt`` is the round
    trip of the check that connected, ``failure`` why nothing goes any more.
    """

    def __init__(
        self,
        relay: RelayServer,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        client: type[TurnClient] = TurnClient,
    ) -> None:
        self._relay, self._clock = relay, clock
        # A quota that was full is no part of what a call takes: it begins anew.
        self.client = client(relay.url, relay.credentials, clock=clock, now=now, retry_quota=False)
        self.client.on_data, self.client.on_lost = self._received, self._fail
        self.login = connectivity_check.IceCredentials.random()
        self.rtt: float | None = None
        self.failure: CheckAborted | None = None
        self.retransmitted_checks = 0
        self._tie_breaker = secrets.randbits(64)
        self._bound = False
        self._connected, self._failed = asyncio.Event(), asyncio.Event()
        self._data: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        # What the server has to confirm.
        self._confirmations: set[asyncio.Task[None]] = set()

    @property
    def has_candidates(self) -> bool:
        """Whether the relay has given an address."""
        return self.client.relayed is not None

    @property
    def retransmissions(self) -> int:
        """TURN requests that were sent again, and checks after the eager ones."""
        return self.client.retransmissions + self.retransmitted_checks

    @property
    def refusal(self) -> CheckAborted | None:
        """Why nothing comes from a relay that refuses now, and has not answered since."""
        return self.client.refusal

    async def gather(self) -> None:
        """Allocate. Raises CheckFailed with the cause, whose phase is ``gathering``."""
        try:
            await self.client.open(self._relay.addresses, untimed, self._relay.tls)
        except CheckAborted as error:
            error.phase = "gathering"
            raise

    async def until_failed(self) -> None:
        """Return once there is a ``failure``."""
        await self._failed.wait()

    async def settle(self, seconds: float) -> None:
        """Wait until permission and channel are granted or refused, and the lifetime is refreshed
        once: without these a browser's call ends after 40 s, or with the allocation.

        ``failure`` has what is refused; the caller waits for so many seconds.
        """
        end = self._clock() + seconds
        if self._confirmations:
            await asyncio.wait(self._confirmations)
        if self._bound and self.failure is None:
            await self._refresh(end - self._clock())

    async def close(self) -> None:
        """Delete the allocation, for a second at most, and close. Never raises."""
        self._data.put_nowait(None)
        for task in self._tasks:
            task.cancel()
        await self.client.close()

    def _far(self) -> PeerAddress:
        """Where data goes. Raises ConnectionError while that isn't known."""
        raise NotImplementedError

    def _received(self, data: bytes, peer: PeerAddress) -> None:
        """Take what comes through the relay."""
        raise NotImplementedError

    async def _recv(self) -> bytes:
        data = await self._data.get()
        if data is None:
            self._data.put_nowait(None)  # for the next reader
            raise ConnectionError("the path through the relay is closed")
        return data

    async def _send(self, data: bytes) -> None:
        peer = self._far()
        send = self.client.send if self._bound else self.client.send_indication
        try:
            send(peer, data)
        except CheckAborted as error:
            raise ConnectionError(error.message) from None

    def _bind(self, peer: PeerAddress) -> None:
        """Bind a channel in the background: until then Send indications carry the data."""
        self._confirmations.add(self._start(self._bind_channel(peer)))

    async def _bind_channel(self, peer: PeerAddress) -> None:
        try:
            await self.client.channel_bind(peer)
            self._bound = True
        except CheckAborted as error:
            self._fail(error)  # as browsers, which give the call up

    async def _refresh(self, seconds: float) -> None:
        """Browsers do it before the lifetime ends; an answer that only comes late is no failure."""
        binding = min(_BINDING_SECONDS, _BINDING_SHARE * seconds)
        try:
            try:
                async with asyncio.timeout(seconds - 2 * binding):
                    await self.client.refresh_lifetime()
            except TimeoutError:
                await self.client.confirm_silence(binding)
        except CheckAborted as error:
            self._fail(error)

    def _arrived(self, data: bytes) -> None:
        """Data for DTLS; what is not read is dropped, and so is what is empty."""
        if data and self._data.qsize() < MAX_WAITING:
            self._data.put_nowait(data)

    def _pass(self, packet: bytes, peer: PeerAddress) -> None:
        with suppress(CheckAborted):  # a lost transport was reported already
            self.client.send_indication(peer, packet)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _fail(self, error: CheckAborted) -> None:
        """The relay is gone, or refuses the peer: the first reason is kept."""
        # Of its own kind: a network of ours that is down is no failure of the relay.
        kind = CheckFailed if isinstance(error, CheckFailed) else NotMeasured
        self.failure = self.failure or kind(error.cause, error.message, hint=error.hint)
        self._connected.set()
        self._failed.set()
        self._data.put_nowait(None)
