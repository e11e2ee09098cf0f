"""Signals that more than one source can measure, and which source is preferred.

The first source of ``ORDER`` that is configured is held against the limits; what another says
of the same thing is measured and shown next to it, under its own ``source``.
"""

from probe.core.model import Limits, Signal, Threshold, Unit

FLY, APP, PEER = "fly", "app", "peer"
ORDER = (FLY, APP)

ERROR_RATIO = Signal(
    "probe_error_ratio",
    Unit.RATIO,
    "Share of users' requests of the last five minutes that ended with a server error.",
    labels=("source",),
    column="errors",
    runbook="errors-high",
    range_seconds=300.0,
)
REQUEST_P95 = Signal(
    "probe_request_p95_seconds",
    Unit.SECONDS,
    "95 % of users' requests of the last five minutes were answered within this time.",
    labels=("source",),
    column="p95",
    runbook="response-slow",
    display_name="response p95",
)
MEMORY = Signal(
    "probe_memory_used_bytes",
    Unit.BYTES,
    "Memory in use: of the whole machine (fly) or of the backend's process (app).",
    labels=("source", "machine", "machine_region"),
    column="memory",
    ephemeral=True,
    runbook="memory-high",
)
RESTARTS = Signal(
    "probe_restarts",
    Unit.COUNT,
    "Restarts in the last 24 hours, deployments included.",
    labels=("source", "machine", "machine_region"),
    ephemeral=True,
    runbook="machine-crashed",
    display_name="restarts in 24 hours",
)
TURN_SHARE = Signal(
    "probe_turn_fallback_ratio",
    Unit.RATIO,
    "Share of calls that connected and had to be relayed: of the last hour's (app), or whether "
    "the last one was (peer).",
    labels=("source",),
    column="relayed",
    runbook="turn-share",
    dashboard="probe-turn",
    range_seconds=3600.0,
    display_name="share of relayed calls",
)
ICE_SUCCESS = Signal(
    "probe_ice_success_ratio",
    Unit.RATIO,
    "Share of attempts to connect that succeeded: of the last hour's (app), or whether the "
    "last one did (peer).",
    labels=("source",),
    column="connected",
    runbook="turn-share",
    dashboard="probe-turn",
    range_seconds=3600.0,
    display_name="share of calls that connect",
)
SHARED = (ERROR_RATIO, REQUEST_P95, MEMORY, RESTARTS)

# A p95 or an error ratio of fewer requests says nothing about users.
MIN_REQUESTS = 20

TURN_SHARE_LIMITS = Limits(objective=0.15, warning=0.30)
ICE_SUCCESS_LIMITS = Limits(objective=0.95)
MEMORY_LIMITS = Limits(objective=200e6, warning=300e6)
THRESHOLDS = (
    Threshold(
        ERROR_RATIO,
        Limits(objective=0.001, warning=0.01, critical=0.05),
        minimum_samples=MIN_REQUESTS,
    ),
    Threshold(
        REQUEST_P95,
        Limits(objective=0.5, warning=1.0, critical=2.0),
        minimum_samples=MIN_REQUESTS,
    ),
    Threshold(MEMORY, MEMORY_LIMITS),
    Threshold(RESTARTS, Limits(objective=0.0)),
)
