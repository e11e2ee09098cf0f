"""A relayed call that is disrupted on purpose, and how long it takes to recover.

It behaves as the application's browsers do. So many seconds after a browser's first check without
an answer ICE has failed (15 in Chromium; RFC 7675 section 5.1 allows 30), and is restarted, up to
three times. An allocation that is gone is known from a 437 at the next Refresh, and ICE is
restarted at once. What would go through signaling is exchanged in this process as soon as both
sides have gathered, which during a loss they can't.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from probe.call.aiortc_import import RTCCertificate
from probe.call.endpoint import CallEndpoint
from probe.call.liveness import CallRecovery, LivenessLog
from probe.call.setup import CallSetup
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed
from probe.ice.relay_pair import RelayPairIce
from probe.ice.relay_transport import RelayServer
from probe.ice.restart import RestartableIce
from probe.net.impairment import Impairment
from probe.net.tasks import finish_all, gather_first_error, phase_timeout_as, race
from probe.stun.browser_timing import PhaseTimeouts, next_path_check
from probe.turn.refreshable_client import NOT_FORGOTTEN, RefreshableClient, Refreshed

BEAT_SECONDS = 0.25
# Every so many beats a message goes over the data channel, too.
MESSAGE_BEATS = 2
# All of a call's set-up is one phase of the check.
_PHASES = dict.fromkeys(("gathering", "ice", "dtls", "data_channel"), "call")
RESTARTS, RESTART_SECONDS = 3, 40.0
"""A browser gives an allocation up that was not answered for so long."""
CLOSE_TIMEOUT = 2.0


class RecoveringCall:
    """Two peers of one process through a relay. ``async with``: opened, and closed whatever
    happens. Only the offering side goes through ``relays[0]``, which may lead through a
    forwarder: it is one user who loses the network.
    """

    def __init__(
        self,
        relays: tuple[RelayServer, RelayServer],
        context: Context,
        bounds: PhaseTimeouts,
        consent: float,
    ) -> None:
        self.liveness = LivenessLog()
        self._context, self._bounds, self._consent = context, bounds, consent
        self._ices = [
            RestartableIce(self._maker(relay, controlling=controlling))
            for relay, controlling in zip(relays, (True, False), strict=True)
        ]
        self._peers = [
            CallEndpoint(
                offering=ice is self._ices[0],
                ice=ice,
                certificate=RTCCertificate.generateCertificate(),
            )
            for ice in self._ices
        ]
        self._messages: dict[int, float] = {}
        self._beating: asyncio.Task[None] | None = None
        self._opened = self._dropped = 0.0
        self._restarts = 0

    @property
    def client(self) -> RefreshableClient:
        """The offering side's allocation."""
        return self._ices[0].client

    async def __aenter__(self) -> "RecoveringCall":
        try:
            await self._open()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._beating is not None:
            self._beating.cancel()
        closing = finish_all(*(peer.close() for peer in self._peers))
        await self._context.closing.close(closing, timeout=CLOSE_TIMEOUT)

    async def simulate_loss(self, outage: Impairment, seconds: float) -> CallRecovery:
        """Lose the network of the offering side. Raises CheckFailed without recovery."""
        began = self._context.clock()
        losing = asyncio.create_task(outage.block_for(seconds))

        async def back() -> None:
            await asyncio.shield(losing)
            await self.liveness.next_on_path(began, outage.ended or began)

        try:
            return await self._endure(began, back(), lambda: outage.ended or began)
        finally:
            losing.cancel()
            await asyncio.wait({losing})

    async def lose_consent(self) -> CallRecovery:
        """Take the relay away without a word, until consent ends and ICE is restarted."""
        await self._forget()
        began = self._context.clock()

        async def never() -> None:
            await asyncio.Event().wait()

        # The disruption ends when it is noticed: only an ICE restart can end it.
        noticed: list[float] = []
        return await self._endure(began, never(), lambda: noticed[0], noticed.append)

    async def lose_relay(
        self, take_away: Callable[[], Coroutine[Any, Any, None]] | None = None
    ) -> CallRecovery:
        """Have the relay forget the allocation, hear of it at a Refresh (437), restart ICE.

        ``take_away`` is another way to make it forget. Raises CheckFailed(protocol_error)
        where the server keeps the allocation.
        """
        await (take_away or self._forget)()
        began = self._context.clock()
        try:
            await self.client.refresh()
        except CheckFailed as error:
            if error.cause in NOT_FORGOTTEN:
                raise
        else:
            message = "the server refreshes an allocation that was deleted"
            raise CheckFailed(Cause.PROTOCOL_ERROR, message)
        noticed = self._context.clock()
        restarts = await self._restart_until_well()
        return await self._recovery(began, noticed, restarts, noticed)

    async def refresh(self, *, other: bool = False) -> Refreshed:
        """What a longer call renews: allocation, permission, channel; of the ``other`` side's."""
        ours, theirs = self._ices[::-1] if other else self._ices
        found = await ours.client.refresh()
        peer = theirs.current.address
        await ours.client.create_permission(peer)
        await ours.client.channel_bind(peer)
        return found

    async def renew_nonce(self) -> float | None:
        """Go on with a stale nonce; what a Refresh takes then, in seconds.

        None where the server takes any nonce. Raises CheckFailed(stale_nonce).
        """
        self.client.use_stale_nonce()
        found = await self.client.refresh()
        return found.seconds if self.client.has_fresh_nonce else None

    async def _forget(self) -> None:
        await self.client.delete_and_confirm(self._ices[1].current.address)

    async def _endure(
        self,
        began: float,
        back: Coroutine[Any, Any, None],
        ended: Callable[[], float],
        on_noticed: Callable[[float], None] = lambda _: None,
    ) -> CallRecovery:
        """Wait until it is ``back``; when consent ends before, restart ICE."""
        if await race(back, self._until_consent_ends()):
            return await self._recovery(began, ended(), 0, None)
        noticed = self._context.clock()
        on_noticed(noticed)
        self._dropped = self._end_of_consent() + self._consent
        before = self._ices[0].current
        if await race(self._until_answered(before), self._restart_until_well()):
            for ice in self._ices:
                ice.suspended = False
        self._dropped = 0.0
        return await self._recovery(began, ended(), self._restarts, noticed)

    async def _until_answered(self, before: RelayPairIce) -> None:
        """Until the path of before a restart is back: libwebrtc drops it 30 s after the first check
        without an answer (DEAD_CONNECTION_RECEIVE_TIMEOUT)."""
        back = asyncio.Event()

        def on_answer(left: float, at: float) -> None:
            self.liveness.on_path(left, at)
            back.set()

        before.on_answer = on_answer
        await back.wait()

    async def _recovery(
        self, began: float, ended: float, restarts: int, noticed: float | None
    ) -> CallRecovery:
        path = await self.liveness.next_on_path(began, ended)
        data = await self.liveness.next_data(began, ended)
        return CallRecovery(
            path=path - ended,
            path_out=path - began,
            data=data - ended,
            data_out=data - began,
            restarts=restarts,
            noticed=None if noticed is None else noticed - began,
        )

    async def _until_consent_ends(self) -> None:
        while (left := self._end_of_consent() - self._context.clock()) > 0:  # noqa: ASYNC110 - the end is pushed back
            await asyncio.sleep(left)

    def _end_of_consent(self) -> float:
        """Behind the last answer, whose check may have left long before a browser's next one."""
        answered = max(self.liveness.path[0] - self._opened, 0.0)
        return self._opened + next_path_check(answered) + self._consent

    async def _restart_until_well(self) -> int:
        """How many restarts it took. Raises CheckFailed after the last one."""
        for ice in self._ices:
            ice.suspended = True
        for number in range(1, RESTARTS + 1):
            self._restarts = number
            try:
                await self._restart()
            except (TimeoutError, CheckAborted):
                continue
            return number
        message = f"the call does not recover after {RESTARTS} ICE restarts"
        raise CheckFailed(Cause.ICE_FAILED, message)

    async def _restart(self) -> None:
        """New ICE credentials and allocations under the existing DTLS connection."""
        fresh = [ice.make() for ice in self._ices]
        try:
            async with asyncio.timeout(RESTART_SECONDS):
                await gather_first_error(*(ice.gather() for ice in fresh))
                await fresh[0].set_remote(fresh[1])
                await fresh[1].set_remote(fresh[0])
                await gather_first_error(*(ice.connect() for ice in fresh))
        except BaseException:
            await self._close(fresh)
            raise
        pairs = zip(self._ices, fresh, strict=True)
        await self._close([lasting.switch_to(ice) for lasting, ice in pairs])

    async def _close(self, ices: Sequence[RelayPairIce]) -> None:
        closing = finish_all(*(ice.close() for ice in ices))
        await self._context.closing.close(closing, timeout=0.0)

    def _maker(self, relay: RelayServer, *, controlling: bool) -> Callable[[], RelayPairIce]:
        def make() -> RelayPairIce:
            ice = RelayPairIce(
                relay,
                controlling=controlling,
                clock=self._context.clock,
                now=self._context.now,
                client=RefreshableClient,
            )
            if controlling:
                ice.on_answer = self.liveness.on_path
            return ice

        return make

    async def _open(self) -> None:
        one, other = self._peers
        setup = CallSetup(self._bounds, reported_as=_PHASES)
        await gather_first_error(setup.gather(one), setup.gather(other))
        await one.set_remote(other)
        await other.set_remote(one)
        await gather_first_error(
            setup.connect(one, other.dtls.getLocalParameters(), self._received),
            setup.connect(other, one.dtls.getLocalParameters(), self._received),
        )
        self._beating = asyncio.create_task(self._beat())
        async with phase_timeout_as(
            self._bounds.channel, "call", Cause.DATA_CHANNEL_FAILED, "no message comes back"
        ):
            await self.liveness.until(lambda: min(self.liveness.path[1], self.liveness.data[1]) > 0)
        self._opened = self._context.clock()

    async def _beat(self) -> None:
        number = 0
        while True:
            if not self._ices[0].suspended or self._context.clock() < self._dropped:
                self._ices[0].current.send_check()
            if number % MESSAGE_BEATS == 0:
                self._messages[number] = self._context.clock()
                self._peers[0].send(number.to_bytes(4, "big"))
            number += 1
            await asyncio.sleep(BEAT_SECONDS)

    def _received(self, peer: CallEndpoint, data: bytes) -> None:
        if not peer.offering:
            peer.send(data)
            return
        left = self._messages.pop(int.from_bytes(data[:4], "big"), None)
        if left is not None:
            self.liveness.on_data(left, self._context.clock())
