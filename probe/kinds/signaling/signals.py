"""What a signaling session measures."""

from probe.core.model import Signal, Unit

CONNECT = Signal(
    "probe_signaling_connect_seconds",
    Unit.SECONDS,
    "From the start of connecting until the application says that the session is open.",
    column="connect",
    latency=True,
)
RTT = Signal(
    "probe_signaling_rtt_seconds",
    Unit.SECONDS,
    "Round trip of an event through the application, one Redis lookup included; the median.",
    column="rtt",
    latency=True,
)
RTT_MAX = Signal(
    "probe_signaling_rtt_max_seconds",
    Unit.SECONDS,
    "The slowest round trip of the run.",
    latency=True,
)
TOKEN = Signal(
    "probe_signaling_token_seconds",
    Unit.SECONDS,
    "How long the backend took to issue a token; absent in runs that had one.",
    latency=True,
)
