"""What a run through a relay has measured so far."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from probe.turn.client import TurnClient
from probe.turn.statistics import EchoLog, jitter, mean_opinion_score, median, quantile

SERVER_TRANSACTIONS = 5
"""A median of five."""


@dataclass
class RelayMeasurement:
    """Complete up to this moment; None where nothing was measured yet.

    Times are in seconds. ``first`` and ``second`` are the clients A and B; ``one_way_times``
    are from A to B in the order of arrival; ``opening_packets`` counts the first packets.
    ``altered`` has the sizes, sent and received, of packets that arrived with other bytes;
    ``mtu`` is the largest packet that came back, in bytes; ``failed`` is the client that got no
    allocation.
    """

    first: TurnClient
    second: TurnClient
    relay_open: float | None = None
    opening_packets: int = 0
    echoes: EchoLog = field(default_factory=EchoLog)
    one_way_times: list[float] = field(default_factory=list)
    server_rtts: list[float] = field(default_factory=list)
    altered: list[tuple[int, int]] = field(default_factory=list)
    mtu: int | None = None
    failed: TurnClient | None = None

    async def ask_server(self, patience: float, seconds: float) -> None:
        """Some transactions by both clients: ``patience`` seconds for the first answer, as browsers
        wait for it, and ``seconds`` for all others. Raises CheckFailed, TimeoutError."""
        loop, clients = asyncio.get_running_loop(), (self.first, self.second)
        async with asyncio.timeout(patience) as limit:
            for number in range(SERVER_TRANSACTIONS):
                self.server_rtts.append(await clients[number % 2].transaction())
                if number == 0:
                    limit.reschedule(loop.time() + seconds)

    @property
    def allocate(self) -> float | None:
        """The first client's whole Allocate."""
        return self.first.allocate_seconds

    @property
    def unauthenticated(self) -> float | None:
        """The first client's Allocate until the 401."""
        return self.first.unauthenticated

    @property
    def relay_rtt(self) -> float | None:
        """Median of the echoes."""
        return median(self._rtts) if self._rtts else None

    @property
    def relay_rtt_p95(self) -> float | None:
        """95th percentile of the echoes."""
        return quantile(self._rtts, 0.95) if self._rtts else None

    @property
    def relay_rtt_max(self) -> float | None:
        """The slowest echo."""
        return max(self._rtts, default=None)

    @property
    def server_rtt(self) -> float | None:
        """Median of the transactions with the server."""
        return median(self.server_rtts) if self.server_rtts else None

    @property
    def overhead(self) -> float | None:
        """Relay RTT - 2 x server RTT: both ends are on one host."""
        if self.relay_rtt is None or self.server_rtt is None:
            return None
        return self.relay_rtt - 2 * self.server_rtt

    @property
    def jitter(self) -> float | None:
        """RFC 3550 jitter of the transits; None for fewer than two."""
        return jitter(self.one_way_times) if len(self.one_way_times) > 1 else None

    @property
    def loss(self) -> float | None:
        """Share of the echoes that did not come back in time."""
        return self.echoes.loss

    @property
    def mos(self) -> float | None:
        """Estimated mean opinion score of a voice call over this path."""
        rtt, jitter, loss = self.relay_rtt, self.jitter, self.loss
        if rtt is None or jitter is None or loss is None:
            return None
        return mean_opinion_score(rtt, jitter, loss)

    @property
    def late(self) -> int | None:
        """Echoes after the grace period."""
        return self._counted(self.echoes.late)

    @property
    def duplicates(self) -> int | None:
        """Echoes that came more than once."""
        return self._counted(self.echoes.duplicates)

    @property
    def reordered(self) -> int | None:
        """Reordered echoes."""
        return self._counted(self.echoes.reordered)

    @property
    def resends(self) -> int | None:
        """How often the first packet of either side had to be sent again."""
        return max(0, self.opening_packets - 2) if self.opening_packets else None

    @property
    def retransmissions(self) -> int:
        """STUN requests of both clients that were sent again."""
        return self.first.retransmissions + self.second.retransmissions

    @property
    def bytes_sent(self) -> int:
        """Sent by both clients, without the headers of IP, UDP, TCP and TLS."""
        return self.first.bytes_sent + self.second.bytes_sent

    @property
    def bytes_received(self) -> int:
        """Received by both clients, without the headers of IP, UDP, TCP and TLS."""
        return self.first.bytes_received + self.second.bytes_received

    @property
    def _rtts(self) -> Sequence[float]:
        return list(self.echoes.rtts.values())

    def _counted(self, count: int) -> int | None:
        return count if self.echoes.sent else None
