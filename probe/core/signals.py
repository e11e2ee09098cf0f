"""Signals that every check has, whatever its kind, and those of whatever has a certificate."""

from probe.core.model import Limits, LimitSide, Signal, Threshold, Unit

SUCCESS = Signal(
    "probe_success",
    Unit.BOOLEAN,
    "Whether the last run of the check found the target well.",
)
DURATION = Signal(
    "probe_duration_seconds", Unit.SECONDS, "How long the last run took.", latency=True
)
COMMON: tuple[Signal, ...] = (SUCCESS, DURATION)

CERTIFICATE_EXPIRY = Signal(
    "probe_ssl_earliest_cert_expiry", Unit.TIMESTAMP, "When the server's certificate ends."
)
CERTIFICATE_REMAINING = Signal(
    "probe_ssl_certificate_remaining_seconds",
    Unit.SECONDS,
    "How long the server's certificate is still valid.",
    column="certificate",
)
_DAY = 86400.0
CERTIFICATE_THRESHOLD = Threshold(
    CERTIFICATE_REMAINING,
    Limits(warning=14 * _DAY, critical=3 * _DAY),
    bad=LimitSide.BELOW,
    optional=True,
)
