"""What a run of ``turn`` measures, and from which attribute of the measurement it comes."""

from collections.abc import Mapping

from probe.core.model import Signal, Unit
from probe.net.certificate_signals import CERTIFICATE_REMAINING
from probe.turn_targets.signals import ALLOCATE, UNAUTHENTICATED

RELAY_OPEN = Signal(
    "probe_turn_relay_open_seconds",
    Unit.SECONDS,
    "First packet sent until the first was received through both allocations.",
    latency=True,
)
RELAY_RTT = Signal(
    "probe_turn_relay_rtt_seconds",
    Unit.SECONDS,
    "Echo through both allocations and back, median of a run.",
    column="relay RTT",
    latency=True,
)
RELAY_RTT_P95 = Signal(
    "probe_turn_relay_rtt_p95_seconds",
    Unit.SECONDS,
    "Echo through both allocations and back, 95th percentile of a run.",
    latency=True,
)
RELAY_RTT_MAX = Signal(
    "probe_turn_relay_rtt_max_seconds",
    Unit.SECONDS,
    "Echo through both allocations and back, the slowest of a run.",
    latency=True,
)
SERVER_RTT = Signal(
    "probe_turn_server_rtt_seconds",
    Unit.SECONDS,
    "One TURN transaction on a warm connection, median of a run.",
    latency=True,
)
OVERHEAD = Signal(
    "probe_turn_relay_overhead_seconds",
    Unit.SECONDS,
    "Relay RTT - 2 x server RTT: what the server adds. Noise can make it negative.",
)
JITTER = Signal(
    "probe_turn_jitter_seconds",
    Unit.SECONDS,
    "RFC 3550 interarrival jitter of the one-way transit through the relay.",
    column="jitter",
    latency=True,
)
LOSS = Signal(
    "probe_turn_loss_ratio",
    Unit.RATIO,
    "1 - unique echoes received / sent, after a grace period.",
    column="loss",
)
LATE = Signal("probe_turn_late_packets", Unit.COUNT, "Echoes after the grace period: lost ones.")
DUPLICATES = Signal("probe_turn_duplicate_packets", Unit.COUNT, "Duplicated echoes.")
REORDERED = Signal("probe_turn_reordered_packets", Unit.COUNT, "Reordered echoes.")
RESENDS = Signal(
    "probe_turn_relay_open_resends",
    Unit.COUNT,
    "How often the first packets through the relay had to be sent again.",
)
RETRANSMISSIONS = Signal(
    "probe_turn_retransmissions",
    Unit.COUNT,
    "STUN requests that were sent again; times of such a run include the wait for it.",
)
MTU = Signal(
    "probe_turn_mtu_bytes",
    Unit.BYTES,
    "The largest packet that came back through the relay; 1200, the largest that is sent, is fine.",
)
MOS = Signal(
    "probe_turn_mos",
    Unit.COUNT,
    "Estimated mean opinion score of a voice call, 1 to 4.5, from relay RTT, jitter and loss "
    "(ITU-T G.107).",
)
SENT = Signal("probe_turn_sent_bytes", Unit.BYTES, "Sent in a run, TURN messages alone.")
RECEIVED = Signal("probe_turn_received_bytes", Unit.BYTES, "Received, TURN messages alone.")

# With PROBE_METRICS=full alone.
DETAILS: tuple[Signal, ...] = (
    RELAY_RTT_P95,
    RELAY_RTT_MAX,
    SERVER_RTT,
    OVERHEAD,
    RELAY_OPEN,
    UNAUTHENTICATED,
)
DETAILS += (LATE, DUPLICATES, REORDERED, RESENDS, RETRANSMISSIONS, SENT, RECEIVED)
DETAILS += (CERTIFICATE_REMAINING,)
DETAIL_PHASES = ("server_rtt", "permission", "mtu", "others", "token")

# Each signal, and the attribute of RelayMeasurement that it takes its value from.
ATTRIBUTES: Mapping[Signal, str] = {
    ALLOCATE: "allocate",
    RELAY_RTT: "relay_rtt",
    JITTER: "jitter",
    RELAY_RTT_P95: "relay_rtt_p95",
    RELAY_RTT_MAX: "relay_rtt_max",
    SERVER_RTT: "server_rtt",
    OVERHEAD: "overhead",
    RELAY_OPEN: "relay_open",
    UNAUTHENTICATED: "unauthenticated",
    LATE: "late",
    DUPLICATES: "duplicates",
    REORDERED: "reordered",
    RESENDS: "resends",
    RETRANSMISSIONS: "retransmissions",
    MTU: "mtu",
    MOS: "mos",
    SENT: "bytes_sent",
    RECEIVED: "bytes_received",
}

OTHER_SIGNALS = tuple(each for each in ATTRIBUTES if each not in (ALLOCATE, RELAY_RTT, JITTER))
