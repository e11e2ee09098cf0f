"""What the ``app_metrics`` check measures besides what other sources know too, and its limits."""

from probe.core.model import Limits, LimitSide, Signal, Threshold, Unit
from probe.telemetry.shared_signals import (
    ICE_SUCCESS,
    ICE_SUCCESS_LIMITS,
    SHARED,
    TURN_SHARE,
    TURN_SHARE_LIMITS,
)
from probe.telemetry.shared_signals import THRESHOLDS as OF_ALL

# Fewer connections than this say nothing of how users connect.
MIN_CONNECTIONS = 20

CONNECTIONS = Signal(
    "probe_app_active_connections", Unit.COUNT, "Connections of users.", column="connections"
)
SESSIONS = Signal("probe_app_active_sessions", Unit.COUNT, "Sessions of users.", column="sessions")
QUEUE = Signal("probe_app_queue_length", Unit.COUNT, "Users who wait for a match.", column="queue")
INSTANCES = Signal("probe_app_instances", Unit.COUNT, "Processes that answered the scrape.")
UPTIME = Signal(
    "probe_app_uptime_seconds",
    Unit.SECONDS,
    "For how long the process has run.",
    labels=("machine", "machine_region"),
    ephemeral=True,
    runbook="machine-crashed",
)
CLOCK_OFFSET = Signal(
    "probe_app_clock_offset_seconds",
    Unit.SECONDS,
    "By how much the backend's clock differs from this machine's, in either direction, beyond "
    "what the round trip explains: tokens and TURN user names depend on it.",
    labels=("machine", "machine_region"),
    ephemeral=True,
    runbook="clock-offset",
    display_name="clock offset",
)
CHANNELS = Signal(
    "probe_app_subscribed_channels",
    Unit.COUNT,
    "Redis channels that the process is subscribed to: over them processes reach each other's "
    "users.",
    labels=("machine", "machine_region"),
    ephemeral=True,
    runbook="service-down",
    display_name="subscribed Redis channels",
)
CONNECTED = Signal(
    "probe_app_connections_per_second", Unit.COUNT, "Connections that succeeded, per second."
)
FAILURES = Signal(
    "probe_app_connection_failures_per_second",
    Unit.COUNT,
    "Connections that failed, per second.",
    runbook="turn-share",
)
ERRORS = Signal("probe_app_errors_per_second", Unit.COUNT, "Errors of the backend, per second.")
RATE_LIMITED = Signal(
    "probe_app_rate_limit_hits_per_second",
    Unit.COUNT,
    "Requests that a rate limit of the backend refused, per second.",
)
MATCHES = Signal("probe_app_matches_per_second", Unit.COUNT, "Matches that were made, per second.")
MATCH_P95 = Signal(
    "probe_app_match_p95_seconds",
    Unit.SECONDS,
    "95 % of the last hour's matches were found within this time.",
    runbook="response-slow",
)

GAUGES = {
    CONNECTIONS: "active_connections",
    SESSIONS: "active_sessions",
    QUEUE: "queue_length",
}
RATES = {
    CONNECTED: "connection_success_total",
    FAILURES: "connection_failures_total",
    ERRORS: "errors_total",
    RATE_LIMITED: "rate_limit_hits_total",
    MATCHES: "matches_created_total",
}
SIGNALS = (
    *SHARED,
    TURN_SHARE,
    ICE_SUCCESS,
    *GAUGES,
    INSTANCES,
    UPTIME,
    CLOCK_OFFSET,
    CHANNELS,
    *RATES,
    MATCH_P95,
)
# PairCam's backend subscribes to as many.
SUBSCRIBED_CHANNELS = 3.0
THRESHOLDS = (
    *OF_ALL,
    Threshold(CLOCK_OFFSET, Limits(objective=5.0, warning=30.0)),
    Threshold(CHANNELS, Limits(objective=SUBSCRIBED_CHANNELS), bad=LimitSide.BELOW),
    Threshold(TURN_SHARE, TURN_SHARE_LIMITS, minimum_samples=MIN_CONNECTIONS),
    Threshold(
        ICE_SUCCESS, ICE_SUCCESS_LIMITS, bad=LimitSide.BELOW, minimum_samples=MIN_CONNECTIONS
    ),
)
