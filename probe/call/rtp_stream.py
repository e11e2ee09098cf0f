"""One direction of an audio call: RTP packets as a browser's Opus sends them, and their fate.

A relay sees no more of them than of a browser's: the header of RTP (RFC 3550) with the extensions
that browsers send (RFC 8285), and behind it bytes without any pattern, as SRTP's are.
"""

import math
import random
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from probe.turn.statistics import jitter, quantile

PACKET_SECONDS = 0.02
_CLOCK_RATE, _PAYLOAD_TYPE = 48_000, 111
_HEADER = struct.Struct("!BBHII")
# Audio level and MID, as one-byte extensions.
_EXTENSION = bytes.fromhex("bede0002108040300000000000")[:12]
# Opus at about 32 kbit/s with variable rate, and SRTP's tag; all residues of four among them.
_SIZES = (71, 84, 90, 93, 101, 66, 79, 112, 87, 98, 75, 105)
_FIRST_RTP, _LAST_RTP = 128, 191
# A jitter buffer as NetEQ's: it waits for nearly all packets, within these bounds in seconds.
_WAITED_FOR, _MIN_DELAY, _MAX_DELAY = 0.97, 0.04, 0.2


def is_rtp(data: bytes) -> bool:
    """Whether a datagram is RTP or RTCP (RFC 7983)."""
    return len(data) >= _HEADER.size and _FIRST_RTP <= data[0] <= _LAST_RTP


@dataclass
class RtpStream:
    """Packets of one source; times are in seconds of one clock.

    ``arrived`` maps a packet's number to how long it was on the way, in the order of arrival;
    ``altered`` has the sizes, sent and received, of packets that arrived with other bytes.
    """

    source: int
    sent: dict[int, float] = field(default_factory=dict)
    arrived: dict[int, float] = field(default_factory=dict)
    altered: list[tuple[int, int]] = field(default_factory=list)
    duplicates: int = 0

    def packet(self, number: int) -> bytes:
        """The packet of this number, the same each time."""
        return _packet(self.source, number)

    def record_sent(self, number: int, at: float) -> None:
        """A packet is sent."""
        self.sent[number] = at

    def record_received(self, data: bytes, at: float) -> None:
        """A packet of this or another source is there."""
        _, _, number, _, source = _HEADER.unpack_from(data)
        if source != self.source or number not in self.sent:
            return
        if number in self.arrived:
            self.duplicates += 1
            return
        expected = self.packet(number)
        if data != expected:
            self.altered.append((len(expected), len(data)))
        self.arrived[number] = at - self.sent[number]

    @property
    def is_complete(self) -> bool:
        """Whether every packet that was sent is there."""
        return len(self.arrived) == len(self.sent)

    @property
    def lost(self) -> int:
        """How many packets that were sent are not there."""
        return len(self.sent) - len(self.arrived)

    @property
    def loss(self) -> float:
        """The share of what was sent that is not there; 0 where nothing was sent."""
        return self.lost / len(self.sent) if self.sent else 0.0

    @property
    def jitter(self) -> float:
        """Interarrival jitter (RFC 3550 section 6.4.1)."""
        return jitter(list(self.arrived.values()))

    @property
    def playout_delay(self) -> float:
        """How long a jitter buffer holds packets back, in seconds."""
        late = _behind_the_fastest(self.arrived)
        if not late:
            return _MIN_DELAY
        steps = math.ceil(quantile(late, _WAITED_FOR) / PACKET_SECONDS)
        return min(_MAX_DELAY, max(_MIN_DELAY, steps * PACKET_SECONDS))

    @property
    def concealed(self) -> float:
        """The share of packets that a listener's decoder has to make up: those that are lost, and
        those that come after the jitter buffer played their time."""
        if not self.sent:
            return 0.0
        delay = self.playout_delay
        late = sum(each > delay for each in _behind_the_fastest(self.arrived))
        return (self.lost + late) / len(self.sent)


def _behind_the_fastest(arrived: Mapping[int, float]) -> Sequence[float]:
    fastest = min(arrived.values(), default=0.0)
    return [each - fastest for each in arrived.values()]


@lru_cache(maxsize=8192)
def _packet(source: int, number: int) -> bytes:
    marker = 0x80 if number == 0 else 0
    stamp = number * int(_CLOCK_RATE * PACKET_SECONDS)
    # Version 2, with an extension.
    header = _HEADER.pack(0x90, marker | _PAYLOAD_TYPE, number, stamp, source)
    payload = random.Random(source << 16 | number).randbytes(_SIZES[number % len(_SIZES)])
    return header + _EXTENSION + payload
