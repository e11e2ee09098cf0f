"""What ``security`` measures."""

from probe.core.model import Limits, Signal, Threshold, Unit

DAY = 86400.0
MAX_AGE = 90 * DAY
"""Of a secret."""

FINDINGS = Signal(
    "probe_security_findings",
    Unit.COUNT,
    "Security findings of the last run.",
    column="findings",
)
SECRET_AGE = Signal(
    "probe_security_secret_age_seconds",
    Unit.SECONDS,
    "Age of a secret: since the date given for it, or at least since it was first seen.",
    labels=("secret",),
    ephemeral=True,
)
CERTIFICATE_AGE = Signal(
    "probe_security_certificate_age_seconds",
    Unit.SECONDS,
    "Age of the server's certificate.",
)
SIGNALS = (FINDINGS, SECRET_AGE, CERTIFICATE_AGE)
THRESHOLDS: tuple[Threshold, ...] = (Threshold(FINDINGS, Limits(objective=0.0), optional=True),)
