"""What one probe sees as bad before it has agreed on it with others."""

from msgspec import Struct

from alerts.model import Fingerprint, Severity


class ObservedSeverity(Struct, frozen=True, gc=False):
    """One rule of a check that another probe sees as bad; ``sure``: for long enough not to be
    a single lost packet, and still."""

    severity: Severity
    sure: bool


class SuspectedAlert(Struct, frozen=True, gc=False):
    """Something that this probe itself sees as bad since ``since``, notified of or not."""

    identity: Fingerprint
    since: float
    observed: ObservedSeverity
