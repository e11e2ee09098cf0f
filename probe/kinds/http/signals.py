"""What a request of a page measures, and its thresholds."""

from probe.core.model import Aggregation, Limits, LimitSide, Signal, Threshold, Unit
from probe.net.certificate_signals import (
    CERTIFICATE_EXPIRY,
    CERTIFICATE_REMAINING,
    CERTIFICATE_THRESHOLD,
)

DAY = 86400.0

STATUS = Signal(
    "probe_http_status_code", Unit.COUNT, "Status code of the last answer.", column="status"
)
RESPONSE = Signal(
    "probe_http_response_seconds",
    Unit.SECONDS,
    "From the request until the last byte, without DNS, connect and TLS.",
    column="response",
    latency=True,
)
DURATION = Signal(
    "probe_http_duration_seconds",
    Unit.SECONDS,
    "Seconds by phase, summed over all redirects.",
    labels=("phase",),
    latency=True,
)
LOOKUP = Signal(
    "probe_dns_lookup_time_seconds",
    Unit.SECONDS,
    "How long the first DNS lookup took.",
    latency=True,
)
VERSION = Signal("probe_http_version", Unit.COUNT, "HTTP version of the answer.")
REDIRECTS = Signal("probe_http_redirects", Unit.COUNT, "How many redirects were followed.")
LENGTH = Signal(
    "probe_http_uncompressed_body_length", Unit.BYTES, "Length of the body, uncompressed."
)
EXPIRY, REMAINING = CERTIFICATE_EXPIRY, CERTIFICATE_REMAINING
HTTPS_REDIRECT = Signal(
    "probe_http_https_redirect",
    Unit.BOOLEAN,
    "Whether plain HTTP redirects to HTTPS.",
    runbook="promises",
    display_name="plain HTTP redirects to HTTPS",
    breach="plain HTTP is not redirected to HTTPS",
)
HSTS = Signal(
    "probe_http_hsts_max_age_seconds",
    Unit.SECONDS,
    "For how long Strict-Transport-Security binds browsers to HTTPS; 0 without it.",
    runbook="promises",
    display_name="HSTS max-age",
)
CORS_REFUSED = Signal(
    "probe_http_cors_refused",
    Unit.BOOLEAN,
    "Whether pages of a foreign origin are refused the answer.",
    runbook="promises",
    display_name="answers refused to foreign origins",
    breach="pages of a foreign origin may read the answer",
)

SIGNALS = (STATUS, RESPONSE, DURATION, LOOKUP, VERSION, REDIRECTS, LENGTH, EXPIRY, REMAINING)
PROMISES = (HTTPS_REDIRECT, HSTS, CORS_REFUSED)

THRESHOLDS = (
    Threshold(
        RESPONSE,
        Limits(objective=0.5, warning=1.0, critical=2.0),
        aggregation=Aggregation.P95,
        window=300.0,
        minimum_samples=20,
    ),
    CERTIFICATE_THRESHOLD,
    Threshold(HTTPS_REDIRECT, Limits(objective=1.0), bad=LimitSide.BELOW, optional=True),
    Threshold(HSTS, Limits(objective=365 * DAY), bad=LimitSide.BELOW, optional=True),
    Threshold(CORS_REFUSED, Limits(objective=1.0), bad=LimitSide.BELOW, optional=True),
)
