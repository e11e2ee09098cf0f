"""The relay path, measured with two allocations A and B of one server.

Packets go A → relay → B → relay → A. Both ends are one process with one clock, so one-way
times can be measured; both allocations are on one server, so it is a hairpin that says
nothing on whether the relay is reached from elsewhere.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed
from probe.core.recorder import Recorder
from probe.net.resolver import Address
from probe.net.tasks import gather_first_error, phase_timeout
from probe.net.tls.contexts import ClientContext
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.byte_counter import ByteCounter, count_bytes
from probe.stun.credentials import TurnCredentials
from probe.stun.message import PeerAddress
from probe.stun.transport import untimed
from probe.stun.transport.refusals import naming_refusal
from probe.stun.uri import TurnUri
from probe.turn.allocation import (
    DELETE_SECONDS,
    close_all,
    new_client,
    permit_each_other,
    relayed,
    tls_context,
)
from probe.turn.client import TurnClient
from probe.turn.echo_packet import ECHO, ECHO_SIZES, HELLO, LARGE, LARGE_REPLY, REPLY, Packets
from probe.turn.judging import could_be_size, judge_echoes, judge_mtu
from probe.turn.mtu import MtuSearch
from probe.turn.relay_measurement import RelayMeasurement
from probe.turn.resolve import Family, resolve_turn_server
from probe.turn.statistics import median

ECHO_PAUSE = 0.02
RESEND_PAUSE = 0.05
RESEND_ROUND_TRIPS = 1.5
MIN_GRACE = 0.3
GRACE_ROUND_TRIPS = 4
ECHOES_AFTER_LOSS = 100
"""So many where some of the first ones were lost: a share of 20 says little."""

EXTRA_SECONDS, REFRESHES = 2.0, 4
"""For what is measured besides, or examined; so many Refreshes leave in that time."""

SecondServer = tuple[TurnUri, TurnCredentials | None, ByteCounter]
"""Where the second allocation is, and the count of its bytes, if it is elsewhere."""


class RelayPath:
    """One run over one URL, or to the one that is ``far`` and back.

    ``bounds`` are a call's: both allocations, then permissions and the first packets, end as soon
    as its would.
    """

    def __init__(
        self,
        url: TurnUri,
        credentials: TurnCredentials | None,
        record: Recorder,
        context: Context,
        *,
        ca_file: Path | None = None,
        family: Family | None = None,
        bounds: PhaseTimeouts | None = None,
        far: SecondServer | None = None,
    ) -> None:
        self._bounds = bounds or PhaseTimeouts()
        self._family = family
        self._url, self._record, self._context = url, record, context
        self._clock, self._ca_file = context.clock, ca_file
        self._extra = min(EXTRA_SECONDS, self._bounds.ice / 2)
        self._began = 0.0
        self._a = new_client(url, credentials, context)
        self._b = new_client(*(far[:2] if far else (url, credentials)), context)
        self._far = far
        self.measurement = RelayMeasurement(self._a, self._b)
        self._packets = Packets()
        self._reached: dict[str, float] = {}
        self._changed = asyncio.Event()
        # For how many seconds each echo waited in this process for its reply.
        self._held: dict[int, float] = {}
        self._large: set[int] = set()

    async def measure(self, echoes: int) -> None:
        """Everything from the name to the last echo. Raises CheckFailed.

        Whatever happens, the allocations are deleted, in the background if need be.
        """
        timeout = 0.0
        try:
            with naming_refusal(lambda: self._a.refusal or self._b.refusal):
                await self._open()
                await self._connect()
                await self._echo(echoes)
                await self._measure_server_rtt()
                judge_echoes(self.measurement)
                await self._large_packets()
            timeout = DELETE_SECONDS
        finally:
            await close_all(self._context, (self._a, self._b), timeout=timeout)

    async def _open(self) -> None:
        with self._record.phase("dns"):
            addresses = await resolve_turn_server(self._url, self._family)
            others = addresses
            if self._far:
                with self._failing(self._b):
                    others = await resolve_turn_server(self._b.url, self._family)
        tls, self._began = tls_context(self._url, self._ca_file), self._clock()
        seconds = self._bounds.gathering
        try:
            async with asyncio.timeout(seconds) as timeout:
                await gather_first_error(
                    self._open_first(addresses, tls), self._open_second(others)
                )
        except TimeoutError:
            if not timeout.expired():
                raise
            self.measurement.failed = self._b if self._a.relayed is not None else self._a
            message = f"no answer within {seconds:.3g} s"
            raise CheckFailed(Cause.DEADLINE, message) from None
        self._a.on_data, self._b.on_data = self._at_a, self._at_b

    async def _open_first(self, addresses: Sequence[Address], tls: ClientContext | None) -> None:
        with self._failing(self._a):
            await self._a.open(addresses, self._record.phase, tls)

    async def _open_second(self, addresses: Sequence[Address]) -> None:
        with self._failing(self._b), count_bytes(self._far[2]) if self._far else nullcontext():
            tls = tls_context(self._b.url, self._ca_file)
            await self._b.open(addresses, untimed, tls)

    @contextmanager
    def _failing(self, client: TurnClient) -> Iterator[None]:
        """Note whose failure it is that leaves, which is not that of the other one that it ends."""
        try:
            yield
        except CheckAborted:
            self.measurement.failed = self.measurement.failed or client
            raise

    async def _connect(self) -> None:
        """Permission, channel and first packets both ways, for as long as ICE may take."""
        left = max(0.0, self._bounds.setup - (self._clock() - self._began))
        ice = min(self._bounds.ice, left)
        end = self._clock() + ice
        with self._record.phase("permission"):
            await permit_each_other(self._a, self._b, ice, left)
        with self._record.phase("relay"):
            await self._first_packets(max(end, self._clock() + self._extra))

    async def _first_packets(self, end: float) -> None:
        started, pause = self._clock(), self._resend_pause()
        while len(self._reached) < 2:
            if self._clock() >= end:
                await self._no_way_through(self._clock() - started)
            self.measurement.opening_packets += self._send_openings()
            await self._wait(pause, lambda: len(self._reached) == 2)
        self.measurement.relay_open = max(self._reached.values()) - started

    def _resend_pause(self) -> float:
        """Longer than the way takes, or packets that are not lost are sent again."""
        return max(RESEND_PAUSE, RESEND_ROUND_TRIPS * self._a.round_trip)

    def _send_openings(self) -> int:
        """Send to each side that has received none yet; how many were sent."""
        waiting = {"a", "b"} - set(self._reached)
        if "b" in waiting:
            self._a.send(relayed(self._b), self._packets.make(HELLO, 0))
        if "a" in waiting:
            self._b.send(relayed(self._a), self._packets.make(HELLO, 0))
        return len(waiting)

    async def _no_way_through(self, seconds: float) -> None:
        # The allocation may be gone, or the server: only if it is still there is it the path.
        message = "the server doesn't answer any more"
        async with phase_timeout(self._extra, "relay", Cause.DEADLINE, message):
            await gather_first_error(self._a.transaction(), self._b.transaction())
        ways = "in one direction" if self._reached else "in either direction"
        raise CheckFailed(
            Cause.RELAY_UNREACHABLE if self._far else Cause.HAIRPIN_FAILED,
            f"no packet came through {ways} within {seconds:.3g} s",
            phase="relay",
        )

    async def _echo(self, count: int) -> None:
        with self._record.phase("echo"):
            await self._send_echoes(0, count)
            if self.measurement.echoes.loss and count < ECHOES_AFTER_LOSS:
                more = int(self._extra / ECHO_PAUSE)
                await self._send_echoes(count, min(count + more, ECHOES_AFTER_LOSS))
            self.measurement.echoes.close()
            self._raise_if_lost()

    async def _send_echoes(self, first: int, end: int) -> None:
        ledger, started = self.measurement.echoes, self._clock()
        for number in range(first, end):
            due = started + (number - first) * ECHO_PAUSE
            await asyncio.sleep(max(0.0, due - self._clock()))
            ledger.mark_sent(number, self._clock())
            size = ECHO_SIZES[number % len(ECHO_SIZES)]
            self._a.send(relayed(self._b), self._packets.make(ECHO, number, size))
        await self._wait(self._grace(), lambda: ledger.is_complete)

    def _grace(self) -> float:
        rtts = list(self.measurement.echoes.rtts.values())
        usual = median(rtts) if rtts else 2 * (self.measurement.relay_open or 0.0)
        return max(MIN_GRACE, GRACE_ROUND_TRIPS * usual)

    async def _large_packets(self) -> None:
        with self._record.phase("mtu"):
            search = MtuSearch(self._send_large, self._large_came, self._grace())
            loss = self.measurement.echoes.loss or 0.0
            self.measurement.mtu = await search.run(loss, self._extra)
            self._raise_if_lost()
        judge_mtu(self.measurement)

    def _send_large(self, number: int, size: int) -> None:
        self._a.send(relayed(self._b), self._packets.make(LARGE, number, size))

    async def _large_came(self, numbers: range, seconds: float) -> set[int]:
        """Which of these packets are back, after so many seconds at most."""
        await self._wait(seconds, lambda: numbers[0] in self._large or self._large >= set(numbers))
        return self._large & set(numbers)

    async def _measure_server_rtt(self) -> None:
        """An extra measurement: a server that takes long here has relayed all the same, unless it
        answers everything but Refresh."""
        patience = self._bounds.confirming(self._clock() - self._began)
        with self._record.phase("server_rtt"), suppress(TimeoutError):
            try:
                await self.measurement.ask_server(patience - self._extra / 4, self._extra)
            except TimeoutError:
                loss = self.measurement.loss or 0.0
                if not self.measurement.server_rtts and could_be_size(loss, REFRESHES):
                    await self._a.confirm_silence(self._extra / 4)

    async def _wait(self, seconds: float, is_over: Callable[[], bool]) -> None:
        """Until it is over, for so many seconds at most. Raises when a transport is lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not is_over():
                    self._changed.clear()
                    await self._changed.wait()
        self._raise_if_lost()

    def _raise_if_lost(self) -> None:
        self._a.raise_if_lost()
        self._b.raise_if_lost()

    def _at_a(self, data: bytes, _: PeerAddress) -> None:
        now = self._clock() - self._a.since_arrival()
        packet = self._packets.read(data)
        if packet.kind == HELLO:
            self._reached.setdefault("a", now)
        elif not packet.intact:
            self.measurement.altered.append((packet.size, len(data)))
        elif packet.kind == REPLY:
            self.measurement.echoes.mark_received(
                packet.number, now - self._held.get(packet.number, 0.0)
            )
        elif packet.kind == LARGE_REPLY:
            self._large.add(packet.number)
        self._changed.set()

    def _at_b(self, data: bytes, _: PeerAddress) -> None:
        late = self._b.since_arrival()
        now = self._clock() - late
        packet = self._packets.read(data)
        if packet.kind == HELLO:
            self._reached.setdefault("b", now)
        elif not packet.intact:
            self.measurement.altered.append((packet.size, len(data)))
        elif packet.kind == LARGE:
            self._reply(LARGE_REPLY, packet.number, packet.size)
        elif packet.kind == ECHO and packet.number in self.measurement.echoes.sent:
            if packet.number not in self._held:
                self._held[packet.number] = late
                self.measurement.one_way_times.append(
                    now - self.measurement.echoes.sent[packet.number]
                )
            self._reply(REPLY, packet.number, packet.size)
        self._changed.set()

    def _reply(self, kind: int, number: int, size: int) -> None:
        with suppress(CheckAborted):  # a lost transport is raised where it is waited for
            self._b.send(relayed(self._a), self._packets.make(kind, number, size))
