"""How a kind ends a check early; kinds import these from :mod:`probe.core.model`."""

from probe.core.causes import HINTS, Cause


class CheckAborted(Exception):
    """Ends a check early; raised by kinds and instruments, caught by the runner.

    ``phase`` is by default the current one; ``http_status`` that of the answer which it is about.

    CheckAborted
    ├── CheckFailed   the target's fault
    └── NotMeasured   not the target's fault
    """

    def __init__(
        self,
        cause: Cause,
        message: str,
        *,
        phase: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.phase = phase
        self.hint = hint or HINTS[cause]
        self.http_status: int | None = None


class CheckFailed(CheckAborted):
    """The target does not do what it should: status ``failed``."""


class NotMeasured(CheckAborted):
    """The target could not be measured: status ``unknown``."""
