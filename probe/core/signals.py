"""Signals that every check has, whatever its kind."""

from probe.core.model import Signal, Unit

SUCCESS = Signal(
    "probe_success",
    Unit.BOOLEAN,
    "Whether the last run of the check found the target well.",
)
DURATION = Signal(
    "probe_duration_seconds", Unit.SECONDS, "How long the last run took.", latency=True
)
COMMON: tuple[Signal, ...] = (SUCCESS, DURATION)
