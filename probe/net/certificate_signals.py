"""Signals of whatever presents a certificate: HTTPS and TLS TURN servers alike."""

from probe.core.model import Limits, LimitSide, Signal, Threshold, Unit

CERTIFICATE_EXPIRY = Signal(
    "probe_ssl_earliest_cert_expiry",
    Unit.TIMESTAMP,
    "When the server's certificate ends.",
    runbook="certificate",
)
CERTIFICATE_REMAINING = Signal(
    "probe_ssl_certificate_remaining_seconds",
    Unit.SECONDS,
    "How long the server's certificate is still valid.",
    column="certificate",
    runbook="certificate",
    display_name="remaining certificate validity",
)
_DAY = 86400.0
CERTIFICATE_THRESHOLD = Threshold(
    CERTIFICATE_REMAINING,
    Limits(warning=14 * _DAY, critical=3 * _DAY),
    bad=LimitSide.BELOW,
    optional=True,
)
